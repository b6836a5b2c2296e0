"""Firmware: what the CSMS may ask, plain and signed (OCPP 1.6 section 5.19, L01)."""

from collections.abc import Mapping
from typing import Final

from ocpp.v16 import call, call_result
from ocpp.v16.enums import UpdateFirmwareStatus

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.firmware import Answer as Reply
from chargerd.core.firmware_events import Wanted
from chargerd.core.firmware_job import Job
from chargerd.core.policy import PlainFirmware
from chargerd.core.reasons import Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture
from chargerd.ocpp16.consequences import Concern
from chargerd.ocpp16.errors import NotSupportedHere
from chargerd.ocpp16.pki.values import BadCertificate
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.wire import moment


def update_firmware(
    picture: Picture, request: call.UpdateFirmware, _now: Instant
) -> Answer:
    """Begin a job without a signature, where the operator allows that.

    Raises:
        NotSupportedHere: The whitepaper wants it where the link is secured
            (L01.FR.20).
    """
    if not _plain_allowed(picture):
        raise NotSupportedHere(
            "only signed firmware is installed here; send SignedUpdateFirmware, or "
            "set PlainFirmwareUpdates"
        )
    updates, response = picture.upkeep.updates, call_result.UpdateFirmware()
    if updates.answer is Reply.REJECTED:
        # The answer has no words for it: the install goes on.
        return Answer(response, refused=_refused("UpdateFirmware", updates.job))
    job = Job(
        updates.new_id(),
        request.location,
        moment(request.retrieve_date),
        updates.version,
        retries=_count(request.retries),
        retry_interval_s=_count(request.retry_interval),
    )
    return Answer(response, upkeep=(Wanted(job),))


def signed_update_firmware(
    picture: Picture, request: call.SignedUpdateFirmware, now: Instant
) -> Answer:
    """Begin a job whose file is signed, if who signed can be believed (L01.FR.02)."""
    updates, wanted = picture.upkeep.updates, request.firmware
    if updates.answer is Reply.REJECTED:
        refused = _refused("SignedUpdateFirmware", updates.job)
        return Answer(_signed(UpdateFirmwareStatus.rejected), refused=refused)
    try:
        signer = picture.upkeep.signer(wanted["signingCertificate"], now)
    except BadCertificate as error:
        return _untrusted(str(error))
    install_at = wanted.get("installDateTime")
    job = Job(
        updates.new_id(),
        wanted["location"],
        moment(wanted["retrieveDateTime"]),
        updates.version,
        signed=True,
        request_id=request.request_id,
        install_at=moment(install_at) if install_at else None,
        retries=_count(request.retries),
        retry_interval_s=_count(request.retry_interval),
        certificate_pem=signer.pem,
        signature=wanted["signature"],
    )
    return Answer(_signed(_STATUSES[updates.answer]), upkeep=(Wanted(job),))


def _plain_allowed(picture: Picture) -> bool:
    policy = picture.station.policy
    if policy.plain_firmware is PlainFirmware.UNSECURED:
        return policy.security_profile == 0
    return policy.plain_firmware is PlainFirmware.ALWAYS


def _count(number: int | None) -> int | None:
    return None if number is None else max(number, 0)


def _refused(action: str, job: Job) -> Refused:
    detail = f"firmware job {job.id} is {job.state.value}; wait for its end"
    return Refused(WHOLE_STATION, action, Why.INSTALLING, detail)


def _untrusted(why: str) -> Answer:
    concern = Concern(SecurityEventType.BAD_FIRMWARE_CERTIFICATE, why)
    refused = Refused(WHOLE_STATION, "SignedUpdateFirmware", Why.BAD_CERTIFICATE, why)
    return Answer(
        _signed(UpdateFirmwareStatus.invalid_certificate),
        refused=refused,
        concerns=(concern,),
    )


def _signed(status: UpdateFirmwareStatus) -> call_result.SignedUpdateFirmware:
    return call_result.SignedUpdateFirmware(status)


_STATUSES: Final[Mapping[Reply, UpdateFirmwareStatus]] = {
    Reply.ACCEPTED: UpdateFirmwareStatus.accepted,
    Reply.ACCEPTED_CANCELED: UpdateFirmwareStatus.accepted_canceled,
}

HANDLERS: Final[Handlers] = {
    "UpdateFirmware": update_firmware,
}
SIGNED_HANDLERS: Final[Handlers] = {
    "SignedUpdateFirmware": signed_update_firmware,
}

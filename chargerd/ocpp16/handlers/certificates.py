"""Certificates that the CSMS installs, lists and deletes (security whitepaper)."""

from typing import Any, Final

from ocpp.v16 import call, call_result
from ocpp.v16.datatypes import CertificateHashData
from ocpp.v16.enums import (
    CertificateSignedStatus,
    CertificateStatus,
    CertificateUse,
    DeleteCertificateStatus,
    GetInstalledCertificateStatus,
    HashAlgorithm,
)

from chargerd.clock import Instant
from chargerd.core.effects import Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.answer import Answer, Handlers, Picture, Provided
from chargerd.ocpp16.keyring_events import (
    CertificateRefused,
    OwnInstalled,
    RootDeleted,
    RootInstalled,
)
from chargerd.ocpp16.root_store import CSMS, names
from chargerd.ocpp16.security import SecurityEventType

_NOT_STORED: Final = Objection(
    Why.STORAGE_FAILING, "the disk did not take it; all is as it was"
)


def certificate_signed(
    picture: Picture, request: call.CertificateSigned, now: Instant
) -> Answer:
    """Take the certificate that the station asked for (use case A02)."""
    keyring = picture.upkeep.keyring
    own = keyring.judged_chain(request.certificate_chain, now)
    if isinstance(own, Objection):
        type_ = SecurityEventType.BAD_STATION_CERTIFICATE
        told = (CertificateRefused(type_, own.detail),)
        return _refused(_signed(False), own, *told)
    if keyring.certification.knows(own):
        return Answer(_signed(True))
    return Answer(
        _signed(True),
        upkeep=(OwnInstalled(own),),
        provided=Provided(
            keyring.certification.kept(own), _refused(_signed(False), _NOT_STORED)
        ),
    )


def install_certificate(
    picture: Picture, request: call.InstallCertificate, now: Instant
) -> Answer:
    """Take a root (use case M05)."""
    keyring = picture.upkeep.keyring
    root = keyring.judged_root(
        CertificateUse(request.certificate_type), request.certificate, now
    )
    rejected = call_result.InstallCertificate(CertificateStatus.rejected)
    if isinstance(root, Objection):
        bad = root.why is Why.BAD_CERTIFICATE and request.certificate_type == CSMS
        type_ = SecurityEventType.BAD_CENTRAL_CERTIFICATE
        told = (CertificateRefused(type_, root.detail),) if bad else ()
        return _refused(rejected, root, *told)
    accepted = call_result.InstallCertificate(CertificateStatus.accepted)
    if keyring.store.find(root) is not None:
        return Answer(accepted)
    failed = call_result.InstallCertificate(CertificateStatus.failed)
    return Answer(
        accepted,
        upkeep=(RootInstalled(root),),
        provided=Provided(keyring.store.keep(root), _refused(failed, _NOT_STORED)),
    )


def delete_certificate(
    picture: Picture, request: call.DeleteCertificate, _now: Instant
) -> Answer:
    """Believe a root no more (use case M04)."""
    keyring = picture.upkeep.keyring
    root = keyring.named_root(_hash_data(request.certificate_hash_data))
    failed = call_result.DeleteCertificate(DeleteCertificateStatus.failed)
    if isinstance(root, Objection):
        if root.why is not Why.NO_SUCH_CERTIFICATE:
            return _refused(failed, root)
        unknown = call_result.DeleteCertificate(DeleteCertificateStatus.not_found)
        return _refused(unknown, root)
    return Answer(
        call_result.DeleteCertificate(DeleteCertificateStatus.accepted),
        upkeep=(RootDeleted(root),),
        provided=Provided(keyring.store.without(root), _refused(failed, _NOT_STORED)),
    )


def get_installed_certificate_ids(
    picture: Picture, request: call.GetInstalledCertificateIds, _now: Instant
) -> Answer:
    """Tell the roots of one use (use case M03)."""
    use = CertificateUse(request.certificate_type)
    found = names(picture.upkeep.keyring.store.of(use))
    status = GetInstalledCertificateStatus
    return Answer(
        call_result.GetInstalledCertificateIds(
            status.accepted if found else status.not_found, found or None
        )
    )


def _signed(accepted: bool) -> call_result.CertificateSigned:
    status = CertificateSignedStatus
    return call_result.CertificateSigned(
        status.accepted if accepted else status.rejected
    )


def _hash_data(sent: dict[str, Any]) -> CertificateHashData:
    return CertificateHashData(
        HashAlgorithm(sent["hashAlgorithm"]),
        sent["issuerNameHash"],
        sent["issuerKeyHash"],
        sent["serialNumber"],
    )


def _refused(response: Any, objection: Objection, *told: CertificateRefused) -> Answer:
    asked = type(response).__name__
    refused = Refused(WHOLE_STATION, asked, objection.why, objection.detail)
    return Answer(response, upkeep=told, refused=refused)


HANDLERS: Final[Handlers] = {
    "CertificateSigned": certificate_signed,
    "DeleteCertificate": delete_certificate,
    "GetInstalledCertificateIds": get_installed_certificate_ids,
    "InstallCertificate": install_certificate,
}

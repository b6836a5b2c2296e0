"""The methods of ``org.chargerd.Station`` that concern how the CSMS is reached."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.attachment_values import (
    AttachmentWanted,
    Kept,
    Origin,
    TrialGivenUp,
    key_of,
)
from chargerd.ocpp16.keys import BadValue
from chargerd.runtime.control_server import Method, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.permission import permit
from chargerd.runtime.views import Json, known
from chargerd.steps import Happening


class AttachmentMethods:
    """Shows what is dialed; puts something else on trial, and takes it back."""

    def __init__(
        self,
        charge_point: ChargePoint,
        clock: Clock,
        soon: Callable[[Happening], None],
        group: str,
    ) -> None:
        """Take what to look at.

        Args:
            charge_point: Has the attachments.
            clock: Tells how long a trial may last.
            soon: Lets something happen.
            group: The Unix group whose members may change them; "": root alone.
        """
        self._charge_point = charge_point
        self._attachments = charge_point.upkeep.attachments
        self._clock = clock
        self._soon = soon
        self._group = group

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {
            "GetAttachment": self._get,
            "SetAttachment": self._set,
            "RollBackAttachment": self._roll_back,
        }

    def _get(self, _: Mapping[str, Any], __: Peer) -> Json:
        attachments = self._attachments
        before, outcome = attachments.before, attachments.outcome
        return known(
            settled=_shown(attachments.settled),
            trial=self._trial(),
            before=_shown(before) if before else None,
            outcome={
                "number": outcome.number,
                "committed": outcome.committed,
                "what": outcome.what,
            }
            if outcome
            else None,
        )

    def _trial(self) -> Json | None:
        attachments = self._attachments
        if attachments.trial is None:
            return None
        left_s = attachments.left_s(self._clock.now())
        failed_at, failure = attachments.failure or (None, None)
        return known(
            attachment=_shown(attachments.trial),
            linked=attachments.unproven,
            left_s=None if left_s is None else round(left_s, 1),
            refusals=attachments.refusals,
            failed_at=failed_at,
            failure=failure,
        )

    def _set(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        key = parameters.get("key")
        try:
            key = None if key is None else key_of(key)
        except BadValue as error:
            detail = f"AuthorizationKey: {error}"
            raise _refused(Objection(Why.BAD_VALUE, detail)) from None
        return self._try(
            AttachmentWanted(
                Origin.CLI,
                parameters.get("url"),
                parameters.get("identity"),
                parameters.get("security_profile"),
                key,
            )
        )

    def _roll_back(self, _: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        attachments = self._attachments
        if attachments.trial is not None:
            number = attachments.next_outcome
            self._soon(TrialGivenUp(Origin.CLI))
            return {"number": number, "given_up": True}
        if attachments.before is None:
            detail = "nothing was changed yet that could be taken back"
            raise _refused(Objection(Why.NO_JOB, detail))
        to = attachments.before.attachment
        wish = AttachmentWanted(Origin.CLI, to.url, to.identity, to.profile, to.key)
        return {**self._try(wish), "given_up": False}

    def _try(self, wish: AttachmentWanted) -> Json:
        planned = self._attachments.planned(wish, self._clock.now())
        if isinstance(planned, Objection):
            raise _refused(planned)
        number = self._attachments.next_outcome
        self._soon(wish)
        return {"number": number}


def _shown(kept: Kept) -> Json:
    of = kept.attachment
    return {
        "url": of.url,
        "identity": of.identity,
        "security_profile": of.profile,
        "has_key": bool(of.key),
        "source": str(kept.origin),
    }


_failed = partial(failed, control.STATION)


def _refused(against: Objection) -> Exception:
    return _failed("Refused", reason=str(against.why), detail=against.detail)

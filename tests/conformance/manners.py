"""How a CSMS behaves while a station goes through a case."""

from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Final

from chargerd.ocpp16.wire import timestamp
from tests.clock import FakeClock
from tests.conformance.order import Ear, Heard, Json
from tests.conformance.stage import TAGS
from tests.scenarios.csms import SILENCE, Csms, Reply

ELSEWHERE: Final = timezone(timedelta(hours=5))
REPEATED: Final = frozenset(
    {
        "BootNotification",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    }
)
"""What a station says again if the link was lost before its answer."""


@dataclass(frozen=True, slots=True)
class Manner:
    """One way to behave."""

    name: str
    answers_after_s: float = 0.0
    patience_s: float = 1.0
    """How long a case waits for what comes at once with a friendly CSMS."""
    tolerance_s: float = 0.1
    """By how much it moves what else would come at an exact time."""
    odd: bool = False
    """Whether times have an offset and six digits."""
    number: int | None = None
    """Of all transactions, at whichever connector; ``None``: each has its own."""
    loses_link: bool = False
    """Whether the link is lost at every other message that the station will repeat."""
    spares_first: bool = False
    """Whether it is lost at the second one first."""


FRIENDLY: Final = Manner("friendly")
SLOW: Final = Manner("slow", answers_after_s=25.0, patience_s=600.0, tolerance_s=50.0)
ODD: Final = Manner("odd", odd=True, number=0)
DROPS: Final = Manner("drops", loses_link=True, patience_s=30.0, tolerance_s=5.0)
DROPS_LATER: Final = replace(DROPS, name="drops_later", spares_first=True, number=-1)
MANNERS: Final = (FRIENDLY, SLOW, ODD, DROPS, DROPS_LATER)


class MannerlyCsms(Csms):
    """The CSMS of the bench, with manners; it keeps what it has heard."""

    def __init__(self, clock: FakeClock, manner: Manner, hear: Ear) -> None:
        super().__init__(clock)
        self.clock = clock
        self.link_lost = False
        self._manner = manner
        self._hear = hear
        self.numbers: dict[int, int] = {}
        """Of the last transaction at each connector."""
        self._lost = set(REPEATED if manner.spares_first else ())
        self._changes: dict[str, list[Json]] = {}

    def changes(self, action: str, *changes: Json) -> None:
        """Let the next answers differ so from the friendly ones."""
        self._changes.setdefault(action, []).extend(changes)

    def reply(self, action: str, payload: Json) -> Reply:
        if self._manner.loses_link and action in REPEATED:
            self._lost ^= {action}
            if action in self._lost:
                self.link_lost = True
                return SILENCE
        self._hear(Heard(action, payload, self.clock.now().monotonic_s))
        reply = super().reply(action, payload)
        if not isinstance(reply, dict):
            return reply
        if "idTag" in payload:
            reply = {**reply, "idTagInfo": self._info(payload["idTag"])}
        changes = self._changes.get(action)
        reply = self._bent({**reply, **(changes.pop(0) if changes else {})})
        if "transactionId" in reply:
            self.numbers[payload["connectorId"]] = reply["transactionId"]
        return reply

    def _info(self, id_tag: str) -> Json:
        info = TAGS.get(id_tag, {"status": "Accepted"})
        if not self._manner.odd:
            return info
        return {**info, "expiryDate": self._moment(timedelta(days=400))}

    def _bent(self, reply: Json) -> Json:
        """Say the same in a form that is odd, but legal."""
        if "transactionId" in reply and self._manner.number is not None:
            reply["transactionId"] = self._manner.number
        if "currentTime" in reply:
            # As late as the answer is, its time is that of its sending.
            reply["currentTime"] = self._moment(
                timedelta(seconds=self._manner.answers_after_s)
            )
        return reply

    def _moment(self, later: timedelta) -> str:
        at = self.clock.now().utc + later
        if not self._manner.odd:
            return timestamp(at)
        return at.astimezone(ELSEWHERE).isoformat(timespec="microseconds")

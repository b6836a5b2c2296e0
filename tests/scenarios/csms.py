"""A CSMS that answers at once and kindly, unless a test tells it otherwise."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chargerd.ocpp16.wire import timestamp
from tests.clock import FakeClock

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A CALLERROR."""

    code: str = "InternalError"
    description: str = ""


SILENCE: Final = None
Reply = Json | Refusal | None

ACCEPTED: Final[Json] = {"status": "Accepted"}


class Csms:
    """Decides what is answered to each message; knows nothing of frames."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._next: dict[str, deque[Reply]] = {}
        self._always: dict[str, Reply] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self.first_number = 7

    def will(self, action: str, *replies: Reply) -> None:
        """Answer the next messages of a kind with these, one after the other."""
        self._next.setdefault(action, deque()).extend(replies)

    def always(self, action: str, reply: Reply) -> None:
        """Answer a kind of message so from now on."""
        self._always[action] = reply

    def forget(self) -> None:
        """Be kind again."""
        self._next.clear()
        self._always.clear()

    def reply(self, action: str, payload: Json) -> Reply:
        if self._next.get(action):
            return self._next[action].popleft()
        if action in self._always:
            return self._always[action]
        return _KINDLY[action](self, payload)

    def boot(self, status: str = "Accepted", interval: int = 300) -> Json:
        return {"status": status, "interval": interval, **self.time({})}

    def time(self, _payload: Json) -> Json:
        return {"currentTime": timestamp(self._clock.now().utc)}

    def started(self, payload: Json) -> Json:
        """Number a transaction; one that is told twice keeps its number."""
        told = tuple(sorted(payload.items()))
        number = self._numbers.setdefault(told, self.first_number + len(self._numbers))
        return {"transactionId": number, "idTagInfo": ACCEPTED}


_KINDLY: Final[dict[str, Callable[[Csms, Json], Json]]] = {
    "Authorize": lambda csms, payload: {"idTagInfo": ACCEPTED},
    "BootNotification": lambda csms, payload: csms.boot(),
    "DiagnosticsStatusNotification": lambda csms, payload: {},
    "FirmwareStatusNotification": lambda csms, payload: {},
    "DataTransfer": lambda csms, payload: {"status": "Accepted"},
    "Heartbeat": Csms.time,
    "LogStatusNotification": lambda csms, payload: {},
    "MeterValues": lambda csms, payload: {},
    "SecurityEventNotification": lambda csms, payload: {},
    "SignCertificate": lambda csms, payload: {"status": "Accepted"},
    "SignedFirmwareStatusNotification": lambda csms, payload: {},
    "StartTransaction": Csms.started,
    "StatusNotification": lambda csms, payload: {},
    "StopTransaction": lambda csms, payload: {},
}

"""Questions of the CSMS that stay open until the hardware has decided."""

from dataclasses import dataclass

from chargerd.clock import Instant
from chargerd.core.station import Station
from chargerd.ocpp16.answer import Later
from chargerd.ocpp16.rpc import Question, Rpc
from chargerd.ocpp16.wire import encode


@dataclass(frozen=True, slots=True)
class _Open:
    question: Question
    later: Later
    due_s: float


class Postponed:
    """What one link was asked and not answered yet."""

    def __init__(self) -> None:
        self._open: tuple[_Open, ...] = ()

    def take(self, question: Question, later: Later, now: Instant) -> None:
        """Leave a question open."""
        due_s = now.monotonic_s + later.within_s
        self._open += (_Open(question, later, due_s),)

    def answer(self, rpc: Rpc, station: Station, now: Instant) -> None:
        """Answer what is decided now, or overdue."""
        waiting = []
        for each in self._open:
            response = each.later.response(station)
            if response is None and now.monotonic_s >= each.due_s:
                response = each.later.otherwise
            if response is None:
                waiting.append(each)
            else:
                rpc.answer(each.question, encode(response))
        self._open = tuple(waiting)

    def clear(self) -> None:
        """Forget everything: the link is gone that would carry the answers."""
        self._open = ()

    def next_deadline_s(self) -> float | None:
        """Return when the next question is overdue."""
        return min((each.due_s for each in self._open), default=None)

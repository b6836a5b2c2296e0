"""What the CSMS is told of jobs: in order, each once, over restarts and lost links."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from chargerd.clock import Instant
from chargerd.ocpp16.consequences import Notice
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped, SheetKept
from chargerd.ocpp16.rpc import Failed, FailureKind

MOST_WAITING: Final = 200
RETRY_S: Final = 30.0
ATTEMPTS: Final = 5
"""After so many the CSMS is not told: it does not want to know."""

_UNKNOWN_THERE: Final = frozenset({"NotImplemented", "NotSupported"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice, and its place in the order."""

    number: int
    notice: Notice


class Notices:
    """Holds the notices that are still to be told."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        """Go on with what the disk knows."""
        self._waiting = deque(
            Waiting(int(name), _read(sheet)) for name, sheet in sheets.items()
        )
        self._last = self._waiting[-1].number if self._waiting else 0
        self._attempts = 0
        self._due_s: float | None = None

    @property
    def waiting(self) -> int:
        """How many are still to be told."""
        return len(self._waiting)

    def queue(self, notice: Notice) -> tuple[Record, ...]:
        """Take a notice; return what must be kept of it."""
        self._last += 1
        self._waiting.append(Waiting(self._last, notice))
        kept = SheetKept(Drawer.NOTICE, str(self._last), _written(notice))
        if len(self._waiting) <= MOST_WAITING:
            return (kept,)
        # The first may be under way: it goes when it is answered.
        oldest = next(islice(self._waiting, 1, None))
        return (kept, *self._settled(oldest))

    def reconnected(self) -> None:
        """A new link: nothing that failed before counts."""
        self._attempts, self._due_s = 0, None

    def next(self, now: Instant) -> Waiting | None:
        """Return the notice to be told now, if there is one."""
        paused = self._due_s is not None and now.monotonic_s < self._due_s
        return self._waiting[0] if self._waiting and not paused else None

    def told_again_s(self) -> float | None:
        """Return when the CSMS may be told again."""
        return self._due_s if self._waiting else None

    def delivered(self, told: Waiting) -> tuple[Record, ...]:
        """The CSMS has taken a notice."""
        self._attempts, self._due_s = 0, None
        return self._settled(told)

    def failed(self, told: Waiting, failed: Failed, now: Instant) -> tuple[Record, ...]:
        """The CSMS has not taken a notice; a lost link counts for nothing."""
        if failed.kind is FailureKind.LINK:
            return ()
        self._attempts += 1
        if failed.code in _UNKNOWN_THERE or self._attempts >= ATTEMPTS:
            return self.delivered(told)
        self._due_s = now.monotonic_s + RETRY_S
        return ()

    def _settled(self, told: Waiting) -> tuple[Record, ...]:
        if told not in self._waiting:
            return ()
        self._waiting.remove(told)
        return (SheetDropped(Drawer.NOTICE, str(told.number)),)


def _written(notice: Notice) -> Sheet:
    return {"action": notice.action, "payload": json.dumps(notice.payload)}


def _read(sheet: Sheet) -> Notice:
    return Notice(str(sheet["action"]), json.loads(str(sheet["payload"])))

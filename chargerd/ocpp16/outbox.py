"""Messages of transactions: in order, retried, never lost, never doubled.

The disk holds them all. Here are the first few, and how many there are: thirty
days without a CSMS are no reason to fill the memory.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Self

from chargerd.core.policy import Policy
from chargerd.ocpp16.records import Entry, MessageQuarantined, MessageSettled, Snapshot
from chargerd.ocpp16.wire import Json

WINDOW: Final = 100
"""How many messages are kept in memory."""


class Outbox:
    """The queue of the whole station, strictly in the order of creation."""

    def __init__(
        self, entries: Iterable[Entry], waiting: int, quarantined: int, last_id: int
    ) -> None:
        """Take the beginning of what the disk holds.

        Args:
            entries: The first messages, at most ``WINDOW`` of them.
            waiting: How many there are in all.
            quarantined: How many were given up and wait for people.
            last_id: The highest id that was ever given.
        """
        self._window = deque(entries)
        self._seen = self._window[-1].id if self._window else 0
        self.waiting = waiting
        self.quarantined = quarantined
        self._last_id = last_id

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Go on with what the disk remembers."""
        for entry in snapshot.entries[:1]:
            entry.tried = True  # by the process before this one, perhaps
        return cls(
            snapshot.entries,
            snapshot.waiting,
            snapshot.quarantined,
            snapshot.last_message_id,
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The messages in memory, oldest first."""
        return tuple(self._window)

    @property
    def load_after(self) -> int | None:
        """The id after which more are wanted from the disk; ``None``: none are."""
        if self._window and len(self._window) > WINDOW // 4:
            return None
        if self.waiting <= len(self._window):
            return None
        return self._seen

    def append(self, key: str, action: str, payload: Json, at: datetime) -> Entry:
        """Queue a message; return it with its id."""
        self._last_id += 1
        entry = Entry(self._last_id, key, action, payload, at)
        if self.waiting == len(self._window) and len(self._window) < WINDOW:
            self.load((entry,))
        self.waiting += 1
        return entry

    def load(self, entries: Iterable[Entry]) -> None:
        """Take more from the disk."""
        for entry in entries:
            if entry.id > self._seen:
                self._window.append(entry)
                self._seen = entry.id

    def head(self, now_s: float) -> Entry | None:
        """Return the message whose turn it is, if it may be sent now."""
        if not self._window:
            return None
        entry = self._window[0]
        return entry if entry.due_s is None or entry.due_s <= now_s else None

    def settle(self, entry: Entry) -> tuple[MessageSettled, ...]:
        """The CSMS has acknowledged a message."""
        return (MessageSettled(entry.id),) if self._drop(entry) else ()

    def fail(
        self, entry: Entry, error: str, now_s: float, policy: Policy
    ) -> tuple[MessageQuarantined, ...]:
        """One attempt has failed; plan the next one, or give the message up.

        The n-th failure is followed by a pause of n intervals (section 3.7.1).
        """
        entry.attempts += 1
        entry.error = error
        if entry.attempts < policy.message_attempts:
            pause_s = max(policy.message_retry_interval_s * entry.attempts, _LEAST_S)
            entry.due_s = now_s + pause_s
            return ()
        if not self._drop(entry):
            return ()
        self.quarantined += 1
        return (MessageQuarantined(entry.id, entry.attempts, error),)

    def reconnected(self) -> None:
        """A new link owes nothing to the pauses of the old one."""
        for entry in self._window:
            entry.due_s = None

    def next_deadline_s(self) -> float | None:
        """Return when the message whose turn it is may be tried again."""
        return self._window[0].due_s if self._window else None

    def _drop(self, entry: Entry) -> bool:
        if entry not in self._window:
            return False
        self._window.remove(entry)
        self.waiting -= 1
        return True


_LEAST_S: Final = 0.1
"""An interval of zero means "at once", not "in a tight loop"."""

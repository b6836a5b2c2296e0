"""Messages of transactions: in order, retried, never lost, never doubled.

The disk holds them all. Here are the first few, and how many there are: thirty
days without a CSMS are no reason to fill the memory.
"""

from bisect import insort
from collections.abc import Collection, Container, Iterable
from datetime import datetime, timedelta
from typing import Final, Self

from chargerd.core.policy import Policy
from chargerd.ocpp16.records import (
    Entry,
    MessageDropped,
    MessageQuarantined,
    MessageRetried,
    MessageSettled,
    Snapshot,
)
from chargerd.ocpp16.wire import Json, moved

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
        self._window = list(entries)
        self._seen = self._window[-1].id if self._window else 0
        self.waiting = waiting
        self.quarantined = quarantined
        self.last_id = last_id
        self._given_up: set[int] = set()
        """Those in quarantine that the present link may still answer."""
        self._returned: set[int] = set()
        """Those that people have brought back and that wait again."""
        self._gone: set[int] = set()
        """Those of the quarantine that are no more, whatever the disk still gives."""

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
        self.last_id += 1
        entry = Entry(self.last_id, key, action, payload, at)
        if self.waiting == len(self._window) and len(self._window) < WINDOW:
            self._window.append(entry)
            self._seen = entry.id
        self.waiting += 1
        return entry

    def load(self, after: int, entries: Collection[Entry]) -> None:
        """Take more from the disk: what follows ``after`` there."""
        if after != self._seen:
            return  # the window has moved since they were asked for
        self._window += (each for each in entries if each.id not in self._gone)
        self._seen = max((self._seen, *(each.id for each in entries)))

    def move(self, after: int, keys: Container[str], by: timedelta) -> None:
        """Move the times of the messages after an id, if of one of these keys."""
        for entry in self._window:
            if entry.id > after and entry.key in keys:
                entry.payload, entry.at = moved(entry.payload, by), entry.at + by

    def head(self, now_s: float, policy: Policy) -> Entry | None:
        """Return the message whose turn it is, if it may be sent now."""
        due_s = self.next_deadline_s(policy)
        if not self._window or (due_s is not None and due_s > now_s):
            return None
        return self._window[0]

    def settle(self, entry: Entry) -> tuple[MessageSettled, ...]:
        """The CSMS has acknowledged a message, be it to an attempt long given up."""
        if self._remove(entry.id):
            self.waiting -= 1
        elif entry.id in self._returned:
            self._gone.add(entry.id)
            self.waiting -= 1
        elif entry.id in self._given_up:
            self._given_up.discard(entry.id)
            self._gone.add(entry.id)
            self.quarantined -= 1
        else:
            return ()
        self._returned.discard(entry.id)
        return (MessageSettled(entry.id),)

    def fail(
        self, entry: Entry, error: str, now_s: float, policy: Policy
    ) -> tuple[MessageQuarantined, ...]:
        """One attempt has failed; plan the next one, or give the message up.

        The n-th failure is followed by a pause of n intervals (section 3.7.1).
        """
        entry.attempts += 1
        entry.failed_s = now_s
        entry.error = error
        return self._give_up(entry, policy)

    def review(self, policy: Policy) -> tuple[tuple[Entry, MessageQuarantined], ...]:
        """Give up what has had all attempts that it may have by a new policy."""
        paused = [entry for entry in self._window if entry.failed_s is not None]
        return tuple(
            (entry, given_up)
            for entry in paused
            for given_up in self._give_up(entry, policy)
        )

    def retry(self, entry: Entry) -> tuple[MessageRetried, ...]:
        """People want a message of the quarantine to be tried again, at its place."""
        if entry.id in self._returned or entry.id in self._gone:
            return ()
        self._return(entry)
        self._given_up.discard(entry.id)
        self.quarantined -= 1
        return (MessageRetried(entry.id),)

    def tell_again(self, entry: Entry) -> MessageRetried:
        """Queue once more, at its place, what was told without a number."""
        self._return(entry)
        return MessageRetried(entry.id)

    def drop(self, id: int) -> tuple[MessageDropped, ...]:
        """People want to see a message of the quarantine no more."""
        if id in self._returned or id in self._gone:
            return ()
        self._gone.add(id)
        self._given_up.discard(id)
        self.quarantined -= 1
        return (MessageDropped(id),)

    def thinned(self, waiting: Collection[int], quarantined: int) -> None:
        """The disk ran short and has let go of some messages.

        Args:
            waiting: The ids of those that waited, as the disk saw it.
            quarantined: How many were in quarantine.
        """
        # What is neither in the window nor behind it was acknowledged meanwhile.
        for id in waiting:
            self.waiting -= self._remove(id) or id > self._seen
            self._returned.discard(id)
        self.quarantined -= quarantined

    def reconnected(self) -> None:
        """A new link owes nothing to the pauses of the old one, nor late answers."""
        self._given_up.clear()
        for entry in self._window:
            entry.failed_s = None

    def due_s(self, entry: Entry, policy: Policy) -> float | None:
        """Return when a message may be tried again; ``None``: at once."""
        if entry.failed_s is None:
            return None
        pause_s = policy.message_retry_interval_s * entry.attempts
        return entry.failed_s + max(pause_s, _LEAST_S)

    def next_deadline_s(self, policy: Policy) -> float | None:
        """Return when the message whose turn it is may be tried again."""
        return self.due_s(self._window[0], policy) if self._window else None

    def _give_up(self, entry: Entry, policy: Policy) -> tuple[MessageQuarantined, ...]:
        if entry.attempts < policy.message_attempts or not self._remove(entry.id):
            return ()
        self.waiting -= 1
        self.quarantined += 1
        self._given_up.add(entry.id)
        self._returned.discard(entry.id)
        return (MessageQuarantined(entry.id, entry.attempts, entry.error or ""),)

    def _return(self, entry: Entry) -> None:
        """Put a message back at its place, in memory if the window reaches so far."""
        self.waiting += 1
        self._returned.add(entry.id)
        if entry.id > self._seen:
            return
        insort(self._window, entry, key=lambda each: each.id)
        if len(self._window) > WINDOW:
            self._window.pop()
            self._seen = self._window[-1].id

    def _remove(self, id: int) -> bool:
        for at, entry in enumerate(self._window):
            if entry.id == id:
                del self._window[at]
                return True
        return False


_LEAST_S: Final = 0.1
"""An interval of zero means "at once", not "in a tight loop"."""

"""Which records go to the disk with which commit: what is worth none goes along."""

from collections.abc import Collection, Iterable
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import Effect, Noted
from chargerd.ocpp16.records import MessageSettled, NoteKept, Record

LATER_S: Final = 30.0
MOST_LATER: Final = 50
"""How long a record that is worth no commit of its own waits for one to go with, and
how many such wait at the most."""


class Commits:
    """Holds the records that wait for a commit, and the stories of transactions."""

    def __init__(self) -> None:
        self.due_s: float | None = None
        """When those that wait go to the disk by themselves."""
        self._story: list[NoteKept] = []
        self._later: list[Record] = []

    @property
    def acknowledged(self) -> tuple[int, ...]:
        """The messages that were delivered and still stand on the disk."""
        return tuple(r.id for r in self._later if isinstance(r, MessageSettled))

    def story(self, key: str) -> tuple[NoteKept, ...]:
        """Return what is not on the disk yet of the story of a transaction."""
        return tuple(note for note in self._story if note.key == key)

    def put_off(self, records: Collection[Record], now: Instant) -> None:
        """Take records that can wait: to lose them loses nothing."""
        self._later += records
        if records and self.due_s is None:
            self.due_s = now.monotonic_s + LATER_S

    def note(self, told: Iterable[Effect], now: Instant) -> None:
        """Take what belongs to the story of a transaction."""
        for effect in told:
            if isinstance(effect, Noted) and effect.key:
                self._story.append(NoteKept(effect.key, now.utc, effect.what))

    def take(
        self, records: Iterable[Record], running: Collection[str], now: Instant
    ) -> tuple[Record, ...]:
        """Return what goes to the disk now.

        Args:
            records: What must.
            running: The transactions whose story goes on.
            now: The present moment.
        """
        own = tuple(records)
        overdue = self.due_s is not None and now.monotonic_s >= self.due_s
        if not own and not overdue and len(self._later) < MOST_LATER:
            return ()
        # The story of a transaction is written at its end, in one piece.
        told = tuple(note for note in self._story if note.key not in running)
        self._story = [note for note in self._story if note.key in running]
        later, self._later, self.due_s = tuple(self._later), [], None
        return (*later, *own, *told)

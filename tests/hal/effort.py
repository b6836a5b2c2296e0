"""How much is reckoned, counted in calls: a count is the same on any machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Effort:
    """Counts the Python functions that are called while it is watched."""

    calls = 0

    def note(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.calls += event == "call"


@contextmanager
def effort() -> Iterator[Effort]:
    """Watch what is done in the body."""
    watched = Effort()
    sys.setprofile(watched.note)
    try:
        yield watched
    finally:
        sys.setprofile(None)

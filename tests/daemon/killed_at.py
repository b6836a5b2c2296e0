"""chargerd that kills itself with SIGKILL at one of its commits.

usage: killed_at.py --config FILE, with KILL_AT=N (from 1) and KILL_WHEN=before|after;
KILL_AT=0 never kills. COMMITS names the file in which commits are counted from when it
is there on, so that a test says which commit is the first; a daemon that restarts
itself, as another version even, goes on counting.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chargerd.__main__ import main
from chargerd.ocpp16.records import Record
from chargerd.store.database import Store

AT = int(os.environ["KILL_AT"])
BEFORE = os.environ["KILL_WHEN"] == "before"
COMMITS = Path(os.environ["COMMITS"])

_commit, _attempt = Store.commit, Store.attempt


def commit(self: Store, batch: Iterable[Record]) -> None:
    """Commit, and die before or after it."""
    with dying():
        _commit(self, batch)


def attempt(self: Store, record: Record) -> None:
    """Write one record, and die before or after it."""
    with dying():
        _attempt(self, record)


@contextmanager
def dying() -> Iterator[None]:
    """Die before or after what is done, if it is its turn."""
    dies = counted() == AT
    if dies and BEFORE:
        os.kill(os.getpid(), signal.SIGKILL)
    yield
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)


def counted() -> int | None:
    """Count one commit; ``None``: nobody counts yet."""
    if not COMMITS.exists():
        return None
    number = int(COMMITS.read_text()) + 1
    COMMITS.write_text(str(number))
    return number


if __name__ == "__main__":
    Store.commit = commit  # type: ignore[method-assign]
    Store.attempt = attempt  # type: ignore[method-assign]
    main()

"""chargerd that kills itself with SIGKILL at one of its commits.

usage: killed_at.py --config FILE, with KILL_AT=N (from 1) and KILL_WHEN=before|after;
KILL_AT=0 never kills, and COMMITS names a file that the number of commits goes to.
"""

import os
import signal
from collections.abc import Iterable
from itertools import count

from chargerd.app import main
from chargerd.ocpp16.records import Record
from chargerd.store.database import Store

AT = int(os.environ["KILL_AT"])
BEFORE = os.environ["KILL_WHEN"] == "before"
COMMITS = os.environ.get("COMMITS")

_commit = Store.commit
_number = count(1)


def commit(self: Store, batch: Iterable[Record]) -> None:
    """Commit, and die before or after it."""
    number = next(_number)
    if number == AT and BEFORE:
        os.kill(os.getpid(), signal.SIGKILL)
    _commit(self, batch)
    if number == AT:
        os.kill(os.getpid(), signal.SIGKILL)
    if COMMITS:
        with open(COMMITS, "w", encoding="ascii") as file:
            file.write(str(number))


if __name__ == "__main__":
    Store.commit = commit  # type: ignore[method-assign]
    main()

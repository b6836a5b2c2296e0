"""chargerd whose store hangs for ever at one commit: STUCK_AT=N (from 1)."""

import os
import threading
from collections.abc import Iterable
from itertools import count

from chargerd.app import main
from chargerd.ocpp16.records import Record
from chargerd.store.database import Store

AT = int(os.environ["STUCK_AT"])

_commit = Store.commit
_number = count(1)


def commit(self: Store, batch: Iterable[Record]) -> None:
    """Commit, or never return."""
    if next(_number) == AT:
        threading.Event().wait()
    _commit(self, batch)


if __name__ == "__main__":
    Store.commit = commit  # type: ignore[method-assign]
    main()

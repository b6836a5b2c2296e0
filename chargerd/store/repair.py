"""What to do with a damaged store: set it aside, save what can be read, go on."""

import sqlite3
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from chargerd.store.database import MOST_BYTES, Store, StoreFailed


def open_or_replace(
    path: Path, now: datetime, most_bytes: int = MOST_BYTES
) -> tuple[Store, str | None]:
    """Open the store; if it is damaged, set it aside and save what can be saved.

    Returns:
        The store, and what happened to the old one in words, if anything did.

    Raises:
        StoreFailed: Not even an empty store can be made there.
    """
    try:
        return Store(path, most_bytes), None
    except StoreFailed as error:
        # Its subclasses mean a full disk, no permission, or a newer chargerd's file.
        if type(error.__cause__) is not sqlite3.DatabaseError:
            raise
        reason = str(error.__cause__)
    aside = path.with_suffix(f".damaged-{now:%Y%m%dT%H%M%SZ}")
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    path.rename(aside)
    store = Store(path, most_bytes)
    saved = store.salvage(aside)
    told = (
        f"the store was damaged ({reason}); it is kept as {aside}; saved {saved} rows"
    )
    return store, told

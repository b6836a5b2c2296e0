"""How the file is opened, and brought to the present schema."""

import sqlite3
from importlib import resources
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 512
"""Small pages: a commit writes whole pages, and flash wears by what is written."""

_PRAGMAS: Final = (
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 4194304",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -512",
)


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, or make it, for its one writer; migrate it."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            db.execute(pragma)
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def space(db: sqlite3.Connection) -> tuple[int, int]:
    """Return how many bytes of the file are in use, and how many are free in it."""
    pages, free, page_bytes = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * page_bytes, free * page_bytes


def _migrate(db: sqlite3.Connection) -> None:
    ((check,),) = db.execute("PRAGMA quick_check(1)").fetchall()
    if check != "ok":
        raise sqlite3.DatabaseError(check)
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (least,) = db.execute("PRAGMA application_id").fetchone()
    steps = schema()
    # A firmware that was rolled back finds the file as the newer one has left it.
    if version > len(steps) and not 0 < least <= len(steps):
        raise sqlite3.NotSupportedError(
            f"schema {version} is of a newer chargerd; this one knows {len(steps)}"
        )
    for number, sql in enumerate(steps[version:], start=version + 1):
        db.executescript(f"BEGIN; {sql}; PRAGMA user_version = {number}; COMMIT;")


def schema() -> tuple[str, ...]:
    """Return the migrations, first to last."""
    folder = resources.files("chargerd.store") / "schema"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=str)
    return tuple(file.read_text("utf-8") for file in files)

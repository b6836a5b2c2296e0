"""What the store writes, as SQL; ``python -m tests.store.golden`` keeps it anew."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from chargerd.store.database import Store
from chargerd.store.opening import schema
from tests.store.samples import HISTORY

GOLDEN: Final = Path(__file__).with_name("golden")


def content(path: Path) -> list[str]:
    """Return a whole store as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def rows(path: Path, sql: str) -> list[Any]:
    """Return what a query finds in a store, from outside."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def main() -> None:
    """Write the newest golden store."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chargerd.db"
        store = Store(path)
        store.commit(HISTORY)
        store.close()
        file = GOLDEN / f"{len(schema()):04}.sql"
        file.write_text("\n".join(content(path)) + "\n")


if __name__ == "__main__":
    main()

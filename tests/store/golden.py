"""What the store writes, as SQL; ``python -m tests.store.golden`` keeps it anew."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from chargerd.store.database import Store, schema
from tests.store.samples import HISTORY

GOLDEN: Final = Path(__file__).with_name("golden")


def content(path: Path) -> list[str]:
    """Return a whole store as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


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

"""Looks into the store while its writer goes on."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from chargerd.ocpp16.records import Entry
from chargerd.store.database import MOST_BYTES, StoreFailed
from chargerd.store.opening import space
from chargerd.store.rows import ENTRY, entry


class Reader:
    """Looks into the store without disturbing its writer."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        uri = f"file:{path}?mode=ro"
        self._db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._db.row_factory = sqlite3.Row

    def charges(self, limit: int, but: Sequence[int] = ()) -> list[dict[str, Any]]:
        """Return transactions, newest first, with the messages they still wait for.

        Args:
            limit: How many at the most.
            but: Messages that were delivered, although the disk does not know it yet.
        """
        sql = f"{_CHARGES} ORDER BY start_at DESC LIMIT ?2"
        return self._rows(sql, (json.dumps(but), limit))

    def charges_like(
        self, beginning: str, but: Sequence[int] = ()
    ) -> list[dict[str, Any]]:
        """Return the transactions whose key begins so."""
        like = "substr(key, 1, length(?2)) = ?2"
        sql = f"{_CHARGES} WHERE {like} ORDER BY start_at DESC LIMIT 20"
        return self._rows(sql, (json.dumps(but), beginning))

    def notes(self, key: str) -> list[dict[str, Any]]:
        """Return the story of a transaction."""
        return self._rows(
            "SELECT at, what FROM note WHERE key = ? ORDER BY seq", (key,)
        )

    def messages(
        self, limit: int, key: str | None = None, but: Sequence[int] = ()
    ) -> list[dict[str, Any]]:
        """Return undelivered messages, oldest first; of one transaction or of all."""
        return self._rows(
            "SELECT * FROM message WHERE state < 2 AND (?1 IS NULL OR key = ?1)"
            " AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY id LIMIT ?2",
            (key, limit, json.dumps(but)),
        )

    def message(self, id_: int, but: Sequence[int] = ()) -> dict[str, Any] | None:
        """Return one undelivered message; ``None``: there is none of this id."""
        rows = self._rows("SELECT * FROM message WHERE state < 2 AND id = ?", (id_,))
        return rows[0] if rows and id_ not in but else None

    def quarantine(self, limit: int, after: int = 0) -> list[dict[str, Any]]:
        """Return the messages that were given up, oldest first, from an id on."""
        sql = "SELECT * FROM message WHERE state = 1 AND id > ? ORDER BY id LIMIT ?"
        return self._rows(sql, (after, limit))

    def quarantined(self, id_: int) -> tuple[Entry, int | None, Entry | None] | None:
        """Return what it takes to try a message of the quarantine again.

        Returns:
            The message, the transactionId of its transaction, and for a
            StartTransaction its stop, if that was told without a number; ``None`` if
            no message of this id is in quarantine.
        """
        found = self._db.execute(
            f"SELECT {ENTRY} FROM message WHERE id = ? AND state = 1", (id_,)
        ).fetchone()
        if found is None:
            return None
        message = entry(found)
        number = self._db.execute(
            "SELECT number FROM charge WHERE key = ?", (message.key,)
        ).fetchone()
        stop = self._db.execute(
            f"SELECT {ENTRY} FROM message WHERE key = ? AND state = 2", (message.key,)
        ).fetchone()
        return message, number and number[0], stop and entry(stop)

    def used_bytes(self) -> int:
        """Return how much of ``most_bytes`` is in use."""
        return space(self._db)[0]

    def faults(self, limit: int) -> list[dict[str, Any]]:
        """Return faults, newest first."""
        return self._rows("SELECT * FROM fault ORDER BY id DESC LIMIT ?", (limit,))

    def fault_counts(self) -> dict[tuple[int, str], int]:
        """Return how often the log knows each fault, by connector and name."""
        rows = self._db.execute(
            "SELECT connector, name, count(*) FROM fault GROUP BY connector, name"
        )
        return {(connector, name): count for connector, name, count in rows}

    def exchanges(self, connector: int, limit: int) -> list[dict[str, Any]]:
        """Return when another meter was taken at a connector, newest first."""
        return self._rows(
            "SELECT * FROM exchange WHERE connector = ? ORDER BY id DESC LIMIT ?",
            (connector, limit),
        )

    def security_events(self, limit: int) -> list[dict[str, Any]]:
        """Return the security log, newest first."""
        sql = "SELECT * FROM security_event ORDER BY id DESC LIMIT ?"
        return self._rows(sql, (limit,))

    def security_log(self) -> Iterator[dict[str, Any]]:
        """Yield the security log, oldest first, a little at a time."""
        sql, last = "SELECT * FROM security_event WHERE id > ? ORDER BY id LIMIT ?", 0
        while rows := self._rows(sql, (last, _PAGE)):
            yield from rows
            last = rows[-1]["id"]

    def id_tags(self) -> frozenset[str]:
        """Return every id tag that the store knows of."""
        found = self._rows(
            "SELECT id_tag FROM charge UNION SELECT parent FROM charge"
            " UNION SELECT stop_tag FROM charge"
            " UNION SELECT id_tag FROM tag UNION SELECT parent FROM tag"
            " UNION SELECT id_tag FROM listed UNION SELECT parent FROM listed"
            " UNION SELECT id_tag FROM reservation"
            " UNION SELECT parent FROM reservation",
            (),
        )
        return frozenset(row["id_tag"] for row in found if row["id_tag"])

    def failures(self, ordinary: Sequence[str]) -> list[dict[str, Any]]:
        """Return how often sessions have ended otherwise, by connector and cause."""
        return self._rows(
            "SELECT connector, cause, count(*) AS count, max(stop_at) AS last"
            " FROM charge WHERE cause IS NOT NULL"
            " AND cause NOT IN (SELECT value FROM json_each(?))"
            " GROUP BY connector, cause ORDER BY count(*) DESC, connector",
            (json.dumps(list(ordinary)),),
        )

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _rows(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        try:
            return [dict(row) for row in self._db.execute(sql, values).fetchall()]
        except sqlite3.Error as error:
            raise StoreFailed(f"the store: {error}; restart chargerd") from error


_PAGE: Final = 200

_CHARGES: Final = (
    "SELECT *, (SELECT count(*) FROM message m WHERE m.key = charge.key AND m.state = 0"
    " AND m.id NOT IN (SELECT value FROM json_each(?1))) AS waiting FROM charge"
)

"""Makes the files that leave the station: diagnostics, and the security log.

They are made on a thread, one at a time. No file outlives its failure.
"""

import asyncio
import json
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from chargerd.clock import Clock
from chargerd.ocpp16.jobs import LogKind
from chargerd.runtime.logs import bundle, machine, security_log
from chargerd.runtime.logs.bundle import MOST_BYTES, Cover, Make, Stopped
from chargerd.runtime.logs.history import History
from chargerd.runtime.logs.present import Present
from chargerd.runtime.logs.redaction import Redactor
from chargerd.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Places:
    """Where an archive finds what it is made of."""

    store: Path
    station_file: Path
    journalctl: Sequence[str] = machine.JOURNALCTL


@dataclass(frozen=True, slots=True)
class _Order:
    """One file that is to be made, and what only the loop could tell for it."""

    path: Path
    cover: Cover
    secrets: tuple[str, ...]
    documents: Mapping[str, Any]
    remembered: Sequence[str]


class Archive:
    """Makes one file at a time."""

    def __init__(
        self,
        places: Places,
        present: Present,
        clock: Clock,
        secrets: Callable[[], Iterable[str]],
    ) -> None:
        """Take what files are made of.

        Args:
            places: Store and station file.
            present: What the running station tells.
            clock: Says when a file was made.
            secrets: Tells which passwords there are now, so that no file has them.
        """
        self.identity = present.identity.station
        self._places = places
        self._present = present
        self._clock = clock
        self._secrets = secrets
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="logs")

    async def make(
        self, kind: LogKind, path: Path, since: datetime | None, until: datetime | None
    ) -> None:
        """Make a file with what happened in a time.

        Raises:
            OSError: The disk has failed.
            StoreFailed: The store is damaged.
        """
        identity, now = self._present.identity, self._clock.now().utc
        cover = Cover(identity.station, identity.version, now, since, until)
        order = _Order(
            path,
            cover,
            tuple(self._secrets()),
            self._present.documents(),
            self._present.lines(),
        )
        write = self._bundle if kind is LogKind.DIAGNOSTICS else self._security_log
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, _guarded, write, order, stop)
        except asyncio.CancelledError:
            # The thread goes on: either it sees this, or its file is there already.
            stop.set()
            path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """Wait for the file that is being made."""
        self._thread.shutdown(cancel_futures=True)

    def _security_log(self, order: _Order, stopped: Callable[[], bool]) -> None:
        cover = order.cover
        with closing(Reader(self._places.store)) as reader:
            redactor = Redactor(order.secrets, reader.id_tags())
            found = security_log.lines(reader, redactor, cover.since, cover.until)
            with order.path.open("w", encoding="utf-8") as file:
                for line in found:
                    if stopped():
                        raise Stopped
                    file.write(line)

    def _bundle(self, order: _Order, stopped: Callable[[], bool]) -> None:
        with closing(Reader(self._places.store)) as reader:
            redactor = Redactor(order.secrets, reader.id_tags())
            bundle.write(
                order.path,
                order.cover,
                self._parts(order, reader, redactor),
                stopped,
            )

    def _parts(
        self, order: _Order, reader: Reader, redactor: Redactor
    ) -> Mapping[str, Make]:
        since, until = order.cover.since, order.cover.until
        history = History(reader, redactor, since, until)
        made: Mapping[str, Callable[[], Any]] = {
            "station-file.json": self._station_file,
            "machine.json": lambda: machine.facts(self._places.store.parent),
            **{name: partial(_itself, each) for name, each in order.documents.items()},
        }

        def journal() -> Iterator[str]:
            found = machine.journal(since, until, self._places.journalctl)
            return redactor.lines(_newest(found or order.remembered))

        return {
            **{name: _text(redactor, make) for name, make in made.items()},
            **history.parts(),
            "journal.txt": journal,
        }

    def _station_file(self) -> Mapping[str, Any]:
        return tomllib.loads(self._places.station_file.read_text("utf-8"))


def _guarded(
    write: Callable[[_Order, Callable[[], bool]], None],
    order: _Order,
    stop: threading.Event,
) -> None:
    """Write a file; leave none if that fails, or if nobody wants it any more."""
    whole = False
    try:
        write(order, stop.is_set)
        whole = not stop.is_set()
    finally:
        if not whole:
            order.path.unlink(missing_ok=True)


def _text(redactor: Redactor, make: Callable[[], Any]) -> Make:
    """Return what makes a document into text, without its secrets."""

    def pieces() -> Iterator[str]:
        document = redactor.value(make())
        yield json.dumps(document, ensure_ascii=False, indent=1, default=str)

    return pieces


def _itself(document: Any) -> Any:
    return document


def _newest(lines: Sequence[str]) -> Sequence[str]:
    """Return the last lines that are not too much for one part."""
    left = MOST_BYTES // 2
    for at in range(len(lines) - 1, -1, -1):
        left -= len(lines[at])
        if left < 0:
            return lines[at + 1 :]
    return lines

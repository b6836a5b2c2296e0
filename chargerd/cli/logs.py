"""``chargerctl bundle`` and ``security-log``: what to hand in, and what happened."""

import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

from chargerd import control
from chargerd.cli import options, problems, tables, units
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.problems import Problem
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import GOOD, OFF, WARNING, Line, mark

_COLUMNS: Final = (
    Column("ID", drops=1),
    Column("TIME"),
    Column("EVENT"),
    Column("CSMS"),
    Column("INFO"),
)
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    bundle = options.command(
        nouns, "bundle", "a file with all that diagnosis needs, without secrets", _make
    )
    options.option(
        bundle,
        "--since",
        type=ago,
        metavar="AGO",
        help="only what happened since: 90m, 24h, 7d (all)",
    )
    options.option(
        bundle,
        *("-o", "--output"),
        metavar="FILE",
        help="where to (here, under the name that the station gives it)",
    )
    log = options.command(
        nouns, "security-log", "what concerned the station's security", _events
    )
    options.limit(log)
    verbs = options.verbs(log, "VERB")
    options.limit(options.command(verbs, "list", "the events (default)", _events))
    clear = options.command(verbs, "clear", "empty the log; the CSMS is told", _clear)
    options.option(clear, "--yes", action="store_true", help="do not ask")


def ago(text: str) -> int:
    """Read how long ago something was, in seconds."""
    amount, unit = text[:-1], text[-1:]
    if not (amount.isascii() and amount.isdigit()) or unit not in _UNITS_S:
        raise ValueError(text)
    return int(amount) * _UNITS_S[unit]


ago.__name__ = "time like 90m, 24h or 7d"  # what argparse calls it in its errors


def _make_bundle(context: Context) -> Document:
    context.client.subscribe(
        f"{control.STATION}.MakeBundle", since_s=context.arguments.since
    )
    answer = context.client.receive()
    path = context.arguments.output or os.path.basename(answer["name"])
    try:
        with _created(path) as file:
            size_bytes = _filled(file, answer, context)
    except FileExistsError:
        text = f"{path} is there already; name another file with -o"
        raise Problem(problems.REFUSED, "FILE_EXISTS", text, file=path) from None
    except OSError as error:
        text = f"{path}: {error.strerror}; name another file with -o"
        raise Problem(problems.FAILED, "NOT_WRITTEN", text, file=path) from error
    return {"file": path, "size_bytes": size_bytes}


def _filled(file: BinaryIO, answer: Document, context: Context) -> int:
    """Take what the daemon sends into a file, up to its end; return its size."""
    size_bytes = 0
    while True:
        size_bytes += file.write(binascii.a2b_base64(answer["piece"]))
        if answer.get("left_bytes") == 0:
            return size_bytes
        answer = context.client.receive()


@contextmanager
def _created(path: str) -> Iterator[BinaryIO]:
    """Open a file that was not there, for its owner alone; keep it if it is whole."""
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, how, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def _render_bundle(document: Document, _context: Context) -> Iterator[Line]:
    size = f"{document['size_bytes'] / 1000:.1f} kB"
    yield (mark(GOOD, f"{document['file']} is written, {size}"),)
    yield sentence("It holds no passwords and no keys; id tags are masked.")


def _fetch_events(context: Context) -> Document:
    return context.station("ListSecurityEvents", limit=context.arguments.limit)


def _render_events(document: Document, context: Context) -> Iterator[Line]:
    rows = [
        (
            str(event["id"]),
            units.date(event["time"]),
            event["type"],
            mark(WARNING, "waits") if event["waiting"] else mark(OFF, "done"),
            event.get("info") or units.NOTHING,
        )
        for event in document["events"]
    ]
    if not rows:
        yield (mark(GOOD, "empty"),)
    yield from tables.table(context.terminal, _COLUMNS, rows)


def _clear_log(context: Context) -> Document:
    context.confirm("What happened to the station's security is forgotten. Clear it?")
    context.station("ClearSecurityLog")
    return {}


def _render_clear(_document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, "cleared, but for what the CSMS is still to be told"),)


_make = acts("bundle", _make_bundle, _render_bundle)
_events = reads("security-log", _fetch_events, _render_events)
_clear = acts("security-log-clear", _clear_log, _render_clear)

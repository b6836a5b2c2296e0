"""``chargerctl update``: other firmware for the station."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, tables, units, update_wait, update_words
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.tables import Column
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_COLUMNS: Final = (
    Column("ID", drops=3),
    Column("WANTED"),
    Column("BY", drops=2),
    Column("VERSION", drops=1),
    Column("STATE"),
    Column("BECAUSE", drops=4),
)
_HELD: Final = mark(WARNING, "nobody can begin to charge until this is over")


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    update = options.command(nouns, "update", "other firmware for the station", _status)
    verbs = options.verbs(update, "VERB")
    options.command(verbs, "status", "how the update stands (default)", _status)
    install = options.command(verbs, "install", "install a file, or a URL", _install)
    install.add_argument("source", metavar="FILE|URL")
    options.option(
        install,
        "--replace",
        action="store_true",
        help="in the place of an update that is under way",
    )
    options.option(
        install,
        "--wait",
        action="store_true",
        help="follow it to its end; Ctrl-C ends only the looking on",
    )
    options.limit(
        options.command(verbs, "history", "the updates that there were", _history)
    )
    options.command(verbs, "cancel", "give an update up", _cancel)


def _render_status(document: Document, context: Context) -> Iterator[Line]:
    job = document.get("job")
    yield from tables.pairs(
        (
            ("Runs", document["version"]),
            ("Update", update_words.progress(document) if job else mark(OFF, "none")),
            *(_pairs(job) if job else ()),
            ("Drivers", _HELD if document["held"] else None),
        )
    )
    do = update_words.remedy(job["state"]) if job else None
    if do and not context.terminal.quiet:
        yield from tables.paragraph(context.terminal, mark(WARNING, f"Do: {do}"))


def _pairs(job: Values) -> Iterator[tuple[str, Cell | str | None]]:
    why = job.get("why")
    yield "Because", mark(FAULT, why) if why else None
    yield "From", update_words.source(job)
    yield "Version", _versions(job)
    yield "Size", update_words.size(job["size_bytes"]) if "size_bytes" in job else None
    yield "Tries", str(job["attempts"]) if job["attempts"] > 1 else None
    yield "Wanted", units.day(job["retrieve_at"])
    yield "Not before", units.day(job["install_at"]) if "install_at" in job else None
    yield "CSMS told", job.get("status")
    yield "Id", job["id"]


def _versions(job: Values) -> str:
    expected = job.get("expected_version", "not known yet")
    return f"{expected}, after {job['version_before']}"


def _render_history(document: Document, context: Context) -> Iterator[Line]:
    rows = [_row(one) for one in document["updates"]]
    if not rows:
        yield (mark(OFF, "there was no update yet"),)
    yield from tables.table(context.terminal, _COLUMNS, rows)


def _row(job: Values) -> Sequence[Cell | str]:
    return (
        units.short(job["id"]),
        units.day(job["retrieve_at"]),
        update_words.origin(job),
        job.get("expected_version", units.NOTHING),
        update_words.state(job["state"]),
        job.get("why", units.NOTHING),
    )


def _begin(context: Context) -> Document:
    given = context.arguments
    location = given.source if "://" in given.source else None
    if location is None:
        update_wait.send(context, given.source)
    replace = given.replace or None
    return context.station("InstallUpdate", location=location, replace=replace)


def _render_begun(_document: Document, context: Context) -> Iterator[Line]:
    yield (mark(GOOD, "the update has begun"),)
    if not context.arguments.wait:
        yield (Cell("How it stands: chargerctl update"),)


def _install(context: Context) -> int:
    begun = _begin(context)
    acts("update-install", lambda _: begun, _render_begun)(context)
    return update_wait.follow(context, begun["id"]) if context.arguments.wait else 0


def _render_cancel(_document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, "the update is given up"),)


_status = reads("update", lambda context: context.station("GetUpdate"), _render_status)
_history = reads(
    "update-list",
    lambda context: context.station("ListUpdates", limit=context.arguments.limit),
    _render_history,
)
_cancel = acts(
    "update-cancel", lambda context: context.station("CancelUpdate"), _render_cancel
)

"""``chargerctl why``: what a connector waits for, and why something was refused."""

from collections.abc import Iterator, Mapping
from typing import Any

from chargerd.cli import options, tables, units
from chargerd.cli.commands import Context, Document, reads
from chargerd.cli.tables import sentence
from chargerd.cli.terminal import OFF, WARNING, Cell, Line, mark


def add(nouns: options.Verbs) -> None:
    """Add the command of this module."""
    why = options.command(
        nouns, "why", "why a connector is in its state, why something was refused", _why
    )
    why.add_argument(
        "subject",
        nargs="?",
        metavar="CONNECTOR|SESSION|last",
        help="a connector, a session, or the last refusal (all connectors)",
    )


def _fetch(context: Context) -> Document:
    subject = context.arguments.subject
    if subject is None:
        return context.station("Explain")
    if subject == "last":
        return {"refusals": _newest(context.station("Explain")["refusals"])}
    if subject.isdecimal() or subject in context.names.values():
        return context.station("Explain", connector=context.number(subject))
    session = context.station("GetSession", id=subject)["session"]
    explained = context.station("Explain", connector=session["connector"])
    return {"session": session, **explained}


def _newest(refusals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(refusals, key=lambda one: units.moment(one["time"]))[-1:]


def _render(document: Document, context: Context) -> Iterator[Line]:
    if "session" in document:
        yield from _session(document["session"])
    for cause in document.get("causes", ()):
        yield from _cause(cause, context)
    refusals = document["refusals"]
    for at, refusal in enumerate(refusals):
        if at or "causes" in document:
            yield ()
        yield from _refusal(refusal, context)
    if not refusals and "causes" not in document:
        yield sentence("Nothing was refused.")


def _session(session: Mapping[str, Any]) -> Iterator[Line]:
    ended = session.get("ended")
    what = (
        f"ended {units.date(ended)}: {session.get('stop_reason', 'reason unknown')}"
        if ended
        else "is running"
    )
    yield sentence(f"session {units.short(session['id'])} {what}")


def _cause(cause: Mapping[str, Any], context: Context) -> Iterator[Line]:
    since = f" since {units.clock(cause['since'])}" if "since" in cause else ""
    because = " because" if cause["because"] else ""
    yield sentence(f"{cause['what']}{since}{because}")
    for depth, reason in enumerate(cause["because"]):
        branch = " " * (depth + 1) + "└ " if depth else "  "
        yield from tables.paragraph(
            context.terminal, Cell(branch + reason), " " * (depth + 4)
        )


def _refusal(refusal: Mapping[str, Any], context: Context) -> Iterator[Line]:
    where = context.name(refusal["connector"])
    yield (
        mark(WARNING, "Refused: "),
        Cell(f"{refusal['asked']} {units.clock(refusal['time'])} on {where} "),
        Cell(f"→ {refusal['answer']}"),
    )
    text = f"  reason {refusal['reason']}: {refusal['detail']}"
    yield from tables.paragraph(context.terminal, Cell(text, OFF))


_why = reads("why", _fetch, _render)

"""``chargerctl session``: what was sold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, tables, units
from chargerd.cli.commands import Context, Document, reads
from chargerd.cli.queue import message_table
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_SESSION_COLUMNS: Final = (
    Column("ID"),
    Column("CONN"),
    Column("STATE"),
    Column("STARTED"),
    Column("DURATION", drops=3),
    Column("TAG", drops=2),
    Column("ENERGY"),
    Column("STOP REASON"),
    Column("CSMS ID", drops=1),
    Column("WAITING", drops=4),
)


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    session = options.command(nouns, "session", "charging sessions", _list)
    options.limit(session)
    verbs = options.verbs(session, "VERB")
    options.limit(
        options.command(verbs, "list", "the newest sessions (default)", _list)
    )
    show = options.command(verbs, "show", "one session with its steps", _show)
    show.add_argument("session", metavar="SESSION", help="the beginning of its id")


def _fetch_list(context: Context) -> Document:
    return context.station("ListSessions", limit=context.arguments.limit)


def _render_list(document: Document, context: Context) -> Iterator[Line]:
    rows = [_session_row(one, context) for one in document["sessions"]]
    if not rows:
        yield sentence("No session yet.")
    yield from tables.table(context.terminal, _SESSION_COLUMNS, rows)


def _session_row(session: Values, context: Context) -> Sequence[Cell | str]:
    return (
        units.short(session["id"]),
        context.name(session["connector"]),
        mark(GOOD if session["state"] == "running" else OFF, session["state"]),
        units.date(session["started"]),
        units.between(session["started"], session.get("ended")),
        session["tag"],
        units.energy(session["energy_wh"]),
        session.get("stop_reason") or units.NOTHING,
        str(session.get("transaction_id", units.NOTHING)),
        str(session["messages_waiting"]),
    )


def _fetch_session(context: Context) -> Document:
    return context.station("GetSession", id=context.arguments.session)


def _render_session(document: Document, context: Context) -> Iterator[Line]:
    session = document["session"]
    number = session.get("transaction_id")
    yield (
        Cell(f"{session['id']}  {context.name(session['connector'])}  "),
        mark(GOOD if session["state"] == "running" else OFF, session["state"]),
        Cell(f"  CSMS id {number or units.NOTHING}  tag {session['tag']}"),
    )
    yield from tables.pairs(
        (
            ("Started", units.date(session["started"])),
            ("Ended", _ended(session)),
            ("Meter", _meter(session)),
            ("Messages", _waiting(session)),
        )
    )
    if document["steps"]:
        yield ()
    for step in document["steps"]:
        yield (Cell(f"{units.clock(step['time'])}  {step['what']}"),)
    if document["messages"]:
        yield ()
    yield from message_table(document["messages"], context)


def _ended(session: Values) -> str | None:
    if "ended" not in session:
        return None
    reason = session.get("stop_reason") or "no reason known"
    lasted = units.between(session["started"], session["ended"])
    return f"{units.date(session['ended'])} after {lasted} ({reason})"


def _meter(session: Values) -> str:
    start, stop = session["meter_start_wh"], session.get("meter_stop_wh")
    end = units.register(stop) if stop is not None else "still running"
    return f"{units.register(start)} → {end}, {units.energy(session['energy_wh'])}"


def _waiting(session: Values) -> Cell:
    waiting = session["messages_waiting"]
    return mark(WARNING, f"{waiting} waiting") if waiting else mark(GOOD, "all told")


_list = reads("session-list", _fetch_list, _render_list)
_show = reads("session", _fetch_session, _render_session)

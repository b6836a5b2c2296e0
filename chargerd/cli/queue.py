"""``chargerctl queue``: what waits for the CSMS, and what was given up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, tables, units
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.problems import USAGE, Problem
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_COLUMNS: Final = (
    Column("ID"),
    Column("STATE"),
    Column("KIND"),
    Column("SESSION", drops=1),
    Column("QUEUED", drops=2),
    Column("TRIES", drops=3),
    Column("NEXT"),
    Column("LAST ANSWER"),
)
_STATES: Final = {"waiting": OFF, "sent": GOOD, "quarantine": WARNING}
_WAITS: Final = {"turn": "its turn", "hand": "by hand"}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    queue = options.command(nouns, "queue", "messages that wait for the CSMS", _list)
    options.limit(queue)
    verbs = options.verbs(queue, "VERB")
    options.limit(options.command(verbs, "list", "the messages (default)", _list))
    options.limit(
        options.command(verbs, "quarantine", "those that were given up", _quarantine)
    )
    show = options.command(verbs, "show", "one message with its content", _show)
    retry = options.command(
        verbs, "retry", "try a message of the quarantine again", _retry
    )
    drop = options.command(
        verbs, "drop", "throw a message of the quarantine away", _drop
    )
    for parser in (show, drop):
        _id(parser)
    _id(retry, nargs="?")
    options.option(
        retry, "--all", action="store_true", help="all messages of the quarantine"
    )
    options.option(drop, "--yes", action="store_true", help="do not ask")


def message_table(messages: Sequence[Values], context: Context) -> Iterator[Line]:
    """Lay messages out."""
    rows = [_row(one) for one in messages]
    return tables.table(context.terminal, _COLUMNS, rows)


def _id(parser: Any, **settings: Any) -> None:
    parser.add_argument(
        "id", type=options.whole, metavar="MESSAGE", help="its id", **settings
    )


def _fetch_list(context: Context) -> Document:
    return context.station("ListMessages", limit=context.arguments.limit)


def _fetch_quarantine(context: Context) -> Document:
    limit = context.arguments.limit
    return context.station("ListMessages", limit=limit, quarantine=True)


def _render_list(document: Document, context: Context) -> Iterator[Line]:
    messages, total = document["messages"], document["total"]
    yield from message_table(messages, context)
    if not total:
        yield (mark(GOOD, "empty: the CSMS knows everything"),)
    if messages and context.terminal.legend:
        yield ()
        shown = units.shown(len(messages), total)
        oldest = units.date(document["oldest"])
        text = f"{units.count(total, 'message')}{shown}, oldest of {oldest}."
        yield from tables.paragraph(context.terminal, Cell(text))
    if context.terminal.legend:
        filled, days = document["filled_percent"], document["capacity_days"]
        text = f"The store is filled to {filled:g} % of {days:g} d without the CSMS."
        yield from tables.paragraph(context.terminal, Cell(text, OFF))


def _render_quarantine(document: Document, context: Context) -> Iterator[Line]:
    messages, total = document["messages"], document["quarantined"]
    yield from message_table(messages, context)
    if not total:
        yield (mark(GOOD, "empty: nothing was given up"),)
    elif context.terminal.legend:
        yield ()
        shown = units.shown(len(messages), total)
        text = f"{units.count(total, 'message')}{shown}. No session waits for this."
        yield from tables.paragraph(context.terminal, Cell(text))


def _row(message: Values) -> Sequence[Cell | str]:
    next_try_s = message.get("next_try_s")
    waits_for: str = message["waits_for"]
    due = _WAITS.get(waits_for, waits_for)
    if next_try_s is not None:
        due = f"in {units.duration(next_try_s)}"
    return (
        str(message["id"]),
        mark(_STATES[message["state"]], message["state"]),
        message["action"],
        units.short(message.get("session")),
        units.date(message["queued"]),
        str(message["attempts"]),
        due,
        message.get("last_error") or units.NOTHING,
    )


def _fetch_one(context: Context) -> Document:
    return context.station("GetMessage", id=context.arguments.id)


def _render_one(document: Document, context: Context) -> Iterator[Line]:
    message = document["message"]
    yield from message_table((message,), context)
    yield ()
    text = json.dumps(json.loads(document["payload"]), indent=2, ensure_ascii=False)
    for line in text.splitlines():
        yield sentence(line)


def _try_again(context: Context) -> Document:
    given = context.arguments
    if given.all == (given.id is not None):
        text = "which one? write: chargerctl queue retry MESSAGE, or --all"
        raise Problem(USAGE, "USAGE", text)
    if not given.all:
        context.station("RetryMessage", id=given.id)
        return {"ids": [given.id]}
    ids: list[int] = []
    while found := context.station("RetryMessages", after=ids[-1] if ids else 0)["ids"]:
        ids += found
    return {"ids": ids}


def _render_retry(document: Document, _context: Context) -> Iterator[Line]:
    count = len(document["ids"])
    if not count:
        yield (mark(GOOD, "nothing is in quarantine"),)
        return
    words = "is tried again, at its old place" if count == 1 else "are tried again"
    yield (mark(GOOD, f"{units.count(count, 'message')} {words}"),)


def _throw_away(context: Context) -> Document:
    message = context.station("GetMessage", id=context.arguments.id)["message"]
    what = f"{message['action']} of {units.short(message.get('session'))}"
    context.confirm(f"The CSMS will never know this {what}. Drop it?")
    context.station("DropMessage", id=message["id"])
    return {"id": message["id"]}


def _render_drop(document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, f"message {document['id']} is dropped"),)


_list = reads("queue", _fetch_list, _render_list)
_quarantine = reads("queue", _fetch_quarantine, _render_quarantine)
_show = reads("message", _fetch_one, _render_one)
_retry = acts("retry", _try_again, _render_retry)
_drop = acts("drop", _throw_away, _render_drop)

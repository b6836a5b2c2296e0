"""``chargerctl connector`` and ``reserve``: what is kept from drivers, and for whom."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, problems, tables, units
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.overview import status_cell
from chargerd.cli.problems import Problem
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import GOOD, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_STATION: Final = "station"
_CONNECTOR_COLUMNS: Final = (
    Column("CONN"),
    Column("STATUS"),
    Column("SERVICE"),
    Column("WANTED BY", drops=2),
    Column("SINCE", drops=1),
)
_RESERVATION_COLUMNS: Final = (
    Column("ID"),
    Column("CONN"),
    Column("TAG"),
    Column("GROUP", drops=1),
    Column("UNTIL"),
)
_BY: Final = {"csms": "the CSMS", "cli": "chargerctl"}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    help_ = "which connectors are in service"
    connector = options.command(nouns, "connector", help_, _list)
    verbs = options.verbs(connector, "VERB")
    options.command(verbs, "list", "all connectors (default)", _list)
    for name, words, run in (
        ("show", "one connector, and why it is as it is", _show),
        ("enable", "take a connector into service", _enable),
        ("disable", "take a connector out of service", _disable),
    ):
        parser = options.command(verbs, name, words, run)
        help_ = f"its name, or {_STATION} for all"
        parser.add_argument("connector", metavar="CONNECTOR|station", help=help_)
    options.option(
        parser,
        "--until-idle",
        action="store_true",
        help="let a driver who is there end in peace",
    )
    reserve = options.command(nouns, "reserve", "who has reserved what", _reservations)
    verbs = options.verbs(reserve, "VERB")
    options.command(verbs, "list", "all reservations (default)", _reservations)
    cancel = options.command(verbs, "cancel", "give a reservation up", _cancel)
    cancel.add_argument("id", metavar="RESERVATION", type=int)


def _number(context: Context) -> int:
    name = context.arguments.connector
    number = 0 if name == _STATION else context.number(name)
    return number or 0


def _fetch_list(context: Context) -> Document:
    return {
        "connectors": context.station("GetStatus")["status"]["connectors"],
        **context.station("ListAvailability"),
    }


def _render_list(document: Document, context: Context) -> Iterator[Line]:
    connectors = {one["number"]: one for one in document["connectors"]}
    rows = [
        _row(wish, connectors.get(wish["connector"]), context)
        for wish in document["availability"]
    ]
    yield from tables.table(context.terminal, _CONNECTOR_COLUMNS, rows)


def _row(
    wish: Values, connector: Values | None, context: Context
) -> Sequence[Cell | str]:
    return (
        context.name(wish["connector"]),
        status_cell(connector) if connector else units.NOTHING,
        _service(wish),
        _BY.get(wish.get("by", ""), units.NOTHING),
        units.date(wish.get("since")),
    )


def _service(wish: Values) -> Cell:
    if wish["operative"]:
        return mark(GOOD, "in service")
    later = " once its driver is done" if wish["scheduled"] else ""
    return mark(WARNING, f"out{later}")


def _fetch_show(context: Context) -> Document:
    number = _number(context)
    document = _fetch_list(context)
    wishes = [w for w in document["availability"] if w["connector"] == number]
    if not wishes:
        raise Problem(
            problems.NOT_FOUND,
            "NO_SUCH_CONNECTOR",
            f"there is no connector {number}; see: chargerctl connector",
            connector=number,
        )
    kept = context.station("ListReservations")["reservations"]
    here = [one for one in document["connectors"] if one["number"] == number]
    return {
        "availability": wishes[0],
        "connector": here[0] if here else None,
        "reservations": [one for one in kept if one["connector"] == number],
    }


def _render_show(document: Document, context: Context) -> Iterator[Line]:
    wish, connector = document["availability"], document["connector"]
    by = _BY.get(wish.get("by", ""))
    since = units.date(wish.get("since"))
    yield from tables.pairs(
        (
            ("Connector", context.name(wish["connector"])),
            ("Status", status_cell(connector) if connector else None),
            ("Because", connector["reason"] if connector else None),
            ("Service", _service(wish)),
            ("Wanted by", f"{by}, {since}" if by else None),
            *(
                ("Kept for", f"{one['tag']} until {units.date(one['expires'])}")
                for one in document["reservations"]
            ),
        )
    )


def _fetch_set(context: Context, *, operative: bool) -> Document:
    number = _number(context)
    waits = context.arguments.until_idle or None
    answer = context.station(
        "SetAvailability", connector=number, operative=operative, until_idle=waits
    )
    return {"connector": number, "operative": operative, **answer}


def _render_set(document: Document, context: Context) -> Iterator[Line]:
    word = "in service" if document["operative"] else "out of service"
    if document["outcome"] == "Scheduled":
        word += " once its driver is done"
    tone = GOOD if document["operative"] else WARNING
    yield (mark(tone, f"{context.name(document['connector'])} {word}"),)


def _render_reservations(document: Document, context: Context) -> Iterator[Line]:
    rows = [
        (
            str(one["id"]),
            context.name(one["connector"]) if one["connector"] else "any",
            one["tag"],
            one.get("group") or units.NOTHING,
            units.date(one["expires"]),
        )
        for one in document["reservations"]
    ]
    if not rows:
        yield sentence("Nothing is reserved.")
    yield from tables.table(context.terminal, _RESERVATION_COLUMNS, rows)


def _fetch_cancel(context: Context) -> Document:
    context.station("CancelReservation", id=context.arguments.id)
    return {"id": context.arguments.id}


def _render_cancel(document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, f"reservation {document['id']} is given up"),)


_list = reads("connector-list", _fetch_list, _render_list)
_show = reads("connector", _fetch_show, _render_show)
_enable = acts(
    "connector-set", lambda context: _fetch_set(context, operative=True), _render_set
)
_disable = acts(
    "connector-set", lambda context: _fetch_set(context, operative=False), _render_set
)
_reservations = reads(
    "reservation-list",
    lambda context: context.station("ListReservations"),
    _render_reservations,
)
_cancel = acts("reservation-cancel", _fetch_cancel, _render_cancel)

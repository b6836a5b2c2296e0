"""``chargerctl meter``: what the energy meters say, and what is billed by."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, tables, units
from chargerd.cli.commands import Context, Document, reads
from chargerd.cli.tables import Column
from chargerd.cli.terminal import FAULT, GOOD, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_COLUMNS: Final = (
    Column("CONN"),
    Column("ENERGY"),
    Column("REGISTER", drops=3),
    Column("OFFSET", drops=3),
    Column("SERIAL", drops=4),
    Column("EXPORT", drops=2),
    Column("POWER"),
    Column("VOLTAGE"),
    Column("CURRENT"),
    Column("QUALITY"),
    Column("AGE", drops=1),
)
_EXCHANGES: Final = (
    Column("CONN"),
    Column("EXCHANGED"),
    Column("WHY", drops=1),
    Column("FROM"),
    Column("TO"),
    Column("OFFSET"),
)
_TONES: Final = {"good": GOOD, "doubtful": WARNING, "lost": FAULT}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    meter = options.command(nouns, "meter", "the energy meters", _meters)
    show = options.command(
        options.verbs(meter, "VERB"), "show", "their readings (default)", _meters
    )
    show.add_argument("connector", nargs="?", metavar="CONNECTOR")
    meter.set_defaults(connector=None)


def _fetch(context: Context) -> Document:
    number = context.number(context.arguments.connector)
    return context.station("ReadMeters", connector=number)


def _render(document: Document, context: Context) -> Iterator[Line]:
    meters = document["meters"]
    rows = [_row(one, context) for one in meters]
    yield from tables.table(context.terminal, _COLUMNS, rows)
    exchanges = [
        _exchange(meter, each, context)
        for meter in meters
        for each in meter["exchanges"]
    ]
    if exchanges:
        yield ()
    yield from tables.table(context.terminal, _EXCHANGES, exchanges)


def _row(meter: Values, context: Context) -> Sequence[Cell | str]:
    return (
        context.name(meter["connector"]),
        units.register(meter["energy_wh"]),
        units.register(meter["register_wh"]),
        units.register(meter["offset_wh"]),
        meter.get("serial") or units.NOTHING,
        units.register(meter.get("energy_export_wh")),
        units.power(meter["power_w"]),
        units.number(meter["voltage_v"], "V", 1),
        units.number(meter["current_a"], "A", 1),
        mark(_TONES[meter["quality"]], meter["quality"]),
        units.number(meter["age_s"], "s", 1),
    )


def _exchange(
    meter: Values, exchange: Values, context: Context
) -> Sequence[Cell | str]:
    return (
        context.name(meter["connector"]),
        units.day(exchange["time"]),
        exchange["why"],
        _one(exchange.get("old_serial"), exchange["old_wh"]),
        _one(exchange.get("new_serial"), exchange["new_wh"]),
        units.register(exchange["offset_wh"]),
    )


def _one(serial: str | None, register_wh: int) -> str:
    register = units.register(register_wh)
    return f"{serial}: {register}" if serial else register


_meters = reads("meter", _fetch, _render)

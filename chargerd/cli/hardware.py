"""``chargerctl fault`` and ``device``: what the hardware says."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, problems, tables, units
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.overview import CONSEQUENCE_TONES
from chargerd.cli.problems import Problem
from chargerd.cli.tables import Column
from chargerd.cli.terminal import FAULT, GOOD, OFF, Cell, Line, mark

Values = Mapping[str, Any]

_FAULT_COLUMNS: Final = (
    Column("ID"),
    Column("EFFECT"),
    Column("NAME"),
    Column("CONN"),
    Column("SINCE"),
    Column("CLEARED", drops=2),
    Column("COUNT", drops=3),
    Column("VALUE", drops=1),
    Column("PART", drops=5),
    Column("CODE", drops=4),
    Column("CLEARS"),
)
_CAUSE_COLUMNS: Final = (
    Column("CONN"),
    Column("CAUSE"),
    Column("COUNT"),
    Column("LAST"),
)
_EFFECTS: Final = {
    "stop": "ends charging, and none begins",
    "warning": "does not end charging",
}
_DEVICE_COLUMNS: Final = (
    Column("CONN"),
    Column("KIND"),
    Column("STATE"),
    Column("DRIVER"),
    Column("AGE", drops=1),
    Column("ERROR"),
)


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    fault = options.command(nouns, "fault", "what is broken, and what to do", _faults)
    verbs = options.verbs(fault, "VERB")
    list_ = options.command(verbs, "list", "active faults (default)", _faults)
    for parser in (fault, list_):
        options.option(
            parser, "--history", action="store_true", help="those that cleared, too"
        )
    show = options.command(verbs, "show", "one fault, and what to do", _fault)
    show.add_argument("fault", metavar="FAULT", help="its id or its name")
    clear = options.command(verbs, "clear", "a latched fault was repaired", _clear)
    clear.add_argument("fault", metavar="FAULT", help="its id or its name")
    options.option(clear, "--yes", action="store_true", help="do not ask")
    options.command(verbs, "causes", "how sessions have failed", _causes)
    device = options.command(nouns, "device", "the devices and their drivers", _devices)
    verbs = options.verbs(device, "VERB")
    options.command(verbs, "list", "all devices (default)", _devices)


def _fetch_faults(context: Context) -> Document:
    return context.station("ListFaults", history=context.arguments.history or None)


def _render_faults(document: Document, context: Context) -> Iterator[Line]:
    faults = document["faults"]
    rows = [_fault_row(one, context) for one in faults]
    if not rows:
        yield (mark(GOOD, "no faults"),)
    yield from tables.table(context.terminal, _FAULT_COLUMNS, rows)
    if rows and context.terminal.legend and not context.terminal.quiet:
        yield ()
        yield (Cell(f"What to do: chargerctl fault show {faults[0]['id']}"),)


def _fault_row(fault: Values, context: Context) -> Sequence[Cell | str]:
    return (
        str(fault["id"]),
        _effect(fault),
        fault["name"],
        context.name(fault["connector"]),
        units.date(fault["since"]),
        units.date(fault.get("until")),
        str(fault.get("count", units.NOTHING)),
        fault.get("value") or units.NOTHING,
        fault["part"],
        _code(fault),
        fault["recovers"],
    )


def _code(fault: Values) -> str:
    """Return OCPP's code, and that of a dialect if it has one."""
    if fault["vendor_code"] == fault["name"]:
        return str(fault["error_code"])
    return f"{fault['error_code']} {fault['vendor_code']}"


def _clears(fault: Values) -> str:
    after_s = fault["clears_after_s"]
    after = f", {after_s:g} s after its reason" if after_s else ""
    return f"{fault['recovers']}{after}"


def _effect(fault: Values) -> Cell:
    cleared = "until" in fault
    tone = OFF if cleared else CONSEQUENCE_TONES[fault["consequence"]]
    return mark(tone, "cleared" if cleared else fault["consequence"])


def _fetch_fault(context: Context) -> Document:
    wanted = context.arguments.fault
    for fault in context.station("ListFaults", history=True)["faults"]:
        if wanted in (str(fault["id"]), fault["name"]):
            return {"fault": fault}
    raise Problem(
        problems.NOT_FOUND,
        "NO_SUCH_FAULT",
        f"there was no fault {wanted!r}; see: chargerctl fault --history",
        fault=wanted,
    )


def _clear_fault(context: Context) -> Document:
    wanted = context.arguments.fault
    found = context.station("ListFaults")["faults"]
    fault = next((f for f in found if wanted in (str(f["id"]), f["name"])), None)
    if fault is None:
        raise Problem(
            problems.NOT_FOUND,
            "NO_SUCH_FAULT",
            f"there is no fault {wanted!r} now; see: chargerctl fault",
            fault=wanted,
        )
    where = context.name(fault["connector"])
    context.confirm(f"Was the {fault['part']} of {where} repaired and measured?")
    context.station("ClearFault", id=fault["id"])
    return {"id": fault["id"], "name": fault["name"]}


def _render_clear(document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, f"{document['name']} is cleared; it comes back if it is there"),)


def _fetch_causes(context: Context) -> Document:
    return context.station("ListFailures")


def _render_causes(document: Document, context: Context) -> Iterator[Line]:
    rows = [
        (
            context.name(one["connector"]),
            one["cause"],
            str(one["count"]),
            units.date(one["last"]),
        )
        for one in document["failures"]
    ]
    if not rows:
        yield (mark(GOOD, "no session has failed"),)
    yield from tables.table(context.terminal, _CAUSE_COLUMNS, rows)


def _render_fault(document: Document, context: Context) -> Iterator[Line]:
    fault = document["fault"]
    where = context.name(fault["connector"])
    told = f"{fault['error_code']}, {fault['vendor_code']} of {fault['vendor_id']}"
    yield from tables.pairs(
        (
            ("What", mark(_effect(fault).tone, f"{fault['name']} on {where}")),
            ("Means", fault["means"]),
            ("Value", fault.get("value")),
            ("Since", units.date(fault["since"])),
            ("Cleared", units.date(fault["until"]) if "until" in fault else None),
            ("Count", str(fault.get("count", units.NOTHING))),
            ("Effect", _EFFECTS[fault["consequence"]]),
            ("OCPP", told),
            ("Part", fault["part"]),
            ("Do", fault["remedy"]),
            ("Clears", _clears(fault)),
        )
    )


def _render_devices(document: Document, context: Context) -> Iterator[Line]:
    rows = [_device_row(one, context) for one in document["devices"]]
    return tables.table(context.terminal, _DEVICE_COLUMNS, rows)


def _device_row(device: Values, context: Context) -> Sequence[Cell | str]:
    return (
        context.name(device["connector"]),
        device["kind"],
        mark(GOOD, "ok") if device["alive"] else mark(FAULT, "silent"),
        device["driver"],
        units.number(device.get("age_s"), "s", 1),
        device.get("error") or units.NOTHING,
    )


_faults = reads("fault-list", _fetch_faults, _render_faults)
_fault = reads("fault", _fetch_fault, _render_fault)
_clear = acts("fault-clear", _clear_fault, _render_clear)
_causes = reads("fault-causes", _fetch_causes, _render_causes)
_devices = reads(
    "device-list", lambda context: context.station("ListDevices"), _render_devices
)

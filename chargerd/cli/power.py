"""``chargerctl power``: who may take how much and why, and which modules serve whom."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, tables, units
from chargerd.cli.commands import Context, Document, reads
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_LIMIT_COLUMNS: Final = (
    Column("CONN"),
    Column("TAKES", drops=1),
    Column("LIMIT"),
    Column("SET BY"),
)
_PROFILE_COLUMNS: Final = (
    Column("ID"),
    Column("FOR"),
    Column("PURPOSE"),
    Column("LEVEL"),
    Column("KIND", drops=2),
    Column("SAYS"),
    Column("UNTIL", drops=1),
)
_GROUP_COLUMNS: Final = (
    Column("MODULES"),
    Column("SERVE"),
    Column("STATE"),
    Column("POWER"),
    Column("CAN GIVE"),
    Column("UP TO", drops=3),
    Column("VOLTAGE", drops=1),
    Column("CURRENT", drops=1),
    Column("TEMP", drops=2),
)


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    power = options.command(nouns, "power", "power modules and limits", _show)
    verbs = options.verbs(power, "VERB")
    options.command(verbs, "show", "the modules and the bridge (default)", _show)
    options.command(verbs, "profiles", "what the CSMS has set", _profiles)
    options.command(verbs, "limits", "who may take how much, and why", _limits)


def _render_limits(document: Document, context: Context) -> Iterator[Line]:
    rows = list(_cap_rows("station", document["station"]))
    for connector in document["connectors"]:
        rows += _cap_rows(context.name(connector["connector"]), connector)
    yield from tables.table(context.terminal, _LIMIT_COLUMNS, rows)
    waiting = [context.name(number) for number in document["station"]["waiting"]]
    if waiting:
        listed = ", ".join(waiting)
        yield sentence(f"{listed}: waits until there is enough for one more", WARNING)


def _cap_rows(name: str, limited: Values) -> Iterator[Sequence[Cell | str]]:
    taking = units.power(limited["taking_w"])
    for at, cap in enumerate(limited["caps"]):
        first = at == 0
        yield (
            name if first else "",
            taking if first else "",
            mark(GOOD if cap["rules"] else OFF, units.power(cap["power_w"])),
            _what(cap),
        )
    if not limited["caps"]:
        yield name, taking, mark(GOOD, "none"), "what the connectors may take together"


def _what(cap: Values) -> str:
    until = f", until {units.clock(cap['until'])}" if "until" in cap else ""
    return f"{cap['what']}{until}"


def _render_profiles(document: Document, context: Context) -> Iterator[Line]:
    rows = [_profile_row(profile, context) for profile in document["profiles"]]
    yield from tables.table(context.terminal, _PROFILE_COLUMNS, rows)
    if not rows:
        yield sentence("The CSMS has set no charging profile.", GOOD)


def _profile_row(profile: Values, context: Context) -> Sequence[Cell | str]:
    says = units.power(profile["power_w"]) if "power_w" in profile else "silent"
    general = profile["purpose"] == "TxDefaultProfile" and not profile["connector"]
    return (
        str(profile["id"]),
        "all" if general else context.name(profile["connector"]),
        profile["purpose"],
        str(profile["stack_level"]),
        profile["kind"],
        mark(GOOD if profile["rules"] else OFF, says),
        units.clock(profile["until"]) if "until" in profile else units.NOTHING,
    )


def _render_show(document: Document, context: Context) -> Iterator[Line]:
    rows = [_group_row(group, context) for group in document["groups"]]
    yield from tables.table(context.terminal, _GROUP_COLUMNS, rows)
    bridge = document.get("bridge")
    if bridge is not None:
        one, other = (context.name(number) for number in bridge["joins"])
        where = mark(_POSITIONS[bridge["position"]], bridge["position"])
        yield Cell(f"bridge {one}–{other} is "), where, Cell(_loan(bridge, context))


_POSITIONS: Final = {"open": OFF, "closed": GOOD, "between": WARNING, "unknown": FAULT}


def _loan(bridge: Values, context: Context) -> str:
    if "lender" not in bridge:
        return ""
    lender, borrower = context.name(bridge["lender"]), context.name(bridge["borrower"])
    return f": the modules of {lender} shall help {borrower}"


def _group_row(group: Values, context: Context) -> Sequence[Cell | str]:
    return (
        context.name(group["connector"]),
        context.name(group["serves"]),
        _state(group),
        units.power(group.get("power_w")),
        units.power(group["max_power_w"]),
        units.number(group["max_current_a"], "A"),
        units.number(group.get("voltage_v"), "V"),
        units.number(group.get("current_a"), "A", 1),
        units.number(group.get("temperature_c"), "°C"),
    )


def _state(group: Values) -> Cell:
    failed = group["failed_modules"]
    if not group["answers"]:
        return mark(FAULT, "silent")
    if failed:
        return mark(WARNING, f"failed: {', '.join(map(str, failed))}")
    return mark(GOOD, "ok")


_show = reads("power", lambda context: context.station("GetPower"), _render_show)
_limits = reads(
    "power-limits", lambda context: context.station("GetPowerLimits"), _render_limits
)
_profiles = reads(
    "power-profiles", lambda context: context.station("ListProfiles"), _render_profiles
)

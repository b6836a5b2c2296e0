"""``chargerctl mock``: the hands of a simulated station."""

from collections.abc import Iterator
from typing import Any

from chargerd.cli import options, problems
from chargerd.cli.commands import Context, Document, Fetch, Run, acts, reads
from chargerd.cli.problems import Problem
from chargerd.cli.tables import sentence
from chargerd.cli.terminal import GOOD, Line, mark


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    mock = nouns.add_parser(
        "mock",
        help="cars, cards and faults of a simulated station",
        description="Drives a simulated station; refused where hardware is real.",
        parents=[options.COMMON],
        allow_abbrev=False,
    )
    verbs = mock.add_subparsers(
        title="verbs", metavar="VERB", required=True, dest="verb"
    )
    _add_vehicle(verbs)
    _add_station(verbs)


def _add_vehicle(verbs: options.Verbs) -> None:
    plug = options.command(verbs, "plug", "connect a car", _does(_plug))
    for flag, unit, help_ in (
        ("--soc", "PERCENT", "its state of charge"),
        ("--capacity-kwh", "KWH", "its battery"),
        ("--max-kw", "KW", "the most that it takes"),
        ("--max-voltage-v", "V", "where it ends charging"),
    ):
        plug.add_argument(flag, type=float, metavar=unit, help=help_)
    plug.add_argument("--evccid", metavar="MAC", help="the address of its modem")
    unplug = options.command(verbs, "unplug", "pull the plug", _does(_unplug))
    pause = options.command(verbs, "pause", "the car asks for no energy", _does(_pause))
    resume = options.command(verbs, "resume", "the car asks again", _does(_resume))
    for parser in (plug, unplug, pause, resume):
        parser.add_argument("connector", metavar="CONNECTOR")


def _add_station(verbs: options.Verbs) -> None:
    tag = options.command(verbs, "tag", "hold a card to a reader", _does(_tag))
    tag.add_argument("uid", metavar="UID")
    tag.add_argument("--connector", metavar="CONNECTOR", help="whose reader")
    fault = options.command(verbs, "fault", "cause or clear a fault", _fault)
    fault.add_argument(
        "name", metavar="NAME", help='a name of "mock fault list", or list'
    )
    fault.add_argument("state", nargs="?", choices=("on", "off"))
    fault.add_argument("--connector", metavar="CONNECTOR", help="where (everywhere)")
    fault.add_argument("--error-code", metavar="CODE", help="OCPP errorCode to report")
    link = options.command(verbs, "link", "the line to the CSMS", _does(_link))
    link.add_argument("mode", choices=("down", "up", "blackhole"))
    rate = options.command(verbs, "rate", "let the physics run faster", _does(_rate))
    rate.add_argument("factor", type=options.positive, metavar="FACTOR")
    meter = options.command(verbs, "meter", "bend a meter", _does(_meter))
    meter.add_argument("connector", metavar="CONNECTOR")
    meter.add_argument("--energy-wh", type=int, metavar="N", help="set the register")
    meter.add_argument("--power-w", type=float, metavar="N", help="override the power")


def _does(act: Fetch) -> Run:
    return acts("mock", act, _render)


def _render(document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, document["done"]),)


def _plug(context: Context) -> Document:
    given = context.arguments
    context.mock(
        "Plug",
        connector=context.number(given.connector),
        soc_percent=given.soc,
        capacity_wh=_thousandfold(given.capacity_kwh),
        max_power_w=_thousandfold(given.max_kw),
        max_voltage_v=given.max_voltage_v,
        evccid=given.evccid,
    )
    return _done(f"a car is plugged into {given.connector}")


def _unplug(context: Context) -> Document:
    return _to_connector(context, "Unplug", "the car is gone from")


def _pause(context: Context) -> Document:
    return _to_connector(context, "Pause", "the car pauses at")


def _resume(context: Context) -> Document:
    return _to_connector(context, "Resume", "the car asks again at")


def _to_connector(context: Context, method: str, words: str) -> Document:
    written = context.arguments.connector
    context.mock(method, connector=context.number(written))
    return _done(f"{words} {written}")


def _tag(context: Context) -> Document:
    given = context.arguments
    context.mock("PresentTag", uid=given.uid, connector=context.number(given.connector))
    return _done("the card was held to the reader")


def _set_fault(context: Context) -> Document:
    given = context.arguments
    context.mock(
        "SetFault",
        name=given.name,
        on=given.state == "on",
        connector=context.number(given.connector),
        error_code=given.error_code,
    )
    return _done(f"{given.name} is {given.state}")


def _fault(context: Context) -> int:
    if context.arguments.name == "list":
        return _list(context)
    if context.arguments.state is None:
        name = context.arguments.name
        raise Problem(
            problems.USAGE,
            "USAGE",
            f"shall {name} be on or off? write: chargerctl mock fault {name} on",
        )
    return _does(_set_fault)(context)


def _render_names(document: Document, _context: Context) -> Iterator[Line]:
    for name in document["names"]:
        yield sentence(name)


def _link(context: Context) -> Document:
    mode = context.arguments.mode
    context.mock("SetLink", mode=mode)
    return _done(f"the link is {mode}")


def _rate(context: Context) -> Document:
    factor = context.arguments.factor
    context.mock("SetRate", factor=factor)
    return _done(f"the physics run {factor:g} times as fast")


def _meter(context: Context) -> Document:
    given = context.arguments
    context.mock(
        "SetMeter",
        connector=context.number(given.connector),
        energy_wh=given.energy_wh,
        power_w=given.power_w,
    )
    if given.energy_wh is None and given.power_w is None:
        return _done(f"the meter of {given.connector} counts the real power again")
    return _done(f"the meter of {given.connector} is set")


def _thousandfold(value: float | None) -> float | None:
    return None if value is None else value * 1000


def _done(words: str) -> dict[str, Any]:
    return {"done": words}


_list = reads(
    "mock-fault-list", lambda context: context.mock("ListFaults"), _render_names
)

"""``chargerctl watch``: one line for every change, for logs and screen readers."""

from collections.abc import Iterator, Mapping
from typing import Any

from chargerd import control
from chargerd.cli import options, overview, units
from chargerd.cli.commands import Context
from chargerd.cli.terminal import Cell, Line, mark

Values = Mapping[str, Any]


def add(nouns: options.Verbs) -> None:
    """Add the command of this module."""
    options.command(nouns, "watch", "one line for every change, until Ctrl-C", _watch)


def _watch(context: Context) -> int:
    context.client.subscribe(f"{control.STATION}.Watch")
    told: dict[str, str] = {}
    while True:
        answer = context.client.receive()
        if context.arguments.json:
            context.print_json("watch", answer)
        else:
            context.terminal.print(_changes(answer, told))


def _changes(answer: Values, told: dict[str, str]) -> Iterator[Line]:
    """Yield what is new against ``told``, and keep it there."""
    status = answer["status"]
    names = {one["number"]: one["name"] for one in status["connectors"]}
    for happening in answer["happenings"]:
        yield happened(happening, names)
    link = status["link"]
    state = mark(overview.LINK_TONES[link["state"]], link["state"])
    lines: dict[str, Line] = {"link": (state, Cell(f"  {link.get('failure', '')}"))}
    for connector in status["connectors"]:
        lines[connector["name"]] = _state(connector)
    for name, line in lines.items():
        text = "".join(cell.text for cell in line)
        if told.get(name) != text:
            told[name] = text
            yield (Cell(f"{units.clock(status['time'])}  {name:8}  "), *line)


def happened(happening: Values, names: Mapping[int, str]) -> Line:
    """Return a happening as one line."""
    where = names.get(happening["connector"], "station")
    return (Cell(f"{units.clock(happening['time'])}  {where:8}  {happening['what']}"),)


def _state(connector: Values) -> Line:
    """Return what is worth a line when it changes: the energy is not."""
    parts = [f"{connector['phase']}, limit {overview.limit(connector)}"]
    if "power_w" in connector:
        parts += [f"{connector['power_w'] / 1000:.0f} kW"]
    if "soc_percent" in connector:
        parts += [overview.soc(connector)]
    return (overview.status_cell(connector), Cell("  " + ", ".join(parts)))

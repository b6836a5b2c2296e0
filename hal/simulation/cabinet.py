"""A simulated cabinet that fits a station file: a twin for every device it names."""

import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from hal.mock import simulation as mock
from hal.resources import Place, Resources
from hal.simulation.control import listening, verbs_of
from hal.simulation.observation import observed
from hal.simulation.twins import TWINS
from hal.simulation.wires import Table, Wires
from hal.world.site import World, world_of

STATION_FILE: Final = "station.toml"
SOCKET: Final = "cabinet.sock"
_OF_STATION: Final = ("safety", "supply", "reader", "bridge", "temperature")
_PLAIN: Final = ("name", "cable", "max_power_w", "max_current_a", "driver")
_NOT_LINES: Final = ("driver", "chip", "bias", "mirror_type", "normally_open")


class Device(NamedTuple):
    """One device of a station file."""

    connector: int
    kind: str
    table: Table


class Unfit(ValueError):
    """No cabinet can be built for a station file; the text says what to change."""


@asynccontextmanager
async def cabinet(
    file: Path, directory: Path, world: mock.Config
) -> AsyncIterator[Path]:
    """Build the cabinet in a directory; yield the station file that fits it.

    Raises:
        Unfit: A device has no twin, or the file cannot be read.
    """
    text, devices = _read(file)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(Resources(time.monotonic))
        place = Place(0, resources)
        hands = await stack.enter_async_context(mock.connect(world, place))
        site = await world_of(place)
        for number in {device.connector for device in devices} - {0}:
            site.outlet(number)
        wires = Wires(directory, site, stack)
        for chip, lines in _chips(devices).items():
            await wires.wire_board(chip, lines)
        for device in devices:
            build = TWINS[device.kind, device.table["driver"]]
            await build(wires, device.connector, device.table)
        verbs = verbs_of(hands) | _of_cabinet(site, wires)
        await stack.enter_async_context(listening(directory / SOCKET, verbs))
        fitting = directory / STATION_FILE
        fitting.write_text(_played(wires.refit(text), directory / SOCKET))
        yield fitting


def _of_cabinet(site: World, wires: Wires) -> dict[str, Callable[..., Any]]:
    """Return what can be asked of a cabinet besides what hands can do."""
    return {
        "observe": lambda: observed(site),
        "heard": wires.tap.heard,
        "pull": wires.pull,
        "put_back": wires.put_back,
    }


def _played(text: str, socket: Path) -> str:
    """Return a station file for a cabinet whose time can be hurried."""
    # A meter then counts more than the modules could give in the daemon's own time.
    keys = "[ocpp.configuration]"
    text = text.replace(keys, f"{keys}\nMeterStepLimit = 10000", 1)
    return f'{text}\n[simulation]\ndriver = "cabinet"\nsocket = "{socket}"\n'


def _read(file: Path) -> tuple[str, tuple[Device, ...]]:
    try:
        text = file.read_text()
        station = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise Unfit(f"{file}: {error}") from error
    if "simulation" in station:
        raise Unfit(f"{file}: has a [simulation] of its own; name one without")
    devices = tuple(_devices(station))
    for device in devices:
        driver = device.table["driver"]
        if (device.kind, driver) not in TWINS:
            known = ", ".join(d for kind, d in TWINS if kind == device.kind) or "none"
            raise Unfit(
                f"{file}: the {device.kind} {driver!r} of connector "
                f"{device.connector} has no twin; twins of that kind: {known}"
            )
    return text, devices


def _devices(station: Table) -> Iterator[Device]:
    # A board that both share belongs to the connector.
    for number, block in enumerate(station.get("connector", ()), 1):
        for kind, table in block.items():
            if kind not in _PLAIN:
                driver = block.get("driver", "")
                yield Device(number, kind, {"driver": driver, **table})
    for kind in _OF_STATION:
        if kind in station:
            yield Device(0, kind, station[kind])


def _chips(devices: tuple[Device, ...]) -> dict[str, dict[int, str]]:
    """Return the lines of each GPIO chip that any device uses."""
    found: dict[str, list[str]] = {}
    for device in devices:
        if chip := device.table.get("chip"):
            found.setdefault(chip, []).extend(_lines(device.table))
    return {
        chip: dict(enumerate(dict.fromkeys(lines))) for chip, lines in found.items()
    }


def _lines(table: Table) -> Iterator[str]:
    for field, value in table.items():
        named: Any = () if field in _NOT_LINES else value
        for line in (named,) if isinstance(named, str) else named:
            if isinstance(line, str):
                yield line.lstrip("!")

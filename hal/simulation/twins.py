"""Which twin stands behind which driver, and how it is wired up.

One row for each driver: the twin is built from the same table of the station file that
the driver is, so a cabinet fits every station file that names only these.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from hal.parts.contacts import NORMALLY_CLOSED
from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.simulation.advantics import AdvanticsTwin
from hal.simulation.bender_isocha import BenderIsocha
from hal.simulation.dlt645_meter import Dlt645Meter
from hal.simulation.ea import EaSupply
from hal.simulation.em4100 import Em4100
from hal.simulation.infypower import InfypowerModules
from hal.simulation.lem_dcbm import LemDcbm
from hal.simulation.mapped_meter import MappedMeter
from hal.simulation.maxwell import MaxwellModules
from hal.simulation.pn532 import Pn532
from hal.simulation.thermometer import Thermometer
from hal.simulation.uugreenpower import UuGreenPowerModules
from hal.simulation.wires import Table, Wires

MAPPED: Final = (
    "energy_wh",
    "voltage_v",
    "current_a",
    "power_w",
    "energy_export_wh",
    "serial",
)
"""What a map of registers may name."""

Build = Callable[[Wires, int, Table], Awaitable[None]]


async def _acrel(wires: Wires, connector: int, table: Table) -> None:
    unit = table.get("unit", 1) + table.get("circuit", 1) - 1
    meter = AcrelDjsf1352(wires.world, connector, unit)
    meter.attach(wires.line(table["port"]))


async def _bender(wires: Wires, connector: int, table: Table) -> None:
    monitor = BenderIsocha(wires.world, connector, table.get("unit", 3))
    monitor.attach(wires.line(table["port"]))


async def _mapped(wires: Wires, connector: int, table: Table) -> None:
    layout = {name: table[name] for name in MAPPED if table.get(name)}
    options = _named(table, "unit", "low_word_first", "most_registers")
    meter = MappedMeter(wires.world, connector, layout, serial="1", **options)
    meter.attach(wires.line(table["port"]))


async def _dlt645(wires: Wires, connector: int, table: Table) -> None:
    address = table.get("address", "1").zfill(12)
    options = _named(table, "energy_decimals", "voltage_octets", "power_decimals")
    meter = Dlt645Meter(wires.world, connector, address, **options)
    meter.attach(wires.line(table["port"]))


async def _dcbm(wires: Wires, connector: int, table: Table) -> None:
    # Nobody who plays wants to wait two minutes for what the meter does.
    meter = LemDcbm(wires.world, connector, settles_s=0.0, shortest_s=0.0)
    wires.serve(table["host"], await meter.start())
    wires.stack.push_async_callback(meter.server.stop)


async def _rack(make: Any, wires: Wires, connector: int, table: Table) -> None:
    outlet = wires.world.outlet(connector)
    adapter = wires.adapter(table["channel"])
    options = _named(table, "group")
    modules = make(wires.world, outlet, adapter, table["modules"], **options)
    wires.stack.callback(modules.close)


async def _ea(wires: Wires, connector: int, table: Table) -> None:
    outlet = wires.world.outlet(connector)
    supply = EaSupply(wires.world, outlet, table.get("unit", 0))
    supply.attach(wires.line(table["port"]))


def _named(table: Table, *names: str) -> dict[str, Any]:
    """Return what the table says of these settings."""
    return {name: table[name] for name in names if name in table}


async def _advantics(wires: Wires, connector: int, table: Table) -> None:
    controller = AdvanticsTwin(
        wires.world,
        wires.world.outlet(connector),
        wires.adapter(table["channel"]),
        table.get("index", 0) or connector,
    )
    wires.run(controller.run(), f"advantics {connector}")


async def _chargebyte(wires: Wires, connector: int, table: Table) -> None:
    wires.safety_controller(table["port"], connector)


async def _contactor(wires: Wires, connector: int, table: Table) -> None:
    wires.board(table["chip"]).contactor(
        connector, *_contacts(table), normally_closed=_normally_closed(table)
    )


async def _bridge(wires: Wires, _connector: int, table: Table) -> None:
    one, other = table["connectors"]
    wires.board(table["chip"]).bridge(
        (one, other), *_contacts(table), normally_closed=_normally_closed(table)
    )


def _contacts(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(table["coils"]), tuple(table["mirrors"])


def _normally_closed(table: Table) -> bool:
    return bool(table.get("mirror_type", NORMALLY_CLOSED) == NORMALLY_CLOSED)


async def _safety(wires: Wires, _connector: int, table: Table) -> None:
    alarms = {
        "emergency_stop": "emergency-stop",
        "door": "door-open",
        "surge_protector": "surge-protector",
    }
    board = wires.board(table["chip"])
    for field, fault in alarms.items():
        if line := table.get(field):
            normally_open = field in table.get("normally_open", ())
            board.alarm(fault, line, normally_open=normally_open)


async def _supply(wires: Wires, _connector: int, table: Table) -> None:
    wires.board(table["chip"]).alarm(
        "power-fail", table["line"], normally_open=table.get("normally_open", False)
    )


async def _lock(wires: Wires, connector: int, table: Table) -> None:
    wires.board(table["chip"]).lock(
        connector, table["engage"], table.get("release", ""), table["feedback"]
    )


async def _light(wires: Wires, connector: int, table: Table) -> None:
    colors = ("red", "yellow", "green", "blue", "white")
    lamps = {color: table[color] for color in colors if table.get(color)}
    wires.board(table["chip"]).light(connector, lamps)


async def _sysfs(wires: Wires, connector: int, table: Table) -> None:
    for file in table["files"]:
        sensor = Thermometer(wires.place(file), wires.world, connector)
        wires.run(sensor.follow(), f"thermometer {file}")


async def _pcsc(wires: Wires, connector: int, table: Table) -> None:
    await wires.wire_reader(table["socket"], connector)


async def _pn532(wires: Wires, connector: int, table: Table) -> None:
    reader = Pn532(wires.world, connector, wires.line(table["port"]))
    wires.run(reader.follow(), f"pn532 {connector}")


async def _em4100(wires: Wires, connector: int, table: Table) -> None:
    reader = Em4100(wires.world, connector, wires.line(table["port"]))
    wires.run(reader.follow(), f"em4100 {connector}")


TWINS: Final[Mapping[tuple[str, str], Build]] = {
    ("power_module", "infypower"): partial(_rack, InfypowerModules),
    ("power_module", "maxwell"): partial(_rack, MaxwellModules),
    ("power_module", "uugreenpower"): partial(_rack, UuGreenPowerModules),
    ("power_module", "ea"): _ea,
    ("meter", "acrel_djsf1352"): _acrel,
    ("meter", "modbus_map"): _mapped,
    ("meter", "dlt645"): _dlt645,
    ("meter", "lem_dcbm"): _dcbm,
    ("isolation", "bender_isocha"): _bender,
    ("vehicle", "advantics"): _advantics,
    ("contactor", "chargebyte"): _chargebyte,
    ("safety", "chargebyte"): _chargebyte,
    ("temperature", "chargebyte"): _chargebyte,
    ("contactor", "gpio"): _contactor,
    ("bridge", "gpio"): _bridge,
    ("safety", "gpio"): _safety,
    ("supply", "gpio"): _supply,
    ("lock", "gpio"): _lock,
    ("light", "gpio"): _light,
    ("temperature", "sysfs"): _sysfs,
    ("reader", "pcsc"): _pcsc,
    ("reader", "pn532"): _pn532,
    ("reader", "em4100"): _em4100,
}

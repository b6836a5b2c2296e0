"""Nothing closes a contactor or raises a set-point past the permissive."""

import ast
import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chargerd.core.permissive import TOUCHABLE_V
from chargerd.core.session import Phase
from chargerd.runtime.devices import ConnectorDevices
from hal.values import ContactorReading, Position, PowerRating, PowerReading, Setpoint
from tests.hal.virtual_time import instantly
from tests.runtime.rig import Rig, rig

PRODUCT = Path(__file__).parents[2] / "chargerd"
HANDS = {"runtime/switchgear.py", "runtime/bridging.py"}
"""The modules that move contactors and power modules."""
LEVELS = [phase for phase in Phase if phase is not Phase.IDLE]
FAULTS = (
    "door-open",
    "insulation",
    "module-silent",
    "contactor-open",
    "contactor-weld",
    "vehicle-silent",
    "over-current",
    "plug-charged",
    "isolation-self-test",
)


class Witness:
    """Stands before contactor and modules, and looks at every command."""

    def __init__(self) -> None:
        self.station: Rig | None = None
        self.closed = self.raised = 0
        self.wrong: list[str] = []

    def fitted(self, devices: ConnectorDevices) -> ConnectorDevices:
        """Stand in for both devices."""
        contactor = WatchedContactor(self, devices.contactor)
        module = WatchedModule(self, devices.power_module)
        return replace(devices, contactor=contactor, power_module=module)

    def closes(self) -> None:
        assert self.station is not None
        self.closed += 1
        facts, outlet = self.station.facts, self.station.outlet
        vehicle = facts.vehicle
        self._must("permitted", not self.station.guard.refusals(1))
        self._must("wanted", vehicle is not None and vehicle.wants_contactors)
        self._must("uncharged", outlet.rectifiers.voltage_v < TOUCHABLE_V)
        self._must("open", outlet.position is Position.OPEN)

    def raises(self) -> None:
        assert self.station is not None
        self.raised += 1
        self._must("permitted", not self.station.guard.refusals(1))
        self._must("closed", self.station.outlet.position is not Position.OPEN)

    def _must(self, what: str, holds: bool) -> None:
        if not holds:
            self.wrong.append(what)


class WatchedContactor:
    """A contactor before which the witness stands."""

    def __init__(self, witness: Witness, contactor: Any) -> None:
        self._witness = witness
        self._contactor = contactor

    async def close(self) -> None:
        self._witness.closes()
        await self._contactor.close()

    async def open(self) -> None:
        await self._contactor.open()

    async def read(self) -> ContactorReading:
        reading: ContactorReading = await self._contactor.read()
        return reading


class WatchedModule:
    """Power modules before which the witness stands."""

    def __init__(self, witness: Witness, module: Any) -> None:
        self._witness = witness
        self._module = module

    @property
    def rating(self) -> PowerRating:
        rating: PowerRating = self._module.rating
        return rating

    async def supply(self, setpoint: Setpoint) -> None:
        if setpoint.voltage_v or setpoint.current_a:
            self._witness.raises()
        await self._module.supply(setpoint)

    async def shut_off(self) -> None:
        await self._module.shut_off()

    async def read(self) -> PowerReading:
        reading: PowerReading = await self._module.read()
        return reading


async def lives(station: Rig, dice: Random) -> None:
    """Let a vehicle come and go, parts break, and any level follow any other."""
    plugged = False
    for _ in range(60):
        what = dice.random()
        if what < 0.12:
            change = station.simulation.unplug if plugged else station.simulation.plug
            change(1)
            plugged = not plugged
        elif what < 0.3:
            name = dice.choice(FAULTS)
            place = None if name == "door-open" else 1
            station.simulation.set_fault(name, dice.random() < 0.4, place)
        elif what < 0.4:
            station.hands.cut_now(1)
        else:
            station.aim(dice.choice(LEVELS))
        await asyncio.sleep(dice.uniform(0.01, 0.6))


@pytest.mark.parametrize("seed", range(6))
@instantly
async def test_whatever_happens_every_command_was_permitted(
    tmp_path: Path, seed: int
) -> None:
    witness, dice = Witness(), Random(seed)
    async with rig(tmp_path, witness.fitted) as station:
        witness.station = station
        await station.walk(Phase.ENERGIZED)
        assert witness.closed == 1
        assert witness.raised > 10
        station.simulation.unplug(1)
        station.aim(Phase.OPENING)
        station.aim(Phase.FINISHED)
        await lives(station, dice)
        assert witness.wrong == []


def commanding() -> Iterator[tuple[str, str]]:
    """Yield where in the product a device is told to close or to supply."""
    for file in PRODUCT.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                told, device = call.func.attr, ast.unparse(call.func.value)
                if told == "supply" or (told == "close" and "contactor" in device):
                    yield str(file.relative_to(PRODUCT)), told


def test_only_the_hands_move_what_carries_energy() -> None:
    found = set(commanding())
    assert {file for file, _ in found} == HANDS
    assert ("runtime/switchgear.py", "close") in found

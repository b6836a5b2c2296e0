"""What the guard finds out over time, on the simulated station."""

import asyncio
from pathlib import Path

import pytest

from chargerd.core.events import GuardCut
from chargerd.core.session import Phase
from tests.hal.virtual_time import instantly
from tests.runtime.rig import rig, until

OPENS_WITHIN_S = 0.1
READ_WITHIN_S = 0.2
"""A reading and a tick."""

FAULTS = {
    # fault of the world: what the guard calls it, in which phase, after how long
    "over-current": ("over-current", Phase.ENERGIZED, 1.0),
    "vehicle-over-voltage": ("vehicle-over-voltage", Phase.ENERGIZED, 0.4),
    "meter-spread": ("measurement-spread", Phase.ENERGIZED, 5.0),
    "short-circuit": ("short-circuit", Phase.CABLE_CHECK, 1.0),
}


@pytest.mark.parametrize("name", FAULTS)
@instantly
async def test_what_lasts_too_long_is_cut_and_not_before(
    tmp_path: Path, name: str
) -> None:
    fault, phase, may_s = FAULTS[name]
    async with rig(tmp_path) as station:
        if phase is Phase.ENERGIZED:
            await station.walk(phase)
            station.simulation.set_fault(name, True, 1)
        else:
            station.simulation.set_fault(name, True, 1)
            await station.walk(Phase.HANDSHAKE)
            station.aim(phase)
            await until(lambda: station.outlet.rectifiers.current_a > 0.0)
        took_s = await until(lambda: bool(station.of(GuardCut)))
        assert may_s - READ_WITHIN_S <= took_s <= may_s + 2 * READ_WITHIN_S + 0.5
        (cut,) = station.of(GuardCut)
        assert cut.faults[0] == fault
        assert cut.value
        await until(lambda: station.dead, OPENS_WITHIN_S)


@instantly
async def test_a_whole_charge_with_its_ramps_breaks_no_rule(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        for change, least_a, most_a in (
            (station.simulation.pause, 0.0, 1.0),
            (station.simulation.resume, 50.0, 500.0),
            (station.simulation.pause, 0.0, 1.0),
        ):
            change(1)
            await asyncio.sleep(10.0)
            assert least_a <= station.outlet.rectifiers.current_a <= most_a
        assert station.of(GuardCut) == []

"""What the supervisor finds out, on the whole daemon but its disk."""

import asyncio
from pathlib import Path

import pytest

from chargerd.core.events import StopRequested
from chargerd.core.power import Setter
from chargerd.core.reasons import Cause
from chargerd.core.session import Phase
from hal.values import Position
from tests.hal.virtual_time import instantly
from tests.runtime.pair import CARDS, Pair, pair
from tests.runtime.rig import until


def value(both: Pair, name: str) -> str | None:
    active = both.charge_point.station.health.active
    return next(each.value for each in active if each.fault.name == name)


async def raises(both: Pair, name: str, within_s: float) -> float:
    took_s = await until(lambda: name in both.faults, within_s)
    await until(lambda: both.outlet(1).position is Position.OPEN, 0.5)
    return took_s


@instantly
async def test_a_current_that_does_not_fall_is_an_emergency_with_a_name(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1, 100_000.0)
        await until(lambda: both.power_w(1) > 50_000.0)
        both.simulation.set_fault("current-stuck", True, 1)
        both.simulation.present(CARDS[1], 1)
        await until(lambda: both.phase(1) is Phase.RAMP_DOWN, 2.0)
        assert both.outlet(1).position is Position.CLOSED
        took_s = await raises(both, "current-stuck", 4.0)
        assert took_s == pytest.approx(3.0, abs=0.2)
        assert (value(both, "current-stuck") or "").endswith("A of 1.0 A")
        assert both.charge_point.station.sessions[1].cause is Cause.TOKEN


CHECKS = {
    "isolation-self-test": ("isolation-self-test", 1.5),
    "module-weak": ("cable-check-voltage", 12.0),
    "short-circuit": ("short-circuit", 4.0),
}


@pytest.mark.parametrize("name", CHECKS)
@instantly
async def test_what_is_wrong_in_the_cable_check_has_its_own_name(
    tmp_path: Path, name: str
) -> None:
    fault, within_s = CHECKS[name]
    async with pair(tmp_path) as both:
        both.simulation.set_fault(name, True, 1)
        both.arrives(1)
        await until(lambda: both.phase(1) is Phase.CABLE_CHECK, 10.0)
        await raises(both, fault, within_s)
        assert value(both, fault)
        assert both.faults == {fault}


@instantly
async def test_a_stop_in_the_cable_check_is_no_failed_self_test(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        both.arrives(1)
        await until(lambda: both.phase(1) is Phase.CABLE_CHECK, 10.0)
        await asyncio.sleep(0.2)
        both.inbox.put_nowait(StopRequested(1, Cause.REMOTE))
        await until(lambda: both.phase(1) is Phase.FINISHED, 10.0)
        await asyncio.sleep(10.0)
        assert both.faults == set()


@instantly
async def test_a_pulled_plug_in_the_cable_check_leaves_no_fault_behind(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        for after_s in (0.05, 0.3, 0.55, 0.7, 1.5):
            both.arrives(1)
            await until(lambda: both.phase(1) is Phase.CABLE_CHECK, 10.0)
            await asyncio.sleep(after_s)
            both.simulation.unplug(1)
            await until(lambda: both.phase(1) is Phase.IDLE, 10.0)
            await asyncio.sleep(3.0)
            assert both.faults == set()
        await both.charges(1)


@instantly
async def test_a_plug_that_keeps_its_charge_is_not_free(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1)
        both.simulation.set_fault("plug-charged", True, 1)
        both.simulation.present(CARDS[1], 1)
        await raises(both, "discharge", 12.0)
        assert both.phase(1) is Phase.WELDING_CHECK
        assert both.outlet(1).plug_v > 60.0
        both.simulation.set_fault("plug-charged", False, 1)
        await until(lambda: both.phase(1) is Phase.FINISHED, 5.0)
        both.simulation.unplug(1)
        await until(lambda: both.faults == set(), 10.0)


@instantly
async def test_a_weld_that_no_mirror_tells_shows_when_the_modules_help_the_neighbor(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.charges(2)
        both.simulation.set_fault("contactor-weld-hidden", True, 2)
        both.simulation.present(CARDS[2], 2)
        await until(lambda: both.phase(2) is Phase.FINISHED, 15.0)
        both.simulation.unplug(2)
        await until(lambda: both.phase(2) is Phase.IDLE, 10.0)
        assert both.faults == set()

        await both.charges(1)
        await until(lambda: "contactor-weld" in both.faults, 60.0)
        assert (value(both, "contactor-weld") or "").startswith("mirrors open, plug at")


@instantly
async def test_a_warm_plug_and_a_lost_module_leave_less_power_and_no_stop(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1, 140_000.0)
        await until(lambda: both.power_w(1) > 120_000.0, 30.0)
        both.simulation.set_fault("plug-warm", True, 1)
        await until(lambda: both.power_w(1) < 76_000.0, 10.0)
        await asyncio.sleep(5.0)
        assert both.power_w(1) == pytest.approx(75_000.0, rel=0.01)
        both.simulation.set_fault("plug-warm", False, 1)
        both.simulation.set_fault("module-1", True, 1)
        await until(lambda: both.power_w(1) > 100_000.0, 20.0)
        await asyncio.sleep(5.0)
        limit = both.charge_point.station.limit(1)
        assert limit.set_by is Setter.LOST_MODULES
        assert limit.power_w == 120_000.0
        assert both.faults == {"module-failure"}
        assert both.phase(1) is Phase.ENERGIZED

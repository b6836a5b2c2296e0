"""Modules are lent over the bridge, and two vehicles never meet on one bus."""

import asyncio
from pathlib import Path

import pytest

from chargerd.core.events import CommandFailed, GuardCut
from chargerd.core.permissive import NOT_SEPARATED
from chargerd.core.session import Phase
from chargerd.runtime.senses import PACES
from hal.values import SAFE_TO_OPEN_A, Position
from tests.hal.virtual_time import instantly
from tests.runtime.pair import STATION, pair
from tests.runtime.rig import until

OWN_W = 150_000.0


@instantly
async def test_a_car_gets_the_modules_of_the_free_connector(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1)
        await until(lambda: both.power_w(1) > 0.99 * OWN_W)
        assert both.bridged(Position.OPEN)
        await until(lambda: both.power_w(1) > 1.9 * OWN_W, 30.0)
        assert both.bridged(Position.CLOSED)
        assert both.outlet(2).position is Position.OPEN
        await asyncio.sleep(1.0)
        currents_a = [both.outlet(n).rectifiers.current_a for n in (1, 2)]
        assert currents_a[0] == pytest.approx(currents_a[1], rel=0.02)
        assert both.of(GuardCut) == []


@instantly
async def test_a_second_car_gets_its_modules_back_in_time(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.arrives(2)
        began_s = both.world.monotonic()
        await until(lambda: both.bridged(Position.OPEN), 5.0)
        assert both.world.monotonic() - began_s < 2.0
        assert both.phase(1) is Phase.ENERGIZED
        await until(lambda: both.power_w(2) > 0.95 * OWN_W, 30.0)
        assert both.power_w(1) == pytest.approx(OWN_W, rel=0.03)
        assert both.of(GuardCut) == []
        assert both.faults == set()


@instantly
async def test_the_bridge_moves_without_voltage_across_and_without_current(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        seen: list[tuple[Position, float, float]] = []

        async def watch() -> None:
            last = Position.OPEN
            while True:
                one, other = both.outlet(1).rectifiers, both.outlet(2).rectifiers
                before = (abs(one.voltage_v - other.voltage_v), other.current_a)
                await asyncio.sleep(0.001)
                if not both.bridged(last):
                    last = both.bridge
                    seen.append((last, *before))

        watching = asyncio.create_task(watch())
        await both.borrows()
        both.arrives(2)
        await until(lambda: both.bridged(Position.OPEN), 5.0)
        await asyncio.sleep(0.01)
        watching.cancel()
        moved = [position for position, _, _ in seen]
        assert moved == [
            Position.BETWEEN,
            Position.CLOSED,
            Position.BETWEEN,
            Position.OPEN,
        ]
        apart_v = [v for position, v, _ in seen if position is Position.CLOSED]
        assert apart_v[0] < 20.0
        assert seen[2][2] < SAFE_TO_OPEN_A


@instantly
async def test_power_is_never_above_the_limit_while_modules_come_and_go(
    tmp_path: Path,
) -> None:
    limit_w = 200_000.0
    text = STATION.replace("[[connector]]", f"[[connector]]\nmax_power_w = {limit_w}")
    async with pair(tmp_path, text) as both:
        await both.charges(1)
        await until(lambda: both.power_w(1) > 0.98 * limit_w, 30.0)
        highest_w = both.power_w(1)
        both.arrives(2)
        while not both.bridged(Position.OPEN):
            highest_w = max(highest_w, both.power_w(1))
            await asyncio.sleep(0.002)
        assert highest_w < 1.01 * limit_w


@instantly
async def test_a_bridge_that_welds_lets_no_second_car_on(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.simulation.set_fault("bridge-weld", True)
        both.arrives(2)
        await until(lambda: "bridge-weld" in both.faults, 20.0)
        await asyncio.sleep(90.0)
        # The first car charges on with its own modules; the second one never does.
        assert both.phase(1) is Phase.ENERGIZED
        assert both.power_w(1) == pytest.approx(OWN_W, rel=0.03)
        assert both.phase(2) in (Phase.FINISHED, Phase.PLUGGED, Phase.WELDING_CHECK)
        assert both.outlet(2).position is Position.OPEN
        failed = [e.error for e in both.of(CommandFailed) if e.kind == "bridge"]
        assert len(failed) == 1
        # When the first car has gone, the second connector may serve.
        both.simulation.unplug(1)
        both.simulation.unplug(2)
        await asyncio.sleep(5.0)
        await both.charges(2)
        await until(lambda: both.power_w(2) > 0.9 * OWN_W)


@instantly
async def test_a_bridge_that_does_not_close_leaves_each_its_own(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        both.simulation.set_fault("bridge-open", True)
        await both.charges(1)
        await until(lambda: "bridge-open" in both.faults, 20.0)
        await asyncio.sleep(10.0)
        assert both.power_w(1) == pytest.approx(OWN_W, rel=0.03)
        assert both.outlet(2).rectifiers.voltage_v == 0.0
        await both.charges(2)
        await until(lambda: both.power_w(2) > 0.95 * OWN_W)


@instantly
async def test_a_bridge_that_falls_silent_cuts_where_both_are_live(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1)
        await both.charges(2)
        both.simulation.set_fault("bridge-silent", True)
        await until(lambda: len(both.of(GuardCut)) == 2, 2.0)
        assert {cut.faults for cut in both.of(GuardCut)} == {(NOT_SEPARATED,)}
        await until(lambda: not both.hands.live(1) and not both.hands.live(2), 1.0)


@instantly
async def test_a_bridge_that_falls_silent_ends_the_loan_and_not_the_charge(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.simulation.set_fault("bridge-silent", True)
        await until(lambda: both.bridged(Position.OPEN), 10.0)
        await asyncio.sleep(5.0)
        assert both.phase(1) is Phase.ENERGIZED
        assert both.of(GuardCut) == []
        # Nobody knows where the bridge stands: no second car.
        both.arrives(2)
        await asyncio.sleep(60.0)
        assert both.outlet(2).position is Position.OPEN
        both.simulation.set_fault("bridge-silent", False)
        both.simulation.unplug(2)
        await asyncio.sleep(5.0)
        await both.charges(2)


@instantly
async def test_a_bridge_that_opens_by_itself_costs_the_loan_alone(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.simulation.set_fault("bridge-open", True)
        await until(lambda: "bridge-open" in both.faults, 5.0)
        await asyncio.sleep(5.0)
        assert both.phase(1) is Phase.ENERGIZED
        assert both.power_w(1) == pytest.approx(OWN_W, rel=0.03)


@instantly
async def test_lent_modules_that_fall_silent_cost_the_loan_alone(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.simulation.set_fault("module-silent", True, 2)
        await until(lambda: both.bridged(Position.OPEN), 10.0)
        await asyncio.sleep(5.0)
        assert both.phase(1) is Phase.ENERGIZED
        assert both.of(GuardCut) == []
        assert both.power_w(1) == pytest.approx(OWN_W, rel=0.03)


@instantly
async def test_a_contactor_that_welds_beyond_the_bridge_cuts(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.world.outlet(2).contacts.welded = True
        await until(lambda: bool(both.of(GuardCut)), 1.0)
        await until(lambda: not both.hands.live(1), 1.0)
        assert both.of(GuardCut)[0] == GuardCut(1, (NOT_SEPARATED,))
        both.danger.clear()  # the weld itself


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.1, 0.5, 1.0, 2.0, 3.0, 3.2, 4.0])
@instantly
async def test_two_sessions_may_race_for_the_bus(
    tmp_path: Path, delay_s: float
) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1)
        await until(lambda: both.power_w(1) > 0.9 * OWN_W)
        await asyncio.sleep(delay_s)
        await both.charges(2)
        await until(lambda: both.power_w(2) > 0.9 * OWN_W, 30.0)
        assert both.power_w(1) == pytest.approx(OWN_W, rel=0.03)
        assert both.of(GuardCut) == []


@instantly
async def test_an_emergency_stop_during_a_loan_leaves_all_dead(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        both.simulation.set_fault("emergency-stop", True)
        await until(lambda: both.outlet(1).position is Position.OPEN, 0.2)
        await until(lambda: both.bridged(Position.OPEN), 1.0)
        await asyncio.sleep(3.0)
        assert both.outlet(2).rectifiers.voltage_v == 0.0
        assert "bridge-weld" not in both.faults


@instantly
async def test_a_daemon_that_ends_during_a_loan_leaves_all_open(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.borrows()
        world = both.world
    for outlet in world.outlets.values():
        world.catch_up(outlet)
    await asyncio.sleep(0.1)
    world.catch_up(world.outlet(1))
    assert both.bridged(Position.OPEN)
    assert both.outlet(1).position is Position.OPEN


@instantly
async def test_what_a_neighbor_s_safety_rests_on_is_read_as_often_as_its_own(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        await both.charges(1, power_w=50_000.0)
        kept_up, left = ("contactor", "power_module", "meter"), ("vehicle", "isolation")
        looks: dict[str, set[float]] = {kind: set() for kind in kept_up + left}
        for _ in range(1000):
            for kind, moments in looks.items():
                moments.add(getattr(both.guard.facts[2], kind).at_s)
            await asyncio.sleep(0.01)
        for kind in kept_up:
            assert len(looks[kind]) >= 10.0 / PACES[kind].busy_s - 1, kind
        for kind in left:
            assert len(looks[kind]) <= 10.0 / PACES[kind].idle_s + 2, kind

        both.simulation.unplug(1)
        await until(lambda: both.phase(1) is Phase.IDLE, 20.0)
        await asyncio.sleep(1.0)
        rested = set()
        for _ in range(1000):
            rested.add(both.guard.facts[2].contactor)
            await asyncio.sleep(0.01)
        assert len(rested) <= 10.0 / PACES["contactor"].idle_s + 2

"""Modules that fail, fall silent, speak nonsense, or are there twice."""

import asyncio
import time

import pytest

from hal.errors import BadAnswer, HardwareError, NoAnswer, Unconfirmed
from hal.values import PowerReading, Setpoint
from tests.hal.bench_power import comes, raised, stand
from tests.hal.power.rigs import Rig, connected_to, rig

WATCHDOG_S = 1.2
SET = Setpoint(400.0, 60.0, 5.0)


async def renewed(one: Rig) -> PowerReading:
    """Do what the station does in each round."""
    await one.power.supply(SET)
    reading: PowerReading = await one.power.read()
    return reading


async def loses(one: Rig, number: int) -> PowerReading:
    reading: PowerReading = await comes(
        lambda: renewed(one), lambda now: now.failed_modules == (number,)
    )
    return reading


async def test_the_part_of_a_failed_module_goes_to_the_others() -> None:
    async with rig() as one:
        await renewed(one)
        one.stand.breaks("module-2")
        await loses(one, 2)
        await one.power.supply(SET)
        assert one.told_a()[::2] == [30.0, 30.0]


async def test_the_part_of_a_failed_module_is_bounded_by_what_the_others_can() -> None:
    async with rig() as one:
        one.stand.breaks("module-2")
        full = Setpoint(400.0, 300.0, 5.0)
        await comes(one.power.read, lambda now: now.failed_modules == (2,))
        await one.power.supply(full)
        assert one.told_a()[::2] == [100.0, 100.0]


async def test_a_mended_module_takes_its_part_again() -> None:
    async with rig() as one:
        one.stand.breaks("module-2")
        await loses(one, 2)
        one.stand.breaks("module-2", False)
        await comes(lambda: renewed(one), lambda now: now.failed_modules == ())
        await one.power.supply(SET)
        assert one.told_a() == [20.0, 20.0, 20.0]
        assert one.on() == [True, True, True]


async def test_a_silent_module_counts_as_live_until_its_watchdog_has_expired() -> None:
    async with rig(watchdog_s=WATCHDOG_S) as one:
        one.stand.loads()
        await one.power.supply(SET)
        await comes(one.power.read, lambda now: now.current_a > 59.0)
        silent_s = time.monotonic()
        one.stand.breaks("module-2-silent")
        lost = await loses(one, 2)
        await one.power.supply(SET)
        # It may still give its 20 A, so the others give no more than before.
        assert lost.current_a == pytest.approx(60.0, abs=0.5)
        assert one.told_a()[::2] == [20.0, 20.0]

        async with asyncio.timeout(2):
            while one.told_a()[::2] != [30.0, 30.0]:
                await renewed(one)
                await asyncio.sleep(0.02)
        assert time.monotonic() - silent_s > WATCHDOG_S


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_silent_module_is_told_to_stop_and_heard_when_it_is_back(
    number: int,
) -> None:
    async with rig(watchdog_s=WATCHDOG_S) as one:
        await renewed(one)
        one.stand.breaks(f"module-{number}-silent")
        await loses(one, number)
        one.stand.breaks(f"module-{number}-silent", False)
        await one.power.supply(SET)
        await asyncio.sleep(0.01)
        assert one.on() == [each != number for each in (1, 2, 3)]

        await comes(lambda: renewed(one), lambda now: now.failed_modules == ())
        await one.power.supply(SET)
        assert one.on() == [True, True, True]


async def test_a_silent_module_makes_no_reading_old() -> None:
    async with rig() as one:
        one.stand.breaks("module-2-silent")
        await loses(one, 2)
        before_s = time.monotonic()
        assert (await one.power.read()).at_s >= before_s


async def test_a_lost_module_delays_nobody() -> None:
    async with rig(answer_within_s=0.2) as one:
        one.stand.breaks("module-2-silent")
        await loses(one, 2)
        began_s = time.monotonic()
        await renewed(one)
        assert time.monotonic() - began_s < 0.15


async def test_shut_off_does_not_trust_the_silence_of_a_module_that_ran() -> None:
    async with rig(haste=4.0) as one:
        await renewed(one)
        await comes(lambda: renewed(one), lambda now: now.voltage_v > 0.0)
        await asyncio.sleep(0.26)
        await renewed(one)
        one.stand.breaks("module-2-silent")
        await loses(one, 2)
        with pytest.raises(Unconfirmed, match=r"module 2 \(address 2\) does not stop"):
            await one.power.shut_off()


async def test_a_rack_that_is_silent_is_told_as_silent_and_in_time() -> None:
    async with rig() as one:
        one.stand.breaks("module-silent")
        began_s = time.monotonic()
        with pytest.raises(NoAnswer, match="no module answers; check their mains"):
            await one.power.read()
        assert time.monotonic() - began_s < 1.0
        with pytest.raises(Unconfirmed, match="no module has taken the set-point"):
            await one.power.supply(SET)
        with pytest.raises(Unconfirmed):
            await one.power.supply(Setpoint(0.0, 0.0, 1.0))


async def test_a_rack_comes_back_by_itself() -> None:
    async with rig() as one:
        one.stand.breaks("module-silent")
        for _ in range(6):
            with pytest.raises(NoAnswer):
                await one.power.read()
        one.stand.breaks("module-silent", False)
        reading = await one.power.read()
        assert reading.failed_modules == ()


@pytest.mark.parametrize(
    ("fault", "names"),
    [("module-over-temperature", (True, False)), ("under-voltage", (False, True))],
)
async def test_what_stops_the_whole_rack_is_named(
    fault: str, names: tuple[bool, bool]
) -> None:
    async with rig() as one:
        await renewed(one)
        one.stand.breaks(fault)
        reading = await comes(one.power.read, lambda now: now.failed_modules != ())
        assert (reading.over_temperature, reading.under_voltage) == names
        assert reading.failed_modules == (1, 2, 3)
        with pytest.raises(Unconfirmed, match="module 1 .*: .*(temperature|voltage)"):
            await one.power.supply(SET)


async def test_a_module_that_speaks_nonsense_is_not_believed() -> None:
    async with rig() as one:
        await one.power.supply(SET)
        await raised(one.power, 400.0)
        one.stand.breaks("module-2-nonsense")
        reading = await loses(one, 2)
        assert 0.0 <= reading.current_a < 100.0


async def test_a_rack_of_nonsense_is_a_bad_answer() -> None:
    async with rig() as one:
        for number in (1, 2, 3):
            one.stand.breaks(f"module-{number}-nonsense")
        for _ in range(5):
            with pytest.raises(HardwareError):
                await one.power.read()
        with pytest.raises(BadAnswer, match="module 1 .* says current_a = 1e\\+06"):
            await one.power.read()


async def test_who_answers_as_another_is_lost() -> None:
    async with rig() as one:
        one.stand.breaks("module-2-wrong-address")
        await loses(one, 2)
        await one.power.supply(SET)
        assert one.told_a()[::2] == [30.0, 30.0]


async def test_a_late_module_neither_delays_nor_falsifies() -> None:
    async with rig(answer_within_s=0.1) as one:
        one.stand.loads()
        await one.power.supply(SET)
        await comes(one.power.read, lambda now: now.current_a > 59.0)
        one.stand.breaks("module-2-late")
        for _ in range(10):
            began_s = time.monotonic()
            reading = await renewed(one)
            assert time.monotonic() - began_s < 0.5
            # It is stopped when it is taken for lost: the others give their 40 A.
            assert 39.5 < reading.current_a < 60.5


@pytest.mark.parametrize("kind", ["double", "address-repeated"])
async def test_an_address_that_is_taken_twice_stops_the_rack(kind: str) -> None:
    async with rig() as one:
        await one.power.supply(SET)
        one.stand.breaks(f"module-2-{kind}")
        with pytest.raises(BadAnswer, match=r"two modules answer as module 2"):
            await comes(one.power.read, lambda _: False)
        async with asyncio.timeout(1):
            while any(one.on()):
                await asyncio.sleep(0.005)
        with pytest.raises(BadAnswer, match=r"give each an address of its own"):
            await one.power.supply(SET)


async def test_modules_that_miss_their_controller_switch_themselves_off() -> None:
    async with rig(twin={"watchdog_s": 0.3}) as one:
        await renewed(one)
        one.stand.adapter.terminal.pull()
        silent_s = time.monotonic()
        async with asyncio.timeout(2):
            while any(one.on()):
                await asyncio.sleep(0.01)
        assert time.monotonic() - silent_s >= 0.2


async def test_a_module_that_is_silent_from_the_beginning_is_like_the_others() -> None:
    async with stand() as one:
        one.world.faults.put("module-2-silent", True, 1)
        async with connected_to(one, {}) as found:
            assert found.power.rating.max_current_a == 300.0
            assert (await found.power.read()).failed_modules == (2,)


async def test_a_rack_that_says_nothing_of_itself_cannot_be_used() -> None:
    async with stand() as one:
        one.world.faults.put("module-silent", True, 1)
        with pytest.raises(NoAnswer, match="no module says its min_voltage_v"):
            async with connected_to(one, {}):
                pass


async def test_a_station_starts_without_mains_if_its_file_knows_the_modules() -> None:
    known = {
        "min_voltage_v": 150.0,
        "max_voltage_v": 1000.0,
        "max_current_a": 100.0,
        "max_power_w": 30_000.0,
    }
    async with stand() as one:
        one.world.faults.put("module-silent", True, 1)
        async with connected_to(one, {}, **known) as found:
            assert found.power.rating.max_power_w == 90_000.0
            with pytest.raises(NoAnswer):
                await found.power.read()
            one.breaks("module-silent", False)
            await comes(found.power.read, lambda now: now.failed_modules == ())

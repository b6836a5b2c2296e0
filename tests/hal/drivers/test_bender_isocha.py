"""The isoCHA425HV over a line: the frames of its manual, tests and settings."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import bender_isocha
from hal.drivers.bender_isocha import Config
from hal.errors import BadAnswer, NoAnswer, Unconfirmed
from hal.simulation.bender_isocha import BenderIsocha
from hal.values import IsolationReading, Quality
from hal.wire import isocha, modbus
from hal.wire.isocha import Alarm, Trial, Validity
from hal.world.site import World
from tests.hal.lines import (
    BAUDRATE,
    CONNECTOR,
    bent,
    connected,
    line,
    outcome,
    read_once,
    scripted,
)

READ = bytes.fromhex("03 03 03 E8 00 04 C5 9B")
GOOD = bytes.fromhex("03 03 08 49 B7 1B 00 00 02 00 47 7F 27")
ALARM = bytes.fromhex("03 03 08 47 A4 10 00 05 02 00 47 DD DD")
TESTING = bytes.fromhex("03 03 08 49 F4 24 00 80 82 00 47 20 C4")
VOLTAGE = bytes.fromhex("03 03 08 43 C9 40 00 00 04 00 4C CD B2")
SELF_TEST = bytes.fromhex("03 10 1F 45 00 01 02 54 45 A0 57")
BEGUN = modbus.sealed(SELF_TEST[:6])


def config(port: str, **parts: Any) -> Config:
    chosen = {"baudrate": BAUDRATE, "timeout_s": 0.5, **parts}
    return Config(port, **chosen)


async def told(answers: Callable[[bytes], bytes], within_s: float) -> Any:
    async with (
        scripted(answers) as port,
        connected(bender_isocha, config(port, timeout_s=within_s)) as monitor,
    ):
        return await outcome(monitor.read())


async def read(answer: bytes) -> IsolationReading:
    reading: IsolationReading = await read_once(
        bender_isocha, config, {READ: answer}.__getitem__
    )
    return reading


SAMPLES = [
    (GOOD, 1_500_000.0, Quality.GOOD),
    (ALARM, 84_000.0, Quality.GOOD),
    (TESTING, 2_000_000.0, Quality.DOUBTFUL),
]


@pytest.mark.parametrize(("frame", "ohm", "quality"), SAMPLES)
async def test_a_measurement_of_the_manual_is_read(
    frame: bytes, ohm: float, quality: Quality
) -> None:
    reading = await read(frame)
    assert (reading.resistance_ohm, reading.quality) == (ohm, quality)
    assert reading.at_s <= asyncio.get_running_loop().time()


def saying(**parts: Any) -> bytes:
    sound = isocha.decode(GOOD[3:-2])
    return modbus.sealed(GOOD[:3] + isocha.encode(sound._replace(**parts)))


async def test_a_bound_from_above_proves_no_insulation() -> None:
    frame = saying(value=500_000.0, validity=Validity.TRUE_IS_SMALLER)
    assert (await read(frame)).resistance_ohm == 0.0


async def test_a_test_of_its_own_casts_no_doubt_on_the_last_value() -> None:
    assert (await read(saying(trial=Trial.INTERNAL))).quality is Quality.GOOD
    assert (await read(saying(trial=Trial.RESERVED))).quality is Quality.DOUBTFUL


UNTRUE = [
    (saying(alarm=Alarm.DEVICE_ERROR), "reports that it is out of order"),
    (saying(validity=Validity.INVALID), "has no valid measurement"),
    (saying(value=float("nan")), "has no valid measurement"),
    (saying(value=float("inf")), "has no valid measurement"),
    (saying(value=-1.0), "has no valid measurement"),
    (saying(unit=isocha.VOLT), "channel 71 in unit 4 is no insulation resistance"),
    (saying(channel=129), "channel 129 in unit 2 is no insulation resistance"),
    (VOLTAGE, "channel 76 in unit 4 is no insulation resistance"),
]


@pytest.mark.parametrize(("frame", "reason"), UNTRUE, ids=lambda v: str(v)[:30])
async def test_what_is_no_resistance_is_a_bad_answer(frame: bytes, reason: str) -> None:
    with pytest.raises(BadAnswer, match=f"port: unit 3: {reason}"):
        await read(frame)


@given(bent((ALARM, VOLTAGE, modbus.sealed(b"\x04" + GOOD[1:-2]))))
@settings(max_examples=50, deadline=None)
def test_no_bent_answer_becomes_a_wrong_value(bend: Callable[[bytes], bytes]) -> None:
    heard = asyncio.run(told(lambda _: bend(GOOD), 0.02))
    if isinstance(heard, IsolationReading):
        # The alarm's frame is a true answer, too, whenever it comes whole.
        assert heard.resistance_ohm in (1_500_000.0, 84_000.0)
    else:
        assert heard in (NoAnswer, BadAnswer)


@given(st.binary(min_size=8, max_size=8))
@settings(max_examples=40, deadline=None)
def test_whatever_a_monitor_says_is_a_resistance_or_refused(octets: bytes) -> None:
    frame = modbus.sealed(GOOD[:3] + octets)
    heard = asyncio.run(told(lambda _: frame, 0.5))
    if isinstance(heard, IsolationReading):
        assert heard.resistance_ohm >= 0
    else:
        assert heard is BadAnswer


class Script:
    """Answers the reads in turn, the last one for ever; and the self-test."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)
        self.begun = 0

    def __call__(self, request: bytes) -> bytes:
        if request == SELF_TEST:
            self.begun += 1
            return BEGUN
        assert request == READ
        return self.frames.pop(0) if len(self.frames) > 1 else self.frames[0]


async def self_tested(script: Script, haste: float = 1.0) -> None:
    async with (
        scripted(script) as port,
        connected(bender_isocha, config(port, timeout_s=0.3), haste=haste) as monitor,
    ):
        await monitor.self_test()


async def test_a_self_test_ends_when_its_bits_have_come_and_gone() -> None:
    script = Script(GOOD, TESTING, GOOD)
    await self_tested(script)
    assert script.begun == 1


async def test_a_self_test_that_runs_already_is_awaited_and_not_begun_anew() -> None:
    script = Script(TESTING, TESTING, GOOD)
    await self_tested(script)
    assert script.begun == 0


async def test_a_lost_answer_does_not_end_a_self_test() -> None:
    script = Script(GOOD, TESTING, b"", GOOD)
    await self_tested(script)
    assert script.begun == 1


async def test_a_self_test_that_never_ends_is_not_confirmed() -> None:
    with pytest.raises(Unconfirmed, match="has not ended in 30 s; switch the monitor"):
        await self_tested(Script(GOOD, TESTING), haste=50.0)


async def test_a_self_test_that_never_begins_is_not_confirmed() -> None:
    with pytest.raises(Unconfirmed, match="the self-test has not begun; check the mod"):
        await self_tested(Script(GOOD), haste=50.0)


async def test_a_monitor_that_falls_silent_in_its_self_test_gives_no_answer() -> None:
    with pytest.raises(NoAnswer):
        await self_tested(Script(GOOD, TESTING, b""), haste=50.0)


async def test_a_self_test_that_finds_an_error_is_not_confirmed() -> None:
    error = saying(alarm=Alarm.DEVICE_ERROR)
    with pytest.raises(Unconfirmed, match="unit 3: the self-test has failed"):
        await self_tested(Script(GOOD, TESTING, error))


@asynccontextmanager
async def cabinet(**parts: Any) -> AsyncIterator[tuple[Any, BenderIsocha, World]]:
    """Yield the driver, the twin that it reaches, and their world."""
    async with line() as (laid, world):
        twin = BenderIsocha(world, CONNECTOR, self_test_s=0.3)
        twin.attach(laid)
        chosen = config(str(laid.terminal.path), **parts)
        async with connected(bender_isocha, chosen) as monitor:
            yield monitor, twin, world


async def test_a_monitor_that_fails_its_self_test_is_out_of_order() -> None:
    async with cabinet() as (monitor, _, world):
        world.faults.put("isolation-self-test", True, CONNECTOR)
        with pytest.raises(Unconfirmed, match="the self-test has failed"):
            await monitor.self_test()
        with pytest.raises(BadAnswer, match="out of order"):
            await monitor.read()
        world.faults.put("isolation-self-test", False, CONNECTOR)
        await monitor.self_test()
        assert (await monitor.read()).quality is Quality.GOOD


async def test_the_monitor_follows_the_world() -> None:
    async with cabinet() as (monitor, _, world):
        assert (await monitor.read()).resistance_ohm > 1_900_000
        world.faults.put("insulation", True, CONNECTOR)
        assert (await monitor.read()).resistance_ohm < 21_000


WANTED = ("prealarm_kohm = 200", "alarm_kohm=150", "mode = 3")


async def test_settings_are_written_once_and_only_where_they_differ() -> None:
    async with cabinet(settings=WANTED) as (monitor, twin, _):
        await monitor.read()
        assert twin.settings[3005] == 200
        assert twin.settings[3007] == 150
        assert twin.settings[3021] == 3
        assert twin.writes == 3
        await monitor.read()
        assert twin.writes == 3


async def test_a_monitor_that_comes_back_is_set_anew_without_wearing_it() -> None:
    async with cabinet(settings=WANTED, timeout_s=0.3) as (monitor, twin, world):
        await monitor.read()
        world.faults.put("isolation-silent", True, CONNECTOR)
        with pytest.raises(NoAnswer):
            await monitor.read()
        world.faults.put("isolation-silent", False, CONNECTOR)
        twin.settings[3007] = 100
        await monitor.read()
        assert twin.settings[3007] == 150
        assert twin.writes == 4


async def test_a_setting_that_does_not_stay_is_a_bad_answer() -> None:
    def answers(request: bytes) -> bytes:
        if request[1] == modbus.Function.WRITE_REGISTERS:
            return modbus.sealed(request[:6])
        return modbus.sealed(bytes.fromhex("03 03 02 00 00"))

    async with (
        scripted(answers) as port,
        connected(bender_isocha, config(port, settings=("enabled = 1",))) as monitor,
    ):
        with pytest.raises(BadAnswer, match="enabled stays at 0, not at 1"):
            await monitor.read()


REFUSED = [
    (("alarm = 100",), "'alarm = 100' is unknown; known: earth_voltage_alarm"),
    (("alarm_kohm",), 'write "alarm_kohm = N" with N from 10 to 599'),
    (("prealarm_kohm = 601",), "with N from 15 to 600"),
    (("mode = 2",), "with N from 0 to 3 in steps of 3"),
    (("alarm_kohm = 200", "prealarm_kohm = 200"), "is not below prealarm_kohm = 200"),
]


@pytest.mark.parametrize(("texts", "reason"), REFUSED)
def test_settings_that_the_device_would_refuse_are_refused(
    texts: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=f"settings: .*{reason}"):
        Config("/dev/ttyS1", settings=texts)

"""The Acrel DJSF1352-RN over a line: the frames of its manual, and wrong ones."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import acrel_djsf1352
from hal.drivers.acrel_djsf1352 import Config
from hal.errors import BadAnswer, NoAnswer
from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.values import MeterReading
from hal.wire import modbus
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

DISPLAY = bytes.fromhex("01 03 00 00 00 14 45 C5")
FLOATS = bytes.fromhex("01 03 00 32 00 06 64 07")
SHOWN = bytes.fromhex(
    "01 03 28 0F A5 00 02 04 D2 00 02 00 00 00 FD 00 00 00 00 13 4E 00 04 00 00"
    "00 00 00 00 52 1A 00 00 00 00 00 01 00 FA 00 00 00 00 D7 BE"
)
FLOATING = bytes.fromhex("01 03 0C 44 3B A0 00 C1 44 00 00 C1 13 19 17 F1 19")
OF_THE_MANUAL = {DISPLAY: SHOWN, FLOATS: FLOATING}


def config(port: str, **parts: Any) -> Config:
    chosen = {"baudrate": BAUDRATE, "timeout_s": 0.5, **parts}
    return Config(port, **chosen)


read = partial(read_once, acrel_djsf1352, config)


async def test_the_display_of_the_manual_is_read() -> None:
    reading = await read(OF_THE_MANUAL.__getitem__)
    assert reading.voltage_v == 400.5
    assert reading.current_a == 123.4
    assert reading.power_w == 49_420.0
    assert reading.energy_wh == 21_018
    assert reading.energy_export_wh == 0
    assert reading.at_s <= asyncio.get_running_loop().time()


async def test_the_floats_of_the_manual_are_read_where_they_are_wanted() -> None:
    reading = await read(OF_THE_MANUAL.__getitem__, floats=True)
    assert reading.voltage_v == 750.5
    assert reading.current_a == -12.25
    assert reading.power_w == pytest.approx(-9193.6, abs=0.05)
    assert reading.energy_wh == 21_018


async def test_units_and_direction_are_settings() -> None:
    units = {"energy_unit_wh": 0.1, "power_unit_w": 10.0}
    reading = await read(OF_THE_MANUAL.__getitem__, **units)
    assert (reading.energy_wh, reading.power_w) == (2101, 494_200.0)
    turned = await read(OF_THE_MANUAL.__getitem__, floats=True, reverse=True)
    assert (turned.energy_wh, turned.energy_export_wh) == (0, 21_018)
    assert (turned.current_a, turned.voltage_v) == (12.25, 750.5)
    assert turned.power_w > 0


def displaying(at: int, word: int) -> Callable[[bytes], bytes]:
    """Return the display of the manual with another register ``at``."""
    octets = SHOWN[3:-2]
    changed = octets[: 2 * at] + word.to_bytes(2, "big") + octets[2 * at + 2 :]
    frame = modbus.sealed(SHOWN[:3] + changed)
    return lambda _: frame


IMPOSSIBLE = [
    (displaying(4, 1), "reports a broken wire"),
    (displaying(1, 8), "a decimal point at 8 cannot be"),
    (displaying(1, 5), "voltage of 400500 V cannot be"),
    (displaying(3, 5), "current of 123400 A cannot be"),
    (displaying(9, 7), r"power of 4.942e\+07 W cannot be"),
]


@pytest.mark.parametrize(("answers", "reason"), IMPOSSIBLE, ids=lambda v: str(v)[:24])
async def test_what_cannot_be_is_a_bad_answer(
    answers: Callable[[bytes], bytes], reason: str
) -> None:
    with pytest.raises(BadAnswer, match=f"port: unit 1: {reason}"):
        await read(answers)


async def test_a_meter_that_is_off_gives_no_answer() -> None:
    with pytest.raises(NoAnswer, match="unit 1: no answer in"):
        await read(lambda _: b"", timeout_s=0.02)


@given(bent((FLOATING, modbus.sealed(bytes.fromhex("02") + SHOWN[1:-2]))))
@settings(max_examples=50, deadline=None)
def test_no_bent_answer_becomes_a_wrong_value(bend: Callable[[bytes], bytes]) -> None:
    async def told() -> object:
        async with (
            scripted(lambda _: bend(SHOWN)) as port,
            connected(acrel_djsf1352, config(port, timeout_s=0.02)) as meter,
        ):
            return await outcome(meter.read())

    heard = asyncio.run(told())
    if isinstance(heard, MeterReading):
        assert (heard.voltage_v, heard.energy_wh) == (400.5, 21_018)
    else:
        assert heard in (NoAnswer, BadAnswer)


@given(st.binary(min_size=40, max_size=40))
@settings(max_examples=30, deadline=None)
def test_whatever_a_meter_says_is_possible_or_refused(octets: bytes) -> None:
    frame = modbus.sealed(SHOWN[:3] + octets)

    async def told() -> object:
        async with (
            scripted(lambda _: frame) as port,
            connected(acrel_djsf1352, config(port)) as meter,
        ):
            return await outcome(meter.read())

    heard = asyncio.run(told())
    if isinstance(heard, MeterReading):
        assert abs(heard.voltage_v) <= 2000
        assert abs(heard.current_a) <= 2000
    else:
        assert heard is BadAnswer


async def test_two_circuits_are_two_meters_on_one_line() -> None:
    async with line() as (laid, world):
        for connector, unit in ((1, 1), (2, 2)):
            world.outlet(connector).register.energy_wh = 1000.0 * connector
            AcrelDjsf1352(world, connector, unit).attach(laid)
        port = str(laid.terminal.path)
        for circuit in (1, 2):
            chosen = config(port, circuit=circuit)
            async with connected(acrel_djsf1352, chosen) as meter:
                assert (await meter.read()).energy_wh == 1000 * circuit


async def test_the_meter_follows_its_outlet() -> None:
    async with line() as (laid, world):
        twin = AcrelDjsf1352(world, CONNECTOR)
        twin.attach(laid)
        outlet = world.outlet(CONNECTOR)
        outlet.register.energy_wh = 5_000.0
        outlet.register.forced_w = 40_000.0
        port = str(laid.terminal.path)
        async with connected(acrel_djsf1352, config(port)) as meter:
            reading = await meter.read()
            assert reading.power_w == 40_000.0
            assert (reading.voltage_v, reading.current_a) == (400.0, 100.0)
            assert reading.energy_wh in (5_000, 5_001)
            twin.wire_broken = True
            with pytest.raises(BadAnswer, match="broken wire"):
                await meter.read()


REFUSED = [
    ({"port": ""}, 'port: is empty; write one like "/dev/ttyS1"'),
    ({"unit": 0}, "unit: 0 is out of bounds; write 1 to 247"),
    ({"circuit": 3}, "circuit: 3 is not there; write 1 or 2"),
    ({"timeout_s": 2.0}, "timeout_s: 2.0 is out of bounds; write 0.01 to 0.7"),
    ({"parity": "mark"}, 'parity: "mark" is unknown'),
    ({"energy_unit_wh": 0.0}, "energy_unit_wh: 0.0 makes nothing of a count"),
]


@pytest.mark.parametrize(("parts", "reason"), REFUSED, ids=lambda v: str(v)[:20])
def test_settings_that_cannot_be_are_refused(
    parts: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Config(**{"port": "/dev/ttyS1", **parts})

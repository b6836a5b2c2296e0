"""DL/T 645-2007 meters over a line: the frames of real ones, and wrong ones."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings

from hal.drivers import dlt645
from hal.drivers.dlt645 import Config
from hal.errors import BadAnswer, NoAnswer
from hal.simulation.dlt645_meter import Dlt645Meter
from hal.values import MeterReading
from hal.wire.dlt645 import Frame, decode, encode
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

WAKE = "FE FE FE FE "
ENERGY = bytes.fromhex("68 01 00 00 00 00 00 68 91 08 33 33 34 33 9A 78 56 34 D3 16")
POWER = bytes.fromhex("68 01 00 00 00 00 00 68 91 07 33 33 36 35 4A 75 7C 75 16")
BACKWARDS = bytes.fromhex("68 01 00 00 00 00 00 68 91 07 33 34 35 35 83 55 B4 C6 16")
REFUSED = bytes.fromhex("68 01 00 00 00 00 00 68 D1 01 35 D8 16")
CURRENT_QUESTION = bytes.fromhex(
    WAKE + "68 01 00 00 00 00 00 68 11 04 33 34 35 35 B7 16"
)
POWER_QUESTION = bytes.fromhex(WAKE + "68 01 00 00 00 00 00 68 11 04 33 33 36 35 B7 16")
FIND_QUESTION = bytes.fromhex(WAKE + "68 AA AA AA AA AA AA 68 13 00 DF 16")
OF_THE_MANUAL = {
    bytes.fromhex(WAKE + "68 01 00 00 00 00 00 68 11 04 33 33 34 33 B3 16"): ENERGY,
    bytes.fromhex(
        WAKE + "68 01 00 00 00 00 00 68 11 04 33 34 34 35 B6 16"
    ): bytes.fromhex("68 01 00 00 00 00 00 68 91 06 33 34 34 35 38 73 E3 16"),
    CURRENT_QUESTION: bytes.fromhex(
        "68 01 00 00 00 00 00 68 91 07 33 34 35 35 33 67 45 19 16"
    ),
    POWER_QUESTION: POWER,
    FIND_QUESTION: bytes.fromhex(
        "68 01 00 00 00 00 00 68 93 06 34 33 33 33 33 33 9D 16"
    ),
}


def config(port: str, **parts: Any) -> Config:
    chosen = {"baudrate": BAUDRATE, "timeout_s": 0.5, "address": "1", **parts}
    return Config(port, **chosen)


read = partial(read_once, dlt645, config)


async def test_a_meter_is_read_by_the_frames_of_the_standard() -> None:
    reading = await read(OF_THE_MANUAL.__getitem__)
    assert reading.energy_wh == 12_345_670
    assert reading.voltage_v == pytest.approx(400.5)
    assert reading.current_a == pytest.approx(123.4)
    assert reading.power_w == pytest.approx(49_421.7)
    assert reading.energy_export_wh is None
    assert reading.serial == "000000000001"


async def test_the_only_meter_of_a_line_is_found_without_its_address() -> None:
    reading = await read(OF_THE_MANUAL.__getitem__, address="")
    assert reading.serial == "000000000001"
    assert reading.energy_wh == 12_345_670


async def test_current_may_flow_backwards() -> None:
    answers = {**OF_THE_MANUAL, CURRENT_QUESTION: BACKWARDS}
    reading = await read(answers.__getitem__, power=False)
    assert reading.current_a == -12.25
    assert reading.power_w == pytest.approx(-12.25 * 400.5)


async def test_decimals_are_settings() -> None:
    parts = {"energy_decimals": 3, "voltage_decimals": 2, "power_decimals": 3}
    reading = await read(OF_THE_MANUAL.__getitem__, **parts)
    assert reading.energy_wh == 1_234_567
    assert reading.voltage_v == pytest.approx(40.05)
    assert reading.power_w == pytest.approx(494_217.0)


async def test_a_voltage_of_another_length_names_the_setting_to_look_at() -> None:
    with pytest.raises(BadAnswer, match="voltage_v in 2 bytes, not in 3; check"):
        await read(OF_THE_MANUAL.__getitem__, voltage_octets=3)


async def test_data_that_a_meter_has_not_is_a_bad_answer_in_words() -> None:
    answers = {**OF_THE_MANUAL, POWER_QUESTION: REFUSED}
    with pytest.raises(BadAnswer, match="meter 000000000001: refused 02030000"):
        await read(answers.__getitem__)
    assert (await read(answers.__getitem__, power=False)).power_w > 49_000


async def test_digits_that_are_none_are_a_bad_answer() -> None:
    nonsense = encode(Frame("000000000001", 0x91, bytes.fromhex("00000302 0A0000")))
    answers = {**OF_THE_MANUAL, POWER_QUESTION: nonsense}
    with pytest.raises(BadAnswer, match="power_w: 00000a are not decimal digits"):
        await read(answers.__getitem__)
    lost = encode(Frame("000000000001", 0x93, bytes.fromhex("0A0000000000")))
    answers = {**OF_THE_MANUAL, FIND_QUESTION: lost}
    with pytest.raises(BadAnswer, match="tells 0a 00 00 00 00 00 as its address"):
        await read(answers.__getitem__, address="")


async def test_a_silent_meter_gives_no_answer() -> None:
    with pytest.raises(NoAnswer, match="meter 000000000001: no answer"):
        await read(lambda _: b"", timeout_s=0.02)


OTHER = encode(Frame("000000000002", 0x91, bytes.fromhex("00000302 17 42 49")))


@given(bent((ENERGY, OTHER, REFUSED)))
@settings(max_examples=40, deadline=None)
def test_no_bent_answer_becomes_a_wrong_value(bend: Callable[[bytes], bytes]) -> None:
    async def told() -> object:
        def answers(question: bytes) -> bytes:
            answer = OF_THE_MANUAL[question]
            return bend(answer) if question == POWER_QUESTION else answer

        async with (
            scripted(answers) as port,
            connected(dlt645, config(port, timeout_s=0.02)) as meter,
        ):
            return await outcome(meter.read())

    heard = asyncio.run(told())
    if isinstance(heard, MeterReading):
        assert heard.power_w == pytest.approx(49_421.7)
    else:
        assert heard in (NoAnswer, BadAnswer)


async def test_long_answers_come_in_several_frames() -> None:
    async with line() as (laid, world):
        world.outlet(CONNECTOR).register.energy_wh = 12_345_670.0
        Dlt645Meter(world, CONNECTOR, longest=1).attach(laid)
        async with connected(dlt645, config(str(laid.terminal.path))) as meter:
            assert (await meter.read()).energy_wh == 12_345_670


async def test_an_answer_without_an_end_is_a_bad_answer() -> None:
    def endless(question: bytes) -> bytes:
        asked = decode(question)
        assert asked is not None
        control = 0xB0 | asked.control
        data = asked.data[:4] + b"\x00" + asked.data[4:]
        return encode(Frame("000000000001", control, data))

    with pytest.raises(BadAnswer, match="00010000 does not end after 10 frames"):
        await read(endless)


async def test_the_meter_follows_its_outlet_whatever_its_layout() -> None:
    async with line() as (laid, world):
        world.outlet(CONNECTOR).register.energy_wh = 12_345_678.0
        world.outlet(CONNECTOR).register.forced_w = 40_000.0
        Dlt645Meter(
            world, CONNECTOR, "031905000123", energy_decimals=3, voltage_octets=3
        ).attach(laid)
        layout = {"energy_decimals": 3, "voltage_octets": 3, "energy_export": True}
        chosen = config(str(laid.terminal.path), address="", **layout)
        async with connected(dlt645, chosen) as meter:
            reading = await meter.read()
    assert reading.energy_wh in (12_345_678, 12_345_679)
    assert (reading.voltage_v, reading.current_a) == (400.0, 100.0)
    assert reading.power_w == 40_000.0
    assert reading.energy_export_wh == 0
    assert reading.serial == "031905000123"


async def test_a_meter_that_takes_import_for_export_can_be_turned_round() -> None:
    async with line() as (laid, world):
        world.outlet(CONNECTOR).register.forced_w = -40_000.0
        Dlt645Meter(world, CONNECTOR).attach(laid)
        chosen = config(str(laid.terminal.path), reverse=True)
        async with connected(dlt645, chosen) as meter:
            reading = await meter.read()
    assert (reading.current_a, reading.power_w) == (100.0, 40_000.0)
    assert reading.energy_wh == 0


async def test_an_exchanged_meter_is_found_again() -> None:
    async with line() as (laid, world):
        twin = Dlt645Meter(world, CONNECTOR, "000000000161")
        twin.attach(laid)
        chosen = config(str(laid.terminal.path), address="", timeout_s=0.3)
        async with connected(dlt645, chosen) as meter:
            assert (await meter.read()).serial == "000000000161"
            twin.address = "000000000162"
            with pytest.raises(NoAnswer):
                await meter.read()
            assert (await meter.read()).serial == "000000000162"


IMPOSSIBLE = [
    ({"address": "00A1"}, "address: '00A1' is no number"),
    ({"address": "1" * 13}, "is too long; write 12 digits"),
    ({"timeout_s": 1.5}, "timeout_s: 1.5 is out of bounds; write 0.01 to 0.9"),
    ({"voltage_octets": 5}, "voltage_octets: 5 is out of bounds; write 2 to 4"),
    ({"wake_ups": 5}, "wake_ups: 5 is out of bounds; write 0 to 4"),
    ({"baudrate": 1}, "baudrate: 1 is not possible"),
]


@pytest.mark.parametrize(("parts", "reason"), IMPOSSIBLE, ids=lambda v: str(v)[:24])
def test_settings_that_cannot_be_are_refused(
    parts: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Config(**{"port": "/dev/ttyS1", **parts})

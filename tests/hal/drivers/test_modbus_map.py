"""Meters by their map: the frames of the Eastron SDM630, and other layouts."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings

from hal.drivers import modbus_map
from hal.drivers.modbus_map import Config
from hal.errors import BadAnswer, NoAnswer
from hal.simulation.mapped_meter import MappedMeter
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

POWER = bytes.fromhex("01 04 04 45 DC 42 00 1F D2")
ENERGY = bytes.fromhex("01 04 08 44 9A 50 00 00 00 00 00 17 97")
PHASES = bytes.fromhex(
    "01 04 18 43 66 80 00 43 67 00 00 43 65 C0 00 41 28 00 00 41 24 00 00"
    "41 20 00 00 65 55"
)
OF_THE_MANUAL = {
    bytes.fromhex("01 04 00 00 00 0C F0 0F"): PHASES,
    bytes.fromhex("01 04 00 34 00 02 30 05"): POWER,
    bytes.fromhex("01 04 00 48 00 04 71 DF"): ENERGY,
}
SDM630 = {
    "energy_wh": "input 0x0048 f32 *1000",
    "energy_export_wh": "input 0x004A f32 *1000",
    "power_w": "input 0x0034 f32",
    # Their neighbors complete the twelve registers of the manual's sample.
    "voltage_v": "input 0x0000 f32",
    "current_a": "input 0x000A f32",
    "gap": 8,
}
DCT1 = {
    "voltage_v": "input 0 s32 /10",
    "current_a": "input 2 s32 /-1000",
    "power_w": "input 4 s32 /-10",
    "energy_wh": "input 0x500 s64",
    "low_word_first": True,
}


def config(port: str, **parts: Any) -> Config:
    chosen = {"baudrate": BAUDRATE, "timeout_s": 0.5, **parts}
    return Config(port, **chosen)


read = partial(read_once, modbus_map, config)


async def test_an_sdm630_is_read_by_the_frames_of_its_manual() -> None:
    reading = await read(OF_THE_MANUAL.__getitem__, **SDM630)
    assert (reading.voltage_v, reading.current_a) == (230.5, 10.0)
    assert reading.power_w == 7048.25
    assert (reading.energy_wh, reading.energy_export_wh) == (1_234_500, 0)
    assert reading.serial is None


async def test_a_dct1_has_its_low_word_first_and_counts_from_the_other_side() -> None:
    answers = {
        bytes.fromhex("01 04 00 00 00 06 70 08"): bytes.fromhex(
            "01 04 0C 0F A5 00 00 1D F8 FF FE 75 77 FF F8 FC 88"
        ),
        modbus.read(1, modbus.Function.READ_INPUT, 0x500, 4): modbus.sealed(
            bytes.fromhex("01 04 08 E2 40 00 01 00 00 00 00")
        ),
    }
    reading = await read(answers.__getitem__, **DCT1)
    assert reading.voltage_v == pytest.approx(400.5)
    assert reading.current_a == pytest.approx(123.4)
    assert reading.power_w == pytest.approx(49_421.7)
    assert reading.energy_wh == 123_456
    assert reading.energy_export_wh is None


LAYOUT = {
    "energy_wh": "holding 0x100 u64 /10",
    "voltage_v": "holding 0x104 u16 *0.1",
    "current_a": "holding 0x105 s16 *0.1",
    "serial": "input 7 text6",
}


async def test_power_is_computed_where_it_is_not_mapped() -> None:
    async with line() as (laid, world):
        world.outlet(CONNECTOR).register.energy_wh = 5000.0
        world.outlet(CONNECTOR).register.forced_w = 36_000.0
        MappedMeter(world, CONNECTOR, LAYOUT, serial="DC-0815").attach(laid)
        port = str(laid.terminal.path)
        async with connected(modbus_map, config(port, **LAYOUT)) as meter:
            reading = await meter.read()
    assert (reading.voltage_v, reading.current_a) == (400.0, 90.0)
    assert reading.power_w == 36_000.0
    assert reading.energy_wh >= 5000
    assert reading.serial == "DC-0815"


async def test_a_serial_number_is_read_once_and_again_after_a_silence() -> None:
    layout = {**LAYOUT, "serial": "input 7 u32"}
    async with line() as (laid, world):
        twin = MappedMeter(world, CONNECTOR, layout, serial="4711")
        twin.attach(laid)
        port = str(laid.terminal.path)
        chosen = config(port, timeout_s=0.3, **layout)
        async with connected(modbus_map, chosen) as meter:
            assert (await meter.read()).serial == "4711"
            twin.serial = "4712"
            assert (await meter.read()).serial == "4711"
            world.faults.put("meter-silent", True, CONNECTOR)
            with pytest.raises(NoAnswer):
                await meter.read()
            world.faults.put("meter-silent", False, CONNECTOR)
            assert (await meter.read()).serial == "4712"


async def test_a_late_answer_is_not_taken_for_the_answer_to_another_question() -> None:
    layout = {
        "energy_wh": "holding 0x10 u32",
        "voltage_v": "holding 0x20 u32",
        "current_a": "holding 0x30 u32",
    }
    async with line() as (laid, world):
        world.outlet(CONNECTOR).register.energy_wh = 999.0
        MappedMeter(world, CONNECTOR, layout).attach(laid)
        port = str(laid.terminal.path)
        heard_true = False
        chosen = config(port, timeout_s=0.3, **layout)
        async with connected(modbus_map, chosen) as meter:
            for late in (True, False) * 2:
                world.faults.put("meter-late", late, CONNECTOR)
                heard = await outcome(meter.read())
                if isinstance(heard, MeterReading):
                    assert (heard.energy_wh, heard.voltage_v) == (999, 0.0)
                    heard_true = True
                else:
                    assert heard is NoAnswer
        assert heard_true


async def test_what_is_no_number_or_text_is_a_bad_answer_that_names_the_entry() -> None:
    nan = modbus.sealed(POWER[:3] + bytes.fromhex("7F C0 00 00"))
    parts = {**SDM630, "gap": 8}
    answers = {**OF_THE_MANUAL, bytes.fromhex("01 04 00 34 00 02 30 05"): nan}
    with pytest.raises(BadAnswer, match="unit 1: power_w: 7f c0 00 00 is not a finite"):
        await read(answers.__getitem__, **parts)
    parts["serial"] = "input 0x34 text2"
    parts["power_w"] = ""
    with pytest.raises(BadAnswer, match="unit 1: serial: .* is not text; check its"):
        await read(answers.__getitem__, **parts)


async def test_a_map_that_the_meter_has_not_is_refused_in_words() -> None:
    async with line() as (laid, world):
        MappedMeter(world, CONNECTOR, LAYOUT, most_registers=5).attach(laid)
        port = str(laid.terminal.path)
        wrong = {**LAYOUT, "voltage_v": "holding 0x200 u16", "serial": ""}
        async with connected(modbus_map, config(port, gap=1, **wrong)) as meter:
            with pytest.raises(BadAnswer, match="illegal value"):
                await meter.read()
        async with connected(
            modbus_map, config(port, most_registers=4, **wrong)
        ) as meter:
            with pytest.raises(BadAnswer, match="at 0x0200 .* illegal address"):
                await meter.read()


@given(bent((ENERGY, PHASES)))
@settings(max_examples=40, deadline=None)
def test_no_bent_answer_becomes_a_wrong_value(bend: Callable[[bytes], bytes]) -> None:
    async def told() -> object:
        answers = {**OF_THE_MANUAL, bytes.fromhex("01 04 00 34 00 02 30 05"): POWER}
        parts = {**SDM630, "timeout_s": 0.02}
        async with (
            scripted(lambda request: bend(answers[request])) as port,
            connected(modbus_map, config(port, **parts)) as meter,
        ):
            return await outcome(meter.read())

    heard = asyncio.run(told())
    if isinstance(heard, MeterReading):
        assert (heard.power_w, heard.energy_wh) == (7048.25, 1_234_500)
    else:
        assert heard in (NoAnswer, BadAnswer)


REFUSED = [
    ({"energy_wh": ""}, 'energy_wh: is missing; write it like "input 0x0048'),
    ({"power_w": "input 52 f64"}, "power_w: 'input 52 f64' cannot be read"),
    ({"current_a": "input 52 text2"}, "current_a: is a text; write a form such as f32"),
    ({"most_registers": 126}, "most_registers: 126 is out of bounds; write 1 to 125"),
    ({"most_registers": 1, "gap": 0}, "energy_wh: takes 2 registers, but the meter"),
    ({"gap": 125}, "gap: 125 is out of bounds; write 0 to 124"),
]


@pytest.mark.parametrize(("parts", "reason"), REFUSED, ids=lambda v: str(v)[:24])
def test_a_map_that_cannot_be_is_refused(parts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Config("/dev/ttyS1", **{**SDM630, **parts})

"""The twin of a meter with registers of one's choice."""

import pytest

from hal.simulation.mapped_meter import MappedMeter
from hal.simulation.modbus_device import answered
from hal.wire import modbus
from hal.wire.modbus import Function
from hal.world.site import World

LAYOUT = {
    "voltage_v": "input 0x0000 f32",
    "power_w": "input 0x0034 f32",
    "energy_wh": "input 0x0048 f32 *1000",
    "energy_export_wh": "input 0x004A f32 *1000",
    "serial": "holding 0xFC00 u32",
}


@pytest.fixture
def twin() -> MappedMeter:
    world = World(lambda: 0.0)
    world.outlet(1).register.energy_wh = 1_234_500.0
    world.outlet(1).register.forced_w = 7048.25
    return MappedMeter(world, 1, LAYOUT, serial="123456", most_registers=80)


def asked(twin: MappedMeter, request: bytes) -> bytes | None:
    return answered(request, twin.unit, twin.obey)


SAMPLES = [
    ("01 04 00 34 00 02 30 05", "01 04 04 45 DC 42 00 1F D2"),
    ("01 04 00 48 00 04 71 DF", "01 04 08 44 9A 50 00 00 00 00 00 17 97"),
]


@pytest.mark.parametrize(("request_", "answer"), SAMPLES)
def test_as_an_sdm630_it_answers_with_the_frames_of_the_manual(
    twin: MappedMeter, request_: str, answer: str
) -> None:
    assert asked(twin, bytes.fromhex(request_)) == bytes.fromhex(answer)


def test_its_serial_number_has_registers_too(twin: MappedMeter) -> None:
    answer = asked(twin, modbus.read(1, Function.READ_HOLDING, 0xFC00, 2))
    assert answer is not None
    assert modbus.words(answer) == (1, 57_920)


REFUSED = [
    (modbus.read(1, Function.READ_INPUT, 2, 2), 2),
    (modbus.read(1, Function.READ_INPUT, 0x48, 6), 2),
    (modbus.read(1, Function.READ_HOLDING, 0x48, 2), 2),
    (modbus.read(1, Function.READ_INPUT, 0, 81), 3),
    (modbus.write_register(1, 0x48, 0), 1),
]


@pytest.mark.parametrize(("request_", "code"), REFUSED, ids=lambda v: str(v)[:30])
def test_it_refuses_what_is_not_mapped(
    twin: MappedMeter, request_: bytes, code: int
) -> None:
    refusal = modbus.sealed(bytes((1, request_[1] | 0x80, code)))
    assert asked(twin, request_) == refusal

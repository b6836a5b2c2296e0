"""The twin of an EA supply does and refuses what a real one does and refuses."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hal.simulation.ea import EaSupply
from hal.simulation.modbus_device import answered
from hal.wire import ea, modbus
from hal.wire.ea import Coil, Mode, Present, Register, State
from hal.wire.modbus import Function
from hal.world.site import World
from tests.hal.virtual_time import instantly

REMOTE_ON = modbus.write_coil(0, Coil.REMOTE, True)
OUTPUT_ON = modbus.write_coil(0, Coil.OUTPUT, True)
OUTPUT_OFF = modbus.write_coil(0, Coil.OUTPUT, False)
LOOK = modbus.read(0, Function.READ_HOLDING, Register.PRESENT, ea.PRESENT_COUNT)
HALF = ea.WHOLE // 2


class Bench:
    def __init__(self) -> None:
        self.world = World(asyncio.get_running_loop().time)
        self.twin = EaSupply(self.world, self.world.outlet(1))

    def asks(self, frame: bytes) -> bytes:
        answer = answered(frame, 0, self.twin.obey)
        assert answer is not None
        return answer

    def refuses(self, frame: bytes) -> int:
        answer = self.asks(frame)
        assert answer[1] == frame[1] | modbus.EXCEPTION_BIT
        return answer[2]

    def sets(self, register: Register, word: int) -> bytes:
        return self.asks(modbus.write_register(0, register, word))

    def present(self) -> Present:
        return ea.present(modbus.octets(self.asks(LOOK)))


@contextmanager
def bench() -> Iterator[Bench]:
    yield Bench()


@instantly
async def test_it_obeys_only_under_remote_control() -> None:
    with bench() as one:
        assert one.refuses(OUTPUT_ON) == 7
        assert one.refuses(modbus.write_register(0, Register.SET_VOLTAGE, 1)) == 7
        assert one.asks(REMOTE_ON) == REMOTE_ON
        assert one.asks(OUTPUT_ON) == OUTPUT_ON
        assert one.twin.on


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (modbus.write_register(0, Register.SET_VOLTAGE, ea.MOST + 1), 3),
        (modbus.write_register(0, 503, 1), 2),
        (modbus.write_coil(0, 403, True), 2),
        (modbus.read(0, Function.READ_HOLDING, 300, 1), 2),
        (modbus.read(0, Function.READ_INPUT, Register.PRESENT, 1), 1),
    ],
)
@instantly
async def test_it_refuses_what_it_does_not_do(frame: bytes, code: int) -> None:
    with bench() as one:
        one.asks(REMOTE_ON)
        assert one.refuses(frame) == code


@instantly
async def test_its_output_ramps_up_and_it_goes_on_without_us() -> None:
    with bench() as one:
        one.asks(REMOTE_ON)
        one.sets(Register.SET_VOLTAGE, HALF)
        one.sets(Register.SET_CURRENT, HALF)
        one.sets(Register.SET_POWER, ea.WHOLE)
        one.asks(OUTPUT_ON)
        await asyncio.sleep(1.0)
        rising = one.present()
        assert rising.voltage == pytest.approx(0.2, abs=0.001)
        assert rising.state == State.OUTPUT | State.REMOTE
        await asyncio.sleep(3600.0)
        assert one.present().voltage == pytest.approx(0.5, abs=0.001)
        one.asks(OUTPUT_OFF)
        await asyncio.sleep(2.0)
        assert one.present()[:2] == (State.REMOTE, 0.0)


@instantly
async def test_it_says_what_holds_its_output() -> None:
    with bench() as one:
        one.asks(REMOTE_ON)
        for register in (Register.SET_VOLTAGE, Register.SET_CURRENT):
            one.sets(register, HALF)
        one.sets(Register.SET_POWER, ea.WHOLE)
        one.asks(OUTPUT_ON)
        assert one.present().mode is Mode.VOLTAGE
        one.world.outlet(1).rectifiers.current_a = 40.0
        assert one.present().mode is Mode.CURRENT


@instantly
async def test_a_broken_one_raises_an_alarm() -> None:
    with bench() as one:
        one.asks(REMOTE_ON)
        one.asks(OUTPUT_ON)
        one.world.faults.put("module-1", True, 1)
        one.world.outlet(1).suffer(one.world.faults.at(1))
        assert one.present().state == State.REMOTE | State.ALARM

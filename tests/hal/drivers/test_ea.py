"""An EA supply over a line: the frames of its manual, and wrong ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import ea
from hal.errors import BadAnswer, HardwareError, NoAnswer, Unconfirmed
from hal.simulation.ea import EaSupply
from hal.simulation.serial_line import SerialLine
from hal.values import PowerRating, PowerReading, Setpoint
from hal.wire import ea as wire
from hal.wire import modbus
from hal.wire.ea import Coil, Nominal, Register
from hal.wire.modbus import Function
from hal.world.site import World
from tests.hal.bench_power import PATIENT_S, RATE
from tests.hal.lines import (
    CONNECTOR,
    bent,
    connected,
    line,
    outcome,
    read_once,
    scripted,
)

SET = Setpoint(400.0, 20.0, 5.0)
ZERO = Setpoint(0.0, 0.0, 1.0)
NOMINAL = Nominal(500.0, 40.0, 5000.0)


@dataclass
class Rig:
    power: Any
    twin: EaSupply
    line: SerialLine
    world: World

    def breaks(self, fault: str, on: bool = True) -> None:
        self.world.faults.put(fault, on, CONNECTOR)
        self.world.outlet(CONNECTOR).suffer(self.world.faults.at(CONNECTOR))

    async def reaches(self, wanted: Callable[[PowerReading], bool]) -> PowerReading:
        async with asyncio.timeout(5):
            while not wanted(reading := await self.power.read()):
                await asyncio.sleep(0.01)
        found: PowerReading = reading
        return found

    async def falls(self) -> None:
        async with asyncio.timeout(2):
            while self.twin.on:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def rig(unit: int = 0, haste: float = 1.0, **settings: Any) -> AsyncIterator[Rig]:
    async with line() as (laid, world):
        world.set_rate(RATE)
        twin = EaSupply(world, world.outlet(CONNECTOR), unit)
        twin.attach(laid)
        chosen = {"timeout_s": PATIENT_S, **settings}
        config = ea.Config(str(laid.terminal.path), unit=unit, **chosen)
        async with connected(ea, config, haste=haste) as power:
            yield Rig(power, twin, laid, world)


async def test_the_rating_is_what_the_supply_says() -> None:
    async with rig(min_voltage_v=20.0) as one:
        assert one.power.rating == PowerRating(20.0, 1000.0, 80.0, 30_000.0)


@pytest.mark.parametrize("unit", [0, 1])
async def test_a_set_point_is_reached_and_ended(unit: int) -> None:
    async with rig(unit) as one:
        await one.power.supply(SET)
        reading = await one.reaches(lambda now: now.voltage_v > 399.0)
        assert reading.voltage_v == pytest.approx(400.0, abs=0.1)
        assert reading.temperature_c is None
        await one.power.supply(ZERO)
        assert not one.twin.on
        await one.power.shut_off()


async def test_current_is_measured_and_bounded_by_what_was_told() -> None:
    async with rig() as one:
        one.breaks("contactor-weld-hidden")
        one.breaks("short-circuit")
        await one.power.supply(SET)
        reading = await one.reaches(lambda now: now.current_a > 19.0)
        assert reading.current_a == pytest.approx(20.0, abs=0.02)


async def test_a_set_point_that_nobody_renews_ends() -> None:
    async with rig() as one:
        await one.power.supply(Setpoint(400.0, 20.0, 0.1))
        assert one.twin.on
        await one.falls()


async def test_leaving_the_driver_switches_off() -> None:
    async with rig() as one:
        await one.power.supply(SET)
        twin = one.twin
    assert not twin.on


async def test_connecting_switches_off_what_somebody_left_on() -> None:
    async with rig() as one:
        one.twin.on = True
        await one.power.read()
        await one.falls()


async def test_a_stop_overtakes_a_set_point_that_is_being_told() -> None:
    async with rig() as one:
        supplying = asyncio.ensure_future(one.power.supply(SET))
        await asyncio.sleep(0)
        await one.power.supply(ZERO)
        with pytest.raises(Unconfirmed, match="overtaken"):
            await supplying
        await one.power.read()
        assert not one.twin.on


async def test_an_output_that_stays_on_is_named() -> None:
    async with rig(haste=4.0) as one:
        await one.power.supply(SET)
        one.breaks("module-stuck-on")
        with pytest.raises(Unconfirmed, match="its output stays on"):
            await one.power.shut_off()


async def test_a_supply_with_an_alarm_has_failed() -> None:
    async with rig() as one:
        await one.power.supply(SET)
        one.breaks("module-1")
        reading = await one.reaches(lambda now: now.failed_modules == (1,))
        assert not reading.over_temperature


async def test_a_supply_under_local_control_is_taken_over_again() -> None:
    async with rig() as one:
        await one.power.supply(SET)
        await one.reaches(lambda now: now.voltage_v > 0.0)
        one.twin.remote = one.twin.on = False
        await one.power.read()
        await one.power.supply(SET)
        assert one.twin.on


async def test_a_supply_that_refuses_says_why() -> None:
    async with rig() as one:
        await one.power.supply(SET)
        await one.reaches(lambda now: now.voltage_v > 0.0)
        one.twin.remote = False
        with pytest.raises(BadAnswer, match="not to be done in its present state"):
            await one.power.supply(SET)


async def test_a_silent_supply_is_no_answer() -> None:
    async with rig(timeout_s=0.15) as one:
        one.breaks("module-silent")
        with pytest.raises(NoAnswer):
            await one.power.read()
        with pytest.raises(HardwareError):
            await one.power.supply(SET)
        one.breaks("module-silent", False)
        await one.power.read()


def supply_of(answers: dict[bytes, bytes]) -> Callable[[bytes], bytes]:
    """Answer as told, and confirm every write."""
    return lambda question: answers.get(question, question)


NAMEPLATE = modbus.read(0, Function.READ_HOLDING, Register.NOMINAL, wire.NOMINAL_COUNT)
LOOK = modbus.read(0, Function.READ_HOLDING, Register.PRESENT, wire.PRESENT_COUNT)
SAID = modbus.sealed(b"\x00\x03\x0c" + wire.nominal_octets(NOMINAL))
PRESENT = modbus.sealed(bytes.fromhex("00 03 0A 00 00 08 80 66 66 33 33 19 99"))


async def test_the_sample_answer_is_half_of_everything() -> None:
    async with (
        scripted(supply_of({NAMEPLATE: SAID, LOOK: PRESENT})) as port,
        connected(ea, ea.Config(port, timeout_s=PATIENT_S)) as power,
    ):
        reading = await power.read()
        assert reading.voltage_v == 250.0
        assert reading.current_a == pytest.approx(10.0, abs=0.001)


@pytest.mark.parametrize(
    "nominal",
    [
        Nominal(0.0, 40.0, 5000.0),
        Nominal(500.0, float("nan"), 5000.0),
        Nominal(500.0, 40.0, 1e9),
    ],
)
async def test_a_nameplate_that_cannot_be_is_refused(nominal: Nominal) -> None:
    said = modbus.sealed(b"\x00\x03\x0c" + wire.nominal_octets(nominal))
    async with scripted(supply_of({NAMEPLATE: said})) as port:
        with pytest.raises(BadAnswer, match="nominal values of .* cannot be"):
            async with connected(ea, ea.Config(port, timeout_s=PATIENT_S)):
                pass


async def test_a_measurement_far_above_nominal_is_refused() -> None:
    far = modbus.sealed(bytes.fromhex("00 03 0A 00 00 08 80 FF FF 33 33 19 99"))
    async with (
        scripted(supply_of({NAMEPLATE: SAID, LOOK: far})) as port,
        connected(ea, ea.Config(port, timeout_s=PATIENT_S)) as power,
    ):
        with pytest.raises(BadAnswer, match="125% of its voltage"):
            await power.read()


@given(bent((SAID, modbus.sealed(b"\x01" + PRESENT[1:-2]))))
@settings(max_examples=40, deadline=None)
def test_no_bent_answer_becomes_a_wrong_value(bend: Callable[[bytes], bytes]) -> None:
    def answer(question: bytes) -> bytes:
        if question == LOOK:
            return bend(PRESENT)
        return SAID if question == NAMEPLATE else question

    heard = asyncio.run(outcome(read_once(ea, ea.Config, answer, timeout_s=0.02)))
    if isinstance(heard, PowerReading):
        assert heard.voltage_v == 250.0
        assert heard.current_a == pytest.approx(10.0, abs=0.001)
    else:
        assert heard in (NoAnswer, BadAnswer)


@given(st.binary(min_size=10, max_size=10))
@settings(max_examples=20, deadline=None)
def test_whatever_a_supply_says_is_possible_or_refused(octets: bytes) -> None:
    frame = modbus.sealed(b"\x00\x03\x0a" + octets)

    async def told() -> object:
        async with (
            scripted(supply_of({NAMEPLATE: SAID, LOOK: frame})) as port,
            connected(ea, ea.Config(port, timeout_s=PATIENT_S)) as power,
        ):
            return await outcome(power.read())

    heard = asyncio.run(told())
    if isinstance(heard, PowerReading):
        assert 0.0 <= heard.voltage_v <= 1.1 * NOMINAL.voltage_v
        assert 0.0 <= heard.current_a <= 1.1 * NOMINAL.current_a
    else:
        assert heard is BadAnswer


def test_an_address_beyond_modbus_is_refused() -> None:
    with pytest.raises(ValueError, match="unit: 248 is out of bounds; write 0 to 247"):
        ea.Config("/dev/ttyACM0", unit=248)


def test_the_first_order_is_remote_control() -> None:
    assert modbus.write_coil(1, Coil.REMOTE, True).hex(" ") == "01 05 01 92 ff 00 2c 2b"

"""The twin of the isoCHA425HV: what it shows, takes, refuses and cannot bear."""

from dataclasses import dataclass

import pytest

from hal.errors import NoAnswer
from hal.resources import Place, Resources
from hal.simulation.bender_isocha import BenderIsocha
from hal.simulation.modbus_device import answered
from hal.transport.line import Question, open_line
from hal.transport.serial import SerialSettings
from hal.wire import isocha, modbus, modbus_slave
from hal.wire.isocha import Alarm, Measurement, Register, Trial, Validity
from hal.wire.modbus import Function
from hal.world.site import World
from tests.hal.lines import BAUDRATE, line


@dataclass
class Stand:
    """A monitor whose time a test moves."""

    now_s: float = 100.0

    def __post_init__(self) -> None:
        self.world = World(lambda: self.now_s)
        self.world.outlet(1)
        self.twin = BenderIsocha(self.world, 1, self_test_s=2.0)

    def ask(self, request: bytes) -> bytes:
        self.now_s += 0.02
        answer = answered(request, 3, self.twin.obey)
        assert answer is not None
        return answer

    def measurement(self, register: int = Register.RESISTANCE) -> Measurement:
        request = modbus.read(3, Function.READ_HOLDING, register, 4)
        return isocha.decode(modbus.octets(self.ask(request)))


@pytest.fixture
def stand() -> Stand:
    return Stand()


ENABLE = bytes.fromhex("03 10 0B D2 00 01 02 00 01 D6 42")
ALARM_AT_100_KOHM = bytes.fromhex("03 10 0B BF 00 01 02 00 64 1E D4")
SELF_TEST = bytes.fromhex("03 10 1F 45 00 01 02 54 45 A0 57")


def test_good_insulation_is_beyond_the_range(stand: Stand) -> None:
    readings = [stand.measurement() for _ in range(20)]
    assert {r.validity for r in readings} == {Validity.TRUE, Validity.TRUE_IS_BIGGER}
    assert all(1_900_000 < r.value <= 2_000_000 for r in readings)


def test_bad_insulation_raises_the_alarms_of_the_settings(stand: Stand) -> None:
    stand.world.faults.put("insulation", True, 1)
    assert stand.measurement().alarm == Alarm.ALARM
    stand.ask(modbus.write_registers(3, 3007, (15,)))
    assert stand.measurement().alarm == Alarm.PRE_WARNING
    stand.ask(modbus.write_registers(3, 3005, (15,)))
    assert stand.measurement().alarm == Alarm.NONE


def test_the_voltage_is_that_of_the_plug_and_lies_around_earth(stand: Stand) -> None:
    stand.world.outlet(1).plug_v = 402.5
    assert stand.measurement(1008).value == 402.5
    assert stand.measurement(1016).value == 201.25
    assert stand.measurement(1020).value == -201.25
    assert stand.measurement(1008).channel == 76


def test_a_disabled_monitor_has_no_valid_value(stand: Stand) -> None:
    stand.ask(modbus.write_registers(3, 3026, (0,)))
    assert stand.measurement().validity is Validity.INVALID
    assert stand.ask(ENABLE) == modbus.sealed(ENABLE[:6])
    assert stand.measurement().validity is not Validity.INVALID


def test_a_self_test_takes_its_time_and_its_bits_tell_so(stand: Stand) -> None:
    assert stand.ask(SELF_TEST) == modbus.sealed(SELF_TEST[:6])
    assert stand.measurement().trial is Trial.EXTERNAL
    stand.now_s += 1.9
    assert stand.measurement().trial is Trial.EXTERNAL
    stand.now_s += 0.1
    assert stand.measurement().trial is Trial.NONE
    assert not stand.measurement().failed


def test_a_self_test_without_its_resistor_puts_it_out_of_order(stand: Stand) -> None:
    stand.world.faults.put("isolation-self-test", True, 1)
    stand.ask(SELF_TEST)
    assert not stand.measurement().failed
    stand.now_s += 2.0
    assert stand.measurement().failed


def test_it_tells_its_name(stand: Stand) -> None:
    request = modbus.read(3, Function.READ_HOLDING, 9800, 10)
    assert stand.ask(request)[3:14] == b"isoCHA425HV"


REFUSED = [
    (modbus.read(3, Function.READ_INPUT, 1000, 4), modbus_slave.ILLEGAL_FUNCTION),
    (modbus.read(3, Function.READ_HOLDING, 1000, 5), modbus_slave.ILLEGAL_ADDRESS),
    (modbus.read(3, Function.READ_HOLDING, 2000, 1), modbus_slave.ILLEGAL_ADDRESS),
    (modbus.write_register(3, 3007, 100), modbus_slave.ILLEGAL_FUNCTION),
    (modbus.write_registers(3, 3007, (100, 100)), modbus_slave.ILLEGAL_VALUE),
    (modbus.write_registers(3, 3007, (150,)), modbus_slave.ILLEGAL_VALUE),
    (modbus.write_registers(3, 3005, (601,)), modbus_slave.ILLEGAL_VALUE),
    (modbus.write_registers(3, 3021, (2,)), modbus_slave.ILLEGAL_VALUE),
    (modbus.write_registers(3, 3006, (1,)), modbus_slave.ILLEGAL_ADDRESS),
    (modbus.write_registers(3, 8005, (1,)), modbus_slave.ILLEGAL_ADDRESS),
]


@pytest.mark.parametrize(("request_", "code"), REFUSED, ids=lambda v: str(v)[:40])
def test_it_refuses_what_the_device_refuses(
    stand: Stand, request_: bytes, code: int
) -> None:
    assert stand.ask(request_) == modbus_slave.refusal(request_, code)
    assert stand.twin.writes == 0


def test_two_writes_in_less_than_20_ms_are_too_fast(stand: Stand) -> None:
    stand.ask(ALARM_AT_100_KOHM)
    stand.now_s -= 0.01
    assert stand.ask(ENABLE) == modbus_slave.refusal(ENABLE, modbus_slave.DEVICE_BUSY)


async def test_a_read_of_the_earth_voltages_in_a_self_test_silences_it() -> None:
    async with line() as (laid, world), Resources(world.monotonic) as resources:
        BenderIsocha(world, 1).attach(laid)
        settings = SerialSettings(str(laid.terminal.path), BAUDRATE)
        near = await open_line(settings, Place(1, resources))

        async def ask(request: bytes, within_s: float = 0.5) -> bytes:
            cut = modbus.answer_to(request, "twin")
            return await near.ask(Question(request, cut, object(), within_s))

        await ask(SELF_TEST)
        await ask(modbus.read(3, Function.READ_HOLDING, 1000, 4))
        for register in (1016, 1000):
            with pytest.raises(NoAnswer):
                await ask(modbus.read(3, Function.READ_HOLDING, register, 4), 0.05)

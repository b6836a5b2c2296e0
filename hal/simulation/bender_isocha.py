"""The twin of a Bender isoCHA425HV insulation monitor."""

from typing import Final

from hal.simulation.mischief import Mischief
from hal.simulation.modbus_device import answered, disguised, window
from hal.simulation.serial_line import SerialLine
from hal.wire import isocha, modbus_slave
from hal.wire.isocha import Alarm, Measurement, Register, Trial, Validity
from hal.wire.modbus import Function
from hal.wire.modbus_slave import Refusal, Request
from hal.world.insulation import resistance_ohm
from hal.world.site import World

_RANGE_OHM: Final = 2_000_000.0
_NAME: Final = b"isoCHA425HV".ljust(20, b"\0")
_BETWEEN_WRITES_S: Final = 0.02
_SENSITIVE: Final = range(Register.VOLTAGE_L1_EARTH, Register.VOLTAGE_L2_EARTH + 4)
_FROM_FACTORY: Final = {
    "prealarm_kohm": 150,
    "alarm_kohm": 100,
    "start_self_test": 1,
    "enabled": 1,
}
_OVERLOADED_S: Final = 1.0


class BenderIsocha:
    """Measures the world's insulation; what it finds it shows at once."""

    def __init__(
        self, world: World, connector: int, unit: int = 3, self_test_s: float = 2.0
    ) -> None:
        self._world = world
        self._connector = connector
        self.unit = unit
        self.settings = {
            setting.register: _FROM_FACTORY.get(name, 0)
            for name, setting in isocha.SETTINGS.items()
        }
        self.writes = 0
        """Into the settings, since it was made: its memory wears."""
        self.broken = False
        """Out of order since a self-test, until one passes."""
        self._self_test_s = self_test_s
        self._test_ends_s: float | None = None
        self._written_s = -_BETWEEN_WRITES_S
        self._overloaded_until_s = 0.0

    def attach(self, line: SerialLine) -> None:
        """Put the monitor on a line."""
        mischief = Mischief(self._world, "isolation", self._connector, disguised)
        line.attach(self._hear, mischief)

    def _hear(self, frame: bytes) -> bytes | None:
        answer = answered(frame, self.unit, self.obey)
        overloaded = self._world.monotonic() < self._overloaded_until_s
        return b"" if answer is not None and overloaded else answer

    def obey(self, request: Request) -> bytes:
        """Answer a read, take a setting, begin a self-test."""
        self._end_test()
        if request.function == Function.READ_HOLDING:
            return self._read(request.address, request.count)
        if request.function != Function.WRITE_REGISTERS:
            raise Refusal(modbus_slave.ILLEGAL_FUNCTION)
        if request.count != 1:
            raise Refusal(modbus_slave.ILLEGAL_VALUE)
        self._write(request.address, request.words[0])
        return b""

    def _read(self, address: int, count: int) -> bytes:
        if self._test_ends_s is not None and address in _SENSITIVE:
            self._overloaded_until_s = self._world.monotonic() + _OVERLOADED_S
        voltage_v = self._world.outlet(self._connector).plug_v
        blocks: dict[int, bytes] = {
            Register.RESISTANCE: isocha.encode(self._resistance()),
            Register.VOLTAGE: isocha.encode(_voltage(voltage_v)),
            Register.VOLTAGE_L1_EARTH: isocha.encode(_voltage(voltage_v / 2)),
            Register.VOLTAGE_L2_EARTH: isocha.encode(_voltage(-voltage_v / 2)),
            Register.NAME: _NAME,
        }
        held = {at: word.to_bytes(2, "big") for at, word in self.settings.items()}
        return window({**blocks, **held}, address, count)

    def _write(self, address: int, word: int) -> None:
        now_s = self._world.monotonic()
        if now_s < self._written_s + _BETWEEN_WRITES_S:
            raise Refusal(modbus_slave.DEVICE_BUSY)
        self._written_s = now_s
        if address == Register.SELF_TEST and word == isocha.TEST_WORD:
            self._test_ends_s = now_s + self._self_test_s
            return
        if address not in self.settings:
            raise Refusal(modbus_slave.ILLEGAL_ADDRESS)
        if word not in self._allowed(address):
            raise Refusal(modbus_slave.ILLEGAL_VALUE)
        self.settings[address] = word
        self.writes += 1

    def _allowed(self, address: int) -> range:
        if address == _at("alarm_kohm"):
            return range(self.settings[_at("prealarm_kohm")])
        allowed = {each.register: each.allowed for each in isocha.SETTINGS.values()}
        return allowed[address]

    def _end_test(self) -> None:
        now_s = self._world.monotonic()
        if self._test_ends_s is not None and now_s >= self._test_ends_s:
            self._test_ends_s = None
            self.broken = self._world.faults.has("isolation-self-test", self._connector)

    def _resistance(self) -> Measurement:
        faults, outlet = self._world.faults, self._world.outlet(self._connector)
        ohm = resistance_ohm(outlet, faults.has("insulation", self._connector))
        validity = Validity.TRUE if ohm < _RANGE_OHM else Validity.TRUE_IS_BIGGER
        if not self.settings[_at("enabled")]:
            validity = Validity.INVALID
        testing = self._test_ends_s is not None
        return Measurement(
            value=min(ohm, _RANGE_OHM),
            alarm=Alarm.NONE if testing else self._alarm(ohm),
            trial=Trial.EXTERNAL if testing else Trial.NONE,
            validity=validity,
            unit=isocha.OHM,
            channel=71,
        )

    def _alarm(self, ohm: float) -> Alarm:
        if self.broken:
            return Alarm.DEVICE_ERROR
        if ohm < self.settings[_at("alarm_kohm")] * 1000:
            return Alarm.ALARM
        if ohm < self.settings[_at("prealarm_kohm")] * 1000:
            return Alarm.PRE_WARNING
        return Alarm.NONE


def _at(name: str) -> int:
    return isocha.SETTINGS[name].register


def _voltage(voltage_v: float) -> Measurement:
    return Measurement(
        voltage_v,
        Alarm.NONE,
        Trial.NONE,
        Validity.TRUE,
        isocha.VOLT,
        isocha.VOLTAGE_CHANNEL,
    )

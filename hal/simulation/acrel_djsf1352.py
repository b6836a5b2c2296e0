"""The twin of an Acrel DJSF1352-RN, with its registers as the manual lays them out."""

import struct
from typing import Final

from hal.simulation.display import shown
from hal.simulation.mischief import Mischief
from hal.simulation.modbus_device import answered, disguised, window
from hal.simulation.serial_line import SerialLine
from hal.wire import modbus_slave
from hal.wire.modbus import Function
from hal.wire.modbus_slave import Refusal, Request
from hal.world.site import World

_DISPLAY: Final = struct.Struct(">HHhHHhHHhHHHIIHHHH")
_FLOATS: Final = struct.Struct(">fff")
_CLOCK: Final = 0x1E
_CLOCK_REGISTERS: Final = 3
_TENTHS: Final = 2
"""The decimal point of a mantissa in tenths."""
_TENS: Final = 4
_WARMER_INSIDE_C: Final = 5.3


class AcrelDjsf1352:
    """One circuit of a meter whose register counts in watt-hours."""

    def __init__(self, world: World, connector: int, unit: int = 1) -> None:
        self._world = world
        self._connector = connector
        self.unit = unit
        self.wire_broken = False
        self.clock = bytes(2 * _CLOCK_REGISTERS)
        """Year, month, day, hour, minute, second, one byte each; zero: never set."""

    def attach(self, line: SerialLine) -> None:
        """Put the meter on a line."""
        mischief = Mischief(self._world, "meter", self._connector, disguised)
        line.attach(lambda frame: answered(frame, self.unit, self.obey), mischief)

    def obey(self, request: Request) -> bytes:
        """Answer a read of what the meter has, and let its clock be set."""
        if request.function == Function.WRITE_REGISTERS:
            self._set_clock(request)
            return b""
        if request.function != Function.READ_HOLDING:
            raise Refusal(modbus_slave.ILLEGAL_FUNCTION)
        return window(self._blocks(), request.address, request.count)

    def _set_clock(self, request: Request) -> None:
        if (request.address, request.count) != (_CLOCK, _CLOCK_REGISTERS):
            raise Refusal(modbus_slave.ILLEGAL_ADDRESS)
        self.clock = request.octets

    def _blocks(self) -> dict[int, bytes]:
        now = shown(self._world, self._connector)
        inside_c = self._world.settings.ambient_c + _WARMER_INSIDE_C
        display = _DISPLAY.pack(
            *(round(now.voltage_v * 10), _TENTHS),
            *(round(now.current_a * 10), _TENTHS),
            *(self.wire_broken, round(inside_c * 10), 0, 0),
            *(round(now.power_w / 10), _TENS),
            *(0, 0),
            *(now.energy_wh, 0),
            *(1, 250),  # no voltage transformer; a shunt for 250 A
            *(0, 0),
        )
        return {
            0x00: display,
            _CLOCK: self.clock + bytes(2),
            0x32: _FLOATS.pack(now.voltage_v, now.current_a, now.power_w / 1000),
        }

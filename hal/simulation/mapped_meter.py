"""A simulated meter whose registers lie where one likes them."""

from collections.abc import Mapping
from typing import Final

from hal.simulation.display import shown
from hal.simulation.mischief import Mischief
from hal.simulation.modbus_device import answered, disguised, window
from hal.simulation.serial_line import SerialLine
from hal.wire import modbus_slave
from hal.wire.modbus import MOST_REGISTERS, READS
from hal.wire.modbus_slave import Refusal, Request
from hal.wire.register_map import Entry, entry
from hal.wire.registers import laid_out
from hal.world.site import World

_SERIAL: Final = "serial"


class MappedMeter:
    """Gives what its map names, and refuses every register beside that."""

    def __init__(
        self,
        world: World,
        connector: int,
        layout: Mapping[str, str],
        *,
        unit: int = 1,
        serial: str = "",
        low_word_first: bool = False,
        most_registers: int = MOST_REGISTERS,
    ) -> None:
        """Lay the registers out as the driver ``modbus_map`` is told of them."""
        self._world = world
        self._connector = connector
        self._entries = {name: entry(written) for name, written in layout.items()}
        self.unit = unit
        self.serial = serial
        self._low_first = low_word_first
        self._most = most_registers

    def attach(self, line: SerialLine) -> None:
        """Put the meter on a line."""
        mischief = Mischief(self._world, "meter", self._connector, disguised)
        line.attach(lambda frame: answered(frame, self.unit, self.obey), mischief)

    def obey(self, request: Request) -> bytes:
        """Answer a read of registers that are there."""
        if request.function not in READS:
            raise Refusal(modbus_slave.ILLEGAL_FUNCTION)
        if request.count > self._most:
            raise Refusal(modbus_slave.ILLEGAL_VALUE)
        return window(self._blocks(request.function), request.address, request.count)

    def _blocks(self, function: int) -> dict[int, bytes]:
        """Return the registers of a function, neighbors in one piece."""
        pieces = sorted(
            (each.address, self._octets(name, each))
            for name, each in self._entries.items()
            if each.function == function
        )
        joined: dict[int, bytes] = {}
        begin, end = 0, -1
        for address, octets in pieces:
            if address != end:
                begin, joined[address] = address, b""
            joined[begin] += octets
            end = address + len(octets) // 2
        return joined

    def _octets(self, name: str, each: Entry) -> bytes:
        if each.form is None:
            return self.serial.encode("ascii").ljust(2 * each.count, b"\0")
        value = int(self.serial) if name == _SERIAL else self._quantities()[name]
        return laid_out(value / each.factor, each.form, self._low_first)

    def _quantities(self) -> dict[str, float]:
        now = shown(self._world, self._connector)
        return {
            "energy_wh": now.energy_wh,
            "energy_export_wh": 0,
            "voltage_v": now.voltage_v,
            "current_a": now.current_a,
            "power_w": now.power_w,
        }

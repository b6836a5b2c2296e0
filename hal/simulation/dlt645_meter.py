"""The twin of a DC meter that speaks DL/T 645-2007."""

from typing import Final

from hal.errors import BadAnswer
from hal.simulation.display import shown
from hal.simulation.mischief import Mischief
from hal.simulation.serial_line import SerialLine
from hal.wire import dlt645
from hal.wire.dlt645 import ANYBODY, Control, Frame, to_bcd
from hal.world.site import World

_FROM_METER: Final = 0x80
_MORE: Final = 0x20
_REFUSED: Final = 0x40
_NO_SUCH_DATA: Final = b"\x02"
_IDENTIFIER: Final = 4


class Dlt645Meter:
    """Laid out as the standard says, or with the deviations of some DC meters."""

    def __init__(
        self,
        world: World,
        connector: int,
        address: str = "000000000001",
        *,
        energy_decimals: int = 2,
        voltage_octets: int = 2,
        power_decimals: int = 4,
        longest: int = 200,
    ) -> None:
        """Put it together.

        Args:
            world: Where its outlet is.
            connector: The number of its outlet.
            address: Twelve digits.
            energy_decimals: Of a kilowatt-hour.
            voltage_octets: Two end at 999.9 V.
            power_decimals: Of a kilowatt; with four it ends at 79.9999 kW.
            longest: So many bytes of data go into one frame; the rest follows.
        """
        self._world = world
        self._connector = connector
        self.address = address
        self._energy_decimals = energy_decimals
        self._voltage_octets = voltage_octets
        self._power_decimals = power_decimals
        self._longest = longest

    def attach(self, line: SerialLine) -> None:
        """Put the meter on a line."""
        mischief = Mischief(self._world, "meter", self._connector, disguised)
        line.attach(self.hear, mischief)

    def hear(self, said: bytes) -> bytes | None:
        """Return the answer to what is said, if it is for this meter."""
        try:
            request = dlt645.decode(said)
        except BadAnswer:
            return None
        if request is None or not dlt645.meant(request.address, self.address):
            return None
        if request.control == Control.READ_ADDRESS and request.address == ANYBODY:
            own = bytes.fromhex(self.address)[::-1]
            return self._answer(request.control, own)
        if request.control not in (Control.READ, Control.READ_MORE):
            return self._refusal(request.control)
        return self._told(request)

    def _told(self, request: Frame) -> bytes:
        wanted = request.data[:_IDENTIFIER]
        octets = self._data().get(int.from_bytes(wanted, "little"))
        if octets is None:
            return self._refusal(request.control)
        sequence = request.data[_IDENTIFIER:]
        begin = self._longest * (sequence[0] if sequence else 0)
        end = begin + self._longest
        if sequence and begin >= len(octets):
            return self._refusal(request.control)
        more = _MORE if end < len(octets) else 0
        part = wanted + octets[begin:end] + sequence
        return self._answer(request.control | more, part)

    def _data(self) -> dict[int, bytes]:
        now = shown(self._world, self._connector)
        scale = 10**self._energy_decimals
        power = now.power_w * 10**self._power_decimals / 1000
        return {
            0x00010000: to_bcd(now.energy_wh * scale // 1000 % 10**8, 4),
            0x00020000: to_bcd(0, 4),
            0x02010100: _at_most(now.voltage_v * 10, 10, self._voltage_octets),
            0x02020100: _at_most(now.current_a * 1000, 8, 3),
            0x02030000: _at_most(power, 8, 3),
            0x04000401: bytes.fromhex(self.address)[::-1],
        }

    def _answer(self, control: int, data: bytes) -> bytes:
        return dlt645.encode(Frame(self.address, control | _FROM_METER, data))

    def _refusal(self, control: int) -> bytes:
        return self._answer(control | _REFUSED, _NO_SUCH_DATA)


def _at_most(value: float, digit: int, octets: int) -> bytes:
    """Lay a value out; what is too large stays at the end of the display.

    ``digit`` is one more than the highest that the first place can show.
    """
    most = digit * 10 ** (2 * octets - 1) - 1
    return to_bcd(max(-most, min(round(value), most)), octets)


def disguised(answer: bytes) -> bytes:
    """Return an answer as a meter with another address would give it."""
    frame = dlt645.decode(answer)
    assert frame is not None
    other = f"{(int(frame.address) + 1) % 10**12:012d}"
    return dlt645.encode(frame._replace(address=other))

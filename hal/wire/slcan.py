"""The ASCII protocol of serial CAN adapters (Lawicel, "slcan").

A data frame with a 29-bit identifier is ``T``, eight hex digits, the length as one
digit, and two hex digits for each byte; a carriage return ends every command and
answer, a bell refuses a command.
"""

from typing import Final

from hal.wire.frame import Frame

END: Final = b"\r"
REFUSED: Final = b"\a"
CLOSE: Final = b"C\r"
OPEN: Final = b"O\r"

BIT_RATES: Final = {
    10_000: b"S0\r",
    20_000: b"S1\r",
    50_000: b"S2\r",
    100_000: b"S3\r",
    125_000: b"S4\r",
    250_000: b"S5\r",
    500_000: b"S6\r",
    800_000: b"S7\r",
    1_000_000: b"S8\r",
}
"""The command that sets each bit rate."""

_LONGEST_LINE: Final = 64
_HEAD: Final = 10


def encode(frame: Frame) -> bytes:
    """Return the command that sends ``frame``."""
    identifier, data = frame
    return b"T%08X%d%s\r" % (identifier, len(data), data.hex().upper().encode())


def decode(line: bytes) -> Frame | None:
    """Return the frame of a line without its end; ``None`` if it holds none."""
    if line[:1] != b"T":
        return None
    try:
        length = int(line[9:_HEAD])
        identifier = int(line[1:9], 16)
        data = bytes.fromhex(line[_HEAD : _HEAD + 2 * length].decode("ascii"))
    except ValueError:
        return None
    # Some adapters append the time in four more digits.
    whole = len(data) == length <= 8 and len(line) in (
        _HEAD + 2 * length,
        _HEAD + 2 * length + 4,
    )
    return Frame(identifier, data) if whole and identifier < 1 << 29 else None


class Lines:
    """Cuts what comes from a port into lines."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._rest = b""

    def cut(self, heard: bytes) -> list[bytes]:
        """Return the lines that are whole now, without their ends.

        A refusal is a line of its own.
        """
        text = (self._rest + heard).replace(REFUSED, REFUSED + END)
        *lines, rest = text.split(END)
        self._rest = rest if len(rest) <= _LONGEST_LINE else b""
        return lines

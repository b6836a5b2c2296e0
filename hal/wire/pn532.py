"""Frames of an NXP PN532 on a serial line (HSU), as its user manual UM0701 has them.

A frame is ``00 | 00 FF | LEN | LCS | TFI … | DCS | 00``: length and data each have a
checksum of their own. To each command the chip first says that it has heard (ACK),
then gives its answer.
"""

from collections.abc import Callable
from typing import Final

from hal.errors import BadAnswer

ACK: Final = bytes.fromhex("00 00 FF 00 FF 00")
NACK: Final = bytes.fromhex("00 00 FF FF 00 00")
WAKE_UP: Final = bytes.fromhex("55 55") + bytes(14)
"""What wakes a chip that sleeps: edges first, then time to start its clock."""
SYNTAX_ERROR: Final = bytes.fromhex("00 00 FF 01 FF 7F 81 00")

TO_CHIP: Final = 0xD4
FROM_CHIP: Final = 0xD5

FIRMWARE: Final = 0x02
SAM: Final = 0x14
RF: Final = 0x32
LIST: Final = 0x4A
RELEASE: Final = 0x52

_START: Final = b"\x00\xff"
_UID_SIZES: Final = (4, 7, 10)
_HAS_ATS: Final = 0x20
"""In SEL_RES: the card speaks ISO 14443-4, and has told so (ATS)."""
_IC: Final = 0x32


def frame(*data: int) -> bytes:
    """Return a frame around data that begin with their direction."""
    length = len(data)
    head = bytes((0, 0, 0xFF, length, -length & 0xFF))
    return head + bytes(data) + bytes((-sum(data) & 0xFF, 0))


def command(code: int, *parameters: int) -> bytes:
    """Return a command of the host."""
    return frame(TO_CHIP, code, *parameters)


def reply(code: int, *data: int) -> bytes:
    """Return the chip's answer to a command."""
    return frame(FROM_CHIP, code + 1, *data)


def first_frame(octets: bytes) -> tuple[bytes, bytes] | None:
    """Return the data of the first frame and what follows it, or ``None`` for none.

    An ACK has no data.

    Raises:
        BadAnswer: A checksum is wrong.
    """
    start = octets.find(_START)
    if start < 0 or len(octets) < start + 4:
        return None
    length, check = octets[start + 2], octets[start + 3]
    body = start + 4
    if (length, check) == (0, 0xFF):
        return b"", octets[body:]
    if (length + check) & 0xFF:
        raise BadAnswer(f"pn532: wrong checksum of the length in {octets.hex(' ')}")
    end = body + length
    if len(octets) <= end:
        return None
    if sum(octets[body : end + 1]) & 0xFF:
        raise BadAnswer(f"pn532: wrong checksum of a frame of {length} bytes")
    return octets[body:end], octets[end + 1 :]


def cut(code: int) -> Callable[[bytes], bytes | None]:
    """Return what finds the answer to a command: its data, without the code."""

    def find(octets: bytes) -> bytes | None:
        heard = False
        while (found := first_frame(octets)) is not None:
            data, octets = found
            if heard and data:
                return _answer(code, data)
            # What comes before the ACK answers an earlier command.
            heard |= not data
        return None

    return find


def _answer(code: int, data: bytes) -> bytes:
    if data == b"\x7f":
        raise BadAnswer(f"pn532: does not take the command {code:#04x} now")
    if data[:2] != bytes((FROM_CHIP, code + 1)):
        raise BadAnswer(f"pn532: answers something else than the command {code:#04x}")
    return data[2:]


def check_firmware(data: bytes) -> None:
    """Refuse an answer to ``FIRMWARE`` that is not a PN532's.

    Raises:
        BadAnswer: It is another chip's, or none.
    """
    if len(data) != 4 or data[0] != _IC:
        raise BadAnswer(f"pn532: {data.hex(' ') or 'nothing'} is not its firmware")


def uids(data: bytes) -> list[bytes]:
    """Return the numbers of the cards in an answer to ``LIST``.

    Raises:
        BadAnswer: It is not a list of cards of ISO 14443 A.
    """
    if not data:
        raise BadAnswer("pn532: an empty list has a count of 0, this has none")
    count, rest = data[0], data[1:]
    numbers = []
    for _ in range(count):
        number, rest = _target(rest)
        numbers.append(number)
    if rest:
        raise BadAnswer(f"pn532: {len(rest)} bytes too many in a list of {count} cards")
    return numbers


def _target(data: bytes) -> tuple[bytes, bytes]:
    """Return the number of the first card, and what follows the card."""
    head, rest = data[:5], data[5:]
    size = head[4] if len(head) == 5 else 0
    number, rest = rest[:size], rest[size:]
    if size not in _UID_SIZES or len(number) != size:
        raise BadAnswer(f"pn532: a card with a number of {size} bytes; none has")
    if head[3] & _HAS_ATS and rest:
        # The length of the ATS counts itself.
        rest = rest[rest[0] :] if 0 < rest[0] <= len(rest) else b"\0"
    return number, rest

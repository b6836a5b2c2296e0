"""DL/T 645-2007 frames: what Chinese energy meters speak. No port, no clock."""

from collections.abc import Callable
from enum import IntEnum
from typing import Final, NamedTuple

from hal.errors import BadAnswer

ANYBODY: Final = "A" * 12
"""Whichever meter hears it answers; for a line with one meter."""
ADDRESS_DIGITS: Final = 12

WAKE_UP: Final = b"\xfe"
_START: Final = 0x68
_END: Final = 0x16
_HEAD: Final = 10
_TAIL: Final = 2
_SHIFT: Final = 0x33
_LONGEST: Final = 200
_ANY_PAIR: Final = 0xAA
_FROM_METER: Final = 0x80
_REFUSED: Final = 0x40
_MORE: Final = 0x20
_IDENTIFIER: Final = 4
_MINUS: Final = 0x80


class Control(IntEnum):
    """What a frame asks for."""

    SET_CLOCK = 0x08
    READ = 0x11
    READ_MORE = 0x12
    READ_ADDRESS = 0x13
    WRITE = 0x14


ERRORS: Final = (
    "another error",
    "no such data",
    "wrong password",
    "baud rate cannot be changed",
    "too many yearly periods",
    "too many daily periods",
    "too many rates",
)
"""What the bits of an error byte mean, from the lowest."""


class Frame(NamedTuple):
    """A frame, its data without the shift that they have on the wire."""

    address: str
    control: int
    data: bytes

    @property
    def more(self) -> bool:
        """Whether the rest of the data must be asked for."""
        return bool(self.control & _MORE)

    @property
    def refused(self) -> bool:
        """Whether it is an error; its data is one byte then."""
        return bool(self.control & _REFUSED)


def encode(frame: Frame, wake_ups: int = 0) -> bytes:
    """Return a frame as it goes over the wire."""
    address = bytes.fromhex(frame.address)[::-1]
    data = bytes((octet + _SHIFT) & 0xFF for octet in frame.data)
    head = bytes((_START, *address, _START, frame.control, len(data)))
    body = head + data
    return WAKE_UP * wake_ups + body + bytes((sum(body) & 0xFF, _END))


def decode(octets: bytes) -> Frame | None:
    """Return the frame that begins after any wake-up bytes; ``None``: not whole yet.

    Raises:
        BadAnswer: There is none, or its checksum is wrong.
    """
    octets = octets.lstrip(WAKE_UP)
    if octets and octets[0] != _START or len(octets) > 7 and octets[7] != _START:
        raise BadAnswer(f"{octets[:_HEAD].hex(' ')} is no beginning of a frame")
    if len(octets) < _HEAD:
        return None
    length = octets[_HEAD - 1]
    if length > _LONGEST:
        raise BadAnswer(f"{length} bytes of data are more than a frame can have")
    size = _HEAD + length + _TAIL
    if len(octets) < size:
        return None
    if octets[size - 1] != _END or sum(octets[: size - 2]) & 0xFF != octets[size - 2]:
        raise BadAnswer(f"wrong checksum or end in {octets[:size].hex(' ')}")
    data = bytes((octet - _SHIFT) & 0xFF for octet in octets[_HEAD : size - _TAIL])
    return Frame(octets[6:0:-1].hex().upper(), octets[8], data)


def read(address: str, identifier: int, sequence: int = 0) -> Frame:
    """Ask for data, or for what is left of them; ``sequence`` counts from 1 then."""
    wanted = identifier.to_bytes(_IDENTIFIER, "little")
    if sequence:
        return Frame(address, Control.READ_MORE, wanted + bytes((sequence,)))
    return Frame(address, Control.READ, wanted)


def find() -> Frame:
    """Ask the only meter of the line for its address."""
    return Frame(ANYBODY, Control.READ_ADDRESS, b"")


def meant(asked: str, own: str) -> bool:
    """Return whether a question to ``asked`` is for the meter with its ``own``."""
    pairs = zip(bytes.fromhex(asked), bytes.fromhex(own), strict=True)
    return all(one in (other, _ANY_PAIR) for one, other in pairs)


def answer_to(request: Frame, where: str) -> Callable[[bytes], bytes | None]:
    """Return what cuts the answer to ``request`` out of what is heard after it.

    Args:
        request: The question.
        where: Names port and device in the texts of errors.

    Raises:
        BadAnswer: What was heard can never become the answer, or is a refusal.
    """

    def cut(heard: bytes) -> bytes | None:
        try:
            answer = decode(heard)
        except BadAnswer as error:
            raise BadAnswer(
                f"{where}: {error}; check shield, termination, baud rate and parity"
            ) from error
        if answer is None:
            return None
        _check(request, answer, where)
        return heard

    return cut


def content(request: Frame, answer: bytes) -> tuple[bytes, bool]:
    """Return the data of a checked answer, and whether more is to be asked for."""
    frame = decode(answer)
    assert frame is not None
    told = frame.data
    if request.control == Control.READ:
        told = told[_IDENTIFIER:]
    elif request.control == Control.READ_MORE:
        told = told[_IDENTIFIER:-1]
    return told, frame.more


def _check(request: Frame, answer: Frame, where: str) -> None:
    if not meant(request.address, answer.address):
        raise BadAnswer(
            f"{where}: meter {answer.address} answered; "
            "give each meter on the line an address of its own"
        )
    if answer.control & ~(_REFUSED | _MORE) != request.control | _FROM_METER:
        raise BadAnswer(
            f"{where}: answered with control {answer.control:#04x} to "
            f"{request.control:#04x}; check for two masters on the line"
        )
    if answer.refused:
        raise BadAnswer(
            f"{where}: refused {request.data[::-1].hex()}: {_reasons(answer.data)}; "
            "check the settings against the manual of this meter"
        )
    wanted, sequence = request.data[:_IDENTIFIER], request.data[_IDENTIFIER:]
    told = answer.data[: len(wanted)]
    if told != wanted or (sequence and answer.data[-1:] != sequence):
        raise BadAnswer(
            f"{where}: told {told[::-1].hex()} instead of {wanted[::-1].hex()}; "
            "check for two masters on the line"
        )


def _reasons(data: bytes) -> str:
    bits = data[0] if data else 0
    named = [text for place, text in enumerate(ERRORS) if bits >> place & 1]
    return " and ".join(named) or "without a reason"


def bcd(octets: bytes, signed: bool = False) -> int:
    """Return a number whose digits come in pairs, the lowest pair first.

    Args:
        octets: As they were told.
        signed: The highest bit is the sign.

    Raises:
        BadAnswer: A digit is not one.
    """
    negative = signed and bool(octets[-1] & _MINUS)
    if negative:
        octets = octets[:-1] + bytes((octets[-1] & ~_MINUS,))
    digits = octets[::-1].hex()
    if not digits.isdecimal():
        raise BadAnswer(f"{digits} are not decimal digits")
    return -int(digits) if negative else int(digits)


def to_bcd(value: int, size: int) -> bytes:
    """Lay a number out in ``size`` bytes; it must fit."""
    digits = f"{abs(value):0{2 * size}d}"
    if len(digits) != 2 * size:
        raise ValueError(f"{value} does not fit into {size} bytes")
    octets = bytes.fromhex(digits)[::-1]
    return octets[:-1] + bytes((octets[-1] | _MINUS,)) if value < 0 else octets

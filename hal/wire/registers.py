"""Numbers and texts in 16-bit registers, as Modbus devices lay them out."""

import struct
from enum import Enum
from math import isfinite
from typing import Final

from hal.errors import BadAnswer

OCTETS: Final = 2
"""Bytes in one register."""


class Form(Enum):
    """How a number is laid out, by the names that manuals give."""

    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    F32 = "f32"
    U64 = "u64"
    S64 = "s64"

    @property
    def count(self) -> int:
        """Registers that one number takes."""
        return int(self.value[1:]) // 16


_BIG: Final = {
    Form.U16: struct.Struct(">H"),
    Form.S16: struct.Struct(">h"),
    Form.U32: struct.Struct(">I"),
    Form.S32: struct.Struct(">i"),
    Form.F32: struct.Struct(">f"),
    Form.U64: struct.Struct(">Q"),
    Form.S64: struct.Struct(">q"),
}


def number(octets: bytes, index: int, form: Form, low_first: bool = False) -> float:
    """Return the number that begins with register ``index`` of ``octets``.

    Args:
        octets: Registers as they came over the wire, high byte first.
        index: The register within ``octets``, from 0.
        form: The layout.
        low_first: The least significant register comes first.

    Raises:
        BadAnswer: The registers hold no finite number.
    """
    begin = index * OCTETS
    taken = octets[begin : begin + form.count * OCTETS]
    value: float = _BIG[form].unpack(turned(taken) if low_first else taken)[0]
    if not isfinite(value):
        raise BadAnswer(f"{taken.hex(' ')} is not a finite number")
    return value


def laid_out(value: float, form: Form, low_first: bool = False) -> bytes:
    """Return a number as registers; it must fit the form."""
    exact = value if form is Form.F32 else round(value)
    octets = _BIG[form].pack(exact)
    return turned(octets) if low_first else octets


def turned(octets: bytes) -> bytes:
    """Return the registers in the opposite order, each still high byte first."""
    return b"".join(
        octets[at : at + OCTETS] for at in range(len(octets) - OCTETS, -1, -OCTETS)
    )


def text(octets: bytes) -> str:
    """Return printable ASCII up to the first zero, without blanks around it.

    Raises:
        BadAnswer: A byte before the zero is not printable.
    """
    plain = octets.split(b"\0", 1)[0].decode("ascii", "replace")
    if not plain.isprintable() or "\ufffd" in plain:
        raise BadAnswer(f"{octets.hex(' ')} is not text")
    return plain.strip()

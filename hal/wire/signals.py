"""Signals of fixed messages: tenths, flags, enumerations, layouts, what breaks them."""

import struct
from collections.abc import Mapping
from enum import IntEnum, IntFlag
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from hal.errors import BadAnswer

_LOWEST: Final = -0x8000
_HIGHEST: Final = 0x7FFF
_HAIR: Final = 1e-6
"""What binary fractions may lack of a tenth."""

E = TypeVar("E", bound=IntEnum)
F = TypeVar("F", bound=IntFlag)


def tenths(value: float, most: int = 0xFFFF) -> int:
    """Return ``value`` in tenths, as far as ``most`` tenths and not below zero."""
    return min(max(round(value * 10), 0), most)


def whole_tenths(value: float, most: int = 0xFFFF) -> int:
    """Return a limit in tenths; it is never rounded up."""
    return min(max(int(value * 10 + _HAIR), 0), most)


def signed_tenths(value: float) -> int:
    """Return ``value`` in tenths, as far as sixteen bits with a sign go."""
    return min(max(round(value * 10), _LOWEST), _HIGHEST)


def unpack(layout: struct.Struct, data: bytes, name: str) -> tuple[Any, ...]:
    """Return the numbers of a message that has exactly this layout.

    Raises:
        BadAnswer: It is shorter or longer.
    """
    if len(data) != layout.size:
        raise BadAnswer(f"{name}: {len(data)} bytes, not {layout.size}")
    return layout.unpack(data)


def unpack_head(layout: struct.Struct, data: bytes, name: str) -> tuple[Any, ...]:
    """Return the first numbers of a message that later versions made longer.

    Raises:
        BadAnswer: It is shorter.
    """
    if len(data) < layout.size:
        raise BadAnswer(f"{name}: {len(data)} bytes, less than {layout.size}")
    return layout.unpack_from(data)


def flags(kind: type[F], present: Mapping[F, bool]) -> F:
    """Return the flags that are so, as one value."""
    return reduce(or_, (flag for flag, is_so in present.items() if is_so), kind(0))


def names(state: IntFlag) -> str:
    """Return the names of flags in plain words, or nothing."""
    words = (str(flag.name).replace("_", " ").lower() for flag in state)
    return ", ".join(words)


def member(kind: type[E], value: int, name: str) -> E:
    """Return the member of an enumeration with this value.

    Raises:
        BadAnswer: There is none.
    """
    try:
        return kind(value)
    except ValueError:
        raise BadAnswer(f"{name}: {value} is unknown") from None

"""A CAN frame."""

from typing import NamedTuple


class Frame(NamedTuple):
    """A classical data frame with a 29-bit identifier."""

    identifier: int
    data: bytes

"""Whose turn comes first where several devices share a line or a bus."""

from enum import IntEnum


class Rank(IntEnum):
    """How urgent a question or a frame is."""

    SAFETY = 0
    ROUTINE = 1
    HOUSEKEEPING = 2

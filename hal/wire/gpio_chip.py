"""What is said to a simulated GPIO chip: lines of text with tabs between the fields.

The client asks, the chip tells. A line of the chip belongs to who took it until it
is freed or the connection ends.

    input   LINE  BIAS     take a line as an input
    output  LINE  0|1      take a line as an output that begins low or high
    set     LINE  0|1      drive an output
    free    LINE           give a line back
    at      LINE  0|1      the line is yours; it is low or high, now and from now on
    no      LINE  REASON   what was asked of the line cannot be
"""

from typing import Final, NamedTuple

from hal.errors import BadAnswer

ASKED: Final = ("input", "output", "set", "free")
TOLD: Final = ("at", "no")

LONGEST: Final = 256
"""No line of text is longer, in bytes."""

_LEVELS: Final = {"0": False, "1": True}


class Word(NamedTuple):
    """One line of text."""

    verb: str
    line: str
    rest: str = ""


def encode(word: Word) -> bytes:
    """Return a word as it is sent."""
    return "\t".join(word).encode() + b"\n"


def decode(text: bytes) -> Word:
    """Return the word of one line of text.

    Raises:
        BadAnswer: It is none.
    """
    try:
        verb, line, rest = text.decode().rstrip("\n").split("\t")
    except ValueError as error:
        raise BadAnswer(f"gpio chip: {text!r} is no word of a chip") from error
    if verb not in ASKED + TOLD:
        raise BadAnswer(f"gpio chip: {text!r} begins with an unknown verb")
    return Word(verb, line, rest)


def level(rest: str) -> bool:
    """Return a level as a word carries it.

    Raises:
        BadAnswer: It is neither low nor high.
    """
    if rest not in _LEVELS:
        raise BadAnswer(f"gpio chip: level {rest!r} is neither 0 nor 1")
    return _LEVELS[rest]


def bit(high: bool) -> str:
    """Return a level for a word to carry."""
    return "1" if high else "0"

"""How a lamp tells a signal: which colors, and in which rhythm. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

COLORS: Final = ("red", "yellow", "green", "blue", "white")

RHYTHMS: Final = {
    "steady": (),
    "slow": (1.0, 1.0),
    "blink": (0.5, 0.5),
    "fast": (0.125, 0.125),
    "flash": (0.1, 1.9),
}
"""How long the colors are on and off in turn, in seconds; nothing: on for good."""

_DARK: Final = "off"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a light shows for one signal."""

    colors: tuple[str, ...]
    turns_s: tuple[float, ...] = ()


def parse(field: str, text: str, wired: Collection[str]) -> Pattern:
    """Return the pattern that a text such as ``"red+green blink"`` names.

    Args:
        field: What a mistake is reported of.
        text: Colors joined by ``+``, then a rhythm unless it is steady; or "off".
        wired: The colors that there are lamps for.

    Raises:
        ValueError: The text names no pattern, or a color that is not wired.
    """
    if text == _DARK:
        return Pattern(())
    colors, _, rhythm = text.partition(" ")
    names = tuple(colors.split("+"))
    for name in names:
        if name not in wired:
            known = ", ".join(wired) or "none"
            raise ValueError(
                f'{field}: "{text}" needs a line for {name!r}; wired: {known}; write '
                f'a pattern of those, or "{_DARK}"'
            )
    if (rhythm or "steady") not in RHYTHMS:
        raise ValueError(
            f'{field}: "{text}" has an unknown rhythm; write {", ".join(RHYTHMS)}'
        )
    return Pattern(names, RHYTHMS[rhythm or "steady"])

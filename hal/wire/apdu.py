"""Commands to contactless readers over PC/SC, part 3 of its standard, and answers.

LED and buzzer are the manufacturers' own: "ACR122U API" (pseudo-APDUs through the
card) and "ACR1252U Reference Manual" (escape commands through the reader).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hal.errors import BadAnswer

GET_UID: Final = bytes.fromhex("FF CA 00 00 00")

_DONE: Final = b"\x90\x00"
_UID_SIZES: Final = (4, 7, 8, 10)
"""ISO 14443 has four, seven and ten bytes, ISO 15693 has eight."""


def uid(answer: bytes) -> bytes:
    """Return the number of a card from the answer to ``GET_UID``.

    Raises:
        BadAnswer: The card has none, or one that no card has.
    """
    number, status = answer[:-2], answer[-2:]
    if status != _DONE:
        raise BadAnswer(f"card: gives no UID, status {status.hex(' ') or 'none'}")
    if len(number) not in _UID_SIZES:
        raise BadAnswer(f"card: a UID of {len(number)} bytes; no card has one")
    return number


def acr122u_led(state: int, on_ds: int, off_ds: int, times: int, beeps: int) -> bytes:
    """Return the command that blinks and beeps.

    Args:
        state: Bits 0 and 1 red and green at the end, 2 and 3 whether these change,
            4 and 5 at the first blink, 6 and 7 whether these blink.
        on_ds: How long each blink is, in tenths of a second.
        off_ds: How long the time between two is.
        times: How many blinks.
        beeps: Bit 0 during each blink, bit 1 between them.
    """
    command = (0xFF, 0x00, 0x40, state, 0x04, on_ds, off_ds, times, beeps)
    return bytes(command)


def acr1252u_buzzer(lasts_cs: int) -> bytes:
    """Return the escape command that beeps for so many hundredths of a second."""
    return bytes((0xE0, 0x00, 0x00, 0x28, 0x01, lasts_cs))


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader shows when it has read a card."""

    taken: bytes
    refused: bytes
    escape: bool
    """Whether the commands go to the reader itself and not to the card."""


FEEDBACK: Final[Mapping[str, Feedback | None]] = {
    "none": None,
    # one green blink with a beep; three short red ones
    "acr122u": Feedback(
        acr122u_led(0xA8, 2, 1, 1, 1), acr122u_led(0x54, 1, 1, 3, 1), False
    ),
    "acr1252u": Feedback(acr1252u_buzzer(15), acr1252u_buzzer(80), True),
}
"""By the model of the reader."""

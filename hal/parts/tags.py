"""From the number of a card to the token that the CSMS knows it by. Pure."""

from dataclasses import dataclass
from typing import Final

from hal.bounds import check_word
from hal.values import Token

_LONGEST: Final = 20
"""What OCPP 1.6 takes as an id tag (CiString20)."""
_SHORTEST_UID: Final = 4
_RANDOM_UID: Final = 0x08
"""ISO 14443-3: a UID of four bytes that begins so is made up anew each time."""
_FORMS: Final = ("upper", "lower", "decimal")


@dataclass(frozen=True, slots=True)
class TagFormat:
    """How card readers write the number of a card; a part of each reader's table."""

    tag_form: str = "upper"
    """Hexadecimal digits in upper or lower case, or one decimal number."""
    tag_reversed: bool = False
    """Whether the last byte comes first, as some readers and lists have it."""
    tag_separator: str = ""
    """What stands between the bytes, such as ":"."""
    tag_prefix: str = ""
    """What stands before the number."""
    accept_random: bool = False
    """Whether cards are taken that show another number each time."""

    def __post_init__(self) -> None:
        """Refuse what would leave no room in an id tag."""
        check_word("tag_form", self.tag_form, _FORMS)
        if self.tag_form == "decimal" and self.tag_separator:
            raise ValueError(
                f"tag_separator: {self.tag_separator!r} has no place in a decimal "
                "number; leave it out"
            )
        shortest = len(self.token(bytes(_SHORTEST_UID)).uid)
        if shortest > _LONGEST:
            raise ValueError(
                f"tag_prefix: makes id tags of {shortest} characters, and OCPP takes "
                f"{_LONGEST}; write a shorter prefix or separator"
            )

    def token(self, uid: bytes) -> Token:
        """Return the token of a card."""
        shown = uid[::-1] if self.tag_reversed else uid
        if self.tag_form == "decimal":
            digits = len(str(256 ** len(shown) - 1))
            number = str(int.from_bytes(shown)).zfill(digits)
        else:
            number = self.tag_separator.join(f"{byte:02X}" for byte in shown)
        if self.tag_form == "lower":
            number = number.lower()
        return Token(self.tag_prefix + number, fleeting=self._refuses(uid))

    def _refuses(self, uid: bytes) -> bool:
        made_up = len(uid) == _SHORTEST_UID and uid[0] == _RANDOM_UID
        return made_up and not self.accept_random

"""Card readers through PC/SC: any CCID reader, with feedback on those of ACS.

The kernel's modules pn533_usb and nfc take an ACR122U for themselves; they are to be
left out (blacklist) on a station that has one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from hal.bounds import check_word
from hal.errors import HardwareError
from hal.parts.field import Field
from hal.parts.tags import TagFormat
from hal.resources import Place
from hal.transport.pcsc import Card, Reader, open_reader
from hal.values import Token
from hal.wire.apdu import FEEDBACK, GET_UID, uid


@dataclass(frozen=True, slots=True)
class Config(TagFormat):
    """Which reader, and how it shows that it has read a card."""

    reader: str = "*"
    """Its name as ``pcsc_scan`` prints it; "*" and "?" stand for what may differ."""
    socket: str = ""
    """Where the PC/SC daemon listens, if not in its usual place; one for a station."""
    feedback: str = "none"
    """The model of the reader, if it shall blink and beep: acr122u or acr1252u."""

    def __post_init__(self) -> None:
        """Refuse a feedback that no reader gives."""
        TagFormat.__post_init__(self)
        check_word("feedback", self.feedback, FEEDBACK)


class TokenReader:
    """One reader."""

    def __init__(self, reader: Reader[bytes], field: Field) -> None:
        self._reader = reader
        self._field = field

    async def read(self) -> None:
        self._reader.check()

    def tokens(self) -> AsyncIterator[Token]:
        return self._field.tokens()


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[TokenReader]:
    """Watch the reader; one that is not there yet is found when it comes."""
    monotonic = place.resources.monotonic
    field = Field(config, monotonic)
    feedback = FEEDBACK[config.feedback]

    def talk(card: Card) -> bytes:
        number = uid(card.transmit(GET_UID))
        if feedback is not None:
            refused = config.token(number).fleeting
            show = card.escape if feedback.escape else card.transmit
            # A reader that cannot blink has read the card all the same.
            with suppress(HardwareError):
                show(feedback.refused if refused else feedback.taken)
        return number

    async with open_reader(
        config.reader, talk, field.read, monotonic, config.socket
    ) as reader:
        yield TokenReader(reader, field)

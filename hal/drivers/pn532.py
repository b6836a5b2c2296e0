"""NXP PN532 card reader on a serial port (HSU): cards of ISO 14443 A.

User manual UM0701-02. The chip is asked for a card several times a second, with so
few tries of its own that it answers at once if there is none.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from hal.bounds import check
from hal.errors import HardwareError
from hal.parts.field import Field
from hal.parts.tags import TagFormat
from hal.resources import Place
from hal.transport.line import Line, Question, open_line
from hal.transport.rank import Rank
from hal.transport.serial import SerialSettings
from hal.values import Token
from hal.wire import pn532

_TRIES = (0xFF, 0x01, 0x02)
"""For ATR and PSL as the chip has them; three for a card."""
_NORMAL_MODE = (0x01, 0x00, 0x01)
_MAX_RETRIES = 0x05
_ONE_CARD_OF_TYPE_A = (0x01, 0x00)
_ALL_CARDS = 0x00


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(TagFormat):
    """The port, and how often a card is looked for."""

    port: str
    """The device file, such as /dev/ttyS1."""
    baudrate: int = 115_200
    """Bits in a second; the chip begins with these."""
    poll_s: float = 0.2
    """How often a card is looked for."""
    timeout_s: float = 0.25
    """How long the chip may take to answer."""

    def __post_init__(self) -> None:
        """Refuse what no port can do."""
        TagFormat.__post_init__(self)
        _ = self.port_settings  # checks its own fields
        check("poll_s", self.poll_s, 0.02, 2.0)
        check("timeout_s", self.timeout_s, 0.05, 1.0)

    @property
    def port_settings(self) -> SerialSettings:
        """How the port is opened."""
        return SerialSettings(self.port, self.baudrate)


class TokenReader:
    """One reader."""

    def __init__(self, line: Line, config: Config, field: Field) -> None:
        self._line = line
        self._config = config
        self._field = field
        self._awake = False

    async def read(self) -> None:
        await self._prepare()
        pn532.check_firmware(await self._ask(pn532.FIRMWARE))

    async def tokens(self) -> AsyncIterator[Token]:
        while True:
            # ``read`` tells of a reader that is lost; a card may come all the same.
            with suppress(HardwareError):
                await self._look()
            for token in self._field.entered():
                yield token
            await asyncio.sleep(self._config.poll_s)

    async def _look(self) -> None:
        await self._prepare()
        cards = pn532.uids(await self._ask(pn532.LIST, *_ONE_CARD_OF_TYPE_A))
        for uid in cards:
            self._field.read(uid)
        if cards:
            await self._ask(pn532.RELEASE, _ALL_CARDS)

    async def _prepare(self) -> None:
        """Wake the chip and set it up, unless that was done since it fell silent."""
        if self._awake:
            return
        await self._ask(pn532.SAM, *_NORMAL_MODE, before=pn532.WAKE_UP)
        await self._ask(pn532.RF, _MAX_RETRIES, *_TRIES)
        self._awake = True

    async def _ask(self, code: int, *parameters: int, before: bytes = b"") -> bytes:
        question = Question(
            request=before + pn532.command(code, *parameters),
            cut=pn532.cut(code),
            device="pn532",
            within_s=self._config.timeout_s,
            rank=Rank.ROUTINE,
        )
        try:
            return await self._line.ask(question)
        except HardwareError:
            # It may have lost its supply, and its settings with that.
            self._awake = False
            raise


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[TokenReader]:
    """Open the port; the chip is woken by the first question."""
    line = await open_line(config.port_settings, place)
    yield TokenReader(line, config, Field(config, place.resources.monotonic))

"""Readers of 125 kHz tags (EM4100) that send by themselves, such as the RDM6300.

Nothing can be asked of such a reader: it is taken for alive while its port is there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.bounds import check
from hal.errors import NoAnswer
from hal.parts.field import Field
from hal.parts.tags import TagFormat
from hal.resources import Place
from hal.transport.serial import Port, SerialSettings, open_port
from hal.values import Token
from hal.wire.em4100 import decode

_TAG_BYTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(TagFormat):
    """The port, and how much of the tag counts."""

    port: str
    """The device file, such as /dev/ttyS1."""
    baudrate: int = 9600
    """Bits in a second, as the reader sends."""
    tag_bytes: int = _TAG_BYTES
    """4 leaves the first byte out; those four are what most cards have printed on."""

    def __post_init__(self) -> None:
        """Refuse what no port can do."""
        TagFormat.__post_init__(self)
        _ = self.port_settings  # checks its own fields
        check("tag_bytes", self.tag_bytes, 3, _TAG_BYTES)

    @property
    def port_settings(self) -> SerialSettings:
        """How the port is opened."""
        return SerialSettings(self.port, self.baudrate)


class TokenReader:
    """One reader."""

    def __init__(self, port: Port, config: Config, field: Field) -> None:
        self._port = port
        self._bytes = config.tag_bytes
        self._field = field
        self._heard = b""

    async def read(self) -> None:
        if not self._port.up:
            raise NoAnswer(
                f"{self._port.settings.port}: the port of the card reader is gone; "
                "check its cable"
            )

    def tokens(self) -> AsyncIterator[Token]:
        return self._field.tokens()

    def hear(self, octets: bytes) -> None:
        """Take what the reader says."""
        tags, self._heard = decode(self._heard + octets)
        for tag in tags:
            self._field.read(tag[-self._bytes :])


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[TokenReader]:
    """Open the port."""
    port = await open_port(config.port_settings, place)
    reader = TokenReader(port, config, Field(config, place.resources.monotonic))
    with port.listen(reader.hear):
        yield reader

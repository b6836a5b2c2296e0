"""One port for all security profiles, where what a station says first is seen."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

_HANDSHAKE: Final = b"\x16"
_SUPPORTED_VERSIONS: Final = 43


@dataclass(frozen=True, slots=True)
class Hello:
    """What a client offers, in the numbers of RFC 5246 and RFC 8446."""

    versions: frozenset[int]
    suites: frozenset[int]
    compressions: frozenset[int]

    @classmethod
    def read(cls, record: bytes) -> Self:
        """Read a ClientHello that stands in one record."""
        left = _Octets(record[5:])
        left.take(4)
        legacy = left.number(2)
        left.take(32)
        left.vector(1)
        suites, compressions = left.vector(2), left.vector(1)
        versions = [legacy]
        extensions = _Octets(left.vector(2))
        while extensions.octets:
            kind, body = extensions.number(2), _Octets(extensions.vector(2))
            if kind == _SUPPORTED_VERSIONS:
                versions = _pairs(body.vector(1))
        return cls(
            frozenset(versions), frozenset(_pairs(suites)), frozenset(compressions)
        )


@dataclass(slots=True)
class _Octets:
    """Octets of which the first ones are taken away."""

    octets: bytes

    def take(self, count: int) -> bytes:
        taken, self.octets = self.octets[:count], self.octets[count:]
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))


def _pairs(octets: bytes) -> list[int]:
    return [
        int.from_bytes(octets[n : n + 2], "big") for n in range(0, len(octets) - 1, 2)
    ]


class Front:
    """Leads who speaks TLS to one port, and everybody else to another.

    A station that climbs to profile 2 keeps host and port; only the scheme changes.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        """Lead to these URLs, of ``ws`` and of ``wss``."""
        self._ports = {urlsplit(url).scheme: urlsplit(url).port for url in urls}
        self._path = urlsplit(urls[0]).path
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0
        self.hellos: list[Hello] = []

    def url(self, scheme: str) -> str:
        """Where a station shall dial."""
        return f"{scheme}://127.0.0.1:{self.port}{self._path}"

    async def join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection."""
        self._ends.append(writer)
        said = await reader.read(1)
        secure = said == _HANDSHAKE
        if secure:
            said += await reader.readexactly(4)
            said += await reader.readexactly(int.from_bytes(said[3:], "big"))
            self.hellos.append(Hello.read(said))
        port = self._ports["wss" if secure else "ws"]
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        self._ends.append(far_writer)
        far_writer.write(said)
        await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))

    async def close(self) -> None:
        """Let go of every connection."""
        for end in self._ends:
            end.close()
            with suppress(ConnectionError):
                await end.wait_closed()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await source.read(65536):
            sink.write(chunk)
    sink.close()


@asynccontextmanager
async def front_of(urls: Sequence[str]) -> AsyncIterator[Front]:
    """Stand before a CSMS."""
    front = Front(urls)
    server = await asyncio.start_server(front.join, "127.0.0.1", 0)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        await front.close()

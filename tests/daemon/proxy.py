"""A wire between station and CSMS that can be cut without anybody being told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Wire:
    """A TCP proxy on loopback."""

    def __init__(self, url: str) -> None:
        """Lead to the CSMS at ``url``."""
        self._far = urlsplit(url)
        self.port = 0
        self._dead: list[asyncio.Event] = []
        self._ends: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        """Where the station shall dial."""
        return self._far._replace(netloc=f"127.0.0.1:{self.port}").geturl()

    def dies(self) -> None:
        """Swallow all that the present connections carry: no reset, no end."""
        for dead in self._dead:
            dead.set()

    async def join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one connection."""
        dead = asyncio.Event()
        self._dead.append(dead)
        host, port = self._far.hostname, self._far.port
        far_reader, far_writer = await asyncio.open_connection(host, port)
        self._ends += (writer, far_writer)
        await asyncio.gather(
            _carry(reader, far_writer, dead), _carry(far_reader, writer, dead)
        )

    async def close(self) -> None:
        """Let go of every connection."""
        for end in self._ends:
            end.close()
            with suppress(ConnectionError):
                await end.wait_closed()


async def _carry(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, dead: asyncio.Event
) -> None:
    with suppress(ConnectionError):
        while chunk := await source.read(65536):
            if not dead.is_set():
                sink.write(chunk)
    if not dead.is_set():
        sink.close()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """Lay a wire to a CSMS."""
    wire = Wire(url)
    server = await asyncio.start_server(wire.join, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.close()

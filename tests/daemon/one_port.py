"""One port for a CSMS with TLS and without, as one that is climbed at has it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from benchcsms.server import Csms

_TLS = b"\x16"
"""The first byte of whoever begins TLS (RFC 8446 section 5.1)."""


@asynccontextmanager
async def one_port(csms: Csms) -> AsyncIterator[str]:
    """Yield the authority of a URL at which a bench is reached both ways."""
    far = {urlsplit(url).scheme: urlsplit(url).port for url in csms.urls}
    joined: set[asyncio.Task[None]] = set()

    def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_join(reader, writer, far))
        joined.add(task)
        task.add_done_callback(joined.discard)

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in joined:
            task.cancel()
        if joined:
            await asyncio.wait(joined)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far: Mapping[str, int | None],
) -> None:
    try:
        with suppress(OSError):
            first = await reader.read(1)
            port = far["wss" if first == _TLS else "ws"]
            beyond, to = await asyncio.open_connection("127.0.0.1", port)
            try:
                to.write(first)
                await asyncio.gather(_carry(reader, to), _carry(beyond, writer))
            finally:
                to.close()
    finally:
        writer.close()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(65_536):
            sink.write(chunk)
            await sink.drain()
    sink.close()

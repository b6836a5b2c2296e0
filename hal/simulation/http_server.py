"""The little of HTTP/1.1 that simulated devices speak, on asyncio."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from hal.simulation.mischief import Kind, Mischief

_LONGEST: Final = 65_536
_REASONS: Final = {200: "OK", 201: "Created"}


class Request(NamedTuple):
    """What a client asks."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes


class Response(NamedTuple):
    """What it is answered."""

    status: int
    body: bytes


class HttpServer:
    """Answers every connection in turn, and keeps it open."""

    def __init__(
        self, answer: Callable[[Request], Response], mischief: Mischief
    ) -> None:
        self._answer = answer
        self._mischief = mischief
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.connections = 0
        """How many were ever accepted."""

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen; return the port, which the system chooses if it is zero."""
        self._server = await asyncio.start_server(
            self._accept, host, port, ssl=tls, limit=_LONGEST
        )
        chosen: int = self._server.sockets[0].getsockname()[1]
        return chosen

    async def stop(self) -> None:
        """Hang up, and listen no more."""
        if self._server is not None:
            self._server.close()
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close every connection, as a device that starts anew does."""
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            while await self._serve(reader, writer):
                pass
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            # The end of a connection is no cancellation of anything that waits for it.
            task.uncancel()
        finally:
            self._open.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; return whether the connection goes on."""
        head = await reader.readuntil(b"\r\n\r\n")
        request = await _request(head, reader)
        outgoing = self._mischief.bent(_octets(self._answer(request)))
        if outgoing is None:
            return True
        await asyncio.sleep(outgoing.delay_s)
        writer.write(outgoing.octets)
        await writer.drain()
        return not self._mischief.does(Kind.CUT)


async def _request(head: bytes, reader: asyncio.StreamReader) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return Request(method, parts.path, query, body)


def _octets(response: Response) -> bytes:
    reason = _REASONS.get(response.status, "Refused")
    head = (
        f"HTTP/1.1 {response.status} {reason}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(response.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + response.body


def garbled(response: bytes) -> bytes:
    """Return a response with a body that makes no sense."""
    head, gap, body = response.partition(b"\r\n\r\n")
    return head + gap + body[::-1]

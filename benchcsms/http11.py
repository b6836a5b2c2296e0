"""As much of HTTP/1.1 as a server of files needs: requests, ranges and bodies."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeVar

PIECE: Final = 1 << 16
"""How many bytes are moved at a time."""

_PATIENCE_S: Final = 60.0
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})\s*(?:;.*)?", re.DOTALL)
_LENGTH: Final = re.compile(r"\d{1,15}", re.ASCII)

T = TypeVar("T")


class Refused(Exception):
    """A request is not served: the status, and headers that explain it."""

    def __init__(
        self, status: HTTPStatus, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status.phrase)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, but for its body."""

    method: str
    target: str
    """The path as it was written, percent-encoded."""
    headers: Mapping[str, str] = field(repr=False)
    """Their names in lower case; there may be a password among them."""


async def in_time(awaited: Awaitable[T]) -> T:
    """Return what is awaited, or raise ``TimeoutError``: the peer stands still."""
    async with asyncio.timeout(_PATIENCE_S):
        return await awaited


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Read a request.

    Raises:
        Refused: It is malformed or too long.
        IncompleteReadError: The client has left.
    """
    try:
        head = await in_time(reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    first, *lines = head.decode("latin-1").split("\r\n")
    match first.split(" "):
        case [method, target, "HTTP/1.1" | "HTTP/1.0"]:
            pairs = (line.partition(":") for line in lines if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            return Request(method, target.partition("?")[0], headers)
    raise Refused(HTTPStatus.BAD_REQUEST)


def wanted(header: str, size: int) -> range | None:
    """Return the bytes that a Range header asks for; ``None`` is the whole.

    A header that is not understood asks for the whole, as RFC 9110 wants it.

    Raises:
        Refused: There are no such bytes.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if first:
        asked = range(int(first), min(int(last) + 1 if last else size, size))
    else:
        asked = range(max(size - int(last), 0), size)
    if not asked:
        raise Refused(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            {"Content-Range": f"bytes */{size}"},
        )
    return asked


def length(request: Request) -> int | None:
    """Return how long a body is; ``None``: it comes in chunks."""
    if request.headers.get("transfer-encoding", "").lower() == "chunked":
        return None
    found = _LENGTH.fullmatch(request.headers.get("content-length", ""))
    if found is None:
        raise Refused(HTTPStatus.LENGTH_REQUIRED)
    return int(found[0])


async def body(
    reader: asyncio.StreamReader, size: int | None
) -> AsyncGenerator[bytes, None]:
    """Yield a body piece by piece.

    Args:
        reader: Behind the head of the request.
        size: What ``length`` has returned.

    Raises:
        Refused: A chunk is malformed.
        IncompleteReadError: The client has left before its end.
    """
    if size is not None:
        async for piece in _pieces(reader, size):
            yield piece
        return
    while chunk := await _chunk_size(reader):
        async for piece in _pieces(reader, chunk):
            yield piece
        if await _line(reader):
            raise Refused(HTTPStatus.BAD_REQUEST)
    while await _line(reader):
        pass  # a trailer


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    found = _SIZE.fullmatch(await _line(reader))
    if found is None:
        raise Refused(HTTPStatus.BAD_REQUEST)
    return int(found[1], 16)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await in_time(reader.readuntil(b"\r\n"))).removesuffix(b"\r\n")
    except asyncio.LimitOverrunError:
        raise Refused(HTTPStatus.BAD_REQUEST) from None


async def _pieces(
    reader: asyncio.StreamReader, size: int
) -> AsyncGenerator[bytes, None]:
    while size:
        piece = await in_time(reader.read(min(size, PIECE)))
        if not piece:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(piece)
        yield piece

"""The files of the bench: firmware that stations fetch, logs that they bring.

``GET /firmware/NAME`` reads, ranges too, and ``PUT /uploads/NAME`` writes. A file that
arrives is seen once it is whole.
"""

import asyncio
import base64
import hmac
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote

from benchcsms import http11
from benchcsms.http11 import Refused, Request
from benchcsms.settings import Files, NotDone

FIRMWARE, UPLOADS = "firmware", "uploads"
_LONGEST_NAME: Final = 200
_LINGER_S: Final = 2.0

Tell = Callable[[Request, HTTPStatus, int], None]
"""Called with each request that was read, how it ended, and how many bytes it moved."""


@asynccontextmanager
async def serving(
    files: Files, host: str, secure: ssl.SSLContext | None, tell: Tell
) -> AsyncIterator[int]:
    """Serve the files of a directory; yield the port.

    Raises:
        NotDone: The directory cannot be made.
        OSError: The port cannot be had.
    """
    try:
        for name in (FIRMWARE, UPLOADS):
            (files.folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"{error.strerror}; name another directory"
        raise NotDone(f"{files.folder}: {why}") from None
    shelf = _Shelf(files, tell)
    talks: set[asyncio.Task[None]] = set()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(shelf.serve(reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    server = await asyncio.start_server(welcome, host, files.port, ssl=secure)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        if talks:
            await asyncio.wait(talks)
        await server.wait_closed()


class _Shelf:
    """Serves one request per connection."""

    def __init__(self, files: Files, tell: Tell) -> None:
        self._files = files
        self._tell = tell

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve a connection until its end."""
        try:
            with suppress(OSError, EOFError):  # it has left, or stands still
                await self._serve(reader, writer)
                writer.close()
                await http11.in_time(writer.wait_closed())
        finally:
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        request = None
        try:
            request = await http11.read_request(reader)
            status, moved = await self._served(request, reader, writer)
        except Refused as refused:
            status, moved = refused.status, 0
            await _answer(writer, status, {**refused.headers, "Content-Length": "0"})
            await _linger(reader, writer)
        if request is not None:
            self._tell(request, status, moved)

    async def _served(
        self,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> tuple[HTTPStatus, int]:
        """Return how a request ended, and how many bytes it moved."""
        self._check_user(request)
        folder, name = _place(request.target)
        match folder, request.method:
            case "firmware", "GET" | "HEAD":
                with _opened(self._files.folder / FIRMWARE / name) as file:
                    return await _send(request, file, writer)
            case "uploads", "PUT":
                path = self._files.folder / UPLOADS / name
                return await self._take(request, path, reader, writer)
            case "firmware" | "uploads", _:
                allowed = "GET, HEAD" if folder == FIRMWARE else "PUT"
                raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": allowed})
        raise Refused(HTTPStatus.NOT_FOUND)

    def _check_user(self, request: Request) -> None:
        user = self._files.user
        if user is None:
            return
        right = base64.b64encode(user.encode())
        scheme, _, words = request.headers.get("authorization", "").partition(" ")
        said = words.strip().encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(said, right):
            realm = {"WWW-Authenticate": 'Basic realm="benchcsms"'}
            raise Refused(HTTPStatus.UNAUTHORIZED, realm)

    async def _take(
        self,
        request: Request,
        path: Path,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> tuple[HTTPStatus, int]:
        size, most = http11.length(request), self._files.largest_bytes
        if (size or 0) > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if request.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        moved = 0
        with _arriving(path) as file:
            async with aclosing(http11.body(reader, size)) as pieces:
                async for piece in pieces:
                    moved += file.write(piece)
                    if moved > most:
                        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        await _answer(writer, HTTPStatus.CREATED, {"Content-Length": "0"})
        return HTTPStatus.CREATED, moved


def _place(target: str) -> tuple[str, str]:
    """Return folder and name that a path means, or refuse it."""
    match target.split("/"):
        case ["", folder, name]:
            name = unquote(name)
            fits = 0 < len(name.encode()) <= _LONGEST_NAME and name.isprintable()
            if fits and not name.startswith(".") and not set(name) & set("/\\"):
                return folder, name
    raise Refused(HTTPStatus.NOT_FOUND)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise Refused(HTTPStatus.NOT_FOUND)
    try:
        return path.open("rb")
    except OSError:
        raise Refused(HTTPStatus.FORBIDDEN) from None


async def _send(
    request: Request, file: BinaryIO, writer: asyncio.StreamWriter
) -> tuple[HTTPStatus, int]:
    about = os.stat(file.fileno())
    tag = f'"{about.st_size:x}-{about.st_mtime_ns:x}"'
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    status, part = HTTPStatus.OK, None
    if request.headers.get("if-range", tag) == tag:  # else it is another file by now
        part = http11.wanted(request.headers.get("range", ""), about.st_size)
    if part is None:
        part = range(about.st_size)
    else:
        status = HTTPStatus.PARTIAL_CONTENT
        last = part.stop - 1
        headers["Content-Range"] = f"bytes {part.start}-{last}/{about.st_size}"
    await _answer(writer, status, {**headers, "Content-Length": str(len(part))})
    if request.method == "HEAD":
        return status, 0
    return status, await _copy(file, part, writer)


async def _copy(file: BinaryIO, part: range, writer: asyncio.StreamWriter) -> int:
    file.seek(part.start)
    left = len(part)
    while left and (piece := file.read(min(left, http11.PIECE))):
        writer.write(piece)
        await http11.in_time(writer.drain())
        left -= len(piece)
    return len(part) - left


@contextmanager
def _arriving(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes its name at the end, unless that is not reached."""
    number, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with open(number, "wb") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


async def _answer(
    writer: asyncio.StreamWriter, status: HTTPStatus, headers: Mapping[str, str]
) -> None:
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "Connection: close",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    await http11.in_time(writer.drain())


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the client read why it was refused, though it may still be sending."""
    if writer.can_write_eof():
        writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while await reader.read(http11.PIECE):
                pass

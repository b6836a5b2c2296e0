"""The files of the bench, fetched and brought over real sockets."""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from benchcsms import authority
from benchcsms.server import Csms
from benchcsms.settings import Files, NotDone, Settings, Tls
from tests.benchcsms.conftest import Station

IMAGE = bytes(range(256)) * 1000
PATIENCE_S = 10.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "firmware").mkdir(parents=True)
    (folder / "firmware" / "image.bin").write_bytes(IMAGE)
    (folder / "secret").write_text("mine")
    return folder


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(files=Files(folder))


async def http(
    csms: Csms,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    context: ssl.SSLContext | None = None,
) -> tuple[HTTPResponse, bytes]:
    """Return an answer and its body, as a client of the standard library sees them."""
    url = urlsplit(csms.files_url or "")
    assert url.hostname is not None

    def ask() -> tuple[HTTPResponse, bytes]:
        connection = (
            HTTPConnection(url.hostname or "", url.port, PATIENCE_S)
            if context is None
            else HTTPSConnection(url.hostname or "", url.port, context=context)
        )
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def raw(csms: Csms, words: bytes) -> bytes:
    """Return all that is said to a client that speaks byte by byte, then is done."""
    url = urlsplit(csms.files_url or "")
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(words)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def test_firmware_is_fetched_and_the_bench_tells(csms: Csms) -> None:
    answer, body = await http(csms, "GET", "/firmware/image.bin")
    assert (answer.status, body) == (200, IMAGE)
    told = await csms.wait_for(kind="file")
    assert told.payload == {
        "method": "GET",
        "path": "/firmware/image.bin",
        "status": 200,
        "bytes": len(IMAGE),
    }


async def test_its_size_can_be_asked_for(csms: Csms) -> None:
    answer, body = await http(csms, "HEAD", "/firmware/image.bin")
    assert (answer.status, body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(IMAGE))


@pytest.mark.parametrize(
    ("asked", "part", "words"),
    [
        ("bytes=0-0", slice(0, 1), "bytes 0-0/256000"),
        ("bytes=255990-", slice(255_990, None), "bytes 255990-255999/256000"),
        ("bytes=255990-999999", slice(255_990, None), "bytes 255990-255999/256000"),
        ("bytes=-10", slice(-10, None), "bytes 255990-255999/256000"),
        ("bytes=-999999", slice(None), "bytes 0-255999/256000"),
    ],
)
async def test_a_part_of_it_is_fetched(
    csms: Csms, asked: str, part: slice, words: str
) -> None:
    answer, body = await http(csms, "GET", "/firmware/image.bin", {"Range": asked})
    assert (answer.status, body) == (206, IMAGE[part])
    assert answer.headers["Content-Range"] == words


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=5-2", "bytes=-0"])
async def test_a_part_that_is_not_there_is_refused(csms: Csms, asked: str) -> None:
    answer, _ = await http(csms, "GET", "/firmware/image.bin", {"Range": asked})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */256000"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=-", "bytes=0-1,5-6"])
async def test_a_range_that_is_not_understood_is_the_whole(
    csms: Csms, asked: str
) -> None:
    answer, body = await http(csms, "GET", "/firmware/image.bin", {"Range": asked})
    assert (answer.status, body) == (200, IMAGE)


async def test_a_download_is_not_resumed_with_another_file(
    csms: Csms, folder: Path
) -> None:
    before, _ = await http(csms, "HEAD", "/firmware/image.bin")
    resume = {"Range": "bytes=10-", "If-Range": before.headers["ETag"]}
    answer, body = await http(csms, "GET", "/firmware/image.bin", resume)
    assert (answer.status, body) == (206, IMAGE[10:])
    (folder / "firmware" / "image.bin").write_bytes(b"another image")
    answer, body = await http(csms, "GET", "/firmware/image.bin", resume)
    assert (answer.status, body) == (200, b"another image")


async def test_an_upload_is_there_once_it_is_whole(csms: Csms, folder: Path) -> None:
    for log in (b"first", b"", IMAGE):
        answer, _ = await http(csms, "PUT", "/uploads/log%20%C3%BC.gz", body=log)
        assert answer.status == 201
        (found,) = (folder / "uploads").iterdir()
        assert (found.name, found.read_bytes()) == ("log ü.gz", log)


async def test_an_upload_may_come_in_chunks(csms: Csms, folder: Path) -> None:
    chunks = [b"one ", b"two", IMAGE]
    answer, _ = await http(csms, "PUT", "/uploads/log", body=iter(chunks))
    assert answer.status == 201
    assert (folder / "uploads" / "log").read_bytes() == b"".join(chunks)


async def test_an_upload_that_asks_first_is_told_to_go_on(
    csms: Csms, folder: Path
) -> None:
    head = b"PUT /uploads/log HTTP/1.1\r\nExpect: 100-continue\r\n"
    said = await raw(csms, head + b"Content-Length: 3\r\n\r\nlog")
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")
    assert (folder / "uploads" / "log").read_bytes() == b"log"


async def test_trailers_of_chunks_are_passed_over(csms: Csms, folder: Path) -> None:
    head = b"PUT /uploads/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = await raw(csms, head + b"3;x=1\r\nlog\r\n0\r\nDigest: 1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 201 ")
    assert (folder / "uploads" / "log").read_bytes() == b"log"


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\n\r\nlog",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nlog",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nlogs\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfive\r\nlogs\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 100_000,
    ],
)
async def test_of_an_upload_that_breaks_off_nothing_stays(
    csms: Csms, folder: Path, rest: bytes
) -> None:
    said = await raw(csms, b"PUT /uploads/log HTTP/1.1\r\n" + rest)
    assert b" 201 " not in said
    assert list((folder / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        "/secret",
        "/firmware/",
        "/firmware/none",
        "/firmware/../secret",
        "/firmware/%2e%2e%2fsecret",
        "/firmware/..%5csecret",
        "/firmware/..",
        "/firmware/.hidden",
        "/firmware/a%00b",
        "/firmware/" + "a" * 201,
        "//firmware/image.bin",
        "/uploads/deep/log",
        "/other/image.bin",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_what_is_no_file_of_the_folder_is_not_found(
    csms: Csms, folder: Path, method: str, path: str
) -> None:
    answer, _ = await http(csms, method, path, body=b"x" if method == "PUT" else None)
    assert answer.status in (404, 405)
    assert (folder / "secret").read_text() == "mine"
    assert list((folder / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/firmware/image.bin", "GET, HEAD"), ("GET", "/uploads/log", "PUT")],
)
async def test_firmware_is_only_read_and_uploads_are_only_written(
    csms: Csms, folder: Path, method: str, path: str, allowed: str
) -> None:
    answer, _ = await http(csms, method, path, body=b"x" if method == "PUT" else None)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert (folder / "firmware" / "image.bin").read_bytes() == IMAGE


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /firmware/image.bin SPDY/3\r\n\r\n", b"400"),
        (b"PUT /uploads/log HTTP/1.1\r\n\r\n", b"411"),
        (b"PUT /uploads/log HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
    ],
)
async def test_what_is_no_http_is_refused(
    csms: Csms, words: bytes, status: bytes
) -> None:
    said = await raw(csms, words)
    assert said.startswith(b"HTTP/1.1 " + status)


async def test_a_client_that_only_connects_does_no_harm(csms: Csms) -> None:
    assert await raw(csms, b"") == b""
    answer, _ = await http(csms, "GET", "/firmware/image.bin")
    assert answer.status == 200


class TestWithUserAndLimit:
    @pytest.fixture
    def settings(self, folder: Path) -> Settings:
        return Settings(files=Files(folder, user="cp:pass:word", largest_bytes=100))

    @pytest.mark.parametrize(
        "said",
        [
            {},
            {"Authorization": "Basic " + base64.b64encode(b"cp:other").decode()},
            {"Authorization": "Bearer " + base64.b64encode(b"cp:pass:word").decode()},
            {"Authorization": "Basic \xfc"},
        ],
    )
    async def test_who_is_not_the_user_gets_nothing(
        self, csms: Csms, said: dict[str, str]
    ) -> None:
        answer, body = await http(csms, "GET", "/firmware/image.bin", said)
        assert (answer.status, body) == (401, b"")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    async def test_the_user_is_served_up_to_the_limit(
        self, csms: Csms, folder: Path
    ) -> None:
        words = base64.b64encode(b"cp:pass:word").decode()
        user = {"Authorization": f"Basic {words}"}
        for body, status in (
            (b"x" * 100, 201),
            (b"y" * 101, 413),
            (iter([b"y" * 60, b"y" * 60]), 413),
        ):
            answer, _ = await http(csms, "PUT", "/uploads/log", user, body)
            assert answer.status == status
        (found,) = (folder / "uploads").iterdir()
        assert found.read_bytes() == b"x" * 100
        assert words not in repr(csms.log())

    def test_the_password_is_in_no_text(self, settings: Settings) -> None:
        assert "pass:word" not in repr(settings)


class TestOverTls:
    @pytest.fixture
    def made(self, tmp_path: Path) -> Path:
        authority.make(tmp_path / "ca", "127.0.0.1", "SN-1", "Acme")
        return tmp_path / "ca"

    @pytest.fixture
    def settings(self, folder: Path, made: Path) -> Settings:
        tls = Tls(made / "bench.pem", made / "bench.key", made / "root.pem")
        return Settings(tls=tls, files=Files(folder, tls=True))

    async def test_files_go_over_tls_and_need_no_certificate(
        self, csms: Csms, folder: Path, made: Path
    ) -> None:
        assert (csms.files_url or "").startswith("https://127.0.0.1:")
        trusts = ssl.create_default_context(cafile=made / "root.pem")
        path = "/firmware/image.bin"
        answer, body = await http(csms, "GET", path, context=trusts)
        assert (answer.status, body) == (200, IMAGE)
        answer, _ = await http(csms, "PUT", "/uploads/log", body=IMAGE, context=trusts)
        assert answer.status == 201
        assert (folder / "uploads" / "log").read_bytes() == IMAGE


async def test_a_password_in_a_location_is_not_logged(
    csms: Csms, station: Station
) -> None:
    url = "https://cp:pa@ss@host/image.bin"
    for action, payload in (
        ("UpdateFirmware", {"location": url}),
        ("SignedUpdateFirmware", {"firmware": {"location": url, "signature": "x"}}),
        ("GetLog", {"log": {"remoteLocation": url}, "requestId": 1}),
    ):
        call = asyncio.create_task(csms.call("CP1", action, payload))
        _, id_, _, asked = await station.receive()
        assert url in repr(asked)
        await station.send(3, id_, {"status": "Accepted"})
        await call
    await csms.send_raw("CP1", f'[2,"7","GetDiagnostics",{{"location":"{url}"')
    assert url in await station.socket.recv()
    assert "pa@ss" not in repr(csms.log())
    assert repr(csms.log()).count("https://***@host/image.bin") == 4


async def test_files_that_cannot_be_served_are_told(folder: Path, csms: Csms) -> None:
    taken = urlsplit(csms.files_url or "").port or 0
    for files, words in (
        (Files(folder, taken), f"127.0.0.1:{taken}: Address already in use; name an"),
        (Files(folder / "secret"), "secret: Not a directory; name another directory"),
        (Files(folder, tls=True), "files over TLS: no certificate; name one with"),
    ):
        with pytest.raises(NotDone, match=words):
            async with Csms(Settings(files=files)):
                pass


@pytest.mark.parametrize(
    "words",
    [
        b"PUT /uploads/log HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf",
        b"GET /firmware/",
    ],
)
async def test_the_bench_ends_though_a_client_stands_still(
    folder: Path, words: bytes
) -> None:
    async with Csms(Settings(files=Files(folder))) as csms:
        url = urlsplit(csms.files_url or "")
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(words)
        await writer.drain()
        answer, _ = await http(csms, "GET", "/firmware/image.bin")
        assert answer.status == 200
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert list((folder / "uploads").iterdir()) == []

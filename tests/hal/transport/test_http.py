"""Devices that answer HTTP, and servers that do it badly."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.transport.http import HttpClient, HttpSettings, open_http

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Talks until it has nothing to say; then the connection is closed."""


class Server:
    """Answers each request with the next of its answers; empty: it hangs up."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0

    async def __call__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        try:
            while self.answers:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0)
                if not answer:
                    break
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass


@asynccontextmanager
async def listening(
    serve: Serve, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve on a port, which is yielded, until all who called have gone."""
    callers: set[asyncio.Task[None]] = set()

    async def call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        callers.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            task.uncancel()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(call, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for caller in callers:
            caller.cancel()
        if callers:
            await asyncio.wait(callers)


@asynccontextmanager
async def client(serve: Serve, **parts: Any) -> AsyncIterator[HttpClient]:
    async with (
        listening(serve) as port,
        open_http(
            HttpSettings("127.0.0.1", port, **{"timeout_s": 1.0, **parts})
        ) as opened,
    ):
        yield opened


async def test_a_connection_is_used_again() -> None:
    server = Server(OK, OK)
    async with client(server) as device:
        for _ in range(2):
            assert await device.ask("GET", "/v1/status") == (200, b"ok")
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /v1/status HTTP/1.1\r\n")


async def test_a_body_goes_along_and_a_status_comes_back() -> None:
    server = Server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    async with client(server) as device:
        assert await device.ask("POST", "/v1/legal", b'{"a":1}') == (404, b"")
    assert b"Content-Type: application/json\r\n" in server.requests[0]
    assert b"Content-Length: 7\r\n" in server.requests[0]


async def test_a_connection_that_the_device_has_closed_is_made_anew() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    server = Server(closing, OK)
    async with client(server) as device:
        for _ in range(2):
            assert (await device.ask("GET", "/")).body == b"ok"
    assert server.connections == 2


async def test_a_second_answer_to_one_question_is_not_the_answer_to_the_next() -> None:
    async with client(Server(OK + OK.replace(b"ok", b"no"), OK)) as device:
        for _ in range(2):
            assert (await device.ask("GET", "/")).body == b"ok"


async def test_a_device_that_hangs_up_gives_no_answer_and_is_asked_again() -> None:
    async with client(Server(b"", OK)) as device:
        with pytest.raises(NoAnswer, match="check its address and its cable"):
            await device.ask("GET", "/")
        assert (await device.ask("GET", "/")).body == b"ok"


async def test_a_device_that_is_not_there_gives_no_answer() -> None:
    async with client(Server()) as device:
        port = int(device.where.partition(":")[2])
    async with open_http(HttpSettings("127.0.0.1", port)) as device:
        with pytest.raises(NoAnswer, match="connection refused; check its address"):
            await device.ask("GET", "/")


async def test_a_silent_device_holds_up_nobody() -> None:
    waiting = [asyncio.Event()]

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if waiting:
            await waiting.pop().wait()
        writer.write(OK)

    async with client(late, timeout_s=0.1) as device:
        asking = asyncio.create_task(device.ask("GET", "/"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not asking.done()
        with pytest.raises(NoAnswer, match="no answer in 100 ms"):
            await asking
        while True:
            # On a busy machine even a sound device may be late.
            with suppress(NoAnswer):
                assert (await device.ask("GET", "/")).body == b"ok"
                break


async def test_a_device_that_dribbles_is_cut_off_at_the_limit() -> None:
    async def dribble(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            for octet in OK:
                writer.write(bytes((octet,)))
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass

    async with client(dribble, timeout_s=0.1) as device:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(NoAnswer):
            await device.ask("GET", "/")
        # Its answer would take more than a second.
        assert asyncio.get_running_loop().time() - began_s < 1.0


async def test_a_cancelled_question_does_not_disturb_the_next() -> None:
    async with client(Server(OK, OK.replace(b"ok", b"42"))) as device:
        asking = asyncio.create_task(device.ask("GET", "/"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        assert (await device.ask("GET", "/")).body == b"42"


NONSENSE = [
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda n: n[:40].decode("latin-1"))
async def test_what_is_no_http_is_a_bad_answer(nonsense: bytes) -> None:
    async with client(Server(nonsense, OK)) as device:
        with pytest.raises(BadAnswer, match="does not speak HTTP"):
            await device.ask("GET", "/")
        assert (await device.ask("GET", "/")).body == b"ok"


async def test_half_a_body_is_a_bad_answer() -> None:
    half = OK.replace(b"Content-Length: 2", b"Content-Length: 20")

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(half)

    async with client(cut) as device:
        with pytest.raises(BadAnswer, match="IncompleteRead"):
            await device.ask("GET", "/")


def certificate(directory: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return a self-signed certificate, and what a device with it serves by."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file, secret = directory / f"{name}.pem", directory / f"{name}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


async def test_a_device_is_known_by_its_certificate(tmp_path: Path) -> None:
    own, context = certificate(tmp_path, "meter")
    other, _ = certificate(tmp_path, "impostor")
    async with listening(Server(OK, OK), context) as port:
        trusted = HttpSettings("127.0.0.1", port, True, str(own), 1.0)
        async with open_http(trusted) as device:
            for _ in range(2):
                assert (await device.ask("GET", "/")).body == b"ok"
        distrusted = HttpSettings("127.0.0.1", port, True, str(other), 1.0)
        async with open_http(distrusted) as device:
            with pytest.raises(BadAnswer, match="TLS failed .* check the certificate"):
                await device.ask("GET", "/")


async def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for file in (nonsense, tmp_path / "missing.pem"):
        settings = HttpSettings("127.0.0.1", 443, True, str(file))
        with pytest.raises(HardwareError, match=f"{file}: cannot be read as a cert"):
            async with open_http(settings):
                pass


IMPOSSIBLE = [
    ({"host": ""}, "host: is empty"),
    ({"port": 0}, "port: 0 is out of bounds; write 1 to 65535"),
    ({"tls": True}, "certificate: is missing"),
    ({"timeout_s": 3.0}, "timeout_s: 3.0 is out of bounds; write 0.05 to 1"),
]


@pytest.mark.parametrize(("parts", "reason"), IMPOSSIBLE, ids=lambda v: str(v)[:20])
def test_settings_that_cannot_be_are_refused(
    parts: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        HttpSettings(**{"host": "10.0.0.1", **parts})

"""File servers on the loopback, for whoever transfers files.

Each is a real one, on a port that the kernel chose, and gone when its block ends.
"""

import asyncio
import datetime
import hashlib
import ipaddress
import socket
import ssl
import threading
import warnings
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

with warnings.catch_warnings():
    # It stands on asyncore, which Python keeps until 3.12 with a warning.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import (
        FTPHandler,
        ThrottledDTPHandler,
        TLS_DTPHandler,
        TLS_FTPHandler,
    )
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

USER = "anna"
PASSWORD = "s3cr:t@/#?"
"""All that a password in a URL must not hold as it is."""
LOGIN = "anna:s3cr%3At%40%2F%23%3F"
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Papers:
    """A root, and a server's certificate under it."""

    root_pem: str
    chain: Path

    @classmethod
    def made(
        cls, folder: Path, host: str = "127.0.0.1", until: datetime.timedelta = DAY
    ) -> "Papers":
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate("root", root_key, "root", root_key, until=9 * DAY)
        leaf = _certificate(host, key, "root", root_key, until=until)
        chain = folder / f"server-{host}-{until.days}.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + _pem(leaf)
        )
        return cls(_pem(root).decode(), chain)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    by: ec.EllipticCurvePrivateKey,
    until: datetime.timedelta,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    is_root = name == issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * DAY)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), True)
    )
    if not is_root:
        names = x509.SubjectAlternativeName([_alternative(name)])
        builder = builder.add_extension(names, False)
    return builder.sign(by, hashes.SHA256())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass
class Web:
    """What a web server has and does; a test may change it while it runs."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """With every file: ETag, Last-Modified."""
    ranges: bool = True
    believes_anything: bool = False
    """Answers a range although ``If-Range`` names another version."""
    login: str | None = None
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and Location by path, in place of a file."""
    cut_after: int | None = None
    """Close the connection after so many bytes of a body."""
    stall_after: int | None = None
    """Say nothing any more after so many bytes of a body, until the end."""
    silent: bool = False
    announced: bool = True
    """Whether the size is told before the file."""
    put: dict[str, bytes] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    open: int = 0
    """Requests that are being answered."""
    released: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    """Somebody waits in a stall."""

    def stall(self) -> None:
        self.reached.set()
        self.released.wait(30.0)


class _WebHandler(BaseHTTPRequestHandler):
    web: ClassVar[Web]
    protocol_version = "HTTP/1.1"
    timeout = 10.0

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        with self._counted():
            if self._refused():
                return
            body = self.web.files.get(self._bare())
            if body is None:
                self._answer(404)
                return
            self._give(body)

    def do_PUT(self) -> None:
        with self._counted():
            if self._refused():
                return
            if self.web.stall_after is not None:
                self.rfile.read(self.web.stall_after)
                self.web.stall()
                self.close_connection = True
                return
            self.web.put[self.path] = self.rfile.read(
                int(self.headers["Content-Length"])
            )
            self._answer(201)

    def do_POST(self) -> None:
        self.do_PUT()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.web.seen.append((self.command, self.path, dict(self.headers)))
        self.web.open += 1
        try:
            yield
        except OSError:
            self.close_connection = True
        finally:
            self.web.open -= 1

    def _bare(self) -> str:
        return self.path.partition("?")[0]

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _hang_up_after(self, status: int, **headers: str) -> None:
        # What is not read makes the kernel reset the link, and the answer is lost.
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True
        self._answer(status, **headers)

    def _refused(self) -> bool:
        web = self.web
        if web.silent:
            web.stall()
        pair = self.headers.get("Authorization", "").removeprefix("Basic ")
        if web.login is not None and b64decode(pair).decode() != web.login:
            self._hang_up_after(401)
            return True
        if self._bare() in web.answers:
            status, location = web.answers[self._bare()]
            self._hang_up_after(status, Location=location)
            return True
        return False

    def _give(self, body: bytes) -> None:
        web, start = self.web, self._start()
        if start is not None and start >= len(body):
            self._answer(416)
            return
        self.send_response(200 if start is None else 206)
        if start is not None:
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
            body = body[start:]
        for name, value in web.headers.items():
            self.send_header(name, value)
        if web.announced:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self._pour(body)

    def _pour(self, body: bytes) -> None:
        web = self.web
        if web.cut_after is not None:
            self.wfile.write(body[: web.cut_after])
            self.close_connection = True
        elif web.stall_after is not None:
            self.wfile.write(body[: web.stall_after])
            web.stall()
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _start(self) -> int | None:
        asked = self.headers.get("Range")
        version = self.headers.get("If-Range")
        known = version in (None, *self.web.headers.values())
        if asked is None or not self.web.ranges:
            return None
        if not (known or self.web.believes_anything):
            return None
        return int(asked.removeprefix("bytes=").partition("-")[0])


@contextmanager
def web_server(
    web: Web | None = None,
    papers: Papers | None = None,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    clients: Papers | None = None,
) -> Iterator[Web]:
    """Serve HTTP, or HTTPS with ``papers``; to ``clients`` of that root alone."""
    web = web or Web()
    handler = type("Handler", (_WebHandler,), {"web": web})
    server = _Quiet(("127.0.0.1", 0), handler)
    if papers is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = newest
        context.maximum_version = newest
        context.load_cert_chain(papers.chain)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients.root_pem)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    web.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield web
    finally:
        web.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what the tests are about."""

    def shutdown_request(self, request: Any) -> None:
        """Hang up once the client has: what nobody reads takes our last words along."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            while request.recv(65_536):
                pass
        self.close_request(request)


@dataclass
class Ftp:
    """What an FTP server has and does."""

    folder: Path
    port: int = 0
    commands: list[str] = field(default_factory=list)
    lacks: tuple[str, ...] = ()
    """Commands that it does not know."""
    bytes_s: int = 0
    """How fast it sends; zero: as fast as it can."""


@contextmanager
def ftp_server(
    ftp: Ftp, papers: Papers | None = None, implicit: bool = False
) -> Iterator[Ftp]:
    """Serve FTP; with ``papers``, explicit FTPS alone, or implicit."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(ftp.folder), perm="elradfmwMT")
    authorizer.add_anonymous(str(ftp.folder))
    loop = IOLoop()
    server = FTPServer(("127.0.0.1", 0), _ftp_handler(ftp, papers, implicit), loop)
    server.handler.authorizer = authorizer
    ftp.port = server.address[1]
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            loop.loop(timeout=0.02, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield ftp
    finally:
        ended.set()
        thread.join()


def _ftp_handler(ftp: Ftp, papers: Papers | None, implicit: bool) -> Any:
    kind: Any = (
        FTPHandler if papers is None else _Implicit if implicit else TLS_FTPHandler
    )
    named: dict[str, Any] = {"ftp": ftp}
    if papers is not None:
        named |= {"certfile": str(papers.chain), "tls_data_required": True}
        named |= {"tls_control_required": not implicit}
    named["dtp_handler"] = _Paced if papers is None else _PacedTls
    named["auth_failed_timeout"] = 0
    return type("Handler", (_Watched, kind), named)


class _Watched:
    """Notes the commands of clients, and lacks some."""

    ftp: Ftp

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        self.ftp.commands.append("PASS" if cmd == "PASS" else line)
        above: Any = super()
        if cmd in self.ftp.lacks:
            above.respond(f"502 {cmd} is not known here.")
        else:
            above.pre_process_command(line, cmd, arg)

    def log(self, *args: Any, **named: Any) -> None:
        pass

    logline = logerror = log_cmd = log_transfer = log


class _Paced(ThrottledDTPHandler):  # type: ignore[misc]
    """Sends as fast as it is told to."""

    def __init__(self, sock: Any, cmd_channel: Any) -> None:
        self.write_limit = cmd_channel.ftp.bytes_s
        super().__init__(sock, cmd_channel)


class _PacedTls(_Paced, TLS_DTPHandler):  # type: ignore[misc]
    """The same within TLS."""


class _Implicit(TLS_FTPHandler):  # type: ignore[misc]
    """TLS from the first byte on."""

    def handle(self) -> None:
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        super().handle()


@dataclass
class Sftp:
    """An SFTP server, and what one must know to trust it."""

    folder: Path
    port: int = 0
    fingerprint: str = ""
    known_hosts: str = ""
    stall_after: int | None = None
    """Give nothing beyond so many bytes of a file, until the end."""
    offsets: list[int] = field(default_factory=list)
    """From where on pieces of files were read."""


class _Shelf(asyncssh.SFTPServer):
    """Files, of which it may hold back the rest."""

    def __init__(self, channel: Any, sftp: Sftp) -> None:
        super().__init__(channel, chroot=str(sftp.folder).encode())
        self._sftp = sftp

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        self._sftp.offsets.append(offset)
        most = self._sftp.stall_after
        if most is not None and offset >= most:
            try:
                await asyncio.Event().wait()
            finally:
                file_obj.close()
        end = offset + size if most is None else min(offset + size, most)
        found: bytes = super().read(file_obj, offset, end - offset)  # type: ignore[assignment]
        return found


class _Door(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@asynccontextmanager
async def sftp_server(sftp: Sftp) -> AsyncIterator[Sftp]:
    """Serve SFTP on the loop of the test."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    server = await asyncssh.create_server(
        _Door,
        "127.0.0.1",
        0,
        server_host_keys=[key],
        sftp_factory=lambda c: _Shelf(c, sftp),
    )
    sftp.port = server.get_port()
    sftp.fingerprint = key.get_fingerprint()
    public = key.export_public_key().decode().strip()
    sftp.known_hosts = f"[127.0.0.1]:{sftp.port} {public}\n"
    try:
        yield sftp
    finally:
        server.close()
        await server.wait_closed()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

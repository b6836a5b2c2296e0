"""A web server on the loopback; it is gone when its block ends."""

import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.servers.papers import Papers


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

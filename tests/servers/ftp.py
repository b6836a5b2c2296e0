"""An FTP server on the loopback; it is gone when its block ends."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.login import PASSWORD, USER
from tests.servers.papers import Papers

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
    cut_after: int | None = None
    """Hang up when so many bytes of a file have come."""
    came_bytes: int = 0
    """Of files that were sent here."""
    late: bytes = b""
    """Grows the next file that is gone on with, as a link does that broke too late."""


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

    def ftp_APPE(self, file: str) -> Any:  # noqa: N802 - as pyftpdlib calls it
        above: Any = super()
        with open(file, "ab") as opened:
            opened.write(self.ftp.late)
        return above.ftp_APPE(file)

    def log(self, *args: Any, **named: Any) -> None:
        pass

    logline = logerror = log_cmd = log_transfer = log


class _Paced(ThrottledDTPHandler):  # type: ignore[misc]
    """Sends as fast as it is told to, and breaks off what it is sent."""

    def __init__(self, sock: Any, cmd_channel: Any) -> None:
        self.write_limit = cmd_channel.ftp.bytes_s
        super().__init__(sock, cmd_channel)

    def handle_read_event(self) -> None:
        ftp, before_bytes = self.cmd_channel.ftp, self.tot_bytes_received
        super().handle_read_event()
        ftp.came_bytes += self.tot_bytes_received - before_bytes
        most = ftp.cut_after
        if most is not None and self.tot_bytes_received >= most:
            self.cmd_channel.close()


class _PacedTls(_Paced, TLS_DTPHandler):  # type: ignore[misc]
    """The same within TLS."""


class _Implicit(TLS_FTPHandler):  # type: ignore[misc]
    """TLS from the first byte on."""

    def handle(self) -> None:
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        super().handle()

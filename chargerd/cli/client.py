"""One conversation with the daemon, question by question."""

import grp
import os
import select
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from chargerd import control
from chargerd.cli import problems
from chargerd.cli.problems import Problem, problem_of

_READ_BYTES = 65_536


class Client:
    """Connects at the first question, so that help and usage need no daemon."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._connection: socket.socket | None = None
        self._received = bytearray()

    def __enter__(self) -> Self:
        """Start without a connection."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self.close()

    def close(self) -> None:
        """Hang up; the next question connects again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._received.clear()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask once; a parameter that is ``None`` is left out."""
        self._send({"method": method, "parameters": _given(parameters)})
        return self.receive()

    def subscribe(self, method: str, **parameters: Any) -> None:
        """Ask for a stream; ``receive`` gives its answers one by one."""
        given = _given(parameters)
        self._send({"method": method, "parameters": given, "more": True})

    def receive(self) -> dict[str, Any]:
        """Wait for one answer, or raise the ``Problem`` that it tells."""
        end_s = time.monotonic() + self._timeout_s
        while (end := self._received.find(control.END)) < 0:
            self._read(end_s - time.monotonic())
        frame = bytes(self._received[:end])
        del self._received[: end + 1]
        try:
            answer = control.decode(frame)
        except control.MessageError as error:
            raise Problem(
                problems.FAILED,
                "NOT_VARLINK",
                f"{self.path}: whoever listens there is no chargerd; name its socket "
                "with --socket",
            ) from error
        parameters: dict[str, Any] = answer.get("parameters") or {}
        if "error" in answer:
            raise problem_of(str(answer["error"]), parameters)
        return parameters

    def waiting(self) -> bool:
        """Whether a whole answer is here already."""
        return control.END in self._received

    def fileno(self) -> int:
        """Return what ``select`` can wait for, -1 while there is no connection."""
        return self._connection.fileno() if self._connection else -1

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._connected().sendall(control.encode(message))
        except TimeoutError:
            raise self._timed_out() from None
        except OSError as error:
            raise self._unreachable(error) from error

    def _read(self, within_s: float) -> None:
        connection = self._connected()
        if not select.select([connection], [], [], max(within_s, 0.0))[0]:
            raise self._timed_out()
        try:
            chunk = connection.recv(_READ_BYTES)
        except OSError as error:
            raise self._unreachable(error) from error
        if not chunk:
            raise Problem(
                problems.FAILED,
                "HUNG_UP",
                "the daemon hung up; its log says why: journalctl -u chargerd",
            )
        self._received += chunk

    def _connected(self) -> socket.socket:
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._timeout_s)
            try:
                connection.connect(self.path)
            except OSError:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _timed_out(self) -> Problem:
        return Problem(
            problems.TIMED_OUT,
            "TIMEOUT",
            f"no answer within {self._timeout_s:g} s; what was asked may still happen",
            pending=True,
        )

    def _unreachable(self, error: OSError) -> Problem:
        if isinstance(error, PermissionError):
            return Problem(
                problems.NOT_PERMITTED,
                "NOT_PERMITTED",
                f"{self.path}: you may not open it; {_remedy(self.path)}",
            )
        return Problem(
            problems.UNREACHABLE,
            "UNREACHABLE",
            f"no chargerd at {self.path} ({error.strerror or error}); start it with "
            "systemctl start chargerd, or name its socket with --socket",
            socket=self.path,
        )


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _remedy(path: str) -> str:
    try:
        group = grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "use sudo"
    return f"join the group {group} (usermod -aG {group}), or use sudo"

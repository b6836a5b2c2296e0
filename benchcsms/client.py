"""A conversation with a running bench through its control socket."""

import json
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchcsms.settings import Json, NotDone


def control_path() -> Path:
    """Return where the control socket is unless somebody says otherwise."""
    if folder := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(folder) / "benchcsms.sock"
    return Path(f"/tmp/benchcsms-{os.getuid()}.sock")


class Client:
    """Asks one thing after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = socket.socket(socket.AF_UNIX)
        try:
            self._connection.connect(str(path))
        except OSError as error:
            self._connection.close()
            raise NotDone(
                f"no bench at {path} ({error.strerror}); start one with "
                "benchcsms serve, or name its socket with --control"
            ) from None
        self._answers = self._connection.makefile("rb")

    def __enter__(self) -> Self:
        """Start with an open connection."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._answers.close()
        self._connection.close()

    def ask(self, command: str, **arguments: Any) -> Json:
        """Return the answer to a command, or raise the ``NotDone`` that it tells."""
        line = json.dumps({"command": command, **arguments})
        self._connection.sendall(line.encode() + b"\n")
        answer = self._answers.readline()
        if not answer:
            raise NotDone(f"{self._path}: the bench has ended")
        said: Json = json.loads(answer)
        if "error" in said:
            raise NotDone(said["error"])
        return said

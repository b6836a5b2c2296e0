"""The socket of whoever plays with a simulated cabinet."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from hal.interfaces import Simulation
from hal.wire import play

Verbs = Mapping[str, Callable[..., Any]]

_OF_HANDS: Final = (
    "plug",
    "unplug",
    "present",
    "pause",
    "resume",
    "set_fault",
    "faults",
    "set_rate",
    "set_register",
    "set_power",
)


def verbs_of(hands: Simulation) -> dict[str, Callable[..., Any]]:
    """Return what the hands can do, by name."""
    return {name: getattr(hands, name) for name in _OF_HANDS}


@asynccontextmanager
async def listening(path: Path, verbs: Verbs) -> AsyncIterator[None]:
    """Obey whoever connects to ``path``, for the length of the block."""
    loop = asyncio.get_running_loop()
    serving: dict[asyncio.Task[None], socket.socket] = {}

    def accept() -> None:
        connection, _ = listener.accept()
        connection.setblocking(False)
        serving[asyncio.create_task(_serve(connection, verbs))] = connection

    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        loop.add_reader(listener, accept)
        try:
            yield
        finally:
            loop.remove_reader(listener)
            path.unlink(missing_ok=True)
            for task, connection in serving.items():
                task.cancel()
                await asyncio.wait({task})
                connection.close()


async def _serve(connection: socket.socket, verbs: Verbs) -> None:
    loop = asyncio.get_running_loop()
    rest = b""
    with connection, suppress(ConnectionError):
        while heard := await loop.sock_recv(connection, play.LONGEST):
            *lines, rest = (rest + heard).split(play.END)
            if len(rest) > play.LONGEST:
                return
            for line in lines:
                await loop.sock_sendall(connection, _obeyed(verbs, line))


def _obeyed(verbs: Verbs, line: bytes) -> bytes:
    try:
        verb, arguments = play.asked(line)
        if verb not in verbs:
            known = ", ".join(verbs)
            raise play.Refused(f"verb: {verb!r} is unknown; known: {known}")
        return play.answer(verbs[verb](**arguments))
    except (ValueError, TypeError) as error:
        return play.refusal(str(error))

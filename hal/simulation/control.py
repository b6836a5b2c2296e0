"""The socket of whoever plays with a simulated cabinet."""

import asyncio
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

    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(verbs, reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(accept, path, limit=play.LONGEST)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)
        for task in tuple(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _serve(
    verbs: Verbs, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    # they may leave at any time, or send a line without end
    with suppress(ConnectionError, ValueError):
        try:
            while line := await reader.readline():
                writer.write(_obeyed(verbs, line))
                await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()


def _obeyed(verbs: Verbs, line: bytes) -> bytes:
    try:
        verb, arguments = play.asked(line)
        if verb not in verbs:
            known = ", ".join(verbs)
            raise play.Refused(f"verb: {verb!r} is unknown; known: {known}")
        return play.answer(verbs[verb](**arguments))
    except (ValueError, TypeError) as error:
        return play.refusal(str(error))

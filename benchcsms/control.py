"""The control socket: one JSON object per line each way.

``{"command": "call", "station": "CP1", "action": "ClearCache"}`` is answered with
an object of what was asked for, or with ``{"error": "what is wrong"}``.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchcsms import door
from benchcsms.arguments import (
    ANYTHING,
    LIST,
    OBJECT,
    POSITIVE,
    SECONDS,
    TEXT,
    WHOLE,
    Signature,
    one_of,
)
from benchcsms.dialogue import DIRECTIONS
from benchcsms.script import frame_bytes
from benchcsms.server import Csms
from benchcsms.settings import Json, NotDone

_LONGEST_LINE: Final = 16 << 20


@asynccontextmanager
async def control(csms: Csms, path: Path) -> AsyncIterator[None]:
    """Serve the control socket of a bench; ``NotDone`` if another bench does."""
    listener = _bound(path)
    talks: set[asyncio.Task[None]] = set()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(_talk(csms, reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    server = await asyncio.start_unix_server(
        welcome, sock=listener, limit=_LONGEST_LINE
    )
    try:
        yield
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        if talks:
            await asyncio.wait(talks)
        await server.wait_closed()
        path.unlink(missing_ok=True)


async def answer(csms: Csms, line: bytes) -> Json:
    """Carry out one line of the control socket."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise NotDone('not an object; write {"command": "stations"}')
        return await _run(csms, request)
    except ValueError as error:
        return {"error": f"not JSON: {error}"}
    except NotDone as error:
        return {"error": str(error)}


def write_script(csms: Csms, arguments: Any) -> None:
    """Replace a script by the arguments of the command ``script``."""
    if not isinstance(arguments, dict):
        raise NotDone(f"script: {arguments!r} is not an object")
    _COMMANDS["script"].signature.check("script", arguments)
    csms.script(**_given(arguments))


async def _run(csms: Csms, request: Json) -> Json:
    name = request.pop("command", None)
    command = _COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        known = ", ".join(_COMMANDS)
        raise NotDone(f"command: {name!r} is unknown; known: {known}")
    command.signature.check(name, request)
    return await command.run(csms, **_given(request))


def _given(arguments: Json) -> Json:
    return {name: value for name, value in arguments.items() if value is not None}


async def _talk(
    csms: Csms, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        with suppress(ConnectionError):
            async for line in reader:
                said = await answer(csms, line)
                writer.write(json.dumps(said).encode() + b"\n")
                await writer.drain()
    finally:
        writer.close()


def _bound(path: Path) -> socket.socket:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        raise NotDone(f"{path}: another bench listens there; name one with --control")
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)  # whoever may open it may do anything to the stations
    try:
        if path.is_socket():
            path.unlink()  # of a bench that was killed
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise NotDone(
            f"{path}: {error.strerror}; name another with --control"
        ) from None
    finally:
        os.umask(mask)
    return listener


async def _stations(csms: Csms) -> Json:
    return {"stations": csms.stations()}


async def _addresses(csms: Csms) -> Json:
    return {"stations": csms.urls, "files": csms.files_url}


async def _call(csms: Csms, station: str, action: str, **rest: Any) -> Json:
    said = await csms.call(station, action, **rest)
    took = {"ms": round(said.took_ms, 3)}
    if said.payload is not None:
        return {"result": said.payload} | took
    return {"call_error": {"code": said.code, "description": said.description}} | took


async def _send_raw(
    csms: Csms, station: str, text: str | None = None, base64: str | None = None
) -> Json:
    match text, base64:
        case str(message), None:
            await csms.send_raw(station, message)
        case None, str(encoded):
            await csms.send_raw(station, frame_bytes(encoded))
        case _:
            raise NotDone("send_raw: write either text or base64")
    return {}


async def _script(csms: Csms, **rest: Any) -> Json:
    csms.script(**rest)
    return {}


async def _log(csms: Csms, **rest: Any) -> Json:
    return {"log": [entry.as_json() for entry in csms.log(**rest)]}


async def _transactions(csms: Csms, **rest: Any) -> Json:
    return {"transactions": [each.as_json() for each in csms.transactions(**rest)]}


async def _violations(csms: Csms, station: str) -> Json:
    return {"violations": csms.violations(station)}


async def _wait(csms: Csms, **rest: Any) -> Json:
    return {"entry": (await csms.wait_for(**rest)).as_json()}


async def _disconnect(csms: Csms, **rest: Any) -> Json:
    await csms.disconnect(**rest)
    return {}


async def _drop(csms: Csms, station: str) -> Json:
    csms.drop(station)
    return {}


async def _refuse(csms: Csms, mode: str) -> Json:
    csms.refuse(mode)
    return {}


async def _stop(csms: Csms) -> Json:
    csms.stopped.set()
    return {}


@dataclass(frozen=True, slots=True)
class Command:
    """What the control socket can be asked."""

    run: Callable[..., Awaitable[Json]]
    signature: Signature


_STATION: Final = {"station": TEXT}
_COMMANDS: Final[Mapping[str, Command]] = {
    "stations": Command(_stations, Signature()),
    "call": Command(
        _call,
        Signature(
            needs={"station": TEXT, "action": TEXT},
            may={"payload": OBJECT, "timeout_s": SECONDS},
        ),
    ),
    "send_raw": Command(
        _send_raw, Signature(needs=_STATION, may={"text": TEXT, "base64": TEXT})
    ),
    "script": Command(
        _script,
        Signature(
            needs={"action": TEXT},
            may={"station": TEXT, "replies": LIST, "standing": ANYTHING},
        ),
    ),
    "log": Command(_log, Signature(may={"station": TEXT, "since": WHOLE})),
    "transactions": Command(_transactions, Signature(may=_STATION)),
    "violations": Command(_violations, Signature(needs=_STATION)),
    "wait": Command(
        _wait,
        Signature(
            may={
                "station": TEXT,
                "direction": one_of(*DIRECTIONS),
                "kind": TEXT,
                "action": TEXT,
                "match": OBJECT,
                "count": POSITIVE,
                "since": WHOLE,
                "timeout_s": SECONDS,
            }
        ),
    ),
    "disconnect": Command(_disconnect, Signature(needs=_STATION, may={"code": WHOLE})),
    "drop": Command(_drop, Signature(needs=_STATION)),
    "refuse": Command(_refuse, Signature(needs={"mode": one_of(*door.MODES)})),
    "addresses": Command(_addresses, Signature()),
    "stop": Command(_stop, Signature()),
}

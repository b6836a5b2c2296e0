"""The methods of ``org.chargerd.Station`` that concern logs and diagnostics."""

import asyncio
import base64
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from chargerd import control
from chargerd.clock import Clock
from chargerd.core.reasons import Why
from chargerd.ocpp16.jobs import LogKind
from chargerd.ocpp16.log_requests import file_name
from chargerd.ocpp16.upload_events import LogClearWanted
from chargerd.runtime.control_server import Method, Stream, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.logs.archive import Archive
from chargerd.runtime.permission import permit
from chargerd.runtime.views import Json, known, time_of
from chargerd.steps import Happening
from chargerd.store.database import StoreFailed
from chargerd.store.reader import Reader

PIECE_BYTES: Final = 98_304
"""Of a file in one message."""
ALIVE_S: Final = 1.0
"""Who waits for a file hears of it so often."""

_PREFIX: Final = "bundle-"


class LogMethods:
    """Shows and clears the security log; makes bundles on the spot."""

    def __init__(
        self,
        archive: Archive,
        folder: Path,
        reader: Reader,
        clock: Clock,
        soon: Callable[[Happening], None],
        group: str,
    ) -> None:
        """Take what to look at.

        Args:
            archive: Makes the file.
            folder: For files on their way.
            reader: Reads the store.
            clock: Says from when on the file tells.
            soon: Lets something happen.
            group: The Unix group whose members may clear the log; "": root alone.
        """
        self._archive = archive
        self._folder = folder
        self._reader = reader
        self._clock = clock
        self._soon = soon
        self._group = group
        for left in folder.glob(f"{_PREFIX}*"):
            # of a power cut
            shutil.rmtree(left, ignore_errors=True)

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {"ListSecurityEvents": self._list, "ClearSecurityLog": self._clear}

    @property
    def streams(self) -> Mapping[str, Stream]:
        """Return those that answer more than once."""
        return {"MakeBundle": self._bundle}

    def _list(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        rows = self._reader.security_events(parameters.get("limit") or 50)
        return {
            "events": [
                known(
                    id=row["id"],
                    time=time_of(row["at"]),
                    type=row["type"],
                    info=row["info"],
                    waiting=bool(row["waiting"]),
                )
                for row in rows
            ]
        }

    def _clear(self, _: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        self._soon(LogClearWanted(f"uid {peer.uid} on the spot"))
        return {}

    async def _bundle(
        self, parameters: Mapping[str, Any], _: Peer
    ) -> AsyncGenerator[Json, None]:
        now = self._clock.now()
        name = file_name(self._archive.identity, LogKind.DIAGNOSTICS, now)
        since_s = parameters.get("since_s")
        since = None if since_s is None else now.utc - timedelta(seconds=since_s)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._folder))
        except OSError as error:
            raise _unmade(error) from error
        path = place / name
        making = asyncio.create_task(
            self._archive.make(LogKind.DIAGNOSTICS, path, since, None)
        )
        try:
            while not making.done():
                yield {"name": name, "piece": ""}
                await asyncio.wait([making], timeout=ALIVE_S)
            for piece, left_bytes in _pieces(making, path):
                text = base64.b64encode(piece).decode()
                yield {"name": name, "piece": text, "left_bytes": left_bytes}
        finally:
            making.cancel()
            await asyncio.wait([making])
            shutil.rmtree(place, ignore_errors=True)


def _pieces(making: asyncio.Task[None], path: Path) -> list[tuple[bytes, int]]:
    """Return a file that is made in pieces, each with what is left after it."""
    try:
        making.result()
        whole = path.read_bytes()
    except (OSError, StoreFailed) as error:
        raise _unmade(error) from error
    return [
        (whole[at : at + PIECE_BYTES], max(len(whole) - at - PIECE_BYTES, 0))
        for at in range(0, len(whole), PIECE_BYTES)
    ]


def _unmade(error: Exception) -> Exception:
    detail = f"the file cannot be made: {error}; free room on the disk"
    return _failed("Refused", reason=str(Why.STORAGE_FAILING), detail=detail)


_failed = partial(failed, control.STATION)

"""The methods of ``org.chargerd.Station`` by which a technician updates firmware."""

import asyncio
import base64
import binascii
import errno
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.firmware import Answer
from chargerd.core.firmware_events import Cancelled, Wanted
from chargerd.core.firmware_job import Job, Origin
from chargerd.core.reasons import Why
from chargerd.runtime import sent_firmware, update_views
from chargerd.runtime.control_server import ControlFailed, Method, Stream, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.permission import permit
from chargerd.runtime.sent_firmware import LOCATION, OutOfPlace
from chargerd.runtime.transfer.places import Place
from chargerd.runtime.transfer.reasons import TransferFailed
from chargerd.runtime.views import Json
from chargerd.steps import Happening

PIECE_BYTES: Final = 32 * 1024
"""The most of a file in one call: a request has at most 65,536 bytes."""
MOST_BYTES: Final = 2048 * 1024 * 1024
_USUAL: Final = 20
"""How many jobs are listed unless more or fewer are asked for."""


class UpdateMethods:
    """Shows firmware jobs; takes a file or a URL, and gives a job up."""

    def __init__(
        self,
        charge_point: ChargePoint,
        clock: Clock,
        soon: Callable[[Happening], None],
        group: str,
        folder: Path | None = None,
        most_bytes: int = MOST_BYTES,
        percent: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Take what to look at.

        Args:
            charge_point: Has the job.
            clock: Says when a job was wanted.
            soon: Lets something happen.
            group: The Unix group whose members may update; "": root alone.
            folder: Where the worker keeps files; ``None``: none can be sent.
            most_bytes: How large a file that is sent may be.
            percent: How far the download or install is that goes on now.
        """
        self._charge_point = charge_point
        self._updates = charge_point.upkeep.updates
        self._clock = clock
        self._soon = soon
        self._group = group
        self._folder = folder
        self._most_bytes = most_bytes
        self._percent = percent
        self._sending = asyncio.Lock()

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {
            "GetUpdate": self._get,
            "ListUpdates": self._list,
            "InstallUpdate": self._install,
            "CancelUpdate": self._cancel,
        }

    @property
    def streams(self) -> Mapping[str, Stream]:
        """Return those by name that have to wait for the disk."""
        return {"SendFirmware": self._send}

    def _get(self, _: Mapping[str, Any], __: Peer) -> Json:
        now = self._clock.now()
        return update_views.update(self._charge_point, self._percent(), now)

    def _list(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        newest = self._updates.history[::-1]
        limit = max(parameters.get("limit") or _USUAL, 0)
        return {"updates": [update_views.job(each) for each in newest[:limit]]}

    async def _send(
        self, parameters: Mapping[str, Any], peer: Peer
    ) -> AsyncGenerator[Json, None]:
        permit(peer, self._group)
        folder = self._place_of_files()
        offset, content = parameters["offset"], _decoded(parameters["content"])
        if offset + len(content) > self._most_bytes:
            sent_firmware.forget(folder)
            most_mib = self._most_bytes // (1024 * 1024)
            detail = f"the file is larger than {most_mib} MiB ([files] max_mib)"
            raise _refused(Why.FILE_TOO_LARGE, detail)
        try:
            # A slow disk must not hold up the loop, nor two who send each other.
            async with self._sending:
                write = sent_firmware.append
                size = await asyncio.to_thread(write, folder, offset, content)
        except OutOfPlace as error:
            detail = f"offset {offset}: {error.size_bytes} bytes were sent; go on there"
            raise _refused(Why.FILE_GAP, detail) from None
        except OSError as error:
            raise _not_written(folder, error) from None
        yield {"size": size}

    def _install(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        self._make_way(replace=bool(parameters.get("replace")))
        location = parameters.get("location")
        if location is not None:
            _check_url(location)
        size_bytes = self._sent_bytes() if location is None else None
        job = Job(
            self._updates.new_id(),
            location or LOCATION,
            self._clock.now().utc,
            self._updates.version,
            Origin.FILE,
            # What was sent is there or is not; trying again would not bring it.
            retries=None if size_bytes is None else 0,
            size_bytes=size_bytes,
        )
        self._soon(Wanted(job))
        return {"id": job.id}

    def _cancel(self, _: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        answer = self._updates.answer
        if answer is Answer.ACCEPTED:
            raise _refused(Why.NO_JOB, "there is no job that could be cancelled")
        if answer is Answer.REJECTED:
            raise self._installing()
        self._soon(Cancelled())
        return {}

    def _make_way(self, *, replace: bool) -> None:
        """Refuse if a job is in the way that shall not, or cannot, be superseded."""
        answer, job = self._updates.answer, self._updates.job
        if answer is Answer.REJECTED:
            raise self._installing()
        if answer is Answer.ACCEPTED_CANCELED and not replace:
            detail = (
                f"another update is {job.state.value}; wait for its end, or put this"
                " one in its place (--replace)"
            )
            raise _refused(Why.UPDATE_UNDER_WAY, detail)

    def _installing(self) -> ControlFailed:
        detail = f"an update is {self._updates.job.state.value}; wait for its end"
        return _refused(Why.INSTALLING, detail)

    def _sent_bytes(self) -> int:
        sent = sent_firmware.size_bytes(self._place_of_files())
        if not sent:
            raise _refused(Why.NO_FILE, "no file was sent; send one, or name a URL")
        return sent

    def _place_of_files(self) -> Path:
        if self._folder is None:
            raise _refused(Why.NOT_SUPPORTED, "files cannot be sent here; name a URL")
        return self._folder


def _decoded(content: str) -> bytes:
    try:
        piece = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise _refused(Why.BAD_VALUE, "content: no base64; encode the piece") from None
    if not 0 < len(piece) <= PIECE_BYTES:
        detail = f"content: {len(piece)} bytes; send 1 to {PIECE_BYTES} at a time"
        raise _refused(Why.BAD_VALUE, detail)
    return piece


def _check_url(location: str) -> None:
    try:
        Place.of(location)
    except TransferFailed as error:
        raise _refused(Why.BAD_VALUE, str(error)) from None


def _not_written(folder: Path, error: OSError) -> ControlFailed:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        sent_firmware.forget(folder)
        detail = f"{folder}: the disk is full; make room and send the file again"
        return _refused(Why.STORAGE_FULL, detail)
    detail = f"{folder}: {error.strerror or error}; make it writable for chargerd"
    return _refused(Why.STORAGE_FAILING, detail)


def _refused(why: Why, detail: str) -> ControlFailed:
    return _failed("Refused", reason=str(why), detail=detail)


_failed = partial(failed, control.STATION)

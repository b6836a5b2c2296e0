"""Gives each job that takes long to whoever can do it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chargerd.ocpp16.jobs import Job, MakeKey, Redial, StopUpload, Upload
from chargerd.ocpp16.keyring_events import KeyMade
from chargerd.ocpp16.pki import own_keys
from chargerd.ocpp16.upload_events import Failing, UploadFailed
from chargerd.runtime.firmware_worker import FirmwareWorker
from chargerd.runtime.upload_worker import UploadWorker
from chargerd.steps import Happening


class Worker:
    """Begins jobs; their ends come back as events."""

    def __init__(
        self,
        firmware: FirmwareWorker,
        uploads: UploadWorker,
        redial: Callable[[], None],
        tell: Callable[[Happening], None],
    ) -> None:
        """Take who does what.

        Args:
            firmware: Does what firmware jobs wish.
            uploads: Delivers logs.
            redial: Dials the CSMS anew.
            tell: Lets something happen.
        """
        self._firmware = firmware
        self._uploads = uploads
        self._redial = redial
        self._tell = tell
        self._going_on: dict[str, asyncio.Task[None]] = {}

    @property
    def percent(self) -> int | None:
        """How far the install is that goes on now."""
        return self._firmware.percent

    def begin(self, job: Job) -> None:
        """Begin a job."""
        match job:
            case Redial():
                self._redial()
            case Upload():
                self._stop(job.id)
                self._start(job.id, self._deliver(job))
            case MakeKey():
                self._start("key", self._make_key(job))
            case StopUpload():
                self._stop(job.id)
                self._uploads.forget(job.id)
            case _:
                self._firmware.begin(job)

    async def run(self) -> None:
        """Work until cancelled; nothing goes on after that."""
        try:
            await self._firmware.run()
        finally:
            for task in self._going_on.values():
                task.cancel()
            if self._going_on:
                await asyncio.wait(self._going_on.values())

    def _start(self, id_: str, work: Coroutine[Any, Any, Happening]) -> None:
        async def done() -> None:
            told = await work
            self._going_on.pop(id_, None)
            self._tell(told)

        self._going_on[id_] = asyncio.create_task(done(), name=id_)

    def _stop(self, id_: str) -> None:
        task = self._going_on.pop(id_, None)
        if task is not None:
            task.cancel()

    async def _make_key(self, job: MakeKey) -> Happening:
        return KeyMade(await asyncio.to_thread(own_keys.new_key, job.kind))

    async def _deliver(self, job: Upload) -> Happening:
        try:
            return await self._uploads.run(job)
        except Exception as error:  # noqa: BLE001 - an upload that never ends is worse
            why = f"{error!r}; look at the journal"
            return UploadFailed(job.id, Failing.UPLOAD_FAILURE, why)

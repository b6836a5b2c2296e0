"""Gives each job that takes long to whoever can do it."""

import asyncio
from collections.abc import Callable

from chargerd.ocpp16.jobs import Job, Redial, StopUpload, Upload
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
        self._delivering: dict[str, asyncio.Task[None]] = {}

    def begin(self, job: Job) -> None:
        """Begin a job."""
        match job:
            case Redial():
                self._redial()
            case Upload():
                self._stop(job.id)
                task = asyncio.create_task(self._deliver(job), name="upload")
                self._delivering[job.id] = task
            case StopUpload():
                self._stop(job.id)
            case _:
                self._firmware.begin(job)

    async def run(self) -> None:
        """Work until cancelled; nothing goes on after that."""
        try:
            await self._firmware.run()
        finally:
            for task in self._delivering.values():
                task.cancel()
            if self._delivering:
                await asyncio.wait(self._delivering.values())

    def _stop(self, id_: str) -> None:
        task = self._delivering.pop(id_, None)
        if task is not None:
            task.cancel()

    async def _deliver(self, job: Upload) -> None:
        told: Happening
        try:
            told = await self._uploads.run(job)
        except Exception as error:  # noqa: BLE001 - an upload that never ends is worse
            why = f"{error!r}; look at the journal"
            told = UploadFailed(job.id, Failing.UPLOAD_FAILURE, why)
        self._delivering.pop(job.id, None)
        self._tell(told)

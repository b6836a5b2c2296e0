"""Gives each job that takes long to whoever can do it."""

from collections.abc import Callable

from chargerd.ocpp16.jobs import Job, Redial, StopUpload, Upload
from chargerd.runtime.firmware_worker import FirmwareWorker


class Worker:
    """Begins jobs; their ends come back as events."""

    def __init__(self, firmware: FirmwareWorker, redial: Callable[[], None]) -> None:
        self._firmware = firmware
        self._redial = redial

    def begin(self, job: Job) -> None:
        """Begin a job, beside all others of its kind that go on."""
        match job:
            case Redial():
                self._redial()
            case Upload() | StopUpload():
                raise NotImplementedError
            case _:
                self._firmware.begin(job)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._firmware.run()

"""Grants the wish for an upload: makes the file, delivers it, deletes it.

Between two attempts of one upload the file is kept if the server has a beginning of it:
made anew it would be another one, and the beginning worth nothing.
"""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from chargerd.ocpp16.jobs import LogKind, Upload
from chargerd.ocpp16.upload_events import Failing, UploadDone, UploadFailed
from chargerd.store.database import StoreFailed

Make = Callable[[LogKind, Path, datetime | None, datetime | None], Awaitable[None]]
"""Makes a file of a kind with what happened in a time.

Raises:
    OSError: The disk has failed.
    StoreFailed: The store is damaged.
"""
Deliver = Callable[[Path, str, bool], Awaitable[None]]
"""Delivers a file under its own name into the folder of a URL; the third tells whether
the server has a beginning of this very file."""

FAILINGS: Final[Mapping[str, Failing]] = {
    "unsupported_scheme": Failing.NOT_SUPPORTED,
    "bad_url": Failing.BAD_MESSAGE,
    "redirected": Failing.BAD_MESSAGE,
    "tls_other": Failing.BAD_MESSAGE,
    "denied": Failing.PERMISSION_DENIED,
}
"""What a reason of a transfer is in OCPP's words; any other is UploadFailure."""


class UploadWorker:
    """Grants one wish after the other."""

    def __init__(
        self,
        folder: Path,
        make: Make,
        deliver: Deliver,
        failed: type[Exception],
    ) -> None:
        """Begin with an empty folder.

        Args:
            folder: For files on their way; what a power cut has left in it is deleted.
            make: Makes the file.
            deliver: Delivers it, or raises ``failed``.
            failed: Has a reason ``why``, a key of ``FAILINGS`` or another word, and
                ``resumable``, whether the server has a beginning of the file; its
                text repeats no password.
        """
        self._folder = folder
        self._make = make
        self._deliver = deliver
        self._failure = failed
        shutil.rmtree(folder, ignore_errors=True)

    async def run(self, job: Upload) -> UploadDone | UploadFailed:
        """Make and deliver the file; to stop, cancel the task that waits here."""
        path = self._folder / job.id / job.file_name
        resumable = False
        try:
            resume = path.exists()
            if not resume:
                path.parent.mkdir(parents=True, mode=0o700)
                await self._make(job.kind, path, job.since, job.until)
            await self._deliver(path, job.location, resume)
        except (OSError, StoreFailed) as error:
            words = f"{job.file_name} cannot be made: {error}; look at the disk"
            return UploadFailed(job.id, Failing.UPLOAD_FAILURE, words)
        except self._failure as error:
            resumable = bool(getattr(error, "resumable", False))
            why = FAILINGS.get(str(getattr(error, "why", "")), Failing.UPLOAD_FAILURE)
            return UploadFailed(job.id, why, str(error))
        finally:
            if not resumable:
                self.forget(job.id)
        return UploadDone(job.id)

    def forget(self, id_: str) -> None:
        """Delete the file of an upload that is not tried again."""
        shutil.rmtree(self._folder / id_, ignore_errors=True)

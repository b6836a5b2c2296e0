"""Does what a firmware job wishes, one thing after another, beside the loop.

Each wish may come again after a restart; nothing here minds. What a job that is no
more has begun is broken off before anything else begins.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chargerd.core import firmware_effects as wishes
from chargerd.core import firmware_events as events
from chargerd.core.events import WHOLE_STATION, RestartRequested
from chargerd.core.firmware_events import FirmwareEvent
from chargerd.core.firmware_job import Job, Origin
from chargerd.core.reasons import Cause
from chargerd.ocpp16.jobs import FirmwareJob
from chargerd.ocpp16.pki import signatures
from chargerd.ocpp16.pki.values import BadCertificate, BadSignature, Certificate
from chargerd.runtime import sent_firmware
from chargerd.runtime.gate import Gate
from chargerd.runtime.installers.interface import (
    Installer,
    InstallError,
    InstallRefused,
)
from chargerd.runtime.transfer.reasons import TransferFailed
from chargerd.steps import Happening

CHUNK_BYTES: Final = 65_536
_BREAK_OFF: Final = (wishes.Discard, wishes.RollBack)
_BROKEN_OFF: Final = (wishes.Download, wishes.Verify, wishes.Install, wishes.Confirm)
"""What is of no use any more once one of the others is wished."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the worker needs of the daemon."""

    fetch: Callable[[str, Path, Callable[[int], None]], Awaitable[int]]
    """Fetches a file; tells how much is there, in percent; returns its bytes; raises
    ``TransferFailed``."""
    signer: Callable[[str], Certificate]
    """Returns who signed, from PEM; raises ``BadCertificate``."""
    gate: Gate
    tell: Callable[[Happening], None]
    complain: Callable[[str], None]
    """Writes down what nobody else is told."""


class FirmwareWorker:
    """Fetches, verifies, installs, and judges what runs."""

    def __init__(
        self, installer: Installer, folder: Path, surroundings: Surroundings
    ) -> None:
        """Begin with nothing to do.

        Args:
            installer: What installs files on this station.
            folder: Where files are until they are installed.
            surroundings: What the daemon offers.
        """
        self.percent: int | None = None
        """How far the download or install is that goes on now."""
        self._installer = installer
        self._folder = folder
        self._around = surroundings
        self._waiting: deque[FirmwareJob] = deque()
        self._news = asyncio.Event()
        self._doing: tuple[FirmwareJob, asyncio.Task[None]] | None = None

    def begin(self, wish: FirmwareJob) -> None:
        """Do something when what was begun before is done, or broken off."""
        if isinstance(wish, _BREAK_OFF):
            self._break_off(wish.job.id)
        self._waiting.append(wish)
        self._news.set()

    async def run(self) -> None:
        """Do what is wished, until cancelled."""
        while True:
            while self._waiting:
                wish = self._waiting.popleft()
                task = asyncio.create_task(self._do(wish), name=type(wish).__name__)
                self._doing = (wish, task)
                try:
                    await asyncio.wait([task])
                finally:
                    task.cancel()
                    self._doing, self.percent = None, None
            self._news.clear()
            await self._news.wait()

    def _break_off(self, job: str) -> None:
        self._waiting = deque(w for w in self._waiting if not _is_over(w, job))
        if self._doing is not None and _is_over(self._doing[0], job):
            self._doing[1].cancel()

    async def _do(self, wish: FirmwareJob) -> None:
        told: Happening | None
        try:
            told = await _DO[type(wish)](self, wish)
        except Exception as error:  # noqa: BLE001 - a job that never ends is worse
            why = f"{type(wish).__name__}: {error!r}; look at the journal"
            self._around.complain(f"firmware: {why}")
            failed = _FAILED.get(type(wish))
            told = failed(wish.job.id, why) if failed else None
        if told is not None:
            self._around.tell(told)

    def _file(self, job: Job) -> Path:
        return self._folder / f"{job.id}.firmware"

    def _before(self, job: Job) -> Path:
        return self._file(job).with_suffix(".firmware.before")

    async def _download(self, wish: wishes.Download) -> FirmwareEvent:
        job, file = wish.job, self._file(wish.job)
        try:
            await asyncio.to_thread(self._make_room, wish)
            size_bytes = await self._fetched(job, file)
        except (TransferFailed, OSError) as error:
            return events.DownloadFailed(job.id, str(error))
        return events.DownloadDone(job.id, size_bytes)

    async def _fetched(self, job: Job, file: Path) -> int:
        if not _was_sent(job):
            return await self._around.fetch(job.location, file, self._progress)
        return await asyncio.to_thread(
            sent_firmware.take, self._folder, file, job.size_bytes
        )

    def _make_room(self, wish: wishes.Download) -> None:
        """Leave nothing there but what this download goes on with."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sent = _was_sent(wish.job)
        kept = self._file(wish.job).name if wish.resume or sent else None
        for path in self._folder.iterdir():
            if sent and path.name == sent_firmware.NAME:
                continue
            if kept is None or not path.name.startswith(kept):
                path.unlink()

    async def _verify(self, wish: wishes.Verify) -> FirmwareEvent:
        job, file = wish.job, self._file(wish.job)
        bad = await self._distrust(job, file)
        if bad is not None:
            return bad
        version = None
        # What the updater objects to, it says at the install: only then it is OCPP's
        # InstallVerificationFailed, for the signature is good.
        with suppress(InstallRefused, InstallError):
            version = (await self._installer.inspect(file)).version
        return events.Verified(job.id, version)

    async def _distrust(self, job: Job, file: Path) -> events.SignatureBad | None:
        """Return why a file is not what its maker has signed; ``None``: it is."""
        try:
            if not job.signed:
                await asyncio.to_thread(lambda: file.open("rb").close())
                return None
            # Whom we believe, the loop alone may ask.
            verifier = signatures.Verifier(self._around.signer(job.certificate_pem))
            await asyncio.to_thread(_pass, file, verifier.update)
            verifier.verify(job.signature)
        except BadCertificate as error:
            return events.SignatureBad(job.id, str(error), certificate=True)
        except (BadSignature, OSError) as error:
            return events.SignatureBad(job.id, str(error))
        return None

    async def _install(self, wish: wishes.Install) -> FirmwareEvent:
        job, file = wish.job, self._file(wish.job)
        # Between the first look and now, days may have passed.
        bad = await self._distrust(job, file)
        if bad is not None:
            return events.InstallFailed(job.id, bad.why, verification=True)
        try:
            done = await self._installer.install(file, job.id, self._progress)
        except InstallRefused as error:
            return events.InstallFailed(job.id, str(error), error.verification)
        except InstallError as error:
            return events.InstallFailed(job.id, str(error))
        return events.InstallDone(job.id, done.needs_reboot)

    def _progress(self, percent: int) -> None:
        self.percent = percent

    async def _reboot(self, wish: wishes.Reboot) -> RestartRequested:
        await self._around.gate.note(self._before(wish.job))
        return RestartRequested(WHOLE_STATION, Cause.FIRMWARE)

    async def _confirm(self, wish: wishes.Confirm) -> FirmwareEvent:
        why = await self._around.gate.judge(self._before(wish.job))
        if why:
            return events.GateFailed(wish.job.id, why)
        return events.GatePassed(wish.job.id)

    async def _mark_good(self, _wish: wishes.MarkGood) -> None:
        try:
            await self._installer.mark_good()
        except InstallError as error:
            self._around.complain(f"firmware: not marked good: {error}")

    async def _roll_back(self, _wish: wishes.RollBack) -> RestartRequested | None:
        try:
            needed = await self._installer.roll_back()
        except InstallError as error:
            self._around.complain(f"firmware: not rolled back: {error}")
            return None
        return RestartRequested(WHOLE_STATION, Cause.FIRMWARE) if needed else None

    async def _discard(self, wish: wishes.Discard) -> None:
        await asyncio.to_thread(self._forget, wish.job)

    def _forget(self, job: Job) -> None:
        for path in self._folder.glob(f"{self._file(job).name}*"):
            path.unlink(missing_ok=True)


def _is_over(wish: FirmwareJob, job: str) -> bool:
    return wish.job.id == job and isinstance(wish, _BROKEN_OFF)


def _pass(file: Path, to: Callable[[bytes], object]) -> None:
    """Read a file to its end."""
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            to(chunk)


def _was_sent(job: Job) -> bool:
    return job.origin is Origin.FILE and job.location == sent_firmware.LOCATION


Do = Callable[[FirmwareWorker, Any], Awaitable[Happening | None]]

_DO: Final[Mapping[type[FirmwareJob], Do]] = {
    wishes.Download: FirmwareWorker._download,
    wishes.Verify: FirmwareWorker._verify,
    wishes.Install: FirmwareWorker._install,
    wishes.Reboot: FirmwareWorker._reboot,
    wishes.Confirm: FirmwareWorker._confirm,
    wishes.MarkGood: FirmwareWorker._mark_good,
    wishes.RollBack: FirmwareWorker._roll_back,
    wishes.Discard: FirmwareWorker._discard,
}

_FAILED: Final[Mapping[type[FirmwareJob], Callable[[str, str], FirmwareEvent]]] = {
    wishes.Download: events.DownloadFailed,
    wishes.Verify: events.SignatureBad,
    wishes.Install: events.InstallFailed,
    wishes.Confirm: events.GateFailed,
}
"""What a job hears of a wish that ended as nobody had thought."""

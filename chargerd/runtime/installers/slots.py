"""Installs a wheel of chargerd into one of two slots beside the state.

The embedded default: it needs no other updater, and changes chargerd alone, not the
system below it. ``slot_boot`` starts what is chosen here.
"""

import asyncio
import os
import shutil
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Final

import chargerd
from chargerd.runtime.installers import programs, slot_state
from chargerd.runtime.installers.interface import (
    Inspected,
    Installed,
    InstallError,
    InstallRefused,
    Progress,
    Refusal,
    Running,
    Slot,
    Trouble,
)
from chargerd.runtime.installers.slot_state import SLOTS, SYSTEM, TRIES, Choice

_OWN_CODE: Final = Path(chargerd.__file__).parents[1]
_SYSTEM_NAME: Final = "system"
"""What people call the version without a slot."""
_UNPACKED, _STARTED = 90, 99
"""How far an install is by then, in percent."""
_TRIAL: Final = "import chargerd.app, chargerd.runtime.installers.slot_boot"
"""What can import this starts here, and can go back."""


class SlotsInstaller:
    """The two slots, and what the system installed."""

    def __init__(self, state_directory: Path, code: Path = _OWN_CODE) -> None:
        """Look after the slots of one station.

        Args:
            state_directory: The slots are in it.
            code: Where the version that runs lies.
        """
        self._directory = slot_state.slots_directory(state_directory)
        places = {(self._directory / slot).resolve(): slot for slot in SLOTS}
        self._runs = places.get(code.resolve(), SYSTEM)

    async def inspect(self, file: Path) -> Inspected:
        """Return the version of a wheel."""
        return Inspected(await asyncio.to_thread(_version, file))

    async def install(self, file: Path, job: str, progress: Progress) -> Installed:
        """Unpack the wheel into the free slot, try to import it, and choose it."""
        choice = slot_state.read(self._directory)
        if choice.job == job and choice.slot != SYSTEM:
            return Installed(choice.slot != self._runs)
        await self.inspect(file)
        target = self._free(choice)
        proven = Choice(slot=choice.proven)
        self._choose(proven)  # nothing but this may point into the free slot
        try:
            await self._unpack(file, target, progress)
            await self._try(target)
        except BaseException:
            # The store needs the room more than half a version does.
            shutil.rmtree(self._directory / target, ignore_errors=True)
            raise
        progress(_STARTED)
        self._choose(Choice(target, proven.slot, TRIES, good=False, job=job))
        progress(100)
        return Installed(needs_reboot=True)

    async def running(self) -> Running:
        """Return what this process is made of."""
        choice = slot_state.read(self._directory)
        good = choice.good or self._runs != choice.slot
        slot = self._runs or _SYSTEM_NAME
        return Running(self._version(self._runs), slot, good)

    async def mark_good(self) -> None:
        """Keep what runs, if it is what is chosen."""
        choice = slot_state.read(self._directory)
        if choice.slot == self._runs and not choice.good:
            self._choose(replace(choice, good=True, tries_left=0))

    async def roll_back(self) -> bool:
        """Choose the version before."""
        choice = slot_state.read(self._directory)
        if not choice.good:
            choice = slot_state.left(choice)
            self._choose(choice)
        return choice.slot != self._runs

    async def slots(self) -> tuple[Slot, ...]:
        """Return both slots, and before them what the system installed."""
        choice = slot_state.read(self._directory)
        return tuple(
            Slot(
                name=slot or _SYSTEM_NAME,
                version=self._version(slot),
                runs=slot == self._runs,
                starts_next=slot == choice.slot,
                good=slot in (SYSTEM, choice.proven),
            )
            for slot in (SYSTEM, *SLOTS)
        )

    def _free(self, choice: Choice) -> str:
        free = [s for s in SLOTS if s not in (self._runs, choice.proven)]
        if not free:
            text = (
                f"slot {self._runs} runs without having proven itself, and slot "
                f"{choice.proven} is needed to go back; roll back or restart first"
            )
            raise InstallError(Trouble.BUSY, text)
        return free[0]

    def _choose(self, choice: Choice) -> None:
        try:
            if choice != slot_state.read(self._directory):
                slot_state.write(self._directory, choice)
        except OSError as error:
            raise _storage(self._directory, error) from None

    async def _unpack(self, file: Path, target: str, progress: Progress) -> None:
        module = "chargerd.runtime.installers.unpacking"
        slot = str(self._directory / target)
        ended = await programs.run(
            [sys.executable, "-P", "-m", module, str(file), slot],
            programs.percent(progress, _UNPACKED),
            _environment(_OWN_CODE),
        )
        if ended.code:
            text = (
                f"slot {target}: {ended.reason or ended.code}; make room or try again"
            )
            raise InstallError(Trouble.FAILED, text)

    async def _try(self, target: str) -> None:
        ended = await programs.run(
            [sys.executable, "-P", "-c", _TRIAL],
            _ignored,
            _environment(self._directory / target),
        )
        if ended.code:
            text = f"slot {target}: does not start here: {ended.reason or ended.code}"
            raise InstallError(Trouble.FAILED, f"{text}; give another version")

    def _version(self, slot: str) -> str | None:
        slots = [self._directory / each for each in SLOTS]
        if slot != SYSTEM:
            path = [str(self._directory / slot)]
        else:
            path = [each for each in sys.path if Path(each) not in slots]
        found = metadata.distributions(name="chargerd", path=path)
        return next((each.version for each in found), None)


def _version(file: Path) -> str:
    from chargerd.runtime.installers import wheel  # noqa: PLC0415  # most days see none

    try:
        with wheel.opened(file) as archive:
            return wheel.check(archive)
    except OSError as error:
        text = f"{file}: {error.strerror}; fetch it again"
        raise InstallRefused(Refusal.NO_PACKAGE, text) from None


def _environment(code: Path) -> dict[str, str]:
    rest = os.environ.get("PYTHONPATH")
    path = f"{code}{os.pathsep}{rest}" if rest else str(code)
    return {**os.environ, "PYTHONPATH": path}


def _storage(directory: Path, error: OSError) -> InstallError:
    text = f"{directory}: {error.strerror}; make room, or mend the disk"
    return InstallError(Trouble.STORAGE, text)


def _ignored(_: str) -> None:
    pass

"""RAUC, the updater of whole systems: what it is asked, and in which order.

It checks who has made a bundle, writes it to the system that does not run, and has the
boot loader start that.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chargerd.runtime.installers.interface import (
    Inspected,
    Installed,
    InstallError,
    Progress,
    Running,
    Slot,
    Trouble,
)
from chargerd.runtime.installers.rauc_bus import connected
from chargerd.runtime.lasting import sync


@dataclass(frozen=True, slots=True)
class Note:
    """What must be known of the last install after a restart; RAUC does not tell."""

    job: str
    before: str
    """The slot that ran then, to which a roll-back returns."""
    done: bool = False


class RaucInstaller:
    """RAUC's D-Bus service."""

    def __init__(self, bus: str, state_directory: Path) -> None:
        """Speak to RAUC, as soon as something is asked.

        Args:
            bus: ``system``, or the address of another bus.
            state_directory: A note is kept in it.
        """
        self._bus = bus
        self._note = state_directory / "firmware" / "rauc.json"

    async def inspect(self, file: Path) -> Inspected:
        """Have RAUC check signature and compatibility."""
        async with connected(self._bus) as rauc:
            return Inspected((await rauc.bundle(file)).version)

    async def install(self, file: Path, job: str, progress: Progress) -> Installed:
        """Have RAUC write the system that does not run."""
        async with connected(self._bus) as rauc:
            await rauc.rest()
            booted = (await rauc.booted()).name
            note = self._read()
            if note is not None and note.job == job:
                if booted != note.before:
                    return Installed(needs_reboot=False)
                if note.done:
                    return Installed(needs_reboot=True)
            bundle = await rauc.bundle(file)
            note = Note(job, booted)
            self._keep(note)
            await rauc.install(file, job, bundle.manifest_hash, progress)
            self._keep(replace(note, done=True))
            return Installed(needs_reboot=True)

    async def running(self) -> Running:
        """Return the booted system.

        It never counts as marked: most boot loaders want to be told at each start, and
        RAUC does not say whether they have been.
        """
        async with connected(self._bus) as rauc:
            booted = await rauc.booted()
            return Running(booted.version, booted.name, good=False)

    async def mark_good(self) -> None:
        """Have RAUC tell the boot loader that the booted system is good."""
        async with connected(self._bus) as rauc:
            await rauc.mark("good", "booted")
            note = self._read()
            if note is not None and note.before != (await rauc.booted()).name:
                self._forget()

    async def roll_back(self) -> bool:
        """Have the system booted that ran before the last install.

        An install that was given up goes on in RAUC; its end is awaited.
        """
        note = self._read()
        if note is None:
            return False
        async with connected(self._bus) as rauc:
            await rauc.rest()
            booted = (await rauc.booted()).name
            if await rauc.primary() != note.before:
                await rauc.mark("active", note.before)
            if booted == note.before:
                return False
            await rauc.mark("bad", "booted")
            return True

    async def slots(self) -> tuple[Slot, ...]:
        """Return the systems that can be booted."""
        async with connected(self._bus) as rauc:
            slots = await rauc.slots()
            primary = await rauc.primary()
        return tuple(replace(slot, starts_next=slot.name == primary) for slot in slots)

    def _read(self) -> Note | None:
        try:
            return Note(**json.loads(self._note.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _forget(self) -> None:
        try:
            self._note.unlink()
        except OSError as error:
            raise self._storage(error) from None

    def _keep(self, note: Note) -> None:
        following = self._note.with_suffix(".next")
        try:
            self._note.parent.mkdir(parents=True, exist_ok=True)
            following.write_text(json.dumps(asdict(note)))
            sync(following)
            following.replace(self._note)
            sync(self._note.parent)
        except OSError as error:
            raise self._storage(error) from None

    def _storage(self, error: OSError) -> InstallError:
        text = f"{self._note}: {error.strerror}; make room, or mend the disk"
        return InstallError(Trouble.STORAGE, text)

"""Any other updater, by three programs that the station file names.

``install FILE JOB`` installs a file; lines like ``40%`` on stdout say how far it is.
``status`` prints ``{"version": "…", "slot": "…", "good": true}`` of what runs.
``mark good`` keeps what runs, ``mark bad`` makes the version before start next.

Exit codes: 0 done, 10 done and the board has to restart, 20 the file is not trusted,
all others failed; the last line on stderr says why.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chargerd.runtime.installers import programs
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
from chargerd.runtime.installers.programs import Ended

DONE, NEEDS_RESTART, NOT_TRUSTED = 0, 10, 20
"""Exit codes."""
_WANTED: Final = '{"version": "…", "slot": "…", "good": true}'


class CommandInstaller:
    """Three programs."""

    def __init__(
        self, install: Sequence[str], status: Sequence[str], mark: Sequence[str]
    ) -> None:
        self._install = tuple(install)
        self._status = tuple(status)
        self._mark = tuple(mark)

    async def inspect(self, file: Path) -> Inspected:
        """See whether there is a file; the programs tell no more of it."""
        try:
            with file.open("rb") as opened:
                there = opened.read(1)
        except OSError as error:
            text = f"{file}: {error.strerror}; fetch it again"
            raise InstallRefused(Refusal.NO_PACKAGE, text) from None
        if not there:
            raise InstallRefused(Refusal.NO_PACKAGE, f"{file}: empty; fetch it again")
        return Inspected(None)

    async def install(self, file: Path, job: str, progress: Progress) -> Installed:
        """Run the program that installs."""
        command = (*self._install, str(file), job)
        ended = await programs.run(command, programs.percent(progress))
        if ended.code == NOT_TRUSTED:
            text = f"{command[0]}: {ended.reason or 'the file is not trusted'}"
            raise InstallRefused(Refusal.NOT_TRUSTED, text)
        return Installed(_needs_restart(command, ended))

    async def running(self) -> Running:
        """Ask the program that knows the status."""
        lines: list[str] = []
        ended = await programs.run(self._status, lines.append)
        _needs_restart(self._status, ended)
        try:
            table = json.loads("\n".join(lines))
            return _running(table)
        except (ValueError, KeyError, TypeError, RecursionError):
            text = f"{self._status[0]}: has not printed {_WANTED}; mend it"
            raise InstallError(Trouble.FAILED, text) from None

    async def mark_good(self) -> None:
        """Run the program that marks."""
        await self._marked("good")

    async def roll_back(self) -> bool:
        """Run the program that marks; its exit code says what is needed."""
        return await self._marked("bad")

    async def slots(self) -> tuple[Slot, ...]:
        """Return what runs; the programs tell of no other."""
        runs = await self.running()
        return (Slot(runs.slot, runs.version, True, True, runs.good),)

    async def _marked(self, word: str) -> bool:
        command = (*self._mark, word)
        return _needs_restart(command, await programs.run(command, _ignored))


def _needs_restart(command: Sequence[str], ended: Ended) -> bool:
    if ended.code in (DONE, NEEDS_RESTART):
        return ended.code == NEEDS_RESTART
    reason = ended.reason or f"it has ended with {ended.code}; see its own log"
    raise InstallError(Trouble.FAILED, f"{command[0]}: {reason}")


def _running(table: dict[str, object]) -> Running:
    version, slot, good = table["version"], table["slot"], table["good"]
    if type(slot) is not str or type(good) is not bool:
        raise TypeError
    if version is not None and type(version) is not str:
        raise TypeError
    return Running(version, slot, good)


def _ignored(_: str) -> None:
    pass

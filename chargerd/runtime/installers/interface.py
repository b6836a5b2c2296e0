"""What chargerd asks of whatever installs firmware on this station.

Three rules hold for every method here:

* It may be called again, and does no harm the second time.
* It may be cancelled at any ``await``. Whatever an install has come to then,
  ``roll_back`` makes an end of it.
* It has no time limit of its own. The caller has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

Progress = Callable[[int], None]
"""Told how much of an install is done, in percent."""


class Refusal(StrEnum):
    """Why a file is not installed, whatever the updater does."""

    NO_PACKAGE = "no-package"
    """It is damaged, or something else altogether."""
    OTHER_STATION = "other-station"
    """It is for other hardware, or needs what is not here."""
    NOT_TRUSTED = "not-trusted"
    """The updater does not believe whoever made it."""


class Trouble(StrEnum):
    """Why the updater could not do it."""

    UNREACHABLE = "unreachable"
    BUSY = "busy"
    STORAGE = "storage"
    FAILED = "failed"


class InstallRefused(Exception):
    """The file is the trouble; the text says what is wrong and what to do."""

    def __init__(self, why: Refusal, text: str) -> None:
        self.why = why
        super().__init__(text)

    @property
    def verification(self) -> bool:
        """Whether it is a matter of trust, which OCPP tells apart."""
        return self.why is Refusal.NOT_TRUSTED


class InstallError(Exception):
    """The updater is the trouble; the text says what is wrong and what to do."""

    def __init__(self, why: Trouble, text: str) -> None:
        self.why = why
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file says of itself."""

    version: str | None
    """What ``Running.version`` is once it runs; ``None``: nobody can tell."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A file is installed."""

    needs_reboot: bool
    """It does not run yet."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs now."""

    version: str | None
    slot: str
    good: bool
    """It is known that ``mark_good`` is not needed any more."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for a version, for people."""

    name: str
    version: str | None
    """``None``: empty, or not known."""
    runs: bool
    starts_next: bool
    good: bool


class Installer(Protocol):
    """An updater. Its own troubles raise ``InstallError`` from every method."""

    async def inspect(self, file: Path) -> Inspected:
        """Look into a file without installing it.

        Raises:
            InstallRefused: It would not be installed.
        """

    async def install(self, file: Path, job: str, progress: Progress) -> Installed:
        """Install a file; it starts at the next restart, and not before.

        Args:
            file: What to install.
            job: The job that wants it: a second call for the same job that has been
                done already does nothing.
            progress: Told now and then.

        Raises:
            InstallRefused: The file is the trouble.
        """

    async def running(self) -> Running:
        """Return what runs now."""

    async def mark_good(self) -> None:
        """Keep what runs; nothing falls back behind it by itself any more."""

    async def roll_back(self) -> bool:
        """Make the version before start next.

        Nothing happens to what has been marked good.

        Returns:
            Whether a restart is needed, for the one that shall not run runs now.
        """

    async def slots(self) -> tuple[Slot, ...]:
        """Return all places for a version."""

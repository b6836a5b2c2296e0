"""The updater that the station file names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from chargerd.runtime.installers.command import CommandInstaller
from chargerd.runtime.installers.interface import Installer, InstallError, Trouble
from chargerd.runtime.installers.slots import SlotsInstaller
from chargerd.sections import FirmwareSection


def installer_of(section: FirmwareSection, state_directory: Path) -> Installer:
    """Return what installs firmware on this station.

    Raises:
        InstallError: A library that it needs is not installed.
    """
    return _INSTALLERS[section.installer](section, state_directory)


def _slots(_: FirmwareSection, state_directory: Path) -> Installer:
    return SlotsInstaller(state_directory)


def _command(section: FirmwareSection, _: Path) -> Installer:
    return CommandInstaller(
        section.install_command, section.status_command, section.mark_command
    )


def _rauc(section: FirmwareSection, state_directory: Path) -> Installer:
    try:
        from chargerd.runtime.installers import rauc  # noqa: PLC0415  # optional
    except ImportError:
        text = "dbus-fast is missing or too old; install chargerd[rauc]"
        raise InstallError(Trouble.UNREACHABLE, f"firmware.installer: {text}") from None
    return rauc.RaucInstaller(section.rauc_bus, state_directory)


_INSTALLERS: Final[Mapping[str, Callable[[FirmwareSection, Path], Installer]]] = {
    "slots": _slots,
    "rauc": _rauc,
    "command": _command,
}

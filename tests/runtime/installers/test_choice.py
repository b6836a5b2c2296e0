"""The station file names the updater; places follow from where the daemon is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chargerd import places
from chargerd.runtime.installers.choice import installer_of
from chargerd.runtime.installers.command import CommandInstaller
from chargerd.runtime.installers.interface import InstallError, Trouble
from chargerd.runtime.installers.rauc import RaucInstaller
from chargerd.runtime.installers.slots import SlotsInstaller
from chargerd.sections import FirmwareSection

WITHOUT_DBUS = """\
import sys
from pathlib import Path
sys.modules["dbus_fast"] = None
from chargerd.runtime.installers.choice import installer_of
from chargerd.runtime.installers.interface import InstallError
from chargerd.sections import FirmwareSection
try:
    installer_of(FirmwareSection("rauc"), Path("state"))
except InstallError as error:
    sys.stdout.write(f"{error.why}: {error}")
"""


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (FirmwareSection(), SlotsInstaller),
        (FirmwareSection("rauc"), RaucInstaller),
        (FirmwareSection("command", ("a",), ("b",), ("c",)), CommandInstaller),
    ],
)
def test_the_station_file_names_the_updater(
    section: FirmwareSection, kind: type, tmp_path: Path
) -> None:
    assert type(installer_of(section, tmp_path)) is kind


async def test_the_programs_are_those_of_the_station_file(tmp_path: Path) -> None:
    section = FirmwareSection("command", ("/no/a",), ("/no/b",), ("/no/c",))
    installer = installer_of(section, tmp_path)
    asked = {
        "/no/a": installer.install(tmp_path, "J", lambda _: None),
        "/no/b": installer.running(),
        "/no/c": installer.mark_good(),
    }
    for name, asking in asked.items():
        with pytest.raises(InstallError) as raised:
            await asking
        assert raised.value.why is Trouble.UNREACHABLE
        assert str(raised.value).startswith(f"{name}: ")


def test_without_its_library_rauc_is_refused_with_a_remedy() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_DBUS], capture_output=True, text=True, check=True
    )
    assert ended.stdout == (
        "unreachable: firmware.installer: dbus-fast is missing or too old; "
        "install chargerd[rauc]"
    )


@pytest.mark.parametrize(
    ("find", "of_systemd", "of_root", "of_user", "in_home"),
    [
        (
            places.state_directory,
            "STATE_DIRECTORY",
            "/var/lib/chargerd",
            "XDG_STATE_HOME",
            ".local/state/chargerd",
        ),
        (
            places.cache_directory,
            "CACHE_DIRECTORY",
            "/var/cache/chargerd",
            "XDG_CACHE_HOME",
            ".cache/chargerd",
        ),
    ],
)
def test_a_place_is_systemds_or_roots_or_the_users_own(
    monkeypatch: pytest.MonkeyPatch,
    find: object,
    of_systemd: str,
    of_root: str,
    of_user: str,
    in_home: str,
) -> None:
    assert callable(find)
    for name in (of_systemd, of_user):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert find() == Path(of_root)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/one")
    assert find() == Path("/home/one", in_home)
    monkeypatch.setenv(of_user, "/mine")
    assert find() == Path("/mine/chargerd")
    monkeypatch.setenv(of_systemd, "/srv/a:/srv/b")
    assert find() == Path("/srv/a")

"""A wheel that would not run here, or is not safe to unpack, is refused."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from chargerd.runtime.installers import wheel
from chargerd.runtime.installers.interface import InstallRefused, Refusal
from tests.runtime.installers import wheels

INFO = "chargerd-2.0.dist-info/METADATA"


def refusal(file: Path) -> tuple[Refusal, str]:
    with pytest.raises(InstallRefused) as raised, wheel.opened(file) as archive:
        wheel.check(archive)
    assert not raised.value.verification
    return raised.value.why, str(raised.value)


def changed(path: Path, **changes: str) -> Path:
    """Write a good wheel with other metadata."""
    content = wheels.files("2.0")
    content[INFO] = "".join(
        f"{name.replace('_', '-')}: {v}\n" for name, v in changes.items()
    )
    return wheels.wheel(path / "file.whl", content)


def test_a_good_wheel_says_its_version(tmp_path: Path) -> None:
    needs = (
        "Requires-Dist: ocpp<3,>=2\nRequires-Dist: nowhere; extra == 'test'\n"
        "Requires-Dist: nowhere2; sys_platform == 'win32'\n"
    )
    file = wheels.wheel(tmp_path / "file.whl", wheels.files("2.0", needs=needs))
    with wheel.opened(file) as archive:
        assert wheel.check(archive) == "2.0"


@pytest.mark.parametrize(
    "name", ["../out.py", "/etc/passwd", "chargerd/../../out", "a\\b", "./a", "a//b"]
)
def test_a_path_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    content = {**wheels.files("2.0"), name: ""}
    why, text = refusal(wheels.wheel(tmp_path / "file.whl", content))
    assert why is Refusal.NO_PACKAGE
    assert text.endswith(
        "which does not stay in its directory; give a wheel of chargerd"
    )


def test_a_link_is_refused(tmp_path: Path) -> None:
    file = wheels.wheel(tmp_path / "file.whl", wheels.files("2.0"))
    link = zipfile.ZipInfo("chargerd/link.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, "/etc/shadow")
    assert "neither file nor directory" in refusal(file)[1]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    content = {**wheels.files("2.0"), "chargerd/zero": "0" * (wheel.MOST_BYTES + 1)}
    why, text = refusal(wheels.wheel(tmp_path / "file.whl", content))
    assert why is Refusal.NO_PACKAGE
    assert "has more than 10000 files and 64 MiB when unpacked" in text


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file = wheels.wheel(tmp_path / "file.whl", wheels.files("2.0"))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("chargerd/app.py", "")
    assert "holds a file twice" in refusal(file)[1]


def test_an_encrypted_wheel_is_refused(tmp_path: Path) -> None:
    file = wheels.wheel(tmp_path / "file.whl", wheels.files("2.0"))
    content = bytearray(file.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8 : entry + 10] = struct.pack("<H", 1)
    file.write_bytes(content)
    assert "which is encrypted" in refusal(file)[1]


def test_what_is_no_archive_or_damaged_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file.whl"
    file.write_text("<html>not found</html>")
    assert refusal(file) == (
        Refusal.NO_PACKAGE,
        "the file is no whole wheel (File is not a zip file); fetch it again",
    )
    wheels.wheel(file, wheels.files("2.0"))
    content = bytearray(file.read_bytes())
    start = content.index(b"METADATA") + len("METADATA")
    content[start : start + 8] = b"\xff" * 8
    file.write_bytes(content)
    assert refusal(file)[0] is Refusal.NO_PACKAGE


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"Name": "other", "Version": "1"}, "is of 'other', not of chargerd"),
        ({"Name": "chargerd"}, "names no version"),
        ({"Name": "chargerd", "Version": "1", "Requires_Dist": "?"}, "what it needs"),
        ({"Name": "chargerd", "Version": "1", "Requires_Python": "x"}, "what it needs"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, str], text: str
) -> None:
    why, told = refusal(changed(tmp_path, **changes))
    assert why is Refusal.NO_PACKAGE
    assert text in told


@pytest.mark.parametrize(
    ("need", "text"),
    [
        ("nowhere>=2", "the wheel needs nowhere>=2; install that in the system first"),
        ("ocpp>=99", "the wheel needs ocpp>=99 (here is "),
    ],
)
def test_a_library_that_is_not_here_is_named(
    tmp_path: Path, need: str, text: str
) -> None:
    content = wheels.files("2.0", needs=f"Requires-Dist: {need}\n")
    why, told = refusal(wheels.wheel(tmp_path / "file.whl", content))
    assert why is Refusal.OTHER_STATION
    assert told.startswith(text)


def test_another_python_is_named(tmp_path: Path) -> None:
    file = changed(tmp_path, Name="chargerd", Version="1", Requires_Python=">=4")
    why, text = refusal(file)
    assert why is Refusal.OTHER_STATION
    assert text.startswith("the wheel needs Python >=4, here is 3.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (INFO, "does not say what it is in one dist-info/METADATA"),
        ("hal/__init__.py", "lacks hal/__init__.py"),
        ("chargerd/__main__.py", "lacks chargerd/__main__.py"),
    ],
)
def test_a_wheel_that_lacks_something_is_refused(
    tmp_path: Path, name: str, text: str
) -> None:
    content = wheels.files("2.0")
    del content[name]
    assert text in refusal(wheels.wheel(tmp_path / "file.whl", content))[1]

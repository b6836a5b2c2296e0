"""A firmware file of the slots: a wheel of chargerd. The only module that judges one.

Facts: the binary distribution format and core metadata of packaging.python.org.
"""

import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.parser import BytesParser
from importlib import metadata
from pathlib import Path, PurePosixPath
from platform import python_version
from typing import Final
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from chargerd.runtime.installers.interface import InstallRefused, Refusal

MOST_BYTES: Final = 64 * 1024 * 1024
"""A wheel of chargerd has about one hundredth of it, unpacked."""
MOST_FILES: Final = 10_000
_MOST_METADATA_BYTES: Final = 1024 * 1024
_NEEDED: Final = ("chargerd/__main__.py", "chargerd/app.py", "hal/__init__.py")
_BROKEN: Final = (
    BadZipFile,
    LargeZipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    zlib.error,
)
"""What zipfile raises for files that are damaged, or made by others."""
_ENCRYPTED: Final = 0x1


@contextmanager
def opened(file: Path) -> Iterator[ZipFile]:
    """Open a wheel.

    Raises:
        InstallRefused: It is damaged, as far as it is read.
        OSError: It cannot be read.
    """
    try:
        with ZipFile(file) as archive:
            yield archive
    except _BROKEN as error:
        text = f"the file is no whole wheel ({error}); fetch it again"
        raise InstallRefused(Refusal.NO_PACKAGE, text) from None


def check(archive: ZipFile) -> str:
    """Return the version of a wheel that would run here.

    Raises:
        InstallRefused: It would not, or is not safe to unpack.
    """
    _check_members(archive)
    names = archive.namelist()
    said = _metadata(archive, names)
    if canonicalize_name(said.get("Name", "")) != "chargerd":
        raise _no_package(f"is of {said.get('Name')!r}, not of chargerd")
    for name in _NEEDED:
        if name not in names:
            raise _no_package(f"lacks {name}")
    _check_needs(said)
    version = said.get("Version", "")
    if not version:
        raise _no_package("names no version")
    return str(version)


def size_bytes(archive: ZipFile) -> int:
    """Return how large a wheel is when unpacked, as it says itself."""
    return sum(member.file_size for member in archive.infolist())


def _check_members(archive: ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MOST_FILES or size_bytes(archive) > MOST_BYTES:
        limit = f"{MOST_FILES} files and {MOST_BYTES >> 20} MiB"
        raise _no_package(f"has more than {limit} when unpacked")
    for member in members:
        if wrong := _wrong(member):
            raise _no_package(f"holds {member.filename!r}, which {wrong}")
    if len({member.filename for member in members}) < len(members):
        raise _no_package("holds a file twice")


def _wrong(member: ZipInfo) -> str:
    name = member.orig_filename
    parts = name.removesuffix("/").split("/")
    if "\\" in name or "\0" in name or {"", ".", ".."} & {*parts}:
        return "does not stay in its directory"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither file nor directory"
    return "is encrypted" if member.flag_bits & _ENCRYPTED else ""


def _metadata(archive: ZipFile, names: list[str]) -> Message:
    found = [
        archive.getinfo(name)
        for name in names
        if PurePosixPath(name).match("*.dist-info/METADATA") and name.count("/") == 1
    ]
    if len(found) != 1 or found[0].file_size > _MOST_METADATA_BYTES:
        raise _no_package("does not say what it is in one dist-info/METADATA")
    return BytesParser().parsebytes(archive.read(found[0]), headersonly=True)


def _check_needs(said: Message) -> None:
    try:
        pythons = SpecifierSet(said.get("Requires-Python", ""))
        needs = [Requirement(line) for line in said.get_all("Requires-Dist", [])]
    except (InvalidSpecifier, InvalidRequirement) as error:
        raise _no_package(f"does not say well what it needs: {error}") from None
    if not pythons.contains(python_version(), prereleases=True):
        text = f"needs Python {pythons}, here is {python_version()}; update the system"
        raise InstallRefused(Refusal.OTHER_STATION, f"the wheel {text}")
    missing = [text for need in needs if (text := _missing(need))]
    if missing:
        text = f"needs {', '.join(missing)}; install that in the system first"
        raise InstallRefused(Refusal.OTHER_STATION, f"the wheel {text}")


def _missing(need: Requirement) -> str:
    """Return what is missing of a library, or nothing."""
    if need.marker is not None and not need.marker.evaluate({"extra": ""}):
        return ""
    try:
        here = metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return f"{need.name}{need.specifier}"
    if need.specifier.contains(here, prereleases=True):
        return ""
    return f"{need.name}{need.specifier} (here is {here})"


def _no_package(text: str) -> InstallRefused:
    remedy = "give a wheel of chargerd"
    return InstallRefused(Refusal.NO_PACKAGE, f"the wheel {text}; {remedy}")

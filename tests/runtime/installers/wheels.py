"""Wheels as a maker builds them, made of a handful of files."""

import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import chargerd

ROOT = Path(chargerd.__file__).parents[1]
REAL = (
    "chargerd/__main__.py",
    "chargerd/places.py",
    "chargerd/runtime/__init__.py",
    "chargerd/runtime/installers/__init__.py",
    "chargerd/runtime/installers/slot_boot.py",
    "chargerd/runtime/installers/slot_state.py",
    "chargerd/runtime/lasting.py",
)
"""What of a version in a slot chooses the slot; it is the real thing."""
APP = """\
import sys
from importlib import metadata

def main():
    sys.stdout.write(metadata.version("chargerd") + "\\n")
"""


def files(version: str, app: str = APP, needs: str = "") -> dict[str, str]:
    """Return the files of a small chargerd that says which version it is."""
    info = f"chargerd-{version}.dist-info"
    return {
        "chargerd/__init__.py": "",
        "chargerd/app.py": app,
        "hal/__init__.py": "",
        **{name: (ROOT / name).read_text() for name in REAL},
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: chargerd\nVersion: {version}\n"
            f"Requires-Python: >=3.11\n{needs}\n"
        ),
    }


def own(version: str) -> dict[str, str]:
    """Return the files of this very chargerd, under another version."""
    info = f"chargerd-{version}.dist-info"
    said = files(version)[f"{info}/METADATA"]
    points = metadata.distribution("chargerd").read_text("entry_points.txt")
    assert points is not None
    return {
        **{
            str(path.relative_to(ROOT)): path.read_text()
            for package in ("chargerd", "hal")
            for path in (ROOT / package).rglob("*.*")
            if "__pycache__" not in path.parts
        },
        f"{info}/METADATA": said,
        f"{info}/entry_points.txt": points,
    }


def wheel(path: Path, content: Mapping[str, str]) -> Path:
    """Write a wheel."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def tree(path: Path, content: Mapping[str, str]) -> Path:
    """Write the same files as the system installs them."""
    for name, text in content.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path

"""Releases of chargerd as its maker builds them: wheels of the code as it is here."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import chargerd

ROOT = Path(chargerd.__file__).parents[1]
_PACKAGES = ("chargerd", "hal")
_SUFFIXES = (".py", ".sql", ".varlink", ".bash", ".typed")


def release(path: Path, version: str, changed: Mapping[str, str] | None = None) -> Path:
    """Write a wheel.

    Args:
        path: Where.
        version: What it calls itself.
        changed: Files that differ from the code as it is here.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    info = f"chargerd-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: chargerd\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in _PACKAGES:
            for file in sorted((ROOT / package).rglob("*")):
                name = str(file.relative_to(ROOT))
                if file.suffix in _SUFFIXES and name not in (changed or {}):
                    archive.write(file, name)
        for name, text in (changed or {}).items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/entry_points.txt", _entry_points())
    return path


def _entry_points() -> str:
    lines = (ROOT / "setup.cfg").read_text().splitlines()
    begin = lines.index("[options.entry_points]") + 1
    text = []
    for line in lines[begin:]:
        if line.startswith("["):
            break
        text.append(f"[{line[:-2]}]" if line.endswith(" =") else line.strip())
    return "\n".join(text) + "\n"

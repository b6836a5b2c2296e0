"""Releases of chargerd as its maker builds them: wheels of the code as it is here."""

from collections.abc import Mapping
from pathlib import Path

from tests.runtime.installers.wheels import own, wheel


def release(path: Path, version: str, changed: Mapping[str, str] | None = None) -> Path:
    """Write a wheel.

    Args:
        path: Where.
        version: What it calls itself.
        changed: Files that differ from the code as it is here.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return wheel(path, {**own(version), **(changed or {})})

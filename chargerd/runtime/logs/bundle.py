"""The file for diagnosis: many parts in one archive, each of them bounded.

A part that cannot be made is named in the manifest, with the reason; the others are
there all the same.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from chargerd.ocpp16.wire import timestamp
from chargerd.store.database import StoreFailed

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of one part, before it is packed."""

Make = Callable[[], Iterable[str]]
"""Yields the text of a part piece by piece; what comes first matters most."""


class Stopped(Exception):
    """Nobody wants the file any more."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What the manifest says of the whole."""

    station: str
    version: str
    made: datetime
    since: datetime | None
    until: datetime | None

    def document(self) -> dict[str, Any]:
        """Return it as it stands in the manifest."""
        since, until = (
            None if at is None else timestamp(at) for at in (self.since, self.until)
        )
        return {
            "station": self.station,
            "version": self.version,
            "made": timestamp(self.made),
            "since": since,
            "until": until,
        }


def write(
    path: Path,
    cover: Cover,
    parts: Mapping[str, Make],
    stopped: Callable[[], bool] = lambda: False,
    most_bytes: int = MOST_BYTES,
) -> None:
    """Write the archive.

    Args:
        path: Where; its name without endings becomes the folder in it.
        cover: What the manifest says of the whole.
        parts: What makes each file of it, by name.
        stopped: Looked at again and again.
        most_bytes: How large a part may become.

    Raises:
        Stopped: ``stopped`` said so.
        OSError: The disk has failed.
    """
    folder = path.name.partition(".")[0]
    told: list[dict[str, Any]] = []
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        for name, make in parts.items():
            text, manifest = _part(name, make, stopped, most_bytes)
            told.append(manifest)
            _add(archive, f"{folder}/{name}", text, cover.made)
        whole = json.dumps({**cover.document(), "parts": told}, indent=1)
        _add(archive, f"{folder}/manifest.json", whole.encode(), cover.made)


def _part(
    name: str, make: Make, stopped: Callable[[], bool], most_bytes: int
) -> tuple[bytes, dict[str, Any]]:
    text, cut = bytearray(), False
    told: dict[str, Any] = {"name": name}
    try:
        for piece in make():
            if stopped():
                raise Stopped
            text += piece.encode(errors="replace")
            if cut := len(text) > most_bytes:
                break
    except (OSError, ValueError, LookupError, StoreFailed) as error:
        told["error"] = type(error).__name__
    del text[most_bytes:]
    told["bytes"] = len(text)
    return bytes(text), {**told, "cut": True} if cut else told


def _add(archive: tarfile.TarFile, name: str, text: bytes, made: datetime) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(text), int(made.timestamp()), 0o640
    archive.addfile(entry, io.BytesIO(text))

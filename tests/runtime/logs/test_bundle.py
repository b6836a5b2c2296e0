"""The archive: bounded, honest about what is missing, and whole or not there."""

import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chargerd.runtime.logs.bundle import Cover, Stopped, write
from chargerd.store.database import StoreFailed

MADE = datetime(2026, 3, 2, 8, tzinfo=UTC)
COVER = Cover("CP1", "1.0", MADE, MADE, None)


def opened(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }


def manifest(path: Path) -> Any:
    return json.loads(opened(path)["CP1/manifest.json"])


def test_every_part_is_a_file_and_the_manifest_knows_its_size(tmp_path: Path) -> None:
    path = tmp_path / "CP1.tar.gz"
    write(path, COVER, {"a.txt": lambda: ["one ", "two"], "b.txt": lambda: []})
    assert opened(path)["CP1/a.txt"] == "one two"
    assert manifest(path) == {
        "station": "CP1",
        "version": "1.0",
        "made": "2026-03-02T08:00:00.000Z",
        "since": "2026-03-02T08:00:00.000Z",
        "until": None,
        "parts": [{"name": "a.txt", "bytes": 7}, {"name": "b.txt", "bytes": 0}],
    }


def test_a_part_that_grows_without_end_is_cut(tmp_path: Path) -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "ö" * 10

    path = tmp_path / "CP1.tar.gz"
    write(path, COVER, {"a.txt": endless}, most_bytes=100)
    assert manifest(path)["parts"] == [{"name": "a.txt", "bytes": 100, "cut": True}]


@pytest.mark.parametrize(
    "error", [OSError("gone"), StoreFailed("damaged"), KeyError("x"), ValueError("y")]
)
def test_a_part_that_fails_is_named_and_the_others_are_there(
    error: Exception, tmp_path: Path
) -> None:
    def failing() -> Iterator[str]:
        yield "begun"
        raise error

    path = tmp_path / "CP1.tar.gz"
    write(path, COVER, {"a.txt": failing, "b.txt": lambda: ["there"]})
    bad, good = manifest(path)["parts"]
    assert bad == {"name": "a.txt", "error": type(error).__name__, "bytes": 5}
    assert good == {"name": "b.txt", "bytes": 5}
    assert opened(path)["CP1/b.txt"] == "there"


def test_nothing_is_written_for_nobody(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        write(tmp_path / "x.tar.gz", COVER, {"a": lambda: ["x"]}, lambda: True)

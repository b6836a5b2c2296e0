"""What the station does without libcurl: it says so, and goes on."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from chargerd.runtime.files import Files
from chargerd.runtime.transfer.reasons import TransferFailed, Why
from chargerd.sections import FilesSection

URL = "ftp://bob:hunter2@files.example/in"
FILES = Files(FilesSection())


def untold(percent: int) -> None:
    """Hear nothing, for nothing comes."""
    raise AssertionError(percent)


@pytest.mark.parametrize(
    "move",
    [
        lambda path: FILES.fetch(URL, path, untold),
        lambda path: FILES.deliver(path, URL, False),
    ],
    ids=["fetch", "deliver"],
)
async def test_a_board_whose_libcurl_cannot_be_loaded_says_what_to_do(
    move: Callable[[Path], Awaitable[object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pycurl", None)  # as Python marks what is missing
    with pytest.raises(TransferFailed) as raised:
        await move(tmp_path / "file")
    assert raised.value.why is Why.NO_LIBRARY
    assert str(raised.value).startswith(
        "ftp://***@files.example/in: libcurl cannot be loaded; install pycurl anew"
    )

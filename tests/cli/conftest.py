"""Fixtures: a canned station on a real socket, and chargerctl to run against it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chargerd.cli.main import main
from tests.cli.station import Station, served


class Result(NamedTuple):
    code: int
    out: str
    err: str


Chargerctl = Callable[..., Result]


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def socket_path(station: Station, tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "control.sock")
    with served(station, path):
        yield path


@pytest.fixture
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """UTC, UTF-8, no terminal: the same text on every machine."""
    for name in ("COLUMNS", "NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def chargerctl(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    plain_terminal: None,
) -> Chargerctl:
    """Run one command in this process, with the environment given by name."""

    def run(*words: str, **environment: str) -> Result:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            try:
                code = main(list(words))
            except SystemExit as left:
                code = int(left.code or 0)
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def ask(chargerctl: Chargerctl, socket_path: str) -> Chargerctl:
    """Run one command against the canned station."""

    def run(*words: str, **environment: str) -> Result:
        return chargerctl(*words, CHARGERD_SOCKET=socket_path, **environment)

    return run

"""A bundle comes over the socket into a file of the technician's own."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Chargerctl
from tests.cli.station import BUNDLE, Station
from tests.cli.test_text import golden


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_bundle_is_written_where_the_technician_is(
    ask: Chargerctl, station: Station, here: Path
) -> None:
    result = ask("bundle", "--since", "6h")
    assert (result.code, result.err) == (0, "")
    assert result.out == golden("bundle", result.out)
    assert (here / BUNDLE).read_bytes() == b"first second"
    assert stat.S_IMODE((here / BUNDLE).stat().st_mode) == 0o600
    assert station.done == [("MakeBundle", {"since_s": 21_600})]


def test_a_bundle_can_have_another_name(ask: Chargerctl, here: Path) -> None:
    result = ask("--json", "bundle", "-o", "mine.tar.gz")
    told = json.loads(result.out)
    assert told == {
        "schema": "chargerctl/bundle/1",
        "file": "mine.tar.gz",
        "size_bytes": 12,
    }
    assert [file.name for file in here.iterdir()] == ["mine.tar.gz"]


def test_a_file_that_is_there_is_left_alone(ask: Chargerctl, here: Path) -> None:
    (here / BUNDLE).write_text("of yesterday")
    result = ask("bundle")
    assert result.code == 6
    assert "is there already" in result.err
    assert (here / BUNDLE).read_text() == "of yesterday"


def test_a_file_that_cannot_be_written_is_named(ask: Chargerctl) -> None:
    result = ask("bundle", "-o", "nowhere/x.tar.gz")
    assert result.code == 1
    assert "nowhere/x.tar.gz: No such file or directory" in result.err


def test_a_bundle_that_fails_half_way_is_not_left(
    ask: Chargerctl, station: Station, here: Path
) -> None:
    station.bundle = [b"first", None]
    result = ask("bundle")
    assert result.code == 6
    assert "the disk is full" in result.err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("text", ["", "h", "6", "6 h", "-1h", "1.5h", "6w", "²h"])
def test_a_time_that_is_none_is_a_matter_of_usage(ask: Chargerctl, text: str) -> None:
    result = ask("bundle", f"--since={text}")
    assert result.code == 2
    assert "time like 90m, 24h or 7d" in result.err


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("90m", 5400), ("7d", 604_800)]
)
def test_times_are_read_in_units(
    ask: Chargerctl, station: Station, text: str, seconds: int
) -> None:
    ask("bundle", "--since", text)
    assert station.done == [("MakeBundle", {"since_s": seconds})]


def test_clearing_the_security_log_is_asked_for_twice(
    ask: Chargerctl, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert ask("security-log", "clear").code == 6
    assert station.done == []
    assert ask("security-log", "clear", "--yes").code == 0
    assert station.done == [("ClearSecurityLog", {})]

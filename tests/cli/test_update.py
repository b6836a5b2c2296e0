"""``chargerctl update`` with a file, and to the end."""

import json
import os
import pty
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chargerd.cli import update_wait
from chargerd.cli.commands import Context, Document
from tests.cli.conftest import Chargerctl
from tests.cli.station import ENVIRONMENT, JOB, STATUS, UPDATE, Station, served
from tests.cli.test_process import PROGRAM
from tests.cli.test_text import golden

URL = "https://files.example/chargerd-0.2.0.whl"


def stands(state: str, **job: Any) -> dict[str, Any]:
    """Return what the station tells of the update that a test begins."""
    over = state.startswith(("installed", "download f", "installation f"))
    changed = {**JOB, "id": "new", "state": state, "over": over, **job}
    version = "0.2.0" if state in ("confirming", "installed") else "0.1.0"
    return {**UPDATE, "version": version, "transactions": 0, "job": changed}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_wait, "LOOKS_EVERY_S", 0.01)


def test_a_file_is_sent_whole_in_pieces_and_then_installed(
    ask: Chargerctl, station: Station, tmp_path: Path
) -> None:
    file = tmp_path / "chargerd-0.2.0.whl"
    content = bytes(range(256)) * 300
    file.write_bytes(content)
    result = ask("update", "install", str(file))
    assert (result.code, result.err) == (0, "")
    assert result.out == "● the update has begun\nHow it stands: chargerctl update\n"
    assert bytes(station.sent) == content
    assert station.done == [("InstallUpdate", {})]


def test_a_file_may_come_through_a_pipe(
    ask: Chargerctl, station: Station, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"firmware",))
    writer.start()
    assert ask("update", "install", str(pipe)).code == 0
    writer.join(10)
    assert bytes(station.sent) == b"firmware"


def test_a_folder_is_no_firmware(ask: Chargerctl, tmp_path: Path) -> None:
    result = ask("update", "install", str(tmp_path))
    assert result.code == 1
    assert "Is a directory; name a file" in result.err


def test_who_looks_on_sees_how_far_the_sending_is(
    station: Station, socket_path: str, tmp_path: Path
) -> None:
    file = tmp_path / "new.whl"
    file.write_bytes(bytes(40_000))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "update", "install", str(file)],
        env={**ENVIRONMENT, "CHARGERD_SOCKET": socket_path},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    with process:
        assert process.wait(10) == 0
    told = os.read(ours, 4096).decode()
    os.close(ours)
    assert told == f"\rsending {file}: 81 %\rsending {file}: 100 %\r\n"


def test_who_waits_sees_every_state_until_it_is_installed(
    ask: Chargerctl, station: Station, hurried: None
) -> None:
    station.course = [
        UPDATE,  # the daemon has not come to it yet
        stands("downloading"),
        stands("downloading"),
        stands("paused", left_s=60),
        stands("verifying"),
        {**stands("waiting for idle", left_s=90), "transactions": 2},
        {**stands("waiting for idle", left_s=60), "transactions": 1},
        {**stands("waiting for idle", left_s=59), "transactions": 1},
        stands("installing"),
        stands("installing", percent=42),
        stands("installing", percent=45),
        stands("rebooting"),
        stands("confirming"),
        stands("installed"),
    ]
    result = ask("update", "install", URL, "--wait")
    assert (result.code, result.err) == (0, "")
    assert result.out == golden("update install wait", result.out)


def test_who_waits_quietly_learns_it_from_the_exit_code(
    ask: Chargerctl, station: Station, hurried: None
) -> None:
    station.course = [stands("installing"), stands("installed")]
    assert ask("-q", "update", "install", URL, "--wait") == (0, "", "")


def test_who_waits_with_json_gets_one_document_for_every_change(
    ask: Chargerctl, station: Station, hurried: None
) -> None:
    station.course = [stands("downloading")] * 3
    station.update = stands("installed")
    result = ask("update", "install", URL, "--wait", "--json")
    documents = [json.loads(line) for line in result.out.splitlines()]
    assert [one["schema"] for one in documents] == [
        "chargerctl/update-install/1",
        "chargerctl/update/1",
        "chargerctl/update/1",
    ]
    assert documents[-1]["job"]["state"] == "installed"


def test_an_update_that_fails_says_why_and_what_to_do(
    ask: Chargerctl, station: Station, hurried: None
) -> None:
    station.update = stands("installation failed", why="health gate: meter is silent")
    result = ask("update", "install", URL, "--wait")
    assert result.code == 1
    assert result.err == (
        "chargerctl: not installed: health gate: meter is silent. Do: the version "
        "before runs; read journalctl -u chargerd, then begin again\n"
    )
    failed = ask("update", "install", URL, "--wait", "--json").out.splitlines()[-1]
    assert json.loads(failed)["error"]["code"] == "NOT_INSTALLED"


def test_an_update_whose_place_another_has_taken_is_not_waited_for(
    ask: Chargerctl, station: Station, hurried: None
) -> None:
    station.course = [stands("downloading")]
    result = ask("update", "install", URL, "--wait")
    assert result.code == 1
    assert "another update has taken its place" in result.err


def test_an_update_that_was_never_begun_is_not_waited_for(
    ask: Chargerctl, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_wait, "BEGUN_WITHIN_S", 0.0)
    result = ask("update", "install", URL, "--wait")
    assert result.code == 1
    assert "another update has taken its place" in result.err


def test_a_restart_in_between_is_waited_for(
    chargerctl: Chargerctl,
    station: Station,
    hurried: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = str(tmp_path / "control.sock")
    station.update = stands("rebooting")
    look = update_wait._asked
    with ExitStack() as daemon:

        def restarting(context: Context) -> Document | None:
            """End the daemon after the first look; start it after one in vain."""
            update = look(context)
            if update is None:
                station.update = stands("installed")
                daemon.enter_context(served(station, path))
            elif not update["job"]["over"]:
                daemon.close()
            return update

        daemon.enter_context(served(station, path))
        monkeypatch.setattr(update_wait, "_asked", restarting)
        result = chargerctl("update", "install", URL, "--wait", "--socket", path)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "● the update has begun",
        "● is installed; the station restarts",
        "○ no answer: the station restarts",
        "● installed: 0.2.0 runs",
    ]


def test_a_station_that_does_not_come_back_is_not_waited_for_for_ever(
    chargerctl: Chargerctl,
    station: Station,
    hurried: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = str(tmp_path / "control.sock")
    station.update = stands("rebooting")
    look = update_wait._asked
    with ExitStack() as daemon:

        def ending(context: Context) -> Document | None:
            update = look(context)
            daemon.close()
            return update

        daemon.enter_context(served(station, path))
        monkeypatch.setattr(update_wait, "BACK_WITHIN_S", 0.0)
        monkeypatch.setattr(update_wait, "_asked", ending)
        result = chargerctl("update", "install", URL, "--wait", "--socket", path)
    assert result.code == 7
    assert "the update may still happen" in result.err


def test_an_update_under_way_is_on_the_first_screen(
    ask: Chargerctl, station: Station
) -> None:
    station.status = {**STATUS, "update": "waiting for idle"}
    assert "  Update    ▲ waits for transactions to end\n" in ask("status").out


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"version": "0.1.0", "held": False, "transactions": 0}, "○ none"),
        (stands("scheduled"), "2026-03-02 13:58"),
        (stands("downloading"), "● the file is on its way\n"),
        (stands("downloading", percent=7), "● the file is on its way, 7 %\n"),
        (stands("install scheduled", install_at="2026-03-03T02:00:00Z"), "03 02:00"),
        (stands("paused", left_s=60), "tried again in 1m 00s"),
        (stands("download failed", why="404"), "✗ 404"),
        (stands("sleeping"), "○ sleeping"),
    ],
)
def test_every_state_has_words(
    ask: Chargerctl, station: Station, update: dict[str, Any], words: str
) -> None:
    station.update = update
    assert words in ask("update").out


def test_where_there_was_no_update_there_is_nothing_to_give_up(
    ask: Chargerctl, station: Station
) -> None:
    station.update = stands("installed")
    assert ask("update", "cancel").code == 6

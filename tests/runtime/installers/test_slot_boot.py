"""The program becomes the chosen version; whatever is broken, some version runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chargerd.runtime.installers import slot_state
from chargerd.runtime.installers.slot_state import SYSTEM, TRIES, Choice
from tests.runtime.installers import wheels

DIES = "raise SystemExit(3)\n"
RESTARTS = """\
import os, sys
from importlib import metadata

def main():
    sys.stdout.write(metadata.version("chargerd") + "\\n")
    sys.stdout.flush()
    if not os.path.exists("restarted"):
        open("restarted", "w").close()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
"""
TELLS = """\
import json, os, sys

def main():
    names = [n for n in os.environ if n.startswith(("PYTHON", "CHARGERD"))]
    sys.stdout.write(json.dumps({n: os.environ[n] for n in names}))
"""


class Board:
    """A board with version 1.0 in the system, and what is in its slots."""

    def __init__(self, directory: Path) -> None:
        self.system = wheels.tree(directory / "system", wheels.files("1.0"))
        self.state = directory / "state"
        self.slots = slot_state.slots_directory(self.state)
        self.file = directory / "station.toml"
        self.file.write_text(f'[storage]\ndirectory = "{self.state}"\n')

    def fill(self, slot: str, version: str, app: str = wheels.APP) -> None:
        wheels.tree(self.slots / slot, wheels.files(version, app))

    def choose(self, choice: Choice) -> None:
        slot_state.write(self.slots, choice)

    @property
    def choice(self) -> Choice:
        return slot_state.read(self.slots)

    def ended(
        self, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Start the program once; the working directory is the system's version."""
        return subprocess.run(
            [sys.executable, "-m", "chargerd", "--config", self.file, *arguments],
            cwd=self.system,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> str:
        """Return which versions have come so far as to say their name."""
        return self.ended(*arguments).stdout.strip()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_what_the_system_installed_starts_if_nothing_is_chosen(board: Board) -> None:
    assert board.start() == "1.0"
    assert not board.state.exists()


def test_a_good_version_starts_for_ever(board: Board) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a"))
    assert [board.start() for _ in range(TRIES + 2)] == ["2.0"] * (TRIES + 2)
    assert board.choice == Choice("a")


def test_a_version_that_has_not_proven_itself_is_left_when_its_tries_are_used_up(
    board: Board,
) -> None:
    board.fill("a", "2.0")
    board.fill("b", "3.0")
    board.choose(Choice("b", "a", TRIES, good=False, job="J"))
    assert [board.start() for _ in range(TRIES + 2)] == ["3.0"] * TRIES + ["2.0"] * 2
    assert board.choice == Choice("a")


@pytest.mark.parametrize("file", ["app.py", "__main__.py", "__init__.py"])
@pytest.mark.parametrize("code", [DIES, "if:\n"])
def test_a_version_that_dies_at_its_start_gives_way_to_the_one_before(
    board: Board, file: str, code: str
) -> None:
    board.fill("a", "2.0")
    (board.slots / "a/chargerd" / file).write_text(code)
    board.choose(Choice("a", SYSTEM, TRIES, good=False))
    assert [board.start() for _ in range(TRIES + 1)] == [""] * TRIES + ["1.0"]


def test_to_look_only_is_no_try(board: Board) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a", SYSTEM, 1, good=False))
    assert {board.start(option) for option in ("--check", "--version")} == {"2.0"}
    assert board.choice.tries_left == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"slot": "../x", "before": "", "tries_left": 3}',
        b'{"slot": "a", "before": "", "tries_left": "3"}',
        b'{"slot": ["a"], "before": "", "tries_left": 3}',
    ],
)
def test_a_broken_choice_is_none(board: Board, content: bytes) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a"))
    (board.slots / "chosen.json").write_bytes(content)
    assert board.start() == "1.0"


def test_a_chosen_slot_that_is_not_there_is_left(board: Board) -> None:
    board.choose(Choice("a"))
    ended = board.ended()
    assert ended.stdout == "1.0\n"
    assert ended.stderr == (
        "chargerd: slot a holds no version; the system's version starts\n"
    )
    board.fill("b", "3.0")
    board.choose(Choice("a", "b", TRIES, good=False))
    assert board.start() == "3.0"


def test_a_try_that_cannot_be_counted_is_not_made(board: Board) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a", SYSTEM, TRIES, good=False))
    (board.slots / "chosen.json.next").mkdir()
    ended = board.ended()
    assert ended.stdout == "1.0\n"
    assert ended.stderr.endswith("mend the disk\n")
    assert board.choice.tries_left == TRIES


@pytest.mark.parametrize("text", ["[storage", "storage = 1", None])
def test_a_broken_station_file_is_left_to_the_daemon(
    board: Board, text: str | None
) -> None:
    if text is None:
        board.file.unlink()
    else:
        board.file.write_text(text)
    assert board.start() == "1.0"


def test_a_station_with_another_updater_does_not_look_at_slots(board: Board) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a"))
    with board.file.open("a") as file:
        file.write('[firmware]\ninstaller = "rauc"\n')
    assert board.start() == "1.0"


def test_the_state_is_found_where_systemd_says(board: Board) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a"))
    board.file.write_text("")
    ended = board.ended(STATE_DIRECTORY=f"{board.state}:/elsewhere")
    assert ended.stdout == "2.0\n"


def test_a_restart_by_the_daemon_itself_makes_the_choice_anew(board: Board) -> None:
    board.fill("a", "2.0", RESTARTS)
    board.choose(Choice("a", SYSTEM, 1, good=False))
    assert board.start() == "2.0\n1.0"


def test_a_restart_goes_on_with_what_was_chosen_meanwhile(board: Board) -> None:
    (board.system / "chargerd/app.py").write_text(
        RESTARTS.replace("restarted", "moved").replace(
            "    if not",
            "    from chargerd.runtime.installers import slot_state\n"
            "    from pathlib import Path\n"
            f"    slot_state.write(Path({str(board.slots)!r}),"
            " slot_state.Choice('a'))\n"
            "    if not",
        )
    )
    board.fill("a", "2.0")
    assert board.start() == "1.0\n2.0"


def test_what_a_slot_starts_finds_the_environment_as_it_was(board: Board) -> None:
    board.fill("a", "2.0", TELLS)
    board.choose(Choice("a"))
    assert json.loads(board.start()) == {}
    kept = {"PYTHONPATH": str(board.system), "CHARGERD_BOOT_ID": "x"}
    assert json.loads(board.ended(**kept).stdout) == kept


def test_a_python_that_heeds_no_environment_stays_with_the_system(
    board: Board,
) -> None:
    board.fill("a", "2.0")
    board.choose(Choice("a", SYSTEM, TRIES, good=False))
    code = (
        "import sys; sys.path.insert(0, '.'); import chargerd.__main__ as it; it.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-E", "-c", code, "--config", board.file],
        cwd=board.system,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "1.0\n"

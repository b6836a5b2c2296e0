"""The shipped completion script: its table against the tree, and real bash.

Set UPDATE_GOLDEN=1 to write the table anew.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargerd.cli import options
from chargerd.cli.main import build_parser
from tests.cli.conftest import Chargerctl
from tests.cli.station import ENVIRONMENT

SCRIPT = Path(options.__file__).parent / "chargerctl.bash"
KINDS = {
    "CONNECTOR": "@connectors",
    "CONNECTOR|SESSION|last": "@connectors",
    "CONNECTOR|station": "@places",
    "RESERVATION": "@reservations",
    "SESSION": "@sessions",
    "MESSAGE": "@messages",
    "KEY": "@keys",
    "KEY=VALUE": "@keys",
    "FAULT": "@faults",
    "NAME": "@mock-faults",
    "FILE|URL": "@files",
    "FILE": "@files",
    "FINGERPRINT": "@roots",
}


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


def names(actions: list[argparse.Action]) -> list[str]:
    return [name for action in actions for name in action.option_strings]


COMMON = ["-h", "--help", *names(options_of(options.COMMON))]


def positional(action: argparse.Action) -> str:
    if action.choices:
        return ",".join(action.choices)
    kind = KINDS.get(str(action.metavar), "-")
    return kind + "*" if action.nargs == "+" else kind


def rows(parser: argparse.ArgumentParser, path: str) -> Iterator[str]:
    verbs = verbs_of(parser)
    own = [name for name in names(options_of(parser)) if name not in COMMON]
    given = [
        positional(action)
        for action in parser._actions
        if not action.option_strings
        and not isinstance(action, argparse._SubParsersAction)
    ]
    yield "|".join((path, " ".join(verbs), " ".join(own), " ".join(given)))
    for name, verb in verbs.items():
        yield from rows(verb, f"{path} {name}")


def valued(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from names([one for one in options_of(parser) if one.nargs != 0])
    for verb in verbs_of(parser).values():
        yield from valued(verb)


def test_the_word_lists_are_those_of_the_tree() -> None:
    parser = build_parser()
    lists = {
        "table": "\n" + "\n".join(rows(parser, parser.prog)) + "\n",
        "common": " ".join(COMMON),
        "valued": " ".join(sorted(set(valued(parser)))),
    }
    script = wanted = SCRIPT.read_text()
    for name, words in lists.items():
        wanted = re.sub(
            f"(?s)(_chargerctl_{name}=)'.*?'", rf"\1'{words}'", wanted, count=1
        )
    if os.environ.get("UPDATE_GOLDEN"):
        SCRIPT.write_text(wanted)
    assert script == wanted


def test_the_script_is_printed_as_it_is_shipped(chargerctl: Chargerctl) -> None:
    assert chargerctl("completion", "bash").out == SCRIPT.read_text()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A chargerctl on the search path, whatever is installed on this machine."""
    script = tmp_path / "bin" / "chargerctl"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\nfrom chargerd.cli.main import main\nexit(main())\n"
    )
    script.chmod(0o755)
    return script


def completed(program: Path, socket_path: str, line: str) -> set[str]:
    """Return what bash offers when Tab is pressed at the end of a line."""
    words = re.findall(r"=|[^ =]+", line) + ([""] if line.endswith(" ") else [])
    quoted = " ".join(f"'{word}'" for word in words)
    result = subprocess.run(
        [
            "bash",
            "--norc",
            "-c",
            f"source '{SCRIPT}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1};"
            '_chargerctl; printf "%s\\n" "${COMPREPLY[@]}"',
        ],
        env={
            **ENVIRONMENT,
            "PATH": f"{program.parent}:{ENVIRONMENT['PATH']}",
            "CHARGERD_SOCKET": socket_path,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chargerctl se", {"security-log", "session"}),
        ("chargerctl session ", {"list", "show"}),
        ("chargerctl --json=pretty session sh", {"show"}),
        ("chargerctl --timeout 3 session show ", {"a3f2c9e1", "a3f27700"}),
        ("chargerctl why ", {"ccs1", "ccs2"}),
        ("chargerctl queue ", {"list", "quarantine", "show", "retry", "drop"}),
        ("chargerctl config get Heart", {"HeartbeatInterval"}),
        ("chargerctl config get HeartbeatInterval Num", {"NumberOfConnectors"}),
        ("chargerctl fault show co", {"contactor-weld"}),
        ("chargerctl mock fault em", {"emergency-stop"}),
        ("chargerctl mock fault emergency-stop ", {"on", "off"}),
        ("chargerctl mock link b", {"blackhole"}),
        ("chargerctl mock tag 04A1 --connector ", {"ccs1", "ccs2"}),
        ("chargerctl mock plug --max", {"--max-kw", "--max-voltage-v"}),
        ("chargerctl mock plug --soc 20 ccs", {"ccs1", "ccs2"}),
        ("chargerctl link --tim", {"--timeout"}),
        ("chargerctl completion ", {"bash"}),
        ("chargerctl csms cert remove ", {"3f9a01c2", "77b0e4d1"}),
        ("chargerctl csms cert re", {"renew", "remove"}),
        ("chargerctl update install --re", {"--replace"}),
        (
            f"chargerctl update install {SCRIPT.parent}/op",
            {f"{SCRIPT.parent}/options.py"},
        ),
    ],
)
def test_bash_offers(
    program: Path, socket_path: str, line: str, offered: set[str]
) -> None:
    assert completed(program, socket_path, line) == offered


def test_bash_asks_the_socket_that_the_line_names(
    program: Path, socket_path: str
) -> None:
    line = f"chargerctl --socket {socket_path} why ccs"
    assert completed(program, "/nonexistent", line) == {"ccs1", "ccs2"}


def test_bash_is_offered_nothing_without_a_daemon(program: Path) -> None:
    assert completed(program, "/nonexistent", "chargerctl why ") == set()


@pytest.mark.parametrize("kind", ["nonsense", "", "connectors"])
def test_names_that_cannot_be_had_are_no_complaint(
    chargerctl: Chargerctl, kind: str
) -> None:
    result = chargerctl("--complete", kind, CHARGERD_SOCKET="/nonexistent")
    assert result == (1, "", "")

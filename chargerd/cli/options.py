"""The options that every command takes, and how commands join the tree."""

import argparse
from typing import Any, Final

from chargerd.cli.commands import Run

Verbs = Any  # argparse keeps the type of add_subparsers() to itself

DEFAULTS: Final = {
    "json": None,
    "socket": None,
    "no_legend": False,
    "quiet": False,
    "timeout": 5.0,
    "history": False,
    "changed": False,
    "limit": 20,
    "all": False,
    "yes": False,
    "until_idle": False,
    "since": None,
    "output": None,
    "replace": False,
    "wait": False,
    "check": False,
}
"""Set before parsing, since an option may stand before and after the verb."""


def positive(text: str) -> float:
    """Read a number above zero."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


def whole(text: str) -> int:
    """Read a whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


positive.__name__ = "number above zero"  # what argparse calls them in its errors
whole.__name__ = "whole number above zero"


def verbs(parser: argparse.ArgumentParser, word: str) -> Verbs:
    """Give a command sub-commands, none of which has to be named."""
    return parser.add_subparsers(title=word.lower() + "s", metavar=word)


def command(parent: Verbs, name: str, help_: str, run: Run) -> argparse.ArgumentParser:
    """Add a command to the tree."""
    parser: argparse.ArgumentParser = parent.add_parser(
        name, help=help_, description=help_, parents=[COMMON], allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def option(parser: argparse.ArgumentParser, *flags: str, **settings: Any) -> None:
    """Add an option whose default stands in ``DEFAULTS``."""
    parser.add_argument(*flags, default=argparse.SUPPRESS, **settings)


def limit(parser: argparse.ArgumentParser) -> None:
    """Add ``-n``."""
    option(
        parser,
        *("-n", "--limit"),
        type=whole,
        metavar="N",
        help="how many at the most (20)",
    )


def _common() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("common options")
    settings: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
        (
            ("--json", "--json=short"),
            {"action": "store_const", "const": "short", "help": "print JSON"},
        ),
        (
            ("--json=pretty",),
            {
                "action": "store_const",
                "const": "pretty",
                "dest": "json",
                "help": "print JSON in many lines",
            },
        ),
        (("--socket",), {"metavar": "PATH", "help": "the daemon's control socket"}),
        (("--no-legend",), {"action": "store_true", "help": "no table headers"}),
        (
            ("-q", "--quiet"),
            {"action": "store_true", "help": "no confirmations, no hints"},
        ),
        (
            ("--timeout",),
            {
                "type": positive,
                "metavar": "S",
                "help": "seconds to wait for an answer (5)",
            },
        ),
    )
    for flags, rest in settings:
        group.add_argument(*flags, default=argparse.SUPPRESS, **rest)
    return parser


COMMON: Final = _common()

"""chargerctl, the technician's tool: a thin client of the control socket.

It has to start fast on a small board, so nothing here or below imports asyncio,
dataclasses or anything of the daemon but ``control``.
"""

import argparse
import os
import sys
from typing import Final

from chargerd import control
from chargerd.cli import (
    booking,
    completion,
    csms,
    hardware,
    keys,
    logs,
    meters,
    mock,
    options,
    overview,
    power,
    problems,
    queue,
    sessions,
    tags,
    terminal,
    update,
    watch,
    why,
)
from chargerd.cli.client import Client
from chargerd.cli.commands import Context
from chargerd.cli.problems import Problem

_EPILOG: Final = """\
exit codes: 0 done, 1 failed, 2 usage, 3 daemon not reachable, 4 not permitted,
5 no such connector, session, message, key or fault, 6 refused by state, 7 timeout
"""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        return _main(words)
    except KeyboardInterrupt:
        return problems.INTERRUPTED
    except BrokenPipeError:
        # Python would complain once more when it flushes stdout at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return problems.BROKEN_PIPE


def build_parser() -> argparse.ArgumentParser:
    """Return the whole tree of commands."""
    parser = argparse.ArgumentParser(
        prog="chargerctl",
        description="Shows and drives the charging station of this machine.",
        epilog=_EPILOG,
        parents=[options.COMMON],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=overview.status)
    nouns = options.verbs(parser, "COMMAND")
    overview.add(nouns)
    top = options.command(nouns, "top", "live view (q quits)", _top)
    top.add_argument("--once", action="store_true", help="print one frame as text")
    for family in (
        why,
        watch,
        sessions,
        booking,
        tags,
        queue,
        power,
        meters,
        hardware,
        logs,
        keys,
        update,
        csms,
        mock,
        completion,
    ):
        family.add(nouns)
    return parser


def _main(words: list[str]) -> int:
    if words[:1] == ["--complete"]:
        return completion.complete(" ".join(words[1:]), _socket(None))
    defaults = argparse.Namespace(**options.DEFAULTS)
    arguments = build_parser().parse_args(words, defaults)
    screen = terminal.terminal_of(
        sys.stdout,
        os.environ,
        legend=not arguments.no_legend,
        quiet=arguments.quiet,
    )
    with Client(_socket(arguments.socket), arguments.timeout) as client:
        context = Context(client, arguments, screen)
        try:
            exit_code: int = arguments.run(context)
        except Problem as problem:
            if arguments.json:
                context.print_json("error", problem.document())
            print(f"chargerctl: {screen.plain(str(problem))}", file=sys.stderr)
            exit_code = problem.exit_code
    return exit_code


def _socket(option: str | None) -> str:
    return control.socket_path(option, os.environ, os.geteuid())


def _top(context: Context) -> int:
    from chargerd.cli import top  # noqa: PLC0415  # curses would slow every start

    return top.run(context)

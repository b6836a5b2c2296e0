"""The command ``benchcsms``: the bench itself, and a thin client of a running one."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from benchcsms.client import Client, control_path
from benchcsms.control import control, write_script
from benchcsms.dialogue import Entry, readable
from benchcsms.server import Csms
from benchcsms.settings import Json, NotDone, Settings

_DONE, _FAILED, _UNUSABLE = 0, 1, 2
_PORT: Final = 9000
_TAG_STATUSES: Final = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
_FOLLOW_S: Final = 3600.0


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0] not in (*_CLIENTS, "serve", "-h", "--help"):
        given.insert(0, "serve")
    options = _parser().parse_args(given)
    try:
        if options.command == "serve":
            return asyncio.run(_serve(options))
        with Client(options.control) as client:
            return _CLIENTS[options.command](client, options)
    except NotDone as error:
        print(f"benchcsms: {error}", file=sys.stderr)
        return _UNUSABLE if options.command == "serve" else _FAILED
    except KeyboardInterrupt:
        return 130


async def _serve(options: argparse.Namespace) -> int:
    with ExitStack() as files:
        csms = Csms(_settings(options), list(_listeners(options, files)))
        for path in options.answer:
            _read_answers(csms, path)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, csms.stopped.set)
        async with control(csms, options.control):
            with _told_where(f"{options.host}:{options.port}", "--port"):
                await csms.__aenter__()
            ...
    return _DONE

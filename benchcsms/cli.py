"""The command ``benchcsms``: the bench itself, and a thin client of a running one."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchcsms import authority, firmware
from benchcsms.client import Client
from benchcsms.control import control, write_script
from benchcsms.dialogue import BOTH, Entry, readable
from benchcsms.options import parser, settings
from benchcsms.server import Csms
from benchcsms.settings import Json, NotDone

_DONE, _FAILED, _UNUSABLE, _INTERRUPTED = 0, 1, 2, 130
_FOLLOW_S: Final = 86_400.0


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0] not in (*_CLIENTS, *_ALONE, "-h", "--help"):
        given.insert(0, "serve")
    options = parser().parse_args(given)
    try:
        if options.command in _ALONE:
            return _ALONE[options.command](options)
        with Client(options.control) as client:
            return _CLIENTS[options.command](client, options)
    except NotDone as error:
        print(f"benchcsms: {error}", file=sys.stderr)
        return _UNUSABLE if options.command == "serve" else _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # whoever read us has gone; the interpreter flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE


def _ca(options: argparse.Namespace) -> int:
    wanted = options.directory, options.host, options.serial, options.cpo
    print(*authority.make(*wanted, force=options.force), sep="\n")
    return _DONE


def _sign_firmware(options: argparse.Namespace) -> int:
    certificate, key = authority.firmware_signer(options.authority)
    print(firmware.sign(options.file, key))
    # apart, so that what was printed can be a file of its own
    print(f"benchcsms: signed for {certificate}", file=sys.stderr)
    return _DONE


async def _serve(options: argparse.Namespace) -> int:
    with ExitStack() as files:
        csms = Csms(settings(options), _listeners(options, files))
        for path in options.answer:
            _read_script(csms, path)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, csms.stopped.set)
        async with csms, control(csms, options.control):
            where = f"{csms.url} control {options.control}"
            print(f"benchcsms: listening on {where}", flush=True)
            for url in csms.urls[1:]:
                print(f"benchcsms: listening on {url}", flush=True)
            if csms.files_url is not None:
                print(f"benchcsms: files on {csms.files_url}", flush=True)
            await csms.stopped.wait()
    return _DONE


def _listeners(
    options: argparse.Namespace, files: ExitStack
) -> list[Callable[[Entry], None]]:
    listeners: list[Callable[[Entry], None]] = []
    if options.log is not None:
        try:
            log = files.enter_context(options.log.open("a", buffering=1))
        except OSError as error:
            raise NotDone(
                f"--log {options.log}: {error.strerror}; name another file"
            ) from None
        listeners.append(lambda entry: print(json.dumps(entry.as_json()), file=log))
    if options.verbose:
        listeners.append(
            lambda entry: print(readable(entry.as_json()), file=sys.stderr)
        )
    return listeners


def _read_script(csms: Csms, path: Path) -> None:
    try:
        scripts = json.loads(path.read_text())
        if not isinstance(scripts, list):
            raise NotDone('not a list; write [{"action": "…", "replies": [{…}]}]')
        for script in scripts:
            write_script(csms, script)
    except OSError as error:
        raise NotDone(f"--answer {path}: {error.strerror}; name another") from None
    except (NotDone, ValueError) as error:
        raise NotDone(f"--answer {path}: {error}") from None


def _call(client: Client, options: argparse.Namespace) -> int:
    said = client.ask(
        "call",
        station=options.station,
        action=options.action,
        payload=options.payload,
    )
    if "call_error" in said:
        refused = said["call_error"]
        print(f"{refused['code']}: {refused['description']}", file=sys.stderr)
        return _FAILED
    _print_json(said["result"])
    return _DONE


def _stations(client: Client, _options: argparse.Namespace) -> int:
    for station in client.ask("stations")["stations"]:
        there = "connected" if station["connected"] else "away"
        statuses = [
            f"{connector} {said['status']}"
            for connector, said in sorted(station["statuses"].items())
        ]
        violations = f"{station['violations']} violations"
        print(", ".join([station["identity"], there, *statuses, violations]))
    return _DONE


def _log(client: Client, options: argparse.Namespace) -> int:
    seq = 0
    while True:
        for entry in client.ask("log", since=seq)["log"]:
            seq = entry["seq"]
            print(readable(entry), flush=True)
        if not options.follow:
            return _DONE
        client.ask("wait", direction=BOTH, since=seq, timeout_s=_FOLLOW_S)


def _transactions(client: Client, options: argparse.Namespace) -> int:
    _print_json(client.ask("transactions", station=options.station)["transactions"])
    return _DONE


def _print_json(value: Json) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


_ALONE: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "ca": _ca,
    "serve": lambda options: asyncio.run(_serve(options)),
    "sign-firmware": _sign_firmware,
}
"""Commands that need no running bench."""

_CLIENTS: Final[Mapping[str, Callable[[Client, argparse.Namespace], int]]] = {
    "call": _call,
    "log": _log,
    "stations": _stations,
    "transactions": _transactions,
}

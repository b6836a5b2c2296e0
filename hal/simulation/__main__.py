"""Run a simulated cabinet: ``python -m hal.simulation STATION_FILE --directory DIR``.

It writes the station file that fits it, says so on one line, and runs until it is told
to end. While it runs, what it is asked on the command line goes to it:
``python -m hal.simulation --directory DIR plug connector=1``.
"""

import argparse
import asyncio
import json
import signal
import socket
import sys
import tomllib
from pathlib import Path
from typing import Any

from hal.errors import HardwareError
from hal.mock import simulation as mock
from hal.simulation.cabinet import SOCKET, Unfit, cabinet
from hal.wire import play


def main(words: list[str] | None = None) -> int:
    """Run a cabinet, or speak with one."""
    wanted = _parser().parse_args(words)
    try:
        if wanted.verb is not None:
            told = _speak(wanted.directory / SOCKET, wanted.verb, wanted.arguments)
            print(json.dumps(told, indent=2))
            return 0
        wanted.directory.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_run(wanted))
    except (HardwareError, Unfit, play.Refused, OSError) as error:
        print(f"cabinet: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cabinet")
    parser.add_argument("--file", type=Path, default=Path("etc/cabinet.toml"))
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=1.0, help="of the world's time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("verb", nargs="?", help="such as plug, set_fault or observe")
    parser.add_argument("arguments", nargs="*", metavar="KEY=VALUE", help="as in TOML")
    return parser


async def _run(wanted: argparse.Namespace) -> int:
    state = str(wanted.directory / "world")
    world = mock.Config(seed=wanted.seed, rate=wanted.rate, state=state)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with cabinet(wanted.file, wanted.directory, world) as file:
        print(f"cabinet: ready; try: chargerd --config {file}", flush=True)
        await ended.wait()
    return 0


def _speak(path: Path, verb: str, pairs: list[str]) -> Any:
    try:
        arguments = tomllib.loads("\n".join(pairs))
    except tomllib.TOMLDecodeError as error:
        raise play.Refused(f"{error}; write arguments like connector=1") from error
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(play.request(verb, arguments))
        with connection.makefile("rb") as answers:
            return play.result(answers.readline(play.LONGEST))


if __name__ == "__main__":
    sys.exit(main())

"""Runs a program to its end, line by line; one given up leaves nothing behind."""

import asyncio
import os
import signal
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from chargerd.runtime.installers.interface import InstallError, Progress, Trouble

GRACE_S: Final = 5.0
"""So long a program has after SIGTERM."""
_LONGEST_BYTES: Final = 64 * 1024
"""Of a line that is longer only the end is looked at."""
_PIECE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program has ended."""

    code: int
    """Below zero: the signal that ended it."""
    reason: str
    """The last line that it wrote on stderr."""


async def run(
    command: Sequence[str],
    take: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program; when this is cancelled, it has ended too.

    Args:
        command: The program and its arguments.
        take: Given each line of its stdout.
        environment: ``None``: our own.

    Raises:
        InstallError: It cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        text = f"{command[0]}: {error.strerror}; name a program that is there"
        raise InstallError(Trouble.UNREACHABLE, text) from None
    assert process.stdout is not None
    assert process.stderr is not None
    said = [""]
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_lines(process.stdout, take))
            tasks.create_task(_lines(process.stderr, said.append))
        code = await process.wait()
    finally:
        await _end(process)
    return Ended(code, said[-1])


def percent(told: Progress, most: int = 100) -> Callable[[str], None]:
    """Return what reads lines like ``40%``; others are passed over.

    Args:
        told: Given what they say.
        most: What 100 % of the program are of the whole.
    """

    def take(line: str) -> None:
        number = line.removesuffix("%").strip()
        if line.endswith("%") and number.isascii() and number.isdigit():
            told(min(int(number[:4]), 100) * most // 100)

    return take


async def _lines(stream: StreamReader, take: Callable[[str], None]) -> None:
    rest = b""
    while piece := await stream.read(_PIECE_BYTES):
        # A terminal's progress bar goes back to the beginning of its line.
        *whole, rest = (rest + piece).replace(b"\r", b"\n").split(b"\n")
        rest = rest[-_LONGEST_BYTES:]
        _give(whole, take)
    _give([rest], take)


def _give(lines: Sequence[bytes], take: Callable[[str], None]) -> None:
    for line in lines:
        if words := line.decode(errors="replace").strip():
            take(words)


async def _end(process: Process) -> None:
    """End a program that still runs, and all that it has started."""
    try:
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
    finally:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)

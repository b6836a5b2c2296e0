"""Sends a firmware file, and follows an update to its end, through restarts too."""

import binascii
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from chargerd.cli import problems, update_words
from chargerd.cli.commands import Context, Document
from chargerd.cli.problems import Problem
from chargerd.cli.terminal import OFF, mark

PIECE_BYTES: Final = 32 * 1024
LOOKS_EVERY_S: Final = 0.5
BEGUN_WITHIN_S: Final = 10.0
BACK_WITHIN_S: Final = 120.0
"""So long a station may take for a restart."""
_AWAY: Final = frozenset({"UNREACHABLE", "HUNG_UP", "TIMEOUT"})


def send(context: Context, path: str) -> int:
    """Send a file piece by piece; return its bytes."""
    sent_bytes = 0
    with _read(path) as file, _shown(context) as show:
        # A pipe does not say how much will come.
        whole_bytes = os.fstat(file.fileno()).st_size
        while piece := file.read(PIECE_BYTES):
            content = binascii.b2a_base64(piece, newline=False).decode("ascii")
            sent_bytes = context.station(
                "SendFirmware", offset=sent_bytes, content=content
            )["size"]
            percent = 100 * sent_bytes // max(whole_bytes, sent_bytes)
            show(f"sending {path}: {percent} %")
    if not sent_bytes:
        raise Problem(problems.FAILED, "EMPTY_FILE", f"{path}: empty; fetch it again")
    return sent_bytes


def follow(context: Context, job: str) -> int:
    """Show each state that an update comes to; return once it is installed."""
    told: object = None
    update: Document | None = None
    for update in _looks(context, job):
        seen = _worth_telling(update)
        if seen != told:
            told = seen
            _tell(context, update)
    assert update is not None
    if update["job"]["state"] != update_words.INSTALLED:
        raise _not_installed(update["job"])
    return 0


@contextmanager
def _read(path: str) -> Iterator[Any]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        text = f"{path}: {error.strerror}; name a file that you may read, or a URL"
        raise Problem(problems.FAILED, "FILE_UNREADABLE", text) from error


@contextmanager
def _shown(context: Context) -> Iterator[Any]:
    """Give what writes over one line again and again, where people look at it."""
    quiet = context.terminal.quiet or context.arguments.json
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        yield lambda text: sys.stderr.write(f"\r{context.terminal.plain(text)}")
    finally:
        sys.stderr.write("\n")


def _looks(context: Context, job: str) -> Iterator[Document | None]:
    """Yield how an update stands, ``None`` while nobody answers, until it has ended."""
    begun_s = heard_s = time.monotonic()
    begun = False
    while True:
        update, now_s = _asked(context), time.monotonic()
        if update is not None:
            heard_s = now_s
        elif now_s - heard_s > BACK_WITHIN_S:
            raise _lost(job)
        if update is None:
            yield None
        elif update.get("job", {}).get("id") == job:
            begun = True
            yield update
            if update["job"]["over"]:
                return
        elif begun or now_s - begun_s > BEGUN_WITHIN_S:
            raise _superseded(job)
        time.sleep(LOOKS_EVERY_S)


def _asked(context: Context) -> Document | None:
    try:
        return context.station("GetUpdate")
    except Problem as problem:
        if problem.code not in _AWAY:
            raise
        context.client.close()
        return None


def _worth_telling(update: Document | None) -> object:
    """Return what of an update is told when it changes."""
    if update is None:
        return None
    job = update["job"]
    return job["state"], job.get("percent", 0) // 10, update["transactions"]


def _tell(context: Context, update: Document | None) -> None:
    if update is not None and context.arguments.json:
        context.print_json("update", update)
    elif not context.terminal.quiet and not context.arguments.json:
        away = mark(OFF, "no answer: the station restarts")
        line = update_words.progress(update) if update is not None else away
        context.terminal.print([(line,)])


def _not_installed(job: Document) -> Problem:
    why = job.get("why", job["state"])
    text = f"not installed: {why}. Do: {update_words.remedy(job['state'])}"
    return Problem(problems.FAILED, "NOT_INSTALLED", text, job=job)


def _lost(job: str) -> Problem:
    text = (
        f"no answer for {BACK_WITHIN_S:g} s; the update may still happen; look at "
        "systemctl status chargerd, then: chargerctl update"
    )
    return Problem(problems.TIMED_OUT, "LOST", text, id=job, pending=True)


def _superseded(job: str) -> Problem:
    text = "another update has taken its place; see: chargerctl update history"
    return Problem(problems.FAILED, "SUPERSEDED", text, id=job)

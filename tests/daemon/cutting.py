"""A station that is killed at every commit of one change, and then looked at."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

from benchcsms import authority
from benchcsms.dialogue import RECEIVED, Entry
from benchcsms.server import Csms
from benchcsms.settings import NotDone, Tls
from tests.daemon.process import Daemon, NotAnswered

KILLED_AT: Final = str(Path(__file__).with_name("killed_at.py"))
AT_ONCE: Final = 4
"""So many stations are killed at the same time: the machine has few cores."""
WITHIN_S: Final = 60.0
BEFORE, AFTER = "before", "after"
OLD_KEY: Final = bytes(range(16))
"""The AuthorizationKey that stations begin with."""

Do = Callable[[Daemon], Awaitable[None]]


class Bench:
    """A folder with an authority, and stations that know the bench by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = folder / "authority"
        authority.make(self.made, "127.0.0.1", "SN-1", "Bench")
        key = folder / "key"
        key.write_text(OLD_KEY.hex())
        self.lines = f'authorization_key_file = "{key}"\n'
        self.tls_lines = (
            f'{self.lines}root_files = ["{self.made}/root.pem"]\n'
            f'certificate_file = "{self.made}/station.pem"\n'
            f'private_key_file = "{self.made}/station.key"\n'
        )
        self._daemons: list[Daemon] = []

    def tls(self) -> Tls:
        root = self.made / "root.pem"
        return Tls(self.made / "bench.pem", self.made / "bench.key", root)

    def station(self, csms: Csms, identity: str, **more: Any) -> Daemon:
        daemon = Daemon(csms, self.folder / identity, identity, **more)
        self._daemons.append(daemon)
        return daemon

    async def close(self) -> None:
        for daemon in self._daemons:
            if daemon.process is not None:
                await daemon.kill()
            daemon.manager.close()


async def nothing(_: Daemon) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Story:
    """A change, and what must be true whatever became of it."""

    make: Callable[[str], Daemon]
    """Makes a station, with this identity."""
    change: Do
    """Goes the whole way, if nobody dies meanwhile."""
    proof: Do
    """Looks at a station that is up again."""
    prepare: Do = nothing
    whens: tuple[str, ...] = (BEFORE, AFTER)
    first: int = 1
    every: int = 1
    """Which commits: one of so many, where all are cut at without a daemon too."""


async def cut_everywhere(story: Story) -> int:
    """Kill a station at each commit of a change; return how many there were."""
    whole = story.make("WHOLE")
    commits = await _changed(story, whole, 0, AFTER)
    await calm(whole)
    await story.proof(whole)
    await whole.kill()
    total = int(commits.read_text())
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(at: int, when: str) -> None:
        async with turns:
            await _cut(story, at, when)

    chosen = range(story.first, total + 1, story.every)
    cuts: Iterable[tuple[int, str]] = product(chosen, story.whens)
    async with asyncio.TaskGroup() as stations:
        for at, when in cuts:
            stations.create_task(one(at, when))
    return total


async def _cut(story: Story, at: int, when: str) -> None:
    daemon = story.make(f"{when}-{at}")
    await _changed(story, daemon, at, when)
    try:
        await daemon.kill()  # where this run had one commit less than the whole one
        await daemon.start()
        await calm(daemon)
        await story.proof(daemon)
    except Exception as error:
        error.add_note(f"killed {when} commit {at}; the log: {daemon.log}")
        raise
    finally:
        await daemon.kill()


async def _changed(story: Story, daemon: Daemon, at: int, when: str) -> Path:
    """Let a station change, or die; return where its commits were counted."""
    commits = daemon.directory / "commits"
    await daemon.start(KILLED_AT, KILL_AT=str(at), KILL_WHEN=when, COMMITS=str(commits))
    match = {"connectorId": 2, "status": "Available"}
    await daemon.heard("StatusNotification", match=match, timeout_s=WITHIN_S)
    await calm(daemon)
    await story.prepare(daemon)
    await calm(daemon)
    commits.write_text("0")
    changing = asyncio.create_task(_tried(story.change, daemon, at))
    ending = asyncio.create_task(daemon.ended(WITHIN_S))
    done, _ = await asyncio.wait(
        {changing, ending}, return_when=asyncio.FIRST_COMPLETED
    )
    for task in (changing, ending):
        task.cancel()
    await asyncio.wait({changing, ending})
    if changing in done:
        changing.result()
    return commits


async def _tried(change: Do, daemon: Daemon, at: int) -> None:
    try:
        await change(daemon)
    except (NotAnswered, NotDone, OSError, asyncio.IncompleteReadError):
        if at == 0:
            raise
        with suppress(TimeoutError):
            await daemon.ended(WITHIN_S)


async def calm(daemon: Daemon) -> dict[str, Any]:
    """Wait until a station is online and has told everything; return its status."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            # A station that restarts itself is not there for a moment.
            with suppress(NotAnswered, OSError, asyncio.IncompleteReadError):
                return await daemon.watch_until(_has_told, WITHIN_S)
            await asyncio.sleep(0.05)


def _has_told(status: Mapping[str, Any]) -> bool:
    return status["link"]["state"] == "online" and not status["messages_waiting"]


async def decided(daemon: Daemon, number: int = 0) -> dict[str, Any]:
    """Wait until no other way to the CSMS is tried; return what is settled.

    Args:
        daemon: The station.
        number: Of the trial that must have ended; 0: any.
    """
    async with asyncio.timeout(WITHIN_S):
        while True:
            now = await daemon.call("Station.GetAttachment")
            ended = now.get("outcome", {}).get("number", 0)
            if "trial" not in now and ended >= number:
                await calm(daemon)
                settled: dict[str, Any] = now["settled"]
                return settled
            await asyncio.sleep(0.05)


async def asked(
    daemon: Daemon, csms: Csms, action: str, **payload: Any
) -> dict[str, Any]:
    """Ask a station, also while it dials; return its answer."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            with suppress(NotDone):
                answer = await csms.call(daemon.identity, action, payload)
                assert answer.payload is not None, answer
                return answer.payload
            await asyncio.sleep(0.05)


def answers(csms: Csms, daemon: Daemon, action: str) -> list[Entry]:
    """Return what a station has answered to an action, oldest first."""
    return [
        entry
        for entry in csms.log(daemon.identity)
        if entry.kind == "result"
        and entry.action == action
        and entry.direction == RECEIVED
    ]

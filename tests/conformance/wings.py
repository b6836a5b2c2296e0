"""Where the next daemon gets ready while a case still runs on the one before."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Final

from benchcsms.server import Csms
from benchcsms.settings import Settings, utc_now
from tests.conformance import states
from tests.conformance.manners import ELSEWHERE, FRIENDLY, REPEATED, Manner
from tests.conformance.on_daemon import DaemonStage, Listener
from tests.conformance.order import Ear, Json
from tests.conformance.stage import TAGS
from tests.daemon.process import Daemon

LATE_AND_ODD: Final = Manner("late_and_odd", answers_after_s=0.3, odd=True)
"""Later than anything else here, and yet a test can wait for it."""

_WAITING: Final = 2


class Wings:
    """Has the next friendly daemons ready, or getting ready."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._exits: dict[DaemonStage, AsyncExitStack] = {}
        self._next: deque[asyncio.Task[DaemonStage]] = deque()

    @asynccontextmanager
    async def daemon(self, manner: Manner) -> AsyncIterator[DaemonStage]:
        """Return a daemon in the start state, and its CSMS."""
        if manner is FRIENDLY:
            stage = await (self._next.popleft() if self._next else self._ready(manner))
            while len(self._next) < _WAITING:
                self._next.append(asyncio.create_task(self._ready(manner)))
        else:
            stage = await self._ready(manner)
        async with self._exits.pop(stage):
            yield stage

    async def close(self) -> None:
        """Send away those that nobody waited for."""
        for ready in self._next:
            ready.cancel()  # this loop stood still while others ran their tests
        await asyncio.gather(*self._next, return_exceptions=True)
        for exit in self._exits.values():
            await exit.aclose()

    async def _ready(self, manner: Manner) -> DaemonStage:
        exit = AsyncExitStack()
        folder = self._folder / str(next(self._numbers))
        stage = await exit.enter_async_context(_started(manner, folder))
        self._exits[stage] = exit
        return stage


@asynccontextmanager
async def _started(manner: Manner, folder: Path) -> AsyncIterator[DaemonStage]:
    listener = Listener(Ear())
    settings = Settings(tags=TAGS, first_transaction_id=-1 if manner.odd else 1)
    zone = ELSEWHERE if manner.odd else UTC
    standing: Json | None = None
    if manner.answers_after_s:
        standing = {"delay_s": manner.answers_after_s}
    async with Csms(settings, [listener], lambda: utc_now().astimezone(zone)) as csms:
        daemon = Daemon(csms, folder)
        stage = DaemonStage(daemon, listener, standing)
        try:
            await stage.starts()
            await states.until_booted(stage)
            for action in sorted(REPEATED | {"Authorize"} if standing else ()):
                csms.script(action, (), standing)
            yield stage
            assert csms.violations(daemon.identity) == []
        finally:
            await daemon.kill()
            daemon.manager.close()

"""The stage with real time: the daemon, a WebSocket, and the simulated station."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from benchcsms.dialogue import RECEIVED, Entry
from benchcsms.server import Csms
from benchcsms.settings import utc_now
from tests.conformance.order import Ear, Heard, Json
from tests.conformance.stage import Stage, Times
from tests.daemon.process import Daemon

TIMES: Final = Times(
    heartbeat_s=1,
    boot_retry_s=1,
    connection_timeout_s=1,
    sample_s=1,
    aligned_s=1,
    reservation_s=1,
    minimum_status_s=1,
    quiet_s=0.25,
    # A daemon that was started ahead is only heard when its turn has come.
    patience_s=60.0,
    tolerance_s=0.4,
    exactness_s=0.05,
)
_AT_THE_PLUG: Final = "plug-over-temperature"
_OF_THE_STATION: Final = "emergency-stop"


class Listener:
    """Hears the station through the dialogue of the CSMS."""

    def __init__(self, ear: Ear) -> None:
        self.ear = ear
        self.news = asyncio.Event()

    def __call__(self, entry: Entry) -> None:
        if entry.direction == RECEIVED and entry.kind == "call":
            now_s = asyncio.get_running_loop().time()
            self.ear(Heard(entry.action, entry.payload, now_s))
            self.news.set()


class DaemonStage(Stage):
    """Nothing is waited for by the clock that can be seen."""

    def __init__(
        self, daemon: Daemon, listener: Listener, standing: Json | None
    ) -> None:
        super().__init__(TIMES, listener.ear)
        self._daemon = daemon
        self._news = listener.news
        self._standing = standing
        """How every message is answered."""

    async def starts(self) -> None:
        """Give it power for the first time."""
        await self._daemon.start()

    async def plug(self, connector: int = 1) -> None:
        await self._daemon.call("Mock.Plug", connector=connector)

    async def unplug(self, connector: int = 1) -> None:
        await self._daemon.call("Mock.Unplug", connector=connector)

    async def card(self, id_tag: str) -> None:
        await self._daemon.call("Mock.PresentTag", uid=id_tag)

    async def breaks(self, connector: int) -> None:
        await self._suffers(connector, on=True)

    async def mends(self, connector: int) -> None:
        await self._suffers(connector, on=False)

    async def power_cycle(self) -> None:
        await self._daemon.kill()
        self.ear.unheard.clear()
        await self._daemon.start(boot_id="another")

    async def cuts_network(self) -> None:
        await self._daemon.call("Mock.SetLink", mode="down")
        await self._daemon.watch_until(lambda s: s["link"]["state"] == "offline")

    async def restores_network(self) -> None:
        await self._daemon.call("Mock.SetLink", mode="up")

    async def expects_seen(self, word: str, connector: int = 1) -> None:
        await self._daemon.watch_until(
            lambda status: status["connectors"][connector - 1]["status"] == word
        )

    async def asks(self, action: str, **payload: Any) -> Json:
        answer = await self._csms.call(self._daemon.identity, action, payload)
        return {"code": answer.code} if answer.payload is None else answer.payload

    async def transaction(self, connector: int = 1) -> int:
        await self._daemon.watch_until(lambda status: not status["messages_waiting"])
        every = self._csms.transactions(self._daemon.identity)
        return [bill for bill in every if bill.connector == connector][-1].id

    def utc(self) -> datetime:
        return utc_now()

    def will(self, action: str, *changes: Json) -> None:
        replies = [{"change": change} for change in changes]
        self._csms.script(action, replies, self._standing)

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def more(self, until_s: float) -> bool:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                return await self._news.wait()
        return False

    @property
    def _csms(self) -> Csms:
        return self._daemon.csms

    async def _suffers(self, connector: int, *, on: bool) -> None:
        where = {"connector": connector} if connector else {}
        name = _AT_THE_PLUG if connector else _OF_THE_STATION
        await self._daemon.call("Mock.SetFault", name=name, on=on, **where)

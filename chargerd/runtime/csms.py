"""The WebSocket to the CSMS. The only user of websockets, but for ``link_failures``.

It redials for ever, whatever the reason of the loss; the only end is to be
cancelled. Three things prove that the link lives: the TCP connection, answers to
our pings, and answers to our questions (which ``ocpp16.rpc`` watches).
"""

import asyncio
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from chargerd.core.events import WHOLE_STATION, DialFailed
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.runtime import tls
from chargerd.runtime.link_failures import PERMANENT, LinkRefused, classify
from chargerd.runtime.link_settings import LinkSettings, Pace
from chargerd.runtime.waiting import came
from chargerd.steps import FrameReceived, Happening, LinkDown, LinkUp

SUBPROTOCOL: Final = "ocpp1.6"
MAX_FRAME_BYTES: Final = 2_097_152
OPEN_WITHIN_S: Final = 20.0
CLOSE_WITHIN_S: Final = 1.0
LEAST_WAIT_S: Final = 0.1
"""Whatever the keys say: nobody dials in a tight loop."""
SLOW_S: Final = 30.0
"""First wait after a refusal that will not mend itself: wrong key, unknown name."""


class Hold(Enum):
    """What the simulated station can do to its link."""

    UP = "up"
    DOWN = "down"
    BLACKHOLE = "blackhole"


@dataclass(slots=True)
class LinkState:
    """How the link is, for people."""

    up: bool = False
    since: float = 0.0  # monotonic
    failed_at: str | None = None
    failure: str | None = None
    next_try_s: float | None = None  # monotonic
    rtt_ms: float | None = None
    attempts: int = 0


class CsmsLink:
    """Dials, carries frames both ways, and dials again."""

    def __init__(
        self,
        settings: Callable[[], LinkSettings],
        report: Callable[[Happening], None],
        monotonic: Callable[[], float],
        pace: Pace | None = None,
        dice: random.Random | None = None,
    ) -> None:
        """Take what a link is made of.

        Args:
            settings: Asked before each dial; may raise ``tls.Unusable``.
            report: Told of every dial, link and frame.
            monotonic: The time.
            pace: How often to ping and to dial.
            dice: Spread the dials of many stations.
        """
        self.state = LinkState(since=monotonic())
        self.number = 0
        """Of the link that is up, or was the last one."""
        self._report = report
        self._monotonic = monotonic
        self._settings = settings
        self._dialed: LinkSettings | None = None
        self.pace = pace or Pace()
        self._dice = dice or random.Random()
        self._pace_changed = asyncio.Event()
        self._out: asyncio.Queue[str] = asyncio.Queue()
        self._socket: ClientConnection | None = None
        self._redialing: asyncio.Task[None] | None = None
        self._told: str | None = None
        self._hold = Hold.UP
        self._released = asyncio.Event()

    def send(self, frames: Sequence[str], link: int) -> None:
        """Queue frames for sending; drop them if that link is not up any more."""
        if self._socket is not None and link == self.number:
            for frame in frames:
                self._out.put_nowait(frame)

    def keep(self, pace: Pace) -> None:
        """Keep another pace from now on."""
        if pace != self.pace:
            self.pace = pace
            self._pace_changed.set()

    def redial(self) -> None:
        """Dial by the settings as they are now, once what is queued is sent."""
        self.state.attempts = 0
        self._released.set()
        self._redialing = asyncio.create_task(self._leave(), name="redial")

    def hold(self, mode: Hold) -> None:
        """Break the link on purpose, or let it be."""
        self._hold = mode
        if mode is not Hold.BLACKHOLE and self._socket is not None:
            self._socket.transport.abort()
        self._released.set()

    async def run(self) -> None:
        """Keep a link up, for ever."""
        while True:
            self._released.clear()
            try:
                await self._once()
            except _FAILURES as error:
                shown = self._dialed is not None and self._dialed.introduces
                self._failed(*classify(error, introduced=shown))
            lived_s = self._monotonic() - self.state.since if self.state.up else 0.0
            self._down()
            settled = self._dialed is not None and lived_s >= self._dialed.settle_s
            self.state.attempts = 0 if settled else self.state.attempts + 1
            await self._wait(self.state.attempts)

    async def _once(self) -> None:
        """Dial, and carry frames until the link is lost."""
        self._dialed = None
        self._dialed = dialed = self._settings()
        if self._hold is Hold.DOWN:
            raise LinkRefused("held", "the link is held down by the simulation")
        if self._hold is Hold.BLACKHOLE:
            await came(self._released, OPEN_WITHIN_S)
            raise TimeoutError("no answer: the simulation swallows everything")
        secured = _secured(dialed)
        async with _Dial(
            dialed.address,
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
            additional_headers=dialed.headers,
            user_agent_header="chargerd",
            proxy=None,
            compression=None,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=CLOSE_WITHIN_S,
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            ssl=secured,
        ) as connection:
            if connection.subprotocol != SUBPROTOCOL:
                raise LinkRefused("subprotocol", "the CSMS does not speak ocpp1.6")
            if self._settings().turn != dialed.turn:
                return  # something else is to be dialed now
            _harden(connection)
            self._tell_trust(connection, secured)
            self._report(LinkTried(True, dialed.turn))
            await self._carry(connection)

    def _tell_trust(
        self, connection: ClientConnection, secured: ssl.SSLContext | bool | None
    ) -> None:
        end = connection.transport.get_extra_info("ssl_object")
        if isinstance(secured, ssl.SSLContext) and end is not None:
            self._report(LinkTrusted(tls.vouching(end, secured)))

    async def _carry(self, connection: ClientConnection) -> None:
        self._out = asyncio.Queue()
        self._socket = connection
        self.number += 1
        self.state.up, self.state.since = True, self._monotonic()
        self.state.failed_at = self.state.failure = self.state.next_try_s = None
        self._told = None
        self._report(LinkUp(self.number))
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(connection), name="link write")
                pinger = tasks.create_task(self._ping(connection), name="link ping")
                await self._read(connection)
                writer.cancel()
                pinger.cancel()
        except* ConnectionClosed:
            pass
        finally:
            self._lost(connection)

    def _failed(self, layer: str, text: str) -> None:
        self.state.failed_at, self.state.failure = layer, text
        if self._dialed is not None:
            self._report(LinkTried(False, self._dialed.turn, layer, text))
        if layer != self._told:
            # Told once, not at each dial: the same wall is not news.
            self._told = layer
            self._report(DialFailed(WHOLE_STATION, layer, text))

    def _lost(self, connection: ClientConnection) -> None:
        closed = connection.close_code is not None
        if self.state.failed_at is None and closed:
            self.state.failed_at = "closed"
            self.state.failure = str(connection.protocol.close_exc)

    async def _read(self, connection: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for frame in connection:
                if self._hold is not Hold.BLACKHOLE:
                    self._report(FrameReceived(frame))

    async def _write(self, connection: ClientConnection) -> None:
        while True:
            frame = await self._out.get()
            if self._hold is not Hold.BLACKHOLE:
                await connection.send(frame)
            self._out.task_done()

    async def _ping(self, connection: ClientConnection) -> None:
        while True:
            self._pace_changed.clear()
            if await came(self._pace_changed, self.pace.ping_interval_s or None):
                continue
            if not await self._alive(connection):
                self.state.failed_at = "ping"
                self.state.failure = "no answer to a ping"
                connection.transport.abort()
                return

    async def _alive(self, connection: ClientConnection) -> bool:
        within_s = self.pace.pong_within_s
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                if self._hold is Hold.BLACKHOLE:
                    await asyncio.sleep(within_s + 1.0)
                self.state.rtt_ms = 1000 * await (await connection.ping())
                return True
        return False

    async def _leave(self) -> None:
        connection = self._socket
        if connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._out.join()
            await connection.close(1000, "credentials changed")

    async def _wait(self, failures: int) -> None:
        wait_s = self.pace.wait_least_s
        on_trial = self._dialed is not None and self._dialed.trial
        if self.state.failed_at in PERMANENT and not on_trial:
            wait_s = max(SLOW_S, wait_s)
        wait_s += self._dice.uniform(0.0, self.pace.wait_random_s)
        wait_s = max(wait_s, LEAST_WAIT_S)
        wait_s *= 2 ** min(failures, self.pace.wait_doublings)
        self.state.next_try_s = self._monotonic() + wait_s
        await came(self._released, wait_s)

    def _down(self) -> None:
        was_up, self.state.up, self._socket = self.state.up, False, None
        self.state.rtt_ms = None
        if was_up:
            self.state.since = self._monotonic()
            self._report(LinkDown())


class _Dial(connect):
    """Dials where it was told to: a password follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


_FAILURES: Final = (
    OSError,
    WebSocketException,
    ValueError,
    LinkRefused,
    tls.Unusable,
)


def _secured(settings: LinkSettings) -> ssl.SSLContext | bool | None:
    """Return what makes a link secure; our own certificate as it is now."""
    if settings.tls is None:
        return urlsplit(settings.url).scheme == "wss" or None
    return tls.context(settings.tls)


def _harden(connection: ClientConnection) -> None:
    """Let the kernel find a half-open link too, and send small frames at once."""
    raw = connection.transport.get_extra_info("socket")
    if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS:
        if hasattr(socket, name):
            raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


_TCP_OPTIONS: Final = (
    ("TCP_NODELAY", 1),
    ("TCP_KEEPIDLE", 30),
    ("TCP_KEEPINTVL", 10),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)

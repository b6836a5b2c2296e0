"""The WebSocket to the CSMS. The only user of websockets.

It redials for ever, whatever the reason of the loss; the only end is to be
cancelled. Three things prove that the link lives: the TCP connection, answers to
our pings, and answers to our questions (which ``ocpp16.rpc`` watches).
"""

import asyncio
import base64
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)

from chargerd.core.events import WHOLE_STATION, DialFailed
from chargerd.core.policy import Policy
from chargerd.runtime import tls
from chargerd.runtime.tls import TlsSettings
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


def address(url: str, identity: str) -> str:
    """Return the URL with our name, percent-encoded (OCPP-J 1.6 section 3.1.1)."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{quote(identity, safe='')}"
    return urlunsplit(parts._replace(path=path))


class Hold(Enum):
    """What the simulated station can do to its link."""

    UP = "up"
    DOWN = "down"
    BLACKHOLE = "blackhole"


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where the CSMS is, and who we are there."""

    url: str
    identity: str
    security_profile: int = 0
    tls: TlsSettings | None = None
    """Of security profiles 2 and 3; without it, who is believed is the system's say."""
    settle_s: float = 10.0
    """A link must have lived so long for the next redial to be eager again."""

    @property
    def introduces(self) -> bool:
        """Whether the CSMS sees a certificate of ours."""
        return self.tls is not None and self.tls.own is not None

    @property
    def address(self) -> str:
        """What is dialed."""
        return address(self.url, self.identity)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often we ping, and how eagerly we redial; the keys of OCPP say it."""

    ping_interval_s: float = 60.0
    """0: never."""
    pong_within_s: float = 15.0
    """A ping that is not answered for so long means a dead link."""
    wait_least_s: float = 0.0
    wait_random_s: float = 1.0
    """So much more at the most: after a restart of the CSMS not all dial at once."""
    wait_doublings: int = 8

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Return the pace that the operator wants."""
        return cls(
            policy.ping_interval_s,
            policy.pong_within_s,
            policy.redial_least_s,
            policy.redial_random_s,
            policy.redial_doublings,
        )


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
        settings: LinkSettings,
        report: Callable[[Happening], None],
        monotonic: Callable[[], float],
        key: bytes | None = None,
        pace: Pace | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self.state = LinkState(since=monotonic())
        self.settings = settings
        self.number = 0
        """Of the link that is up, or was the last one."""
        self._report = report
        self._monotonic = monotonic
        self._key = key
        self._old_key: bytes | None = None
        self._new_key = key
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

    def set_key(self, key: bytes) -> None:
        """Dial again with another password, after what is queued is sent.

        Until the CSMS has let us in with it, a refusal lets us try the old one too.
        """
        self._key, self._old_key, self._new_key = key, self._key, key
        self._redialing = asyncio.create_task(self._redial(), name="redial")

    def redial(self) -> None:
        """Dial anew, after what is queued is sent."""
        self._redialing = asyncio.create_task(self._redial(), name="redial")

    def hold(self, mode: Hold) -> None:
        """Break the link on purpose, or let it be."""
        self._hold = mode
        if mode is not Hold.BLACKHOLE and self._socket is not None:
            self._socket.transport.abort()
        self._released.set()

    async def run(self) -> None:
        """Keep a link up, for ever."""
        failures = 0
        while True:
            self._released.clear()
            try:
                await self._once()
            except (OSError, WebSocketException, ValueError, LinkRefused) as error:
                self._failed(*classify(error, introduced=self.settings.introduces))
                if self.state.failed_at == "http-auth" and self._old_key is not None:
                    self._key, self._old_key = self._old_key, self._key
            lived_s = self._monotonic() - self.state.since if self.state.up else 0.0
            self._down()
            failures = 0 if lived_s >= self.settings.settle_s else failures + 1
            self.state.attempts = failures
            await self._wait(failures)

    async def _once(self) -> None:
        """Dial, and carry frames until the link is lost."""
        if self._hold is Hold.DOWN:
            raise LinkRefused("held", "the link is held down by the simulation")
        if self._hold is Hold.BLACKHOLE:
            await came(self._released, OPEN_WITHIN_S)
            raise TimeoutError("no answer: the simulation swallows everything")
        async with _Dial(
            self.settings.address,
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
            additional_headers=self._headers(),
            user_agent_header="chargerd",
            proxy=None,
            compression=None,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=CLOSE_WITHIN_S,
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
            ssl=self._secured(),
        ) as connection:
            if connection.subprotocol != SUBPROTOCOL:
                raise LinkRefused("subprotocol", "the CSMS does not speak ocpp1.6")
            _harden(connection)
            await self._carry(connection)

    async def _carry(self, connection: ClientConnection) -> None:
        self._out = asyncio.Queue()
        self._socket = connection
        self.number += 1
        if self._key == self._new_key:
            self._old_key = None
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

    async def _redial(self) -> None:
        connection = self._socket
        if connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._out.join()
            await connection.close(1000, "credentials changed")

    async def _wait(self, failures: int) -> None:
        wait_s = self.pace.wait_least_s
        if self.state.failed_at in _PERMANENT and self._old_key is None:
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

    def _secured(self) -> ssl.SSLContext | bool | None:
        """Return what makes a link secure; our own certificate as its files are now."""
        if self.settings.tls is None:
            return urlsplit(self.settings.url).scheme == "wss" or None
        try:
            return tls.context(self.settings.tls)
        except tls.Unusable as error:
            raise LinkRefused(tls.Failure.OTHER, str(error)) from None

    def _headers(self) -> dict[str, str]:
        if self.settings.security_profile not in (1, 2) or self._key is None:
            return {}
        pair = self.settings.identity.encode() + b":" + self._key
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


class _Dial(connect):
    """Dials where it was told to: a password follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class LinkRefused(Exception):
    """The CSMS is there, but this link cannot be used."""

    def __init__(self, layer: str, text: str) -> None:
        super().__init__(text)
        self.layer = layer


_PERMANENT: Final = frozenset(
    {
        "http-auth",
        "http-path",
        "subprotocol",
        # A clock that is wrong is soon put right.
        *(failure for failure in tls.Failure if failure is not tls.Failure.TIME),
    }
)


def classify(error: Exception, *, introduced: bool = False) -> tuple[str, str]:
    """Return the layer at which a dial failed, and the words for it.

    Args:
        error: What the dial came to.
        introduced: Whether the CSMS has seen a certificate of ours. One that does not
            take it may end the connection without a word, and under TLS 1.3 only
            after the handshake.
    """
    cut_off = isinstance(error, ConnectionResetError) or (
        isinstance(error, InvalidMessage) and isinstance(error.__cause__, EOFError)
    )
    if introduced and cut_off:
        return (
            tls.Failure.REFUSED,
            "the CSMS cut us off when it saw our certificate",
        )
    match error:
        case LinkRefused():
            return error.layer, str(error)
        case InvalidStatus():
            code = error.response.status_code
            layer, words = _HTTP.get(code, ("http", "the CSMS refused"))
            return layer, f"HTTP {code}: {words}"
        case ssl.SSLError():
            return tls.classify(error)
    for kind, layer, words in _LAYERS:
        if isinstance(error, kind):
            return layer, words or str(error) or type(error).__name__
    return "tcp", str(error) or type(error).__name__


_HTTP: Final = {
    401: ("http-auth", "check the AuthorizationKey"),
    403: ("http-auth", "check the AuthorizationKey"),
    **dict.fromkeys(
        (301, 302, 303, 307, 308),
        ("http-path", "the CSMS has moved; write its new address in [csms] url"),
    ),
    404: ("http-path", "the CSMS does not know this URL or identity"),
}
_LAYERS: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (InvalidHandshake, "http", ""),
    (UnicodeError, "dns", "this is no host name; check [csms] url"),
    (socket.gaierror, "dns", "unknown host; check the name in [csms] url"),
    (TimeoutError, "tcp", "no answer in time"),
)


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

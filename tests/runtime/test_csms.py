"""The link, against a real WebSocket server on the loopback."""

import asyncio
import base64
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidURI
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from chargerd.core.events import WHOLE_STATION, DialFailed
from chargerd.ocpp16.keys import policy
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.runtime import tls
from chargerd.runtime.csms import (
    LEAST_WAIT_S,
    MAX_FRAME_BYTES,
    SLOW_S,
    CsmsLink,
    Hold,
)
from chargerd.runtime.link_failures import LinkRefused, classify
from chargerd.runtime.link_settings import LinkSettings, Pace
from chargerd.steps import FrameReceived, Happening, LinkDown, LinkUp
from tests import authority
from tests.hal.virtual_time import instantly

OCPP = Subprotocol("ocpp1.6")


@dataclass
class Csms:
    """Accepts stations, keeps what they say, refuses when it is told to."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    refusal: Response | None = None
    meanwhile: Callable[[], None] | None = None
    """What happens while a station knocks."""
    password: bytes | None = None
    """The only one that is let in; ``None``: any."""

    def process(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        self.requests.append(request)
        if self.meanwhile is not None:
            self.meanwhile()
        word = request.headers.get("Authorization", "").partition(" ")[2]
        _, _, password = base64.b64decode(word).partition(b":")
        if self.password not in (None, password):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "")
        return self.refusal

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        with suppress(ConnectionClosed):
            async for frame in connection:
                assert isinstance(frame, str)
                self.heard.put_nowait(frame)
        self.open -= 1

    @asynccontextmanager
    async def serving(
        self, subprotocols: tuple[Subprotocol, ...] = (OCPP,)
    ) -> AsyncIterator[None]:
        async with serve(
            self.handle,
            "127.0.0.1",
            self.port,
            subprotocols=subprotocols,
            process_request=self.process,
            ping_interval=None,
            close_timeout=0.1,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            yield


EAGER = Pace(pong_within_s=1.0, wait_least_s=0.01, wait_random_s=0.01, wait_doublings=3)


@dataclass
class Station:
    """A link and what it has reported."""

    link: CsmsLink
    settings: LinkSettings
    told: list[Happening] = field(default_factory=list)
    dials: list[LinkTried] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, happening: Happening) -> None:
        if isinstance(happening, LinkTried):
            self.dials.append(happening)
        else:
            self.told.append(happening)
        self.news.set()

    def change(self, **settings: Any) -> None:
        """Dial by other settings from now on."""
        turn = self.settings.turn + 1
        self.settings = replace(self.settings, turn=turn, **settings)
        self.link.redial()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                await self.news.wait()
                self.news.clear()

    def count(self, kind: type[Happening]) -> int:
        return sum(isinstance(happening, kind) for happening in self.told)

    async def up(self, times: int = 1) -> None:
        await self.until(lambda: self.count(LinkUp) == times)


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    made = Csms()
    async with made.serving():
        yield made


@asynccontextmanager
async def station(
    csms: Csms,
    key: bytes | None = None,
    ping_interval_s: float = 0.0,
    **settings: Any,
) -> AsyncIterator[Station]:
    chosen = replace(
        LinkSettings(
            f"ws://127.0.0.1:{csms.port}/ocpp/",
            "DC-1",
            key=key,
        ),
        **settings,
    )
    made: Station

    def report(happening: Happening) -> None:
        made.report(happening)

    link = CsmsLink(
        lambda: made.settings,
        report,
        asyncio.get_running_loop().time,
        replace(EAGER, ping_interval_s=ping_interval_s),
        random.Random(1),
    )
    made = Station(link, chosen)
    running = asyncio.create_task(link.run())
    try:
        yield made
    finally:
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})


async def failing(station: Station, layer: str) -> None:
    """Wait until a dial has failed at a layer."""
    async with asyncio.timeout(5):
        while station.link.state.failed_at != layer:
            await asyncio.sleep(0.005)


# the request


async def test_frames_go_both_ways(csms: Csms) -> None:
    async with station(csms) as cp:
        await cp.up()
        cp.link.send(["one", "zwei ü"], cp.link.number)
        assert [await csms.heard.get() for _ in range(2)] == ["one", "zwei ü"]
        await csms.connections[0].send("three")
        await cp.until(lambda: FrameReceived("three") in cp.told)
        assert cp.link.state.up


@pytest.mark.requirement("WS-01", "WS-02", "WS-04")
async def test_the_identity_is_percent_encoded_at_the_end_of_the_path(
    csms: Csms,
) -> None:
    async with station(csms, identity="RDAM|123/ä b") as cp:
        await cp.up()
        assert csms.requests[0].path == "/ocpp/RDAM%7C123%2F%C3%A4%20b"
        assert csms.requests[0].headers["Sec-WebSocket-Protocol"] == "ocpp1.6"
        assert "Sec-WebSocket-Extensions" not in csms.requests[0].headers


@pytest.mark.requirement("WS-03")
async def test_a_query_of_the_url_stays_behind_the_identity() -> None:
    settings = LinkSettings("wss://csms.example/a/b?tenant=1", "DC-1")
    assert settings.address == "wss://csms.example/a/b/DC-1?tenant=1"


async def test_the_password_of_profile_1_is_bytes(csms: Csms) -> None:
    key = bytes.fromhex("00ff" * 10)
    async with station(csms, key, security_profile=1) as cp:
        await cp.up()
        scheme, _, word = csms.requests[0].headers["Authorization"].partition(" ")
        assert scheme == "Basic"
        assert base64.b64decode(word) == b"DC-1:" + key


async def test_profile_0_sends_no_password(csms: Csms) -> None:
    async with station(csms, b"secret") as cp:
        await cp.up()
        assert "Authorization" not in csms.requests[0].headers


# refusals


@pytest.mark.requirement("WS-06", "WS-07")
@pytest.mark.parametrize(
    ("status", "layer", "words"),
    [
        (401, "http-auth", "HTTP 401: check the AuthorizationKey"),
        (403, "http-auth", "HTTP 403: check the AuthorizationKey"),
        (404, "http-path", "HTTP 404: the CSMS does not know this URL or identity"),
        (503, "http", "HTTP 503: the CSMS refused"),
    ],
)
async def test_a_refusal_is_told_by_its_layer_and_dialed_again(
    csms: Csms, status: int, layer: str, words: str
) -> None:
    reason = HTTPStatus(status).phrase
    csms.refusal = Response(status, reason, Headers({"Content-Length": "0"}), b"")
    async with station(csms) as cp:
        await failing(cp, layer)
        assert cp.link.state.failure == words
        cp.link.hold(Hold.UP)  # dials again at once
        while len(csms.requests) < 2:
            await asyncio.sleep(0.005)
        assert cp.told == [DialFailed(WHOLE_STATION, layer, words)]
        assert cp.link.state.next_try_s is not None
        csms.refusal = None
        cp.link.hold(Hold.UP)
        await cp.up()


async def test_a_server_that_refuses_ocpp_1_6_is_told_as_such() -> None:
    csms = Csms()
    async with csms.serving((Subprotocol("ocpp2.0.1"),)), station(csms) as cp:
        await failing(cp, "http")
        assert cp.link.state.failure == "HTTP 400: the CSMS refused"
        assert cp.count(LinkUp) == 0


@pytest.mark.requirement("WS-05")
async def test_a_server_that_picks_no_subprotocol_is_refused() -> None:
    csms = Csms()

    def nothing(_: ServerConnection, __: object) -> None:
        return None

    async with serve(
        csms.handle, "127.0.0.1", 0, select_subprotocol=nothing, subprotocols=[OCPP]
    ) as server:
        csms.port = next(iter(server.sockets)).getsockname()[1]
        async with station(csms) as cp:
            await failing(cp, "subprotocol")
            assert cp.count(LinkUp) == 0


@pytest.mark.requirement("WS-08")
async def test_no_redirect_is_followed(csms: Csms) -> None:
    other = Csms()
    async with other.serving():
        where = f"ws://127.0.0.1:{other.port}/stolen"
        headers = Headers({"Location": where, "Content-Length": "0"})
        csms.refusal = Response(307, "Temporary Redirect", headers, b"")
        async with station(csms, b"secret", security_profile=1) as cp:
            await failing(cp, "http-path")
            assert cp.link.state.failure == (
                "HTTP 307: the CSMS has moved; write its new address in [csms] url"
            )
            assert other.requests == []


async def test_a_closed_port_is_told_as_such() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        csms = Csms(port=reserved.getsockname()[1])
        async with station(csms) as cp:
            await failing(cp, "tcp")
            assert "Connect call failed" in (cp.link.state.failure or "")


@pytest.mark.parametrize(
    ("error", "layer"),
    [
        (socket.gaierror(-2, "Name or service not known"), "dns"),
        (UnicodeError("label empty or too long"), "dns"),
        (TimeoutError(), "tcp"),
        (ConnectionRefusedError("refused"), "tcp"),
        (OSError(101, "Network is unreachable"), "tcp"),
        (LinkRefused("held", "held down"), "held"),
        (InvalidURI("ws:", "no host"), "tcp"),
    ],
)
def test_every_error_of_a_dial_has_a_layer_and_words(
    error: Exception, layer: str
) -> None:
    told, words = classify(error)
    assert told == layer
    assert words


# losses


async def abort(csms: Csms, _: Station) -> None:
    csms.connections[-1].transport.abort()


async def close_well(csms: Csms, _: Station) -> None:
    await csms.connections[-1].close(1000, "bye")


async def close_for_restart(csms: Csms, _: Station) -> None:
    await csms.connections[-1].close(1012, "service restart")


async def close_by_tcp(csms: Csms, _: Station) -> None:
    csms.connections[-1].transport.close()


async def break_the_protocol(csms: Csms, _: Station) -> None:
    csms.connections[-1].transport.write(b"\xff\xff\xff\xff")


async def send_too_much(csms: Csms, _: Station) -> None:
    await csms.connections[-1].send("x" * (MAX_FRAME_BYTES + 1))


async def send_no_text(csms: Csms, _: Station) -> None:
    csms.connections[-1].transport.write(b"\x81\x02\xff\xff")  # not UTF-8


async def new_key(_: Csms, cp: Station) -> None:
    cp.change(key=b"another")


async def hold_down(_: Csms, cp: Station) -> None:
    cp.link.hold(Hold.DOWN)
    await cp.until(lambda: cp.count(LinkDown) == 1)
    cp.link.hold(Hold.UP)


Break = Callable[[Csms, Station], Coroutine[Any, Any, None]]
CAUSES: dict[Break, str] = {
    abort: "no close frame received or sent",
    close_well: "received 1000 (OK) bye",
    close_for_restart: "received 1012 (service restart)",
    close_by_tcp: "no close frame received or sent",
    break_the_protocol: "sent 1002 (protocol error)",
    send_too_much: "sent 1009 (message too big)",
    send_no_text: "sent 1007",
    new_key: "sent 1000 (OK) credentials changed",
    hold_down: "held down by the simulation",
}


def quiet(_: Station) -> None:
    """Nothing is under way."""


def talking(cp: Station) -> None:
    cp.link.send([f"frame {n}" for n in range(50)], cp.link.number)


def pinging(cp: Station) -> None:
    cp.link.keep(replace(EAGER, ping_interval_s=0.001))


def leaving(cp: Station) -> None:
    cp.change(key=b"yet another")


@pytest.mark.requirement("WS-20")
@pytest.mark.parametrize("phase", [quiet, talking, pinging])
@pytest.mark.parametrize("cause", CAUSES)
async def test_after_every_loss_the_csms_is_dialed_again(
    csms: Csms, cause: Break, phase: Callable[[Station], None]
) -> None:
    async with station(csms) as cp:
        await cp.up()
        phase(cp)
        await cause(csms, cp)
        await cp.until(lambda: cp.count(LinkDown) == 1)
        failure = cp.link.state.failure or ""
        await cp.up(2)

        cp.link.send(["still here"], cp.link.number)
        while await csms.heard.get() != "still here":
            pass
        kinds = [type(h) for h in cp.told if isinstance(h, LinkUp | LinkDown)]
        assert kinds == [LinkUp, LinkDown, LinkUp]
        assert CAUSES[cause] in failure


@pytest.mark.requirement("WS-20")
@pytest.mark.parametrize("cause", [each for each in CAUSES if each is not new_key])
async def test_a_loss_while_the_station_leaves_by_itself_is_dialed_again_too(
    csms: Csms, cause: Break
) -> None:
    async with station(csms) as cp:
        await cp.up()
        leaving(cp)
        with suppress(ConnectionClosed):
            await cause(csms, cp)
        await cp.up(2)
        assert cp.count(LinkUp) == 2


@pytest.mark.requirement("WS-25")
async def test_there_are_never_two_links_at_once(csms: Csms) -> None:
    async with station(csms) as cp:
        for times in range(1, 6):
            await cp.up(times)
            cp.change(key=b"another")
            csms.connections[-1].transport.abort()
        await cp.up(6)
        assert csms.most_open <= 1 or csms.open == 1
        assert cp.count(LinkDown) == 5


async def test_frames_without_a_link_are_dropped(csms: Csms) -> None:
    async with station(csms) as cp:
        cp.link.send(["too early"], cp.link.number)
        await cp.up()
        cp.link.send(["in time"], cp.link.number)
        assert await csms.heard.get() == "in time"


@pytest.mark.requirement("WS-26")
async def test_a_new_key_is_used_after_what_was_queued_is_sent(csms: Csms) -> None:
    async with station(csms, b"old", security_profile=1) as cp:
        await cp.up()
        cp.link.send(["the answer that accepts the key"], cp.link.number)
        cp.change(key=b"new")
        assert await csms.heard.get() == "the answer that accepts the key"
        await cp.up(2)
        word = csms.requests[-1].headers["Authorization"].partition(" ")[2]
        assert base64.b64decode(word) == b"DC-1:new"


async def test_nothing_meant_for_an_earlier_link_is_sent_on_a_later_one(
    csms: Csms,
) -> None:
    async with station(csms) as cp:
        await cp.up()
        earlier = cp.link.number
        csms.connections[-1].transport.abort()
        await cp.up(2)
        cp.link.send(["too late"], earlier)
        cp.link.send(["in time"], cp.link.number)
        assert await csms.heard.get() == "in time"
        assert [h.number for h in cp.told if isinstance(h, LinkUp)] == [1, 2]


async def test_every_dial_is_told_with_the_turn_that_it_was_made_by(csms: Csms) -> None:
    async with station(csms, b"old", security_profile=1) as cp:
        await cp.up()
        csms.password = b"newest"
        cp.change(key=b"new", trial=True)
        await cp.until(lambda: len(cp.dials) >= 2)
        cp.change(key=b"newest")
        await cp.up(2)
        assert cp.dials[0] == LinkTried(True, 0)
        words = "HTTP 401: check the AuthorizationKey"
        assert cp.dials[1] == LinkTried(False, 1, "http-auth", words)
        assert cp.dials[-1] == LinkTried(True, 2)


async def test_a_link_that_was_dialed_by_settings_of_before_is_not_used(
    csms: Csms,
) -> None:
    async with station(csms) as cp:

        def meanwhile() -> None:
            csms.meanwhile = None
            cp.change(identity="DC-2")

        csms.meanwhile = meanwhile
        await cp.up()
        assert [dial.turn for dial in cp.dials] == [1]
        assert csms.requests[-1].path == "/ocpp/DC-2"


async def test_settings_that_cannot_be_had_are_a_failed_dial(csms: Csms) -> None:
    async with station(csms) as cp:
        await cp.up()
        broken = tls.TlsSettings("no root")
        cp.change(url=cp.settings.url.replace("ws:", "wss:"), tls=broken)
        await failing(cp, "tls")
        cp.change(url=f"ws://127.0.0.1:{csms.port}/ocpp", tls=None)
        await cp.up(2)


@pytest.mark.requirement("SEC-02")
async def test_what_must_be_secure_is_never_dialed_without_tls(csms: Csms) -> None:
    believed = tls.TlsSettings(authority.root().pem)
    async with station(csms, b"secret", security_profile=2, tls=believed) as cp:
        await cp.until(lambda: len(cp.dials) == 2)
        assert csms.requests == []
        assert cp.count(LinkUp) == 0


async def test_a_secure_link_tells_which_root_vouched_before_it_is_up(
    tmp_path: Path,
) -> None:
    life: Any = {
        "not_before": datetime.now(UTC) - authority.DAY,
        "not_after": datetime.now(UTC) + authority.DAY,
    }
    root = authority.root(**life)
    here = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    name = authority.distinguished("localhost")
    own = root.issue(authority.Wish(name=name, extensions=(here,), **life))
    (tmp_path / "pem").write_bytes(own.pem.encode() + authority.pem_of(own.key))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "pem")
    csms = Csms()
    async with serve(
        csms.handle, "127.0.0.1", 0, subprotocols=[OCPP], ssl=made
    ) as server:
        csms.port = next(iter(server.sockets)).getsockname()[1]
        url = f"wss://localhost:{csms.port}/ocpp"
        believed = tls.TlsSettings(root.pem)
        async with station(csms, url=url, security_profile=2, tls=believed) as cp:
            await cp.up()
            fingerprint = root.certificate.fingerprint(hashes.SHA256()).hex()
            assert cp.told == [LinkTrusted((fingerprint,)), LinkUp(1)]


# back-off


def waits(count: int, layer: str | None, pace: Pace | None = None) -> list[float]:
    """Return how long a link waits before each of its dials."""
    chosen = LinkSettings("ws://h/ocpp", "DC-1")

    @instantly
    async def measured() -> list[float]:
        time = asyncio.get_running_loop().time
        link = CsmsLink(lambda: chosen, lambda _: None, time, pace, random.Random(3))
        link.state.failed_at = layer
        found = []
        for failures in range(count):
            began_s = time()
            await link._wait(failures)
            found.append(time() - began_s)
        return found

    return measured()


@pytest.mark.requirement("WS-20", "WS-21")
def test_waits_double_to_a_bound_and_are_spread() -> None:
    least = [2 ** min(n, 8) for n in range(20)]
    found = waits(20, "tcp")
    parts = [wait / of for wait, of in zip(found, least, strict=True)]
    assert all(LEAST_WAIT_S - 0.001 <= part <= 1.001 for part in parts)
    assert len({round(part, 3) for part in parts}) > 9
    assert max(found) > 150


@pytest.mark.key("RetryBackOffRandomRange")
@pytest.mark.key("RetryBackOffRepeatTimes")
@pytest.mark.key("RetryBackOffWaitMinimum")
def test_the_operator_chooses_the_waits() -> None:
    def chosen(**keys: int) -> list[float]:
        values = {f"RetryBackOff{name}": str(value) for name, value in keys.items()}
        found = waits(5, "tcp", Pace.of(policy(values)))
        return [round(wait_s, 1) for wait_s in found]

    assert chosen(WaitMinimum=7, RandomRange=0) == [7, 14, 28, 56, 112]
    assert chosen(WaitMinimum=7, RandomRange=0, RepeatTimes=1) == [7, 14, 14, 14, 14]
    assert chosen(WaitMinimum=0, RandomRange=0) == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert all(w > 10 for w in chosen(WaitMinimum=0, RandomRange=3000))


@pytest.mark.parametrize(
    "layer", ["http-auth", "http-path", "subprotocol", "tls", "tls-trust"]
)
def test_what_does_not_mend_itself_is_tried_seldom(layer: str) -> None:
    assert all(wait >= SLOW_S for wait in waits(10, layer))
    assert max(waits(5, layer)) > SLOW_S


def test_two_stations_do_not_dial_in_step() -> None:
    first, second = (
        CsmsLink(lambda: LinkSettings("ws://h", "1"), lambda _: None, lambda: 0.0)
        for _ in range(2)
    )
    assert first._dice.random() != second._dice.random()


async def test_a_link_that_flaps_is_dialed_less_and_less_eagerly(csms: Csms) -> None:
    async with station(csms, settle_s=10.0) as cp:
        for times in range(1, 4):
            await cp.up(times)
            csms.connections[-1].transport.abort()
            await cp.until(lambda times=times: cp.count(LinkDown) == times)  # type: ignore[misc]
            assert cp.link.state.attempts in (times - 1, times)
        await cp.up(4)
        assert cp.link.state.attempts == 3


async def test_a_link_that_was_of_use_is_dialed_again_eagerly(csms: Csms) -> None:
    async with station(csms, settle_s=0.0) as cp:
        for times in range(1, 4):
            await cp.up(times)
            csms.connections[-1].transport.abort()
        await cp.up(4)
        assert cp.link.state.attempts == 0


# silence


async def test_pings_measure_the_round_trip_and_keep_a_quiet_link(csms: Csms) -> None:
    async with station(csms, ping_interval_s=0.01) as cp:
        await cp.up()
        async with asyncio.timeout(5):
            while cp.link.state.rtt_ms is None:
                await asyncio.sleep(0.005)
        assert 0 < cp.link.state.rtt_ms < 1000
        assert cp.count(LinkDown) == 0


@pytest.mark.requirement("WS-10", "WS-11")
async def test_the_ping_interval_can_be_changed_while_the_link_is_up(
    csms: Csms,
) -> None:
    async with station(csms, ping_interval_s=3600) as cp:
        await cp.up()
        cp.link.keep(replace(EAGER, ping_interval_s=0.01))
        async with asyncio.timeout(5):
            while cp.link.state.rtt_ms is None:
                await asyncio.sleep(0.005)
        cp.link.keep(replace(EAGER, ping_interval_s=0.0))
        cp.link.state.rtt_ms = None
        await asyncio.sleep(0.05)
        assert cp.link.state.rtt_ms is None


@pytest.mark.requirement("WS-12")
@pytest.mark.parametrize("ours", [False, True])
async def test_a_link_through_which_nothing_comes_any_more_is_found_dead(
    csms: Csms, ours: bool
) -> None:
    """By a proxy that swallows everything without a reset, or by the simulation."""
    swallow = asyncio.Event()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await source.read(65536):
                if not swallow.is_set():
                    sink.write(chunk)
        sink.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await asyncio.open_connection("127.0.0.1", csms.port)
        await asyncio.gather(pump(reader, far[1]), pump(far[0], writer))

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}/ocpp"
        async with station(csms, ping_interval_s=0.1, url=url) as cp:
            await cp.up()
            if ours:
                cp.link.hold(Hold.BLACKHOLE)
            else:
                swallow.set()
            await cp.until(lambda: cp.count(LinkDown) == 1)
            assert cp.link.state.failed_at == "ping"
            swallow.clear()
            cp.link.hold(Hold.UP)
            await cp.up(2)


async def test_a_held_link_stays_down_until_it_is_let_go(csms: Csms) -> None:
    async with station(csms) as cp:
        await cp.up()
        cp.link.hold(Hold.DOWN)
        await failing(cp, "held")
        dials = len(csms.requests)
        await asyncio.sleep(0.2)
        assert len(csms.requests) == dials
        cp.link.hold(Hold.UP)
        await cp.up(2)


async def test_a_black_hole_swallows_frames_of_both_sides(csms: Csms) -> None:
    async with station(csms) as cp:
        await cp.up()
        cp.link.hold(Hold.BLACKHOLE)
        cp.link.send(["unheard"], cp.link.number)
        await csms.connections[0].send("unheard too")
        pong = await csms.connections[0].ping()
        await pong
        assert csms.heard.empty()
        assert cp.count(FrameReceived) == 0
        assert cp.count(LinkDown) == 0


async def test_the_kernel_watches_the_link_too(csms: Csms) -> None:
    async with station(csms) as cp:
        await cp.up()
        assert cp.link._socket is not None
        raw = cp.link._socket.transport.get_extra_info("socket")
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_the_waits_of_one_station_differ() -> None:
    found = waits(12, None, Pace(wait_random_s=60.0, wait_doublings=0))
    assert all(a != b for a, b in pairwise(found))

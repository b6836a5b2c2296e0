"""The Varlink server, over a real Unix socket, against friends and foes."""

import asyncio
import grp
import os
import socket
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chargerd import control
from chargerd.runtime import varlink
from chargerd.runtime.control_server import ControlFailed, ControlServer, Interface
from chargerd.runtime.control_socket import Peer, SocketUnusableError

DESCRIPTION = """\
# For tests.
interface org.example.Test

method Echo(text: string, times: ?int) -> (text: string)
method WhoAmI() -> (pid: int, uid: int)
method Refuse() -> ()
method Break() -> ()
method Big() -> (text: string)
method Count() -> (number: int)
method Flood() -> (text: string)

error No (reason: string)
"""
BIG = "x" * 4_000_000
Values = Mapping[str, Any]


class Bench:
    """What the interface under test has seen."""

    def __init__(self) -> None:
        self.echoed: list[str] = []
        self.streams = 0
        self.stream_ended = asyncio.Event()
        self.peer: Peer | None = None

    def interface(self) -> Interface:
        return Interface(
            "org.example.Test",
            DESCRIPTION,
            {
                "Echo": self.echo,
                "WhoAmI": self.who_am_i,
                "Refuse": self.refuse,
                "Break": self.break_,
                "Big": lambda _given, _peer: {"text": BIG},
            },
            {"Count": self.count, "Flood": self.flood},
        )

    def echo(self, given: Values, _peer: Peer) -> Values:
        self.echoed.append(given["text"])
        return {"text": given["text"] * (given.get("times") or 1)}

    def who_am_i(self, _given: Values, peer: Peer) -> Values:
        self.peer = peer
        return {"pid": peer.pid, "uid": peer.uid}

    def break_(self, _given: Values, _peer: Peer) -> Values:
        raise KeyError("a defect")

    def refuse(self, _given: Values, _peer: Peer) -> Values:
        raise ControlFailed("org.example.Test.No", {"reason": "TIRED"})

    async def count(self, _given: Values, _peer: Peer) -> AsyncGenerator[Values, None]:
        for number in range(3):
            yield {"number": number}

    async def flood(self, _given: Values, _peer: Peer) -> AsyncGenerator[Values, None]:
        self.streams += 1
        try:
            while True:
                yield {"text": "x" * 10_000}
        finally:
            self.streams -= 1
            self.stream_ended.set()


class Friend:
    """A client that speaks the protocol."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, method: str, parameters: Any = None, **flags: bool) -> None:
        message = {"method": method, "parameters": parameters or {}, **flags}
        self.writer.write(control.encode(message))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            return control.decode(await self.reader.readuntil(control.END))

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.say(method, parameters)
        return await self.hear()

    async def is_hung_up(self) -> bool:
        async with asyncio.timeout(5):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True


@asynccontextmanager
async def friend(path: str) -> AsyncIterator[Friend]:
    reader, writer = await asyncio.open_unix_connection(path, limit=8_000_000)
    try:
        yield Friend(reader, writer)
    finally:
        writer.transport.abort()


async def is_served(path: str) -> bool:
    async with friend(path) as client:
        try:
            return "parameters" in await client.ask("org.varlink.service.GetInfo")
        except (ConnectionError, asyncio.IncompleteReadError):
            return False


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "run" / "control.sock")


@pytest.fixture
async def bench() -> Bench:
    return Bench()


@pytest.fixture
async def server(bench: Bench, path: str) -> AsyncIterator[ControlServer]:
    async with ControlServer(
        path,
        (bench.interface(),),
        vendor="Example",
        product="chargerd",
        version="1.2.3",
        url="https://example.org",
        patience_s=0.1,
    ) as running:
        yield running


@pytest.fixture
async def client(server: ControlServer, path: str) -> AsyncIterator[Friend]:
    async with friend(path) as connected:
        yield connected


async def test_a_call_is_answered(client: Friend) -> None:
    answer = await client.ask("org.example.Test.Echo", text="…", times=2)
    assert answer == {"parameters": {"text": "……"}}


async def test_calls_in_one_write_are_answered_in_their_order(client: Friend) -> None:
    for number in range(500):
        client.say("org.example.Test.Echo", {"text": str(number)})
    heard = [(await client.hear())["parameters"]["text"] for _ in range(500)]
    assert heard == [str(number) for number in range(500)]


async def test_a_call_in_single_bytes_is_answered(client: Friend) -> None:
    for byte in control.encode({"method": "org.example.Test.Refuse"}):
        client.writer.write(bytes([byte]))
        await client.writer.drain()
    assert "error" in await client.hear()


async def test_any_varlink_tool_can_ask_what_is_served(client: Friend) -> None:
    answer = await client.ask("org.varlink.service.GetInfo")
    assert answer["parameters"] == {
        "vendor": "Example",
        "product": "chargerd",
        "version": "1.2.3",
        "url": "https://example.org",
        "interfaces": ["org.example.Test", "org.varlink.service"],
    }
    method = "org.varlink.service.GetInterfaceDescription"
    answer = await client.ask(method, interface="org.example.Test")
    assert answer["parameters"]["description"] == DESCRIPTION
    answer = await client.ask(method, interface="org.varlink.service")
    assert (
        "InvalidParameter" in varlink.parse(answer["parameters"]["description"]).errors
    )
    answer = await client.ask(method, interface="org.example.None")
    assert answer["error"] == control.INTERFACE_NOT_FOUND


@pytest.mark.parametrize(
    ("method", "parameters", "error"),
    [
        (
            "org.example.None.Echo",
            {},
            (control.INTERFACE_NOT_FOUND, {"interface": "org.example.None"}),
        ),
        ("Echo", {}, (control.INTERFACE_NOT_FOUND, {"interface": ""})),
        (
            "org.example.Test.Fly",
            {},
            (control.METHOD_NOT_FOUND, {"method": "org.example.Test.Fly"}),
        ),
        (
            "org.example.Test.Echo",
            {},
            (control.INVALID_PARAMETER, {"parameter": "text"}),
        ),
        (
            "org.example.Test.Echo",
            {"text": "", "time": 2},
            (control.INVALID_PARAMETER, {"parameter": "time"}),
        ),
        (
            "org.example.Test.Echo",
            {"text": "", "times": "2"},
            (control.INVALID_PARAMETER, {"parameter": "times"}),
        ),
        (
            "org.example.Test.Echo",
            ["text"],
            (control.INVALID_PARAMETER, {"parameter": ""}),
        ),
        ("org.example.Test.Refuse", {}, ("org.example.Test.No", {"reason": "TIRED"})),
    ],
)
async def test_a_call_that_fails_says_why_and_the_talk_goes_on(
    client: Friend, method: str, parameters: Any, error: tuple[str, dict[str, Any]]
) -> None:
    client.say(method, parameters)
    assert await client.hear() == {"error": error[0], "parameters": error[1]}
    assert "parameters" in await client.ask("org.example.Test.Echo", text="")


async def test_a_one_way_call_is_done_and_not_answered(
    client: Friend, bench: Bench
) -> None:
    client.say("org.example.Test.Echo", {"text": "quiet"}, oneway=True)
    client.say("org.example.Test.Refuse", oneway=True)
    client.say("org.example.Test.Flood", oneway=True, more=True)
    answer = await client.ask("org.example.Test.Echo", text="loud")
    assert answer == {"parameters": {"text": "loud"}}
    assert bench.echoed == ["quiet", "loud"]
    assert bench.streams == 0


async def test_a_stream_continues_until_its_end(client: Friend) -> None:
    client.say("org.example.Test.Count", more=True)
    heard = [await client.hear() for _ in range(4)]
    assert [one["parameters"]["number"] for one in heard] == [0, 1, 2, 2]
    assert [one.get("continues", False) for one in heard] == [True] * 3 + [False]


async def test_a_stream_asked_once_gives_its_first_answer_and_is_closed(
    client: Friend, bench: Bench
) -> None:
    client.say("org.example.Test.Flood")
    assert "continues" not in await client.hear()
    assert bench.streams == 0


async def test_a_stream_is_closed_when_its_client_has_gone(
    client: Friend, bench: Bench
) -> None:
    client.say("org.example.Test.Flood", more=True)
    await client.hear()
    client.writer.transport.abort()
    async with asyncio.timeout(5):
        await bench.stream_ended.wait()


async def test_a_client_that_has_said_all_still_gets_its_answers(
    client: Friend,
) -> None:
    client.say("org.example.Test.Big")
    client.writer.write_eof()
    assert (await client.hear())["parameters"]["text"] == BIG
    assert await client.is_hung_up()


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n\0",
        b"[]\0",
        b"{}\0",
        b'{"method":7}\0',
        b"\0",
        b"\xff\xfe\0",
        b"[" * 60_000 + b"\0",
        b"x" * 1_000_000,
    ],
)
async def test_who_speaks_no_varlink_is_sent_away_and_others_are_served(
    server: ControlServer, path: str, noise: bytes
) -> None:
    async with friend(path) as hostile, friend(path) as other:
        hostile.writer.write(noise)
        assert await hostile.is_hung_up()
        assert "parameters" in await other.ask("org.example.Test.Echo", text="")


async def test_who_never_reads_is_sent_away_and_others_are_served(
    server: ControlServer, bench: Bench, path: str
) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(path)
        deaf.sendall(control.encode({"method": "org.example.Test.Flood", "more": True}))
        async with friend(path) as other:
            assert "parameters" in await other.ask("org.example.Test.Echo", text="")
        async with asyncio.timeout(5):
            await bench.stream_ended.wait()


async def test_a_crowd_is_kept_out_until_somebody_leaves(
    server: ControlServer, path: str
) -> None:
    crowd = [await asyncio.open_unix_connection(path) for _ in range(32)]
    assert not await is_served(path)
    for _, writer in crowd:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(5):
        while not await is_served(path):  # the server hears of it a little later
            pass


async def test_a_defect_in_a_method_is_reported_and_ends_that_talk_only(
    server: ControlServer, path: str
) -> None:
    reported: asyncio.Queue[BaseException] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: reported.put_nowait(context["exception"])
    )
    async with friend(path) as unlucky, friend(path) as other:
        unlucky.say("org.example.Test.Break")
        assert await unlucky.is_hung_up()
        assert isinstance(await reported.get(), KeyError)
        assert "parameters" in await other.ask("org.example.Test.Echo", text="")


async def test_the_kernel_says_who_is_calling(client: Friend, bench: Bench) -> None:
    answer = await client.ask("org.example.Test.WhoAmI")
    assert answer["parameters"] == {"pid": os.getpid(), "uid": os.getuid()}
    assert bench.peer is not None
    assert bench.peer.gid == os.getgid()
    assert bench.peer.groups == frozenset(os.getgroups())


def test_a_peer_belongs_to_its_groups_and_root_to_all() -> None:
    group = grp.getgrgid(os.getgid())
    root = Peer(1, 0, 0, frozenset())
    primary = Peer(1, 1000, group.gr_gid, frozenset())
    further = Peer(1, 1000, 54321, frozenset({group.gr_gid}))
    stranger = Peer(1, 1000, 54321, frozenset())
    assert root.belongs_to("no such group")
    assert primary.belongs_to(group.gr_name)
    assert further.belongs_to(group.gr_name)
    assert not stranger.belongs_to(group.gr_name)
    assert not primary.belongs_to("no such group")


async def test_the_socket_has_its_mode_and_group_and_is_gone_afterwards(
    bench: Bench, path: str
) -> None:
    umask = os.umask(0)
    try:
        group = grp.getgrgid(os.getgid()).gr_name
        async with ControlServer(path, (bench.interface(),), mode=0o600, group=group):
            found = os.stat(path)
            assert stat.S_IMODE(found.st_mode) == 0o600
            assert found.st_gid == os.getgid()
        assert not os.path.exists(path)
        assert os.umask(0) == 0
    finally:
        os.umask(umask)


async def test_the_end_of_the_server_ends_every_talk(bench: Bench, path: str) -> None:
    async with AsyncExitStack() as clients:
        async with ControlServer(path, (bench.interface(),)):
            early = await clients.enter_async_context(friend(path))
            early.say("org.example.Test.Flood", more=True)
            await early.hear()
            late = await clients.enter_async_context(friend(path))
        assert bench.streams == 0
        assert await late.is_hung_up()


async def test_the_socket_of_a_dead_daemon_is_replaced(bench: Bench, path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    async with ControlServer(path, (bench.interface(),)), friend(path) as client:
        assert "parameters" in await client.ask("org.example.Test.Echo", text="")


async def test_the_socket_of_a_living_daemon_is_left_alone(
    server: ControlServer, bench: Bench, path: str
) -> None:
    with pytest.raises(SocketUnusableError, match="is listening here already; stop it"):
        async with ControlServer(path, (bench.interface(),)):
            pass
    async with friend(path) as client:
        assert "parameters" in await client.ask("org.example.Test.Echo", text="")


async def test_the_socket_of_a_successor_is_left_alone(bench: Bench, path: str) -> None:
    async with ControlServer(path, (bench.interface(),)):
        os.unlink(path)
        Path(path).touch()
    assert os.path.exists(path)


async def test_what_is_no_socket_is_never_removed(bench: Bench, path: str) -> None:
    os.makedirs(path)
    with pytest.raises(SocketUnusableError, match="no socket; remove it"):
        async with ControlServer(path, (bench.interface(),)):
            pass
    assert os.path.isdir(path)


@pytest.mark.parametrize(
    ("directory", "group", "complaint"),
    [
        ("run", "no-such-group", "groupadd no-such-group"),
        ("x" * 100, None, "set control.socket to another path"),
    ],
)
async def test_a_socket_that_cannot_be_says_what_to_do(
    bench: Bench, tmp_path: Path, directory: str, group: str | None, complaint: str
) -> None:
    path = str(tmp_path / directory / "control.sock")
    with pytest.raises(SocketUnusableError, match=complaint):
        async with ControlServer(path, (bench.interface(),), group=group):
            pass


@pytest.mark.parametrize(
    "interface",
    [
        Interface(
            "org.example.Test", "interface org.example.Test", {"More": Bench().echo}
        ),
        Interface("org.example.Test", "interface org.example.Test\nmethod A()->()", {}),
        Interface("org.example.Test", "interface org.example.Other", {}),
    ],
)
def test_functions_and_description_have_to_agree(
    interface: Interface, path: str
) -> None:
    with pytest.raises(ValueError, match="described and served differ"):
        ControlServer(path, (interface,))

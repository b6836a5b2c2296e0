import base64

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from benchcsms.server import Csms
from benchcsms.settings import NotDone, Settings
from tests.benchcsms.conftest import STATUS, Station, connecting

KEY = bytes.fromhex("00ff3a20c3") * 4


def basic(user: bytes, password: bytes) -> dict[str, str]:
    words = base64.b64encode(user + b":" + password).decode()
    return {"Authorization": f"Basic {words}"}


async def status_of(csms: Csms, identity: str, **options: object) -> int:
    try:
        async with connecting(csms, identity, **options):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_any_station_is_welcome_under_any_path(csms: Csms) -> None:
    async with connecting(csms, "deep/down/CP%2F1%20%C3%BC?x=1") as socket:
        assert socket.subprotocol == "ocpp1.6"
        entry = await csms.wait_for(kind="open")
    assert entry.station == "CP/1 ü"


async def test_a_url_without_identity_is_not_found(csms: Csms) -> None:
    assert await status_of(csms, "") == 404


async def test_nobody_speaks_compressed(csms: Csms) -> None:
    async with connecting(csms, compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


@pytest.mark.parametrize("settings", [Settings(stations=frozenset({"CP1", "CP2"}))])
async def test_only_the_named_stations_are_known(csms: Csms) -> None:
    assert await status_of(csms, "CP2") == 101
    assert await status_of(csms, "CP3") == 404
    assert (await csms.wait_for(kind="refused")).payload == {"status": 404}


@pytest.mark.parametrize("settings", [Settings(keys={"CP:1": KEY}, key=b"other")])
async def test_a_station_needs_its_key(csms: Csms) -> None:
    right = basic(b"CP:1", KEY)
    assert await status_of(csms, "CP:1", additional_headers=right) == 101
    assert await status_of(csms, "CP:1") == 401
    for wrong in (
        basic(b"CP:1", KEY[:-1]),
        basic(b"CP:1", b"other"),
        basic(b"cp:1", KEY),
        {"Authorization": "Basic ***"},
        {"Authorization": right["Authorization"].replace("Basic", "Bearer")},
    ):
        assert await status_of(csms, "CP:1", additional_headers=wrong) == 401


@pytest.mark.parametrize("settings", [Settings(keys={"CP1": KEY}, key=b"other")])
async def test_one_key_may_be_for_all_others(csms: Csms) -> None:
    header = basic(b"CP2", b"other")
    assert await status_of(csms, "CP2", additional_headers=header) == 101


async def test_several_stations_are_here_at_once(csms: Csms) -> None:
    async with connecting(csms, "A") as first, connecting(csms, "B") as second:
        await csms.wait_for(kind="open", station="B")
        assert await Station(first).told("StatusNotification", STATUS) == {}
        assert await Station(second).told("StatusNotification", STATUS) == {}
        here = {each["identity"]: each["connected"] for each in csms.stations()}
    assert here == {"A": True, "B": True}


async def test_a_second_connection_replaces_the_first(csms: Csms) -> None:
    async with connecting(csms) as first, connecting(csms) as second:
        with pytest.raises(ConnectionClosed):
            await first.recv()
        assert first.close_code == 1000
        assert "currentTime" in await Station(second).told("Heartbeat")
        await csms.wait_for(kind="close")
        assert csms.stations()[0]["connected"]


@pytest.mark.parametrize(("mode", "status"), [("401", 401), ("404", 404), ("503", 503)])
async def test_new_connections_can_be_refused(
    csms: Csms, station: Station, mode: str, status: int
) -> None:
    csms.refuse(mode)
    assert await status_of(csms, "CP2") == status
    assert "currentTime" in await station.told("Heartbeat")
    csms.refuse("accept")
    assert await status_of(csms, "CP2") == 101


async def test_an_unknown_way_to_refuse_is_named() -> None:
    with pytest.raises(NotDone, match="refuse: mode '500'; write one of accept, "):
        Csms().refuse("500")


async def test_a_bench_can_agree_on_no_subprotocol(csms: Csms) -> None:
    csms.refuse("no-subprotocol")
    async with connecting(csms) as socket:
        assert socket.subprotocol is None
        await socket.send("[]")
    await csms.wait_for(kind="close")
    assert csms.violations("CP1") == ["it spoke though no subprotocol was agreed on"]


async def test_a_station_of_another_protocol_is_sent_away(csms: Csms) -> None:
    async with connecting(csms, subprotocols=[Subprotocol("ocpp2.0.1")]) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1002
    assert csms.violations("CP1") == ["it did not offer the subprotocol ocpp1.6"]

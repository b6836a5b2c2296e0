"""The link of the real process is lost in every way; the session does not notice."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from benchcsms.dialogue import BOTH
from benchcsms.server import Csms
from benchcsms.settings import Settings
from tests.daemon.process import CARD, Daemon
from tests.daemon.proxy import wire_to

KEY = bytes(range(16, 36))


async def ends_well(daemon: Daemon) -> None:
    """End the session and find exactly one bill, complete and right."""
    await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.heard("StopTransaction")
    await daemon.watch_until(lambda s: not s["messages_waiting"])
    (bill,) = daemon.csms.transactions("DC1")
    assert bill.meter_stop == await daemon.meter_wh()
    assert daemon.csms.violations("DC1") == []


@pytest.mark.requirement("WS-20", "WS-22", "WS-23", "BOOT-25")
async def test_a_reset_link_is_made_anew_without_a_boot(daemon: Daemon) -> None:
    charging = await daemon.charge()

    daemon.csms.drop("DC1")

    opened = await daemon.csms.wait_for(
        station="DC1", direction=BOTH, kind="open", since=charging.seq
    )
    await ends_well(daemon)
    later = [e.action for e in daemon.csms.log("DC1", since=opened.seq)]
    assert "BootNotification" not in later


@pytest.mark.requirement("WS-12")
async def test_a_black_hole_is_found_by_a_ping_and_left(
    make_daemon: Callable[..., Daemon],
) -> None:
    keys = "WebSocketPingInterval = 1\nWebSocketPongLimit = 1"
    daemon = make_daemon(configuration=keys)
    await daemon.start()
    charging = await daemon.charge()

    await daemon.call("Mock.SetLink", mode="blackhole")
    lost = await daemon.watch_until(lambda s: s["link"]["state"] == "offline")
    await daemon.call("Mock.SetLink", mode="up")

    assert lost["link"]["failed_at"] == "ping"
    await daemon.csms.wait_for(
        station="DC1", direction=BOTH, kind="open", since=charging.seq, timeout_s=20
    )
    await ends_well(daemon)


@pytest.mark.requirement("WS-12", "WS-20", "WS-23")
@pytest.mark.key("WebSocketPongLimit")
async def test_a_wire_that_dies_without_a_word_is_found_dead_and_the_bill_is_whole(
    make_daemon: Callable[..., Daemon], csms: Csms
) -> None:
    async with wire_to(csms.url) as wire:
        daemon = make_daemon(
            url=wire.url,
            configuration="WebSocketPingInterval = 1\nWebSocketPongLimit = 2",
        )
        await daemon.start()
        charging = await daemon.charge()
        clock = asyncio.get_running_loop().time

        wire.dies()
        dead_s = clock()
        lost = await daemon.watch_until(lambda s: s["link"]["state"] == "offline")
        found_s = clock()
        assert lost["link"]["failed_at"] == "ping"
        assert found_s - dead_s < 1 + 2 + 1
        await csms.wait_for(
            station="DC1", direction=BOTH, kind="open", since=charging.seq, timeout_s=5
        )

        await ends_well(daemon)
        await daemon.stop()


@pytest.mark.requirement("OFFL-01", "OFFL-07", "OFFL-17")
async def test_what_happens_offline_is_told_in_order_when_the_link_is_back(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(configuration="MeterValueSampleInterval = 1")
    await daemon.start()
    charging = await daemon.charge()
    await daemon.call("Mock.SetLink", mode="down")
    await daemon.watch_until(lambda s: s["messages_waiting"] >= 2)
    await daemon.call("Mock.PresentTag", uid=CARD)
    await daemon.watch_until(lambda s: s["connectors"][0]["phase"] == "finished")

    await daemon.call("Mock.SetLink", mode="up")
    await daemon.watch_until(lambda s: not s["messages_waiting"])

    calls = [e for e in daemon.csms.log("DC1", since=charging.seq) if e.kind == "call"]
    messages = [e for e in calls if e.action in ("MeterValues", "StopTransaction")]
    times = [
        e.payload.get("timestamp") or e.payload["meterValue"][0]["timestamp"]
        for e in messages
    ]
    assert times == sorted(times)
    assert messages[-1].action == "StopTransaction"
    assert messages[-1].payload["reason"] == "Local"
    assert len(daemon.csms.transactions("DC1")) == 1


@pytest.fixture
async def csms(request: pytest.FixtureRequest) -> AsyncIterator[Csms]:
    settings: Settings = getattr(request, "param", Settings())
    async with Csms(settings) as bench:
        yield bench


@pytest.mark.key("SecurityProfile")
@pytest.mark.requirement("SEC-06", "WS-09")
@pytest.mark.parametrize("csms", [Settings(key=KEY)], indirect=True)
async def test_profile_1_knocks_with_the_key_of_its_file(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(KEY.hex())
    daemon = make_daemon(
        csms_lines=f'security_profile = 1\nauthorization_key_file = "{file}"'
    )

    await daemon.start()

    await daemon.status_is("Available")
    wanted = {"key": ["SecurityProfile"]}
    answer = await daemon.csms.call("DC1", "GetConfiguration", wanted)
    assert answer.payload is not None
    assert answer.payload["configurationKey"][0]["value"] == "1"
    assert KEY.hex() not in daemon.log.read_text()


@pytest.mark.requirement("SEC-20", "SEC-23", "SEC-26", "WS-09", "CFG-08")
@pytest.mark.parametrize("csms", [Settings(key=KEY)], indirect=True)
async def test_a_new_key_is_used_at_once_and_never_shown(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(KEY.hex())
    daemon = make_daemon(
        csms_lines=f'security_profile = 1\nauthorization_key_file = "{file}"'
    )
    await daemon.start()
    told = await daemon.status_is("Available", connector=2)
    news = "4f43415f4f4354545f61646d696e5f74657374"
    change = {"key": "AuthorizationKey", "value": news}

    answer = await daemon.csms.call("DC1", "ChangeConfiguration", change)

    assert answer.payload == {"status": "Accepted"}
    await daemon.csms.wait_for(kind="open", direction=BOTH, since=told.seq)
    # The bench takes the old key until the new one was used: the station has used it.
    words = base64.b64encode(b"DC1:" + KEY).decode()
    with pytest.raises(InvalidStatus, match="401"):
        await connect(
            f"{daemon.csms.url}/DC1",
            additional_headers={"Authorization": f"Basic {words}"},
            proxy=None,
        )
    assert news not in daemon.log.read_text()
    keys = (await daemon.call("Station.GetKeys", names=["AuthorizationKey"]))["keys"]
    assert "value" not in keys[0]

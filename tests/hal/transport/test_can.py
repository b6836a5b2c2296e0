"""A bus behind a serial adapter, over a real pseudo-terminal."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import can
import pytest

from hal.errors import HardwareError, NoAnswer
from hal.resources import Place, Resources
from hal.simulation.can_adapter import CanAdapter
from hal.transport.bus import Bus
from hal.transport.can import CanSettings, open_bus
from hal.transport.rank import Rank
from hal.wire.frame import Frame

ALL = 0x1FFFFFFF
BURST = 4
"""So many frames go out at once."""
ON = Frame(0x029A3FF0, bytes(8))


@asynccontextmanager
async def bus_and_adapter(tmp_path: Path) -> AsyncIterator[tuple[Bus, CanAdapter]]:
    adapter = CanAdapter(tmp_path / "can")
    try:
        async with Resources(time.monotonic) as resources:
            settings = CanSettings(str(tmp_path / "can"), "slcan")
            yield await open_bus(settings, Place(0, resources)), adapter
    finally:
        adapter.close()


async def comes(heard: list[Frame], count: int) -> None:
    async with asyncio.timeout(5):
        while len(heard) < count:
            await asyncio.sleep(0.001)


async def test_frames_go_both_ways(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        sent: list[Frame] = []
        heard: list[Frame] = []
        adapter.attach(sent.append)
        with bus.listen(0, 0, heard.append):
            bus.send(ON)
            await comes(sent, 1)
            adapter.send(Frame(0x0289F000, b"\x01\x02"))
            await comes(heard, 1)
        assert sent == [ON]
        assert heard == [Frame(0x0289F000, b"\x01\x02")]
        assert adapter.bit_rate == 125_000


async def test_only_frames_that_agree_in_the_mask_are_heard(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        some: list[Frame] = []
        every: list[Frame] = []
        sent: list[Frame] = []
        adapter.attach(sent.append)
        bus.send(ON)
        await comes(sent, 1)
        with (
            bus.listen(0x0289F000, 0x1FFFFF00, some.append),
            bus.listen(0, 0, every.append),
        ):
            for identifier in (0x0289F001, 0x0288F001, 0x0289F0FF):
                adapter.send(Frame(identifier, b""))
            await comes(every, 3)
        assert [frame.identifier for frame in some] == [0x0289F001, 0x0289F0FF]


async def test_the_urgent_overtakes_what_is_paced(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        sent: list[Frame] = []
        adapter.attach(sent.append)
        for number in range(BURST + 3):
            bus.send(Frame(number, b""), Rank.HOUSEKEEPING)
        bus.send(Frame(100, b""), Rank.ROUTINE)
        bus.send(Frame(200, b""), Rank.SAFETY)
        await comes(sent, BURST + 5)
        at_once, later = range(BURST), range(BURST, BURST + 3)
        numbers = [frame.identifier for frame in sent]
        assert numbers == [*at_once, 200, 100, *later]


async def test_frames_leave_room_for_their_answers(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        sent: list[Frame] = []
        adapter.attach(sent.append)
        began_s = time.monotonic()
        for number in range(40):
            bus.send(Frame(number, bytes(8)))
        await comes(sent, 40)
        # Forty questions and as many answers, of 150 bits each.
        assert time.monotonic() - began_s > (40 - 2 * BURST) * 2 * 150 / 125_000


MANY, LAST = 200, Frame(2000, b"")


async def test_what_is_overtaken_by_events_is_not_sent(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        sent: list[Frame] = []
        adapter.attach(sent.append)
        wanted = True
        # So many that even a machine which stands still meanwhile cannot send them all.
        for number in range(MANY):
            bus.send(Frame(number, b""), still=lambda: wanted)
        bus.send(LAST)
        wanted = False
        async with asyncio.timeout(5):
            while LAST not in sent:
                await asyncio.sleep(0.002)
        before = [frame.identifier for frame in sent[:-1]]
        assert before == [*range(len(before))]
        assert BURST <= len(before) < MANY


async def test_a_bus_that_shut_off_is_opened_anew(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        sent: list[Frame] = []
        adapter.attach(sent.append)
        bus.send(ON)
        await comes(sent, 1)
        adapter.off = True
        async with asyncio.timeout(5):
            while len(sent) == 1:
                bus.send(ON)
                await asyncio.sleep(0.002)
        assert not adapter.off


async def test_a_pulled_adapter_comes_back_by_itself(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        sent: list[Frame] = []
        adapter.attach(sent.append)
        adapter.terminal.pull()
        async with asyncio.timeout(5):
            await asyncio.sleep(0.01)
            with pytest.raises(NoAnswer, match="port is gone"):
                bus.send(ON, Rank.SAFETY)
            adapter.terminal.put_back()
            while not sent:
                try:
                    bus.send(ON, Rank.SAFETY)
                except NoAnswer:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.001)


async def test_garbage_on_the_wire_is_passed_over(tmp_path: Path) -> None:
    async with bus_and_adapter(tmp_path) as (bus, adapter):
        heard: list[Frame] = []
        sent: list[Frame] = []
        adapter.attach(sent.append)
        bus.send(ON)
        await comes(sent, 1)
        with bus.listen(0, 0, heard.append):
            for line in (b"Tzz", b"T0289F0009", b"T3FFFFFFF0", b"t1230", b"\xff" * 99):
                adapter.terminal.send(line + b"\r")
            adapter.send(ON)
            await comes(heard, 1)
        assert heard == [ON]


async def test_devices_of_a_bus_must_agree_on_its_settings(tmp_path: Path) -> None:
    adapter = CanAdapter(tmp_path / "can")
    channel = str(tmp_path / "can")
    async with Resources(time.monotonic) as resources:
        place = Place(0, resources)
        await open_bus(CanSettings(channel, "slcan"), place)
        with pytest.raises(HardwareError, match="the same settings"):
            await open_bus(CanSettings(channel, "slcan", 500_000), place)
    adapter.close()


async def test_a_device_that_linux_lacks_is_told_with_its_remedy() -> None:
    async with Resources(time.monotonic) as resources:
        with pytest.raises(HardwareError, match="ip link set can7 up type can"):
            await open_bus(CanSettings("can7"), Place(0, resources))


async def test_the_adapter_is_one_for_python_can_too(tmp_path: Path) -> None:
    adapter = CanAdapter(tmp_path / "can")
    sent: list[Frame] = []
    adapter.attach(sent.append)
    bus = await asyncio.to_thread(
        can.Bus,
        interface="slcan",
        channel=str(tmp_path / "can"),
        bitrate=125_000,
        sleep_after_open=0,
    )
    message = can.Message(arbitration_id=ON.identifier, data=ON.data)
    await asyncio.to_thread(bus.send, message)
    await comes(sent, 1)
    adapter.send(Frame(0x0289F000, b"\x07"))
    heard = await asyncio.to_thread(bus.recv, 2)
    assert heard is not None
    assert (heard.arbitration_id, bytes(heard.data)) == (0x0289F000, b"\x07")
    await asyncio.to_thread(bus.shutdown)
    adapter.close()
    assert sent == [ON]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"channel": ""}, "channel: is empty"),
        ({"channel": "can0", "interface": "pcan"}, 'interface: "pcan"'),
        ({"channel": "can0", "bitrate": 1}, "bitrate: 1 is not"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CanSettings(**wrong)  # type: ignore[arg-type]

"""The twin of chargebyte's safety controller keeps the rules of the board."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from hal.resources import Place, Resources
from hal.simulation.chargebyte import FIRMWARE
from hal.transport.serial import Port, SerialSettings, open_port
from hal.values import Position, VehiclePhase
from hal.wire.chargebyte import (
    BAUDRATE,
    ChargeControl,
    Frame,
    Packet,
    Stream,
    Version,
    decode_temperatures,
    decode_version,
    inquiry,
    sealed,
)
from hal.wire.chargebyte_state import NEW, ChargeState, Contact, Input, Layout, Pilot
from tests.hal.bench_vehicle import OnPort, on_port

CLOSED = ChargeControl(5.0, frozenset({1, 2}))
OPEN = ChargeControl(5.0)


@dataclass
class Host:
    """A station at the near end of the port, which says one thing all the time."""

    rig: OnPort
    port: Port
    control: ChargeControl | None = OPEN
    heard: list[Frame] = field(default_factory=list)
    stream: Stream = field(default_factory=Stream)

    def hear(self, data: bytes) -> None:
        self.heard += self.stream.cut(data)

    def say(self, frame: Frame) -> None:
        self.port.write(sealed(frame))

    async def keep_saying(self) -> None:
        while True:
            if self.control is not None:
                self.say(Frame(Packet.CHARGE_CONTROL, self.control.encode()))
            await asyncio.sleep(0.05)

    def state(self, layout: Layout = NEW) -> ChargeState:
        said = [data for packet, data in self.heard if packet == Packet.CHARGE_STATE]
        return ChargeState.decode(said[-1], layout)

    @property
    def position(self) -> Position:
        return self.rig.outlet.position

    async def until(self, true: Callable[[], bool], within_s: float = 4.0) -> None:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.005)

    async def told(self) -> None:
        """Wait for what is said from now on."""
        count = len(self.heard)
        await self.until(lambda: len(self.heard) > count + 2)


@asynccontextmanager
async def hosted(
    letter: str | None = "C",
    control: ChargeControl | None = OPEN,
    version: Version = FIRMWARE,
) -> AsyncIterator[Host]:
    async with on_port(letter, version) as rig, Resources(time.monotonic) as resources:
        settings = SerialSettings(rig.port, BAUDRATE)
        host = Host(rig, await open_port(settings, Place(1, resources)), control)
        with host.port.listen(host.hear):
            talk = asyncio.create_task(host.keep_saying())
            yield host
            talk.cancel()


async def test_it_says_nothing_but_its_version_before_it_is_told_anything() -> None:
    async with hosted(control=None) as host:
        for packet in (Packet.FIRMWARE_VERSION, Packet.CHARGE_CONTROL):
            host.say(inquiry(packet))
        await host.until(lambda: host.heard != [])
        await asyncio.sleep(0.3)
        assert [frame.packet for frame in host.heard] == [Packet.FIRMWARE_VERSION]
        assert decode_version(host.heard[0].data) == FIRMWARE
        host.control = OPEN
        await host.until(lambda: len(host.heard) > 2)
        assert {frame.packet for frame in host.heard} == {0x07, 0x08, 0x0A}


@pytest.mark.parametrize("letter", ["A", "B", "D", "E", "F"])
async def test_it_closes_in_state_c_alone(letter: str) -> None:
    async with hosted(letter, CLOSED) as host:
        await host.told()
        await host.told()
        assert host.position is Position.OPEN
        assert host.state().pilot is Pilot[letter]
        assert not host.state().hv_ready


async def test_it_closes_and_opens_as_it_is_told() -> None:
    async with hosted(control=CLOSED) as host:
        await host.until(lambda: host.position is Position.CLOSED)
        await host.told()
        assert host.state().contacts == (Contact.CLOSED, Contact.CLOSED, Contact.UNUSED)
        assert host.state().hv_ready
        assert host.state().duty_percent == 5.0
        host.control = OPEN
        await host.until(lambda: host.position is Position.OPEN)


async def test_a_host_that_falls_silent_loses_its_contactors_for_good() -> None:
    async with hosted(control=CLOSED) as host:
        await host.until(lambda: host.position is Position.CLOSED)
        host.control = None
        await host.until(lambda: host.position is Position.OPEN)
        await host.told()
        assert (host.state().reason, host.state().pilot) == (2, Pilot.F)
        host.control = CLOSED
        await host.told()
        assert host.position is Position.OPEN
        host.rig.board.reset()
        await host.until(lambda: host.position is Position.CLOSED)


def _press(rig: OnPort, name: str) -> None:
    rig.world.faults.put(name, True, 0)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda rig: _press(rig, "emergency-stop"), 16),
        (lambda rig: _press(rig, "door-open"), 17),
        (lambda rig: _press(rig, "surge-protector"), 18),
        (lambda rig: rig.fault("plug-over-temperature", on=True), 7),
        (lambda rig: rig.fault("contactor-open", on=True), 15),
    ],
)
async def test_whatever_is_wrong_leads_to_the_safe_state(
    harm: Callable[[OnPort], None], reason: int
) -> None:
    async with hosted(control=CLOSED) as host:
        await host.until(lambda: host.position is Position.CLOSED)
        await host.told()
        harm(host.rig)
        await host.until(lambda: host.state().reason == reason)
        assert host.state().pilot is Pilot.F
        assert host.position is Position.OPEN
        tripped = [each is Input.TRIPPED for each in host.state().inputs]
        assert tripped == [reason == 16, reason == 17, reason == 18]


async def test_a_weld_is_an_error_of_its_contactor_in_old_firmware() -> None:
    layout = Layout("0.2", 3, (Contact.OPEN, Contact.CLOSED) * 2, 2, True)
    async with hosted(control=CLOSED, version=Version(0, 2, 5)) as host:
        await host.until(lambda: host.position is Position.CLOSED)
        await host.told()
        host.rig.fault("contactor-weld", on=True)
        host.control = OPEN
        await host.until(lambda: host.state(layout).reason == 15)
        assert host.state(layout).contacts == (Contact.FAULTY, Contact.FAULTY)


async def test_it_shows_the_warmth_of_the_plug() -> None:
    async with hosted() as host:
        host.rig.outlet.plug_warmth_k = 12.3
        await host.told()
        said = [data for packet, data in host.heard if packet == Packet.PT1000_STATE]
        one, two, three, four = decode_temperatures(said[-1])
        assert one == two
        assert one.temperature_c == pytest.approx(32.3, abs=0.2)
        assert three.temperature_c is four.temperature_c is None


async def test_the_car_makes_the_pilot() -> None:
    async with hosted(letter=None) as host:
        await host.told()
        assert host.state().pilot is Pilot.A
        host.rig.plug()
        await host.until(lambda: host.state().pilot is Pilot.B)
        assert host.rig.outlet.controller.phase in (
            VehiclePhase.NEGOTIATING,
            VehiclePhase.AUTHORIZING,
        )


async def test_a_frozen_board_says_the_same_for_ever() -> None:
    async with hosted() as host:
        await host.told()
        host.rig.fault("board-frozen", on=True)
        host.control = CLOSED
        await host.until(lambda: host.position is Position.CLOSED)
        await host.told()
        assert host.state().contacts[0] is Contact.OPEN


@pytest.mark.parametrize("kind", ["garbled", "cut"])
async def test_what_it_garbles_is_no_frame(kind: str) -> None:
    async with hosted() as host:
        await host.told()
        host.rig.fault(f"board-{kind}", on=True)
        await asyncio.sleep(0.05)
        count, spoiled = len(host.heard), host.stream.spoiled
        await host.until(lambda: host.stream.spoiled > spoiled)
        assert len(host.heard) == count

"""The twin of the ADVANTICS controller keeps the rules of the device."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby

import pytest

from hal.resources import Place, Resources
from hal.transport.bus import Bus
from hal.transport.can import CanSettings, open_bus
from hal.values import Position, VehiclePhase, VehicleReading
from hal.wire import advantics
from hal.wire.advantics import (
    FAMILY_MASK,
    Function,
    Message,
    PowerControl,
    PowerModulesStatus,
    PowerParameters,
    SequenceControl,
    State,
    identifier,
    without_index,
)
from hal.wire.frame import Frame
from tests.hal.bench_vehicle import RATE, OnBus, on_bus

READY = SequenceControl(True, True, True, True)
SOUND = PowerModulesStatus(0.0, 0.0, 40.0, 30.0, True, 510_000.0)

SLOW = 3.0
"""A car that gives the controller time to tell of each of its steps."""


@dataclass
class Host:
    """A station at the near end of the bus, which does what it is asked."""

    rig: OnBus
    bus: Bus
    flags: SequenceControl = READY
    status: PowerModulesStatus | None = SOUND
    told_v: float | None = None
    """What it says of its voltage, if not the truth."""
    heard: list[tuple[Message, bytes]] = field(default_factory=list)
    asked: PowerControl = PowerControl()

    def say(
        self,
        message: Message,
        value: SequenceControl | PowerModulesStatus | PowerParameters,
    ) -> None:
        self.bus.send(Frame(identifier(message, 1), value.encode()))

    def hear(self, frame: Frame) -> None:
        message = Message(without_index(frame.identifier))
        self.heard.append((message, frame.data))
        if message is Message.DC_POWER_CONTROL:
            self.asked = PowerControl.decode(frame.data)

    async def serve(self) -> None:
        while True:
            asked = self.asked
            measured = self.rig.follow(
                VehicleReading(
                    at_s=0.0,
                    phase=VehiclePhase.CHARGING,
                    wants_contactors=asked.close_contactors,
                    target_voltage_v=asked.voltage_v,
                    target_current_a=max(asked.max_current_a, 2.0),
                )
            )
            if self.status is not None:
                truth_v = measured.present_voltage_v
                told = replace(
                    self.status,
                    voltage_v=truth_v if self.told_v is None else self.told_v,
                    current_a=measured.present_current_a,
                )
                self.say(Message.POWER_MODULES_STATUS, told)
            self.say(Message.SEQUENCE_CONTROL, self.flags)
            await asyncio.sleep(0.05)

    @property
    def states(self) -> list[State]:
        """Each state once, in order."""
        kind = Message.CONTROLLER_STATUS
        said = [
            advantics.state(data) for message, data in self.heard if message is kind
        ]
        return [state for state, _ in groupby(said)]

    def said(self, message: Message) -> list[bytes]:
        return [data for kind, data in self.heard if kind is message]

    async def sees(self, state: State) -> None:
        await self.until(lambda: self.states[-1:] == [state])

    async def until(self, true: Callable[[], bool], within_s: float = 8.0) -> None:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def hosted(
    flags: SequenceControl = READY,
    rate: float = RATE,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Host]:
    async with on_bus(rate, clock) as rig, Resources(time.monotonic) as resources:
        path = str(rig.adapter.terminal.path)
        settings = CanSettings(path, "slcan", 500_000)
        host = Host(rig, await open_bus(settings, Place(1, resources)), flags)
        family = identifier(Message.CONTROLLER_STATUS, 1)
        with host.bus.listen(family, FAMILY_MASK, host.hear):
            serve = asyncio.create_task(host.serve())
            yield host
            serve.cancel()


async def test_it_walks_the_whole_session_in_order() -> None:
    async with hosted(SequenceControl(), SLOW) as host:
        await host.sees(State.NOT_AVAILABLE)
        host.flags = SequenceControl(start=True)
        await host.sees(State.WAITING_FOR_PEV)
        host.rig.plug()
        await host.sees(State.CCS_AUTHORISATION_PROCESS)
        host.flags = SequenceControl(True, True, True)
        await host.sees(State.CONNECTED_WITH_FULL_INFO)
        host.flags = READY
        await host.sees(State.CHARGING)
        host.flags = replace(READY, stop_button=True)
        await host.sees(State.CLOSING_COMMUNICATION)
        host.flags = SequenceControl(start=True)
        await host.sees(State.WAITING_FOR_PEV)

    walk = [state for state in host.states if state is not State.INITIALISING]
    assert [state.value for state in walk] == [
        *(12, 1, 2, 11, 3, 4, 5, 6, 7, 8, 9, 10, 1)
    ]
    functions = [PowerControl.decode(d) for d in host.said(Message.DC_POWER_CONTROL)]
    assert [f for f, _ in groupby(asked.function for asked in functions)] == [
        Function.INSULATION_TEST,
        Function.STANDBY,
        Function.PRECHARGE,
        Function.STANDBY,
        Function.POWER_TRANSFER,
        Function.STANDBY,
    ]
    assert functions[-1] == PowerControl(function=Function.STANDBY, lower_voltage=True)
    assert host.said(Message.CHARGE_STATUS_CHANGE) == [b"\x01", b"\x00"]
    assert host.said(Message.CHARGE_SESSION_FINISHED) == [b"\x00"]


async def test_it_tells_what_the_car_is() -> None:
    async with hosted(rate=SLOW) as host:
        await host.sees(State.WAITING_FOR_PEV)
        host.rig.plug()
        await host.sees(State.CHARGING)
        await host.until(lambda: len(host.said(Message.EV_ID_CCS)) > 1)
    assert host.said(Message.EV_INFORMATION_BATTERY)[0].hex(" ") == "4d 00 22 00 00 64"
    assert host.said(Message.EV_INFORMATION_VOLTAGES) == [b"\0\0\x68\x10\0\0"]
    assert host.said(Message.EV_ID_CCS)[0].hex() == "02aabbccddee"
    pilots = [data[0] for data in host.said(Message.CCS_EXTRA_INFORMATION)]
    assert [volts for volts, _ in groupby(pilots)] == [12, 9, 6]


async def test_it_waits_for_a_station_that_does_not_allow_a_session() -> None:
    async with hosted(replace(READY, start=False)) as host:
        host.rig.plug()
        await host.until(lambda: len(host.heard) > 20)
        assert State.NEGOTIATING_CONNECTION not in host.states
        host.flags = READY
        await host.sees(State.INSULATION_TEST)


async def test_a_car_that_is_not_valid_is_let_go_without_voltage() -> None:
    async with hosted(SequenceControl(True, True, False)) as host:
        host.rig.plug()
        await host.sees(State.CLOSING_COMMUNICATION)
        assert State.INSULATION_TEST not in host.states
        assert host.said(Message.DC_POWER_CONTROL) == []


async def test_a_finished_car_begins_anew_when_it_is_allowed_again() -> None:
    async with hosted(SequenceControl(True, True, False)) as host:
        host.rig.plug()
        await host.sees(State.CLOSING_COMMUNICATION)
        host.flags = SequenceControl()
        await host.sees(State.NOT_AVAILABLE)
        host.flags = READY
        await host.sees(State.INSULATION_TEST)


async def test_a_session_waits_until_the_station_is_enabled() -> None:
    async with hosted() as host:
        host.status = replace(SOUND, enabled=False)
        host.flags = SequenceControl(True, True, True)
        host.rig.plug()
        await host.until(lambda: len(host.said(Message.NEW_CHARGE_SESSION)) > 1)
        assert host.said(Message.NEW_CHARGE_SESSION)[0] == b"\x02\x01"


async def charging(host: Host) -> None:
    host.rig.plug()
    await host.sees(State.CHARGING)
    await host.until(
        lambda: host.rig.outlet.contacts.position(time.monotonic()) is Position.CLOSED
    )


def falls_silent(host: Host) -> None:
    host.status = None


def shuts_down(host: Host) -> None:
    host.status = replace(SOUND, enabled=False)


def leaks(host: Host) -> None:
    # 100 ohm/V at some 370 V are 37 kohm
    host.status = replace(SOUND, resistance_ohm=34_000.0)


def opens_its_loop(host: Host) -> None:
    host.rig.fault("vehicle-emergency", on=True)


@pytest.mark.parametrize("harm", [falls_silent, shuts_down, leaks, opens_its_loop])
async def test_it_breaks_off_and_opens_the_interlock(
    harm: Callable[[Host], None],
) -> None:
    async with hosted() as host:
        await charging(host)
        harmed_s = time.monotonic()
        harm(host)
        await host.until(lambda: host.said(Message.EMERGENCY_STOP) != [])
        took_s = time.monotonic() - harmed_s
        contacts = host.rig.outlet.contacts
        await host.until(lambda: contacts.position(time.monotonic()) is Position.OPEN)
        assert host.said(Message.EMERGENCY_STOP)[0] == b"\x01"
        assert took_s < 1.0
        assert took_s > 0.5 or harm is not falls_silent
        # It cannot be rearmed: the coils have no supply, whatever they are told.
        now_s = host.rig.world.catch_up(host.rig.outlet)
        contacts.energize(True, now_s)
        assert contacts.position(now_s + 0.1) is Position.OPEN
        host.rig.fault("vehicle-emergency", on=False)
        host.rig.plug(on=False)
        await host.sees(State.WAITING_FOR_PEV)
        contacts.energize(True, host.rig.world.catch_up(host.rig.outlet))
        await host.until(lambda: contacts.position(time.monotonic()) is Position.CLOSED)


async def test_a_car_that_waits_too_long_breaks_off_itself() -> None:
    async with hosted(clock=lambda: 4 * time.monotonic()) as host:
        host.rig.plug()
        await host.sees(State.PRECHARGE)
        host.told_v = 0.0
        await host.until(lambda: host.said(Message.EMERGENCY_STOP) != [])
        assert host.said(Message.EMERGENCY_STOP)[0] == b"\x03"


async def test_it_asks_for_no_more_than_the_station_offers() -> None:
    async with hosted() as host:
        await charging(host)
        host.say(Message.DC_POWER_PARAMETERS, PowerParameters(1000.0, 12.3))
        await host.until(lambda: host.asked.max_current_a == 12.3)
        host.say(Message.DC_POWER_PARAMETERS, PowerParameters(0.0, 0.0))
        await host.until(lambda: host.asked.max_current_a > 100.0)


async def test_what_makes_no_sense_is_passed_over() -> None:
    async with hosted() as host:
        host.rig.plug()
        await host.sees(State.INSULATION_TEST)
        for message in (Message.POWER_MODULES_STATUS, Message.SEQUENCE_CONTROL):
            host.bus.send(Frame(identifier(message, 1), b"\xff"))
        other = identifier(Message.SEQUENCE_CONTROL, 2)
        host.bus.send(Frame(other, SequenceControl(stop_button=True).encode()))
        await host.sees(State.CHARGING)


async def test_a_frozen_controller_says_the_same_for_ever() -> None:
    async with hosted() as host:
        await host.sees(State.WAITING_FOR_PEV)
        host.rig.fault("vehicle-frozen", on=True)
        host.rig.plug()
        count = len(host.heard)
        await host.until(lambda: len(host.heard) > count + 10)
        assert host.states[-1] is State.WAITING_FOR_PEV
        host.rig.fault("vehicle-frozen", on=False)
        await host.sees(State.INSULATION_TEST)


@pytest.mark.parametrize("mischief", ["vehicle-silent", "vehicle-wrong-unit"])
async def test_it_can_seem_not_to_be_there(mischief: str) -> None:
    async with hosted() as host:
        await host.sees(State.WAITING_FOR_PEV)
        host.rig.fault(mischief, on=True)
        await asyncio.sleep(0.15)
        count = len(host.heard)
        await asyncio.sleep(0.25)
        assert len(host.heard) == count
        host.rig.fault(mischief, on=False)
        await host.until(lambda: len(host.heard) > count)

"""The ADVANTICS driver on a bus: a scripted controller, and the twin with its car."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import advantics
from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.interfaces import Vehicle
from hal.resources import Place, Resources
from hal.simulation.can_adapter import CanAdapter
from hal.values import StationReport, VehiclePhase
from hal.wire.advantics import Message, identifier
from hal.wire.frame import Frame

REPORT = StationReport(True, 402.3, 124.9, 300_000.0, 1000.0, 200.0, 150_000.0, 52.0)
PLUGGED = (Message.CCS_EXTRA_INFORMATION, "09 32 00 00 00 00 00 00")
FREE = (Message.CCS_EXTRA_INFORMATION, "0C E8 03 00 00 00 00 00")


def stands(state: int) -> tuple[Message, str]:
    return Message.CONTROLLER_STATUS, f"{state:02X}"


class Script:
    """A controller that says what a test wants, and keeps what it is told."""

    def __init__(self, path: Path, index: int = 1) -> None:
        self.adapter = CanAdapter(path)
        self.adapter.attach(self._hear)
        self.index = index
        self.heard: list[tuple[float, Message, str]] = []
        self.always: tuple[tuple[Message, str], ...] = (stands(1), FREE)

    def say(self, *said: tuple[Message, str]) -> None:
        for message, data in said:
            frame = Frame(identifier(message, self.index), bytes.fromhex(data))
            self.adapter.send(frame)

    async def keep_saying(self) -> None:
        while True:
            self.say(*self.always)
            await asyncio.sleep(0.05)

    def told(self, message: Message) -> list[str]:
        return [data for _, kind, data in self.heard if kind is message]

    def _hear(self, frame: Frame) -> None:
        message = Message(frame.identifier - (self.index << 24))
        data = frame.data.hex(" ").upper()
        self.heard.append((time.monotonic(), message, data))


@asynccontextmanager
async def scripted(path: Path) -> AsyncIterator[Script]:
    script = Script(path)
    talk = asyncio.create_task(script.keep_saying())
    try:
        yield script
    finally:
        talk.cancel()
        script.adapter.close()


@pytest.fixture
async def script(tmp_path: Path) -> AsyncIterator[Script]:
    async with scripted(tmp_path / "can") as script:
        yield script


@asynccontextmanager
async def connected(
    script: Script, connector: int = 1, **changes: Any
) -> AsyncIterator[Vehicle]:
    path = str(script.adapter.terminal.path)
    # The default would take a busy test machine for a silent controller.
    patient = advantics.Config(path, "slcan", silent_after_s=0.6)
    config = replace(patient, **changes)
    async with (
        Resources(time.monotonic) as resources,
        advantics.connect(config, Place(connector, resources)) as vehicle,
    ):
        yield vehicle


async def comes(true: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.002)


async def becomes(vehicle: Vehicle, phase: VehiclePhase) -> None:
    async with asyncio.timeout(3.0):
        while (await vehicle.read()).phase is not phase:
            await asyncio.sleep(0.002)


async def test_the_controller_is_told_to_serve_and_at_the_end_not_to(
    script: Script,
) -> None:
    async with connected(script) as vehicle:
        assert (await vehicle.read()).phase is VehiclePhase.UNPLUGGED
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL) != [])
        assert set(script.told(Message.SEQUENCE_CONTROL)) == {"01 00 00"}
    await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "00 00 00")


async def test_a_report_is_told_every_tenth_of_a_second_while_it_is_fresh(
    script: Script,
) -> None:
    async with connected(script) as vehicle:
        await asyncio.sleep(0.25)
        assert script.told(Message.POWER_MODULES_STATUS) == []
        for _ in range(10):
            await vehicle.report(REPORT)
            await asyncio.sleep(0.08)
        last_s = time.monotonic()
        await asyncio.sleep(0.6)

    message = Message.POWER_MODULES_STATUS
    first_s, *rest_s = [at_s for at_s, kind, _ in script.heard if kind is message]
    assert set(script.told(message)) == {"B7 0F E1 04 5C 3C 01 96"}
    assert len(rest_s) > 5
    mean_gap_s = (rest_s[-1] - rest_s[0]) / (len(rest_s) - 1)
    assert mean_gap_s > 0.9 * advantics.PERIOD_S
    assert rest_s[-1] - last_s < 0.3


def says_enabled(script: Script, flag: str) -> bool:
    told = script.told(Message.POWER_MODULES_STATUS)
    return told != [] and told[-1][18:20] == flag


async def test_a_station_that_is_not_enabled_any_more_says_so_at_once(
    script: Script,
) -> None:
    took_s = []
    async with connected(script) as vehicle:
        for flag in ("01", "00") * 3:
            asked_s = time.monotonic()
            await vehicle.report(replace(REPORT, enabled=flag == "01"))
            await comes(partial(says_enabled, script, flag))
            took_s.append(time.monotonic() - asked_s)
    assert min(took_s) < 0.3 * advantics.PERIOD_S


@pytest.mark.parametrize(
    ("changes", "state", "offer"),
    [
        ({}, 1, "10 27 D0 07 00 00 00 00"),
        ({"max_power_w": 40_230.0}, 1, "10 27 D0 07 00 00 00 00"),
        ({"max_power_w": 40_230.0}, 7, "10 27 E8 03 00 00 00 00"),
        ({"max_current_a": 0.0}, 7, "10 27 01 00 00 00 00 00"),
        ({"max_power_w": 0.0}, 7, "10 27 01 00 00 00 00 00"),
    ],
)
async def test_the_offer_is_what_the_station_may_give(
    script: Script, changes: dict[str, Any], state: int, offer: str
) -> None:
    """No current is a tenth of an ampere: zero would mean the controller's default."""
    script.always = (stands(state), PLUGGED)
    async with connected(script) as vehicle:
        await vehicle.report(replace(REPORT, **changes))
        await comes(lambda: script.told(Message.DC_POWER_PARAMETERS) != [])
        assert script.told(Message.DC_POWER_PARAMETERS)[-1] == offer


async def test_what_nobody_acknowledges_is_said_again(script: Script) -> None:
    async with connected(script):
        await comes(lambda: len(script.told(Message.SEQUENCE_CONTROL)) >= 3)
    times = [at for at, kind, _ in script.heard if kind == Message.SEQUENCE_CONTROL]
    assert times[2] - times[1] > 0.9


async def test_a_session_goes_on_step_by_step(script: Script) -> None:
    script.always = (stands(11), PLUGGED)
    async with connected(script) as vehicle:
        await becomes(vehicle, VehiclePhase.AUTHORIZING)
        await vehicle.authorize(True)
        script.always = (stands(3), PLUGGED)
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "01 03 00")
        await vehicle.report(REPORT)
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "01 07 00")
        script.always = (stands(7), PLUGGED)
        await becomes(vehicle, VehiclePhase.CHARGING)
        await vehicle.stop()
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "01 07 01")
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "01 07 00")
        script.always = (stands(12), PLUGGED)
        await becomes(vehicle, VehiclePhase.FINISHED)
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "00 00 00")
        await vehicle.authorize(True)
        await comes(lambda: script.told(Message.SEQUENCE_CONTROL)[-1] == "01 03 00")


async def test_parameters_are_not_done_before_they_were_told(script: Script) -> None:
    script.always = (stands(11), PLUGGED)
    async with connected(script) as vehicle:
        await vehicle.authorize(True)
        await comes(lambda: "01 03 00" in script.told(Message.SEQUENCE_CONTROL))
        # The state changes at once, the offer waits for its turn.
        await vehicle.report(REPORT)
        script.always = (stands(3), PLUGGED)
        script.say(stands(3))
        await comes(lambda: "01 07 00" in script.told(Message.SEQUENCE_CONTROL))
    told = [(kind, data) for _, kind, data in script.heard]
    offered = [kind for kind, _ in told].index(Message.DC_POWER_PARAMETERS)
    assert offered < told.index((Message.SEQUENCE_CONTROL, "01 07 00"))


async def test_a_silent_controller_is_no_answer(script: Script) -> None:
    async with connected(script, silent_after_s=0.2) as vehicle:
        script.always = ()
        fell_silent_s = time.monotonic()
        with pytest.raises(NoAnswer, match="controller 1: silent for 0.2 s"):
            await becomes(vehicle, VehiclePhase.CHARGING)
        assert 0.1 < time.monotonic() - fell_silent_s < 0.5
        for command in (vehicle.stop(), vehicle.report(REPORT)):
            with pytest.raises(NoAnswer, match="silent"):
                await command


async def test_a_controller_that_forgets_the_pilot_is_no_answer(script: Script) -> None:
    async with connected(script) as vehicle:
        await vehicle.read()
        script.always = (stands(1),)
        with pytest.raises(NoAnswer, match="has not told the control pilot for 1.0 s"):
            await becomes(vehicle, VehiclePhase.CHARGING)


async def test_what_was_asked_before_a_silence_is_not_asked_after_it(
    script: Script,
) -> None:
    script.always = (stands(7), PLUGGED)
    async with connected(script, silent_after_s=0.2) as vehicle:
        script.say((Message.DC_POWER_CONTROL, "68 10 E2 04 E2 04 48"))
        async with asyncio.timeout(1.0):
            while (await vehicle.read()).target_current_a != 125.0:
                await asyncio.sleep(0.002)
        script.always = ()
        await asyncio.sleep(0.3)
        script.always = (stands(7), PLUGGED)
        await asyncio.sleep(0.1)
        reading = await vehicle.read()
        assert reading.phase is VehiclePhase.CHARGING
        assert (reading.target_current_a, reading.wants_contactors) == (0.0, False)


async def test_what_makes_no_sense_is_a_bad_answer_once(script: Script) -> None:
    async with connected(script) as vehicle:
        script.say((Message.CONTROLLER_STATUS, "63"))
        with pytest.raises(BadAnswer, match="controller 1: State: 99 is unknown"):
            await becomes(vehicle, VehiclePhase.CHARGING)
        assert (await vehicle.read()).phase is VehiclePhase.UNPLUGGED


async def test_changes_come_at_once(script: Script) -> None:
    took_s = []
    async with connected(script) as vehicle:
        changes = vehicle.changes()
        assert (await anext(changes)).phase is VehiclePhase.UNPLUGGED
        for pilot, phase in (
            (PLUGGED, VehiclePhase.NEGOTIATING),
            (FREE, VehiclePhase.UNPLUGGED),
        ) * 3:
            script.always = (stands(1), pilot)
            said_s = time.monotonic()
            script.say(pilot)
            assert (await anext(changes)).phase is phase
            took_s.append(time.monotonic() - said_s)
    assert min(took_s) < 0.3 * advantics.PERIOD_S


async def test_an_emergency_ends_by_itself_in_the_stream(script: Script) -> None:
    script.always = (stands(7), PLUGGED, (Message.EMERGENCY_STOP, "03"))
    async with connected(script) as vehicle:
        async with asyncio.timeout(3.0):
            seen = [await anext(changes := vehicle.changes())]
            script.always = (stands(10), PLUGGED)
            while seen[-1].phase is not VehiclePhase.WELDING_CHECK:
                seen.append(await anext(changes))
    assert VehiclePhase.EMERGENCY in [reading.phase for reading in seen]
    assert {r.error for r in seen if r.error} == {"the vehicle broke off"}


async def test_two_connectors_share_a_bus(script: Script) -> None:
    script.index = 2
    script.always = (stands(1), PLUGGED)
    path = str(script.adapter.terminal.path)
    config = advantics.Config(path, "slcan")
    async with Resources(time.monotonic) as resources:
        one = advantics.connect(config, Place(1, resources))
        two = advantics.connect(config, Place(2, resources))
        script.adapter.detach(script._hear)
        async with one as first, two as second:
            assert (await second.read()).plugged
            with pytest.raises(NoAnswer, match="controller 1: silent"):
                await first.read()


async def test_an_index_belongs_to_one_connector(script: Script) -> None:
    path = str(script.adapter.terminal.path)
    config = advantics.Config(path, "slcan", index=1)
    async with Resources(time.monotonic) as resources:
        for _ in range(2):
            async with advantics.connect(config, Place(1, resources)):
                other = advantics.connect(config, Place(2, resources))
                with pytest.raises(HardwareError, match="is another connector's"):
                    await other.__aenter__()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"index": 32}, "index: 32 is out of bounds; write 0 to 31"),
        ({"silent_after_s": 0.1}, "silent_after_s: 0.1 is out of bounds"),
        ({"silent_after_s": 5.0}, "silent_after_s: 5.0 is out of bounds"),
        ({"channel": ""}, "channel: is empty"),
        ({"bitrate": 1}, "bitrate: 1 is not possible"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(advantics.Config("can0"), **changes)


frames = st.one_of(
    st.tuples(st.sampled_from(list(Message)), st.binary(max_size=8)),
    st.tuples(
        st.sampled_from([m for m in Message if m >= Message.CONTROLLER_STATUS]),
        st.sampled_from(
            [
                bytes.fromhex(text)
                for text in (
                    "04",
                    "02 01",
                    "4D 00 22 00 50 64",
                    "88 13 00 00 00 00 42",
                    "68 10 E2 04 E2 04 48",
                    "06 32 00 00 00 00 00 00",
                )
            ]
        ),
    ),
)


@given(st.lists(frames, max_size=30), st.binary(max_size=60))
@settings(max_examples=15, deadline=None)
def test_noise_is_answered_or_complained_about_and_nothing_else(
    noise: list[tuple[Message, bytes]], garbage: bytes
) -> None:
    async def listen(directory: str) -> None:
        async with (
            scripted(Path(directory) / "can") as script,
            connected(script) as vehicle,
        ):
            for message, data in noise:
                script.adapter.send(Frame(identifier(message, 1), data))
            script.adapter.terminal.send(garbage + b"\r")
            for _ in range(5):
                await asyncio.sleep(0.005)
                try:
                    async with asyncio.timeout(1.0):
                        reading = await vehicle.read()
                except (NoAnswer, BadAnswer):
                    continue
                assert 0.0 <= reading.target_voltage_v <= 1500.0
                assert 0.0 <= reading.target_current_a <= 3000.0

    with TemporaryDirectory() as directory:
        asyncio.run(listen(directory))

"""The drivers of chargebyte's safety controller: a scripted board, and the twin."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import (
    chargebyte_contactor,
    chargebyte_safety,
    chargebyte_temperature,
)
from hal.errors import BadAnswer, HardwareError, NoAnswer, Unconfirmed
from hal.interfaces import Contactor
from hal.resources import Place, Resources
from hal.simulation.gpio_chip import GpioChip
from hal.simulation.ports import PseudoTerminal
from hal.values import Position, VehiclePhase
from hal.wire.chargebyte import (
    ChargeControl,
    Frame,
    Packet,
    Pt1000,
    Stream,
    Version,
    encode_temperatures,
    sealed,
)
from hal.wire.chargebyte_state import NEW, ChargeState, Contact, Input, Pilot
from tests.hal.bench_vehicle import OnPort, on_port

NORMAL = ChargeState(Pilot.A, (Contact.OPEN, Contact.OPEN, Contact.UNUSED), 100.0)
COLD = (Pt1000(25.4), Pt1000(61.0), Pt1000(None), Pt1000(30.0, failed=True))
ASKS_VERSION = bytes.fromhex("A5 FF 0A 00 00 00 00 00 00 00 83 03")


class Script:
    """A board that says what a test wants, and keeps what it is told."""

    def __init__(self, path: Path) -> None:
        self.terminal = PseudoTerminal(path, self._hear)
        self.state: ChargeState | None = NORMAL
        self.sensors = COLD
        self.version: Version | None = Version(0, 3, 0)
        self.heard: list[Frame] = []
        self._stream = Stream()

    @property
    def controls(self) -> list[ChargeControl]:
        kind = Packet.CHARGE_CONTROL
        return [
            ChargeControl.decode(data) for packet, data in self.heard if packet == kind
        ]

    def say(self, packet: Packet, data: bytes) -> None:
        self.terminal.send(sealed(Frame(packet, data)))

    async def keep_saying(self) -> None:
        while True:
            if self.state is not None:
                self.say(Packet.CHARGE_STATE, self.state.encode(NEW))
                self.say(Packet.PT1000_STATE, encode_temperatures(self.sensors))
            await asyncio.sleep(0.05)

    def _hear(self, data: bytes) -> None:
        for frame in self._stream.cut(data):
            self.heard.append(frame)
            if frame.packet == Packet.INQUIRY and self.version is not None:
                self.say(Packet.FIRMWARE_VERSION, self.version.encode())


@asynccontextmanager
async def scripted(path: Path) -> AsyncIterator[Script]:
    script = Script(path)
    talk = asyncio.create_task(script.keep_saying())
    try:
        yield script
    finally:
        talk.cancel()
        script.terminal.close()


@pytest.fixture
async def script(tmp_path: Path) -> AsyncIterator[Script]:
    async with scripted(tmp_path / "uart") as script:
        yield script


@asynccontextmanager
async def connected(driver: Any, port: str, **settings: Any) -> AsyncIterator[Any]:
    config = driver.Config(port, **settings)
    async with (
        Resources(time.monotonic) as resources,
        driver.connect(config, Place(1, resources)) as device,
    ):
        yield device


def contactor(script: Script, **settings: Any) -> Any:
    return connected(chargebyte_contactor, str(script.terminal.path), **settings)


def safety(script: Script, **settings: Any) -> Any:
    return connected(chargebyte_safety, str(script.terminal.path), **settings)


def temperature(script: Script, **settings: Any) -> Any:
    return connected(chargebyte_temperature, str(script.terminal.path), **settings)


async def comes(true: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.002)


async def test_the_version_is_known_before_anything_is_told(script: Script) -> None:
    async with contactor(script):
        await comes(lambda: len(script.controls) > 1)
    assert sealed(script.heard[0]) == ASKS_VERSION
    assert [f.packet for f in script.heard].count(Packet.INQUIRY) == 1


async def test_a_board_without_a_version_is_not_believed(script: Script) -> None:
    script.version = None
    async with contactor(script) as device:
        with pytest.raises(NoAnswer, match="does not tell its version"):
            await device.read()
    assert script.controls == []


async def test_a_version_that_is_configured_is_not_asked_for(script: Script) -> None:
    async with contactor(script, firmware="0.3") as device:
        assert (await device.read()).position is Position.OPEN
    assert [f for f in script.heard if f.packet == Packet.INQUIRY] == []


@pytest.mark.parametrize(
    ("pilot", "duty_percent"), [(Pilot.A, 100.0), (Pilot.B, 5.0), (Pilot.C, 5.0)]
)
async def test_a_plugged_vehicle_gets_the_duty_cycle_to_speak_by(
    script: Script, pilot: Pilot, duty_percent: float
) -> None:
    async with contactor(script):
        script.state = replace(NORMAL, pilot=pilot)
        await comes(lambda: script.controls[-1].duty_percent == duty_percent)


async def test_coils_are_switched_at_once_and_dropped_at_the_end(
    script: Script,
) -> None:
    script.state = replace(NORMAL, pilot=Pilot.C)
    async with contactor(script, contactors=(1, 2)) as device:
        closing = asyncio.ensure_future(device.close())
        await comes(lambda: script.controls[-1].close == {1, 2}, 0.09)
        script.state = replace(script.state, contacts=(Contact.CLOSED,) * 2)
        await closing
        assert (await device.read()).position is Position.CLOSED
    await comes(lambda: script.controls[-1].close == frozenset())


@pytest.mark.parametrize(
    ("contacts", "position"),
    [
        ((Contact.OPEN, Contact.OPEN), Position.OPEN),
        ((Contact.CLOSED, Contact.CLOSED), Position.CLOSED),
        ((Contact.CLOSED, Contact.OPEN), Position.BETWEEN),
        ((Contact.UNDEFINED, Contact.OPEN), Position.BETWEEN),
    ],
)
async def test_the_feedback_of_both_poles_is_one_position(
    script: Script, contacts: tuple[Contact, ...], position: Position
) -> None:
    script.state = replace(NORMAL, contacts=contacts)
    async with contactor(script) as device:
        assert (await device.read()).position is position


async def test_a_contactor_that_the_board_does_not_use_is_a_mistake(
    script: Script,
) -> None:
    async with contactor(script, contactors=(1, 3)) as device:
        with pytest.raises(BadAnswer, match="contactor 3 is not in use; write another"):
            await device.read()


REFUSALS = [
    (replace(NORMAL, pilot=Pilot.B), "the control pilot is in state B"),
    (replace(NORMAL, pilot=Pilot.F, reason=2), "no message from the host in time"),
    (replace(NORMAL, pilot=Pilot.F, reason=15), "a contactor does not follow its coil"),
    (replace(NORMAL, pilot=Pilot.F, reason=99), r"safe state \(reason 99\); reset it"),
]


@pytest.mark.parametrize(("state", "why"), REFUSALS, ids=[w for _, w in REFUSALS])
async def test_what_the_board_would_not_close_is_not_tried(
    script: Script, state: ChargeState, why: str
) -> None:
    script.state = state
    async with contactor(script) as device:
        with pytest.raises(Unconfirmed, match=why):
            await device.close()
    assert all(not control.close for control in script.controls)


async def test_contacts_that_do_not_follow_leave_the_coils_off(script: Script) -> None:
    script.state = replace(NORMAL, pilot=Pilot.C)
    async with contactor(script) as device:
        with pytest.raises(Unconfirmed, match="open, not closed, after 0.3 s"):
            await device.close()
        assert any(control.close for control in script.controls)
        await comes(lambda: script.controls[-1].close == frozenset())


@pytest.mark.parametrize(
    "away", [replace(NORMAL, pilot=Pilot.B), replace(NORMAL, pilot=Pilot.F, reason=16)]
)
async def test_coils_do_not_come_back_by_themselves(
    script: Script, away: ChargeState
) -> None:
    script.state = ready = replace(NORMAL, pilot=Pilot.C)
    async with contactor(script) as device:
        closing = asyncio.ensure_future(device.close())
        await comes(lambda: script.controls[-1].close == {1, 2})
        script.state = replace(ready, contacts=(Contact.CLOSED,) * 2)
        await closing
        script.state = away
        await comes(lambda: script.controls[-1].close == frozenset())
        script.state = ready
        await comes(lambda: script.controls[-1].duty_percent == 5.0)
        count = len(script.controls)
        await comes(lambda: len(script.controls) > count + 2)
        assert script.controls[-1].close == frozenset()


async def test_a_pulled_cable_leaves_the_coils_off(script: Script) -> None:
    script.state = replace(NORMAL, pilot=Pilot.C)
    async with contactor(script) as device:
        closing = asyncio.ensure_future(device.close())
        await comes(lambda: script.controls[-1].close == {1, 2})
        script.state = replace(script.state, contacts=(Contact.CLOSED,) * 2)
        await closing
        script.terminal.pull()
        with pytest.raises(HardwareError):
            await device.open()
        script.terminal.put_back()
        count = len(script.controls)
        await comes(lambda: len(script.controls) > count + 1)
        assert script.controls[-1].close == frozenset()
        assert script.heard[-3].packet == Packet.INQUIRY


async def fails(device: Any, meanwhile: Callable[[], None] = lambda: None) -> None:
    async with asyncio.timeout(3.0):
        while True:
            meanwhile()
            await device.read()
            await asyncio.sleep(0.01)


async def test_a_silent_board_is_no_answer(script: Script) -> None:
    async with contactor(script) as device:
        await device.read()
        script.state = None
        fell_silent_s = time.monotonic()
        with pytest.raises(NoAnswer, match="safety controller is silent for 0.5 s"):
            await fails(device)
        assert time.monotonic() - fell_silent_s < 0.7


async def test_broken_frames_are_a_bad_answer(script: Script) -> None:
    broken = ASKS_VERSION[:-1] + b"\x00"
    async with contactor(script) as device:
        script.state = None
        with pytest.raises(BadAnswer, match="only broken frames"):
            await fails(device, lambda: script.terminal.send(broken))


async def test_the_inputs_are_what_is_wired_to_them(script: Script) -> None:
    async with safety(script, emergency_stop=2, door=1, surge_protector=3) as device:
        for inputs, expected in (
            ((Input.NORMAL, Input.NORMAL, Input.NORMAL), (False, False, False)),
            ((Input.NORMAL, Input.TRIPPED, Input.NORMAL), (True, False, False)),
            ((Input.TRIPPED, Input.NORMAL, Input.TRIPPED), (False, True, True)),
        ):
            script.state = replace(NORMAL, inputs=inputs)
            reading = await device.read()
            async with asyncio.timeout(1.0):
                while (
                    reading.emergency_stop,
                    reading.door_open,
                    reading.surge_protector_tripped,
                ) != expected:
                    await asyncio.sleep(0.005)
                    reading = await device.read()


async def test_an_edge_is_told_without_asking(script: Script) -> None:
    async with safety(script) as device, asyncio.timeout(3.0):
        changes = device.changes()
        assert not (await anext(changes)).emergency_stop
        script.state = replace(NORMAL, inputs=(Input.TRIPPED,) + (Input.NORMAL,) * 2)
        assert (await anext(changes)).emergency_stop


async def test_what_has_tripped_stays_so_until_the_reset(script: Script) -> None:
    script.state = replace(NORMAL, pilot=Pilot.F, reason=16)
    async with safety(script) as device:
        assert (await device.read()).emergency_stop


async def test_a_board_that_watches_nothing_is_not_believed(script: Script) -> None:
    script.state = replace(NORMAL, pilot=Pilot.F, reason=2)
    async with safety(script) as device:
        with pytest.raises(BadAnswer, match="safe state .no message from the host"):
            await device.read()


async def test_an_input_that_the_board_does_not_use_is_a_mistake(
    script: Script,
) -> None:
    script.state = replace(NORMAL, inputs=(Input.UNUSED,) + (Input.NORMAL,) * 2)
    async with safety(script) as device:
        with pytest.raises(BadAnswer, match="emergency input 1 is unused"):
            await device.read()


async def test_the_hottest_sensor_counts(script: Script) -> None:
    async with temperature(script) as device:
        assert (await device.read()).temperature_c == 61.0
    async with temperature(script, sensors=(1,)) as device:
        assert (await device.read()).temperature_c == 25.4


@pytest.mark.parametrize(
    ("number", "complaint"), [(3, "3 is not in use"), (4, "4 has failed its self-test")]
)
async def test_a_sensor_that_cannot_be_believed_is_a_bad_answer(
    script: Script, number: int, complaint: str
) -> None:
    async with temperature(script, sensors=(1, number)) as device:
        with pytest.raises(BadAnswer, match=complaint):
            await device.read()


async def test_the_drivers_of_a_board_share_it_and_agree(script: Script) -> None:
    port = str(script.terminal.path)
    async with Resources(time.monotonic) as resources:
        place = Place(1, resources)
        async with (
            chargebyte_contactor.connect(chargebyte_contactor.Config(port), place),
            chargebyte_safety.connect(chargebyte_safety.Config(port), place) as inputs,
        ):
            assert not (await inputs.read()).emergency_stop
            other = chargebyte_temperature.Config(port, duty_percent=10.0)
            with pytest.raises(HardwareError, match="write the same into both tables"):
                await chargebyte_temperature.connect(other, place).__aenter__()


@pytest.mark.parametrize(
    ("driver", "settings", "complaint"),
    [
        (chargebyte_contactor, {"contactors": ()}, "contactors: .. is not possible"),
        (chargebyte_contactor, {"contactors": (1, 4)}, "contactors: .1, 4. is not"),
        (chargebyte_contactor, {"contactors": (1, 1)}, "contactors: .1, 1. is not"),
        (chargebyte_contactor, {"confirm_s": 1.0}, "confirm_s: 1.0 is out of bounds"),
        (chargebyte_contactor, {"duty_percent": 0.0}, "duty_percent: 0.0 is out of"),
        (chargebyte_contactor, {"firmware": "9"}, 'firmware: "9" is unknown'),
        (chargebyte_contactor, {"reset_line": "!"}, "reset_line: '!' names no line"),
        (chargebyte_safety, {"emergency_stop": 4}, "emergency_stop: 4 is out of"),
        (chargebyte_safety, {"emergency_stop": 0}, "give one an input of the board"),
        (chargebyte_safety, {"door": 1}, "and each its own"),
        (chargebyte_temperature, {"sensors": (5,)}, "sensors: .5. is not possible"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    driver: Any, settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        driver.Config("/dev/ttyLP2", **settings)


def position(rig: OnPort) -> Position:
    return rig.outlet.position


@asynccontextmanager
async def closing(rig: OnPort, **settings: Any) -> AsyncIterator[Contactor]:
    async with connected(chargebyte_contactor, rig.port, **settings) as device:
        yield device


@pytest.mark.parametrize("version", [Version(0, 2, 9), Version(0, 3, 1)])
async def test_both_kinds_of_firmware_are_understood(version: Version) -> None:
    async with on_port("C", version) as rig, closing(rig) as device:
        await device.close()
        assert position(rig) is Position.CLOSED
        await device.open()
        assert position(rig) is Position.OPEN


async def test_a_welded_contactor_is_unconfirmed() -> None:
    async with on_port("C") as rig, closing(rig) as device:
        await device.close()
        rig.fault("contactor-weld", on=True)
        with pytest.raises(Unconfirmed, match="closed, not open"):
            await device.open()
        with pytest.raises(Unconfirmed, match="a contactor does not follow its coil"):
            await device.close()


async def test_the_reset_line_ends_a_safe_state_of_a_former_time(
    tmp_path: Path,
) -> None:
    chip, socket = GpioChip(), tmp_path / "chip"
    async with on_port("C") as rig, chip.listening(socket):
        chip.feel("7", lambda high: rig.board.reset() if high else None)
        line = {"reset_chip": f"unix:{socket}", "reset_line": "7"}
        async with closing(rig, **line) as device:
            await device.close()
        # The station has left, and the board has heard nothing for too long.
        await comes(lambda: rig.board.safe)
        async with closing(rig) as device:
            with pytest.raises(Unconfirmed, match="no message from the host in time"):
                await device.close()
        async with closing(rig, **line) as device:
            await device.close()
            assert rig.outlet.position is Position.CLOSED


noise = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.builds(
            lambda data, at, flip: (
                data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
            ),
            st.just(sealed(Frame(Packet.CHARGE_STATE, NORMAL.encode(NEW)))),
            st.integers(0, 11),
            st.integers(1, 255),
        ),
        st.just(sealed(Frame(Packet.PT1000_STATE, encode_temperatures(COLD)))),
        st.just(sealed(Frame(Packet.CHARGE_STATE, NORMAL.encode(NEW)))),
    ),
    max_size=12,
)


@given(noise)
@settings(max_examples=15, deadline=None)
def test_noise_never_makes_a_contactor_closed(pieces: list[bytes]) -> None:
    async def listen(directory: str) -> None:
        async with (
            scripted(Path(directory) / "uart") as script,
            contactor(script, firmware="0.3") as device,
        ):
            script.state = None
            for piece in pieces:
                script.terminal.send(piece)
            for _ in range(4):
                await asyncio.sleep(0.005)
                try:
                    async with asyncio.timeout(1.0):
                        position = (await device.read()).position
                except (NoAnswer, BadAnswer):
                    continue
                assert position is Position.OPEN

    with TemporaryDirectory() as directory:
        asyncio.run(listen(directory))


def test_a_car_makes_the_pilot() -> None:
    async def stand() -> None:
        async with on_port() as rig, closing(rig) as device:
            rig.plug()
            await comes(
                lambda: rig.outlet.controller.phase is not VehiclePhase.UNPLUGGED
            )
            with pytest.raises(Unconfirmed, match="pilot is in state [AB]"):
                await device.close()

    asyncio.run(stand())

"""The frames of chargebyte's safety controller."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire.chargebyte import (
    ChargeControl,
    Frame,
    Packet,
    Pt1000,
    Stream,
    Version,
    crc8,
    decode_temperatures,
    decode_version,
    encode_temperatures,
    inquiry,
    sealed,
)
from hal.wire.chargebyte_state import (
    NEW,
    OLD,
    REASONS,
    ChargeState,
    Contact,
    Input,
    Layout,
    Pilot,
    layout_of,
)

C = Contact
CONTROLS = [
    (ChargeControl(5.0), "A5 06 80 32 00 00 00 00 00 00 EF 03"),
    (ChargeControl(5.0, frozenset({1, 2})), "A5 06 80 32 03 00 00 00 00 00 25 03"),
    (ChargeControl(100.0), "A5 06 83 E8 00 00 00 00 00 00 A0 03"),
    (ChargeControl(None), "A5 06 00 00 00 00 00 00 00 00 3F 03"),
]
STATES = [
    (
        ChargeState(Pilot.B, (C.OPEN, C.OPEN, C.UNUSED), 5.0, (Input.NORMAL,) * 3),
        "A5 07 80 32 02 00 35 00 00 00 BA 03",
    ),
    (
        ChargeState(
            Pilot.C,
            (C.CLOSED, C.CLOSED, C.UNUSED),
            5.0,
            (Input.NORMAL, Input.NORMAL, Input.UNUSED),
            hv_ready=True,
        ),
        "A5 07 80 32 03 00 7A 30 00 00 28 03",
    ),
]
SENSORS = (Pt1000(25.4), Pt1000(61.0), Pt1000(-5.5), Pt1000(None))
TEMPERATURES = "A5 08 03 F8 09 88 FF 24 7F FC 0A 03"


def one(frame: str) -> Frame:
    (cut,) = Stream().cut(bytes.fromhex(frame))
    return cut


@pytest.mark.parametrize(("control", "frame"), CONTROLS, ids=[f for _, f in CONTROLS])
def test_a_control_is_the_frame_of_the_manual(
    control: ChargeControl, frame: str
) -> None:
    data = Frame(Packet.CHARGE_CONTROL, control.encode())
    assert sealed(data) == bytes.fromhex(frame)
    assert one(frame) == data
    assert ChargeControl.decode(data.data) == control


@pytest.mark.parametrize(("state", "frame"), STATES, ids=[f for _, f in STATES])
def test_a_state_is_the_frame_of_the_manual(state: ChargeState, frame: str) -> None:
    data = Frame(Packet.CHARGE_STATE, state.encode(NEW))
    assert sealed(data) == bytes.fromhex(frame)
    assert ChargeState.decode(one(frame).data, NEW) == state


def test_temperatures_are_the_frame_of_the_manual() -> None:
    data = Frame(Packet.PT1000_STATE, encode_temperatures(SENSORS))
    assert sealed(data) == bytes.fromhex(TEMPERATURES)
    assert decode_temperatures(one(TEMPERATURES).data) == SENSORS


def test_a_sensor_tells_of_itself() -> None:
    sensors = (Pt1000(25.4, failed=True), Pt1000(95.0, too_hot=True)) * 2
    assert decode_temperatures(encode_temperatures(sensors)) == sensors


def test_the_version_is_asked_for() -> None:
    asked = "A5 FF 0A 00 00 00 00 00 00 00 83 03"
    assert sealed(inquiry(Packet.FIRMWARE_VERSION)) == bytes.fromhex(asked)
    version = Version(0, 3, 1)
    assert decode_version(version.encode()) == version
    assert str(version) == "0.3.1"


@pytest.mark.parametrize(
    ("version", "layout"),
    [((0, 2, 9), OLD), ((0, 3, 0), NEW), ((0, 4, 1), NEW), ((1, 0, 0), NEW)],
)
def test_the_layout_follows_the_version(
    version: tuple[int, int, int], layout: Layout
) -> None:
    assert layout_of(Version(*version)) is layout


@pytest.mark.parametrize(
    ("contacts", "byte"),
    [
        ((C.OPEN, C.OPEN), 0b00_000_000),
        ((C.CLOSED, C.OPEN), 0b00_000_001),
        ((C.CLOSED, C.CLOSED), 0b00_001_001),
        ((C.UNUSED, C.OPEN), 0b00_000_011),
        ((C.FAULTY, C.OPEN), 0b00_000_100),
        ((C.OPEN, C.FAULTY), 0b00_100_000),
    ],
)
def test_old_firmware_has_an_error_for_each_contactor(
    contacts: tuple[Contact, ...], byte: int
) -> None:
    state = ChargeState(Pilot.C, contacts)
    assert state.encode(OLD)[4] == byte
    assert ChargeState.decode(state.encode(OLD), OLD) == state


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_the_safe_state_has_its_reason(reason: int) -> None:
    state = ChargeState(Pilot.F, (C.OPEN, C.OPEN, C.UNUSED), reason=reason)
    read = ChargeState.decode(state.encode(NEW), NEW)
    assert read.reason == reason
    assert read == state


def test_a_reason_without_a_safe_state_is_none() -> None:
    normal = bytes.fromhex("80 32 02 00 35 00 02 00")
    assert ChargeState.decode(normal, NEW).reason == 0
    nameless = bytes.fromhex("04 00 06 00 35 00 00 00")
    assert ChargeState.decode(nameless, NEW).reason == 1


def test_the_checksum_is_that_of_sae_j1850() -> None:
    assert crc8(b"123456789") == 0x4B


@given(st.integers(0, 11), st.integers(1, 255))
@settings(max_examples=50, deadline=None)
def test_no_flipped_byte_goes_unseen(at: int, flip: int) -> None:
    frame = bytearray.fromhex(TEMPERATURES)
    frame[at] ^= flip
    assert Stream().cut(bytes(frame)) == []


@given(
    st.lists(st.sampled_from([f for _, f in CONTROLS]), min_size=1, max_size=5),
    st.binary(max_size=30).filter(lambda noise: 0xA5 not in noise),
    st.integers(1, 20),
)
@settings(max_examples=50, deadline=None)
def test_frames_are_found_in_whatever_pieces_they_come(
    frames: list[str], noise: bytes, piece: int
) -> None:
    stream = Stream()
    wire = noise.join([b"", *(bytes.fromhex(frame) for frame in frames), b""])
    pieces = [wire[at : at + piece] for at in range(0, len(wire), piece)]
    found = [frame for each in pieces for frame in stream.cut(each)]
    assert found == [one(frame) for frame in frames]
    assert stream.spoiled == len(noise) * (len(frames) + 1)


@given(st.lists(st.binary(max_size=40), max_size=8))
@settings(max_examples=50, deadline=None)
def test_a_frame_that_follows_noise_is_found(noise: list[bytes]) -> None:
    stream = Stream()
    for each in noise:
        stream.cut(each)
    # As long as a frame that has begun in the noise, and may still be waited for.
    stream.cut(bytes(12))
    assert stream.cut(bytes.fromhex(TEMPERATURES))[-1:] == [one(TEMPERATURES)]

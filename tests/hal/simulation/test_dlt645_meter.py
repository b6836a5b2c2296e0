"""The twin of a DL/T 645 meter says what real ones say."""

import pytest

from hal.simulation.dlt645_meter import Dlt645Meter, disguised
from hal.wire import dlt645
from hal.wire.dlt645 import Frame
from hal.world.site import World

ONE = "000000000001"


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.fixture
def twin() -> Dlt645Meter:
    world = World(lambda: 0.0)
    outlet = world.outlet(1)
    outlet.register.energy_wh = 12_345_670.0
    outlet.plug_v = 400.5
    outlet.register.forced_w = 400.5 * 123.4
    return Dlt645Meter(world, 1)


EXCHANGES = [
    (
        "FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 33 34 33 B3 16",
        "68 01 00 00 00 00 00 68 91 08 33 33 34 33 9A 78 56 34 D3 16",
    ),
    (
        "68 01 00 00 00 00 00 68 11 04 33 34 34 35 B6 16",
        "68 01 00 00 00 00 00 68 91 06 33 34 34 35 38 73 E3 16",
    ),
    (
        "FE 68 01 00 00 00 00 00 68 11 04 33 34 35 35 B7 16",
        "68 01 00 00 00 00 00 68 91 07 33 34 35 35 33 67 45 19 16",
    ),
    (
        "FE FE FE FE 68 01 00 00 00 00 00 68 11 04 33 33 36 35 B7 16",
        "68 01 00 00 00 00 00 68 91 07 33 33 36 35 4A 75 7C 75 16",
    ),
    (
        "FE FE FE FE 68 AA AA AA AA AA AA 68 13 00 DF 16",
        "68 01 00 00 00 00 00 68 93 06 34 33 33 33 33 33 9D 16",
    ),
]


@pytest.mark.parametrize(("question", "answer"), EXCHANGES)
def test_it_answers_with_the_frames_of_the_manual(
    twin: Dlt645Meter, question: str, answer: str
) -> None:
    assert twin.hear(hexed(question)) == hexed(answer)


REFUSED = [
    (Frame(ONE, 0x11, hexed("00 00 99 00")), 0xD1),
    (Frame(ONE, 0x14, hexed("01 01 00 04")), 0xD4),
    (Frame(ONE, 0x12, hexed("00 00 01 00 01")), 0xD2),
]


@pytest.mark.parametrize(("question", "control"), REFUSED)
def test_it_refuses_what_it_has_not(
    twin: Dlt645Meter, question: Frame, control: int
) -> None:
    refusal = dlt645.encode(Frame(ONE, control, b"\x02"))
    assert twin.hear(dlt645.encode(question)) == refusal


IGNORED = [
    dlt645.encode(dlt645.read("000000000002", 0x00010000)),
    dlt645.encode(dlt645.read(ONE, 0x00010000))[:-1],
    dlt645.encode(dlt645.read(ONE, 0x00010000))[:-1] + b"\x17",
    dlt645.encode(Frame("9" * 12, 0x08, bytes(6))),
    bytes.fromhex("01 03 00 00 00 14 45 C5"),
]


@pytest.mark.parametrize("said", IGNORED, ids=lambda v: str(v)[:20])
def test_it_leaves_alone_what_is_not_for_it(twin: Dlt645Meter, said: bytes) -> None:
    assert twin.hear(said) is None


BEYOND = [
    # identifier, octets of the voltage, decimals of the power, what is shown
    (0x02010100, 2, 4, "99 99"),
    (0x02010100, 3, 4, "00 00 01"),
    (0x02030000, 2, 4, "99 99 79"),
    (0x02030000, 2, 3, "00 00 10"),
]


@pytest.mark.parametrize(("identifier", "octets", "decimals", "shown"), BEYOND)
def test_what_is_too_large_stays_at_the_end_of_the_display(
    identifier: int, octets: int, decimals: int, shown: str
) -> None:
    world = World(lambda: 0.0)
    world.outlet(1).plug_v = 1000.0
    world.outlet(1).register.forced_w = 100_000.0
    twin = Dlt645Meter(world, 1, voltage_octets=octets, power_decimals=decimals)
    answer = twin.hear(dlt645.encode(dlt645.read(ONE, identifier)))
    assert answer is not None
    frame = dlt645.decode(answer)
    assert frame is not None
    assert frame.data[4:] == hexed(shown)


def test_a_disguised_answer_is_another_meters() -> None:
    frame = Frame(ONE, 0x91, bytes(8))
    other = dlt645.decode(disguised(dlt645.encode(frame)))
    assert other == frame._replace(address="000000000002")

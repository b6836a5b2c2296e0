"""The twin of the Acrel DJSF1352-RN says what the manual's samples say."""

import pytest

from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.simulation.modbus_device import answered
from hal.wire import modbus
from hal.world.site import World


def hexed(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.fixture
def world() -> World:
    """A world in which no time passes."""
    still = World(lambda: 0.0)
    still.outlet(1).register.energy_wh = 21_018.0
    return still


def asked(twin: AcrelDjsf1352, request: bytes) -> bytes | None:
    return answered(request, twin.unit, twin.obey)


def test_the_twin_shows_the_display_of_the_manual(world: World) -> None:
    world.outlet(1).plug_v = 400.5
    world.outlet(1).register.forced_w = 400.5 * 123.4
    answer = asked(AcrelDjsf1352(world, 1), hexed("01 03 00 00 00 14 45 C5"))
    assert answer == hexed(
        "01 03 28 0F A5 00 02 04 D2 00 02 00 00 00 FD 00 00 00 00 13 4E 00 04 00 00"
        "00 00 00 00 52 1A 00 00 00 00 00 01 00 FA 00 00 00 00 D7 BE"
    )


def test_the_twin_shows_energies_and_ratings_by_themselves(world: World) -> None:
    answer = asked(AcrelDjsf1352(world, 1), hexed("01 03 00 0C 00 08 84 0F"))
    assert answer == hexed(
        "01 03 10 00 00 52 1A 00 00 00 00 00 01 00 FA 00 00 00 00 59 85"
    )


def test_the_twin_shows_floats(world: World) -> None:
    world.outlet(1).plug_v = 750.5
    world.outlet(1).register.forced_w = -750.5 * 12.25
    answer = asked(AcrelDjsf1352(world, 1), hexed("01 03 00 32 00 06 64 07"))
    assert answer is not None
    assert answer[:11] == hexed("01 03 0C 44 3B A0 00 C1 44 00 00")


def test_the_clock_of_the_twin_can_be_set(world: World) -> None:
    twin = AcrelDjsf1352(world, 1)
    set_clock = hexed("01 10 00 1E 00 03 06 17 03 13 0E 18 00 AE 80")
    assert asked(twin, set_clock) == modbus.sealed(hexed("01 10 00 1E 00 03"))
    answer = asked(twin, hexed("01 03 00 1E 00 04 24 0F"))
    assert answer == modbus.sealed(hexed("01 03 08 17 03 13 0E 18 00 00 00"))


REFUSED = [
    ("01 03 00 14 00 01", "01 83 02"),
    ("01 03 00 00 00 15", "01 83 02"),
    ("01 04 00 00 00 01", "01 84 01"),
    ("01 10 00 1E 00 01 02 00 00", "01 90 02"),
]


@pytest.mark.parametrize(("request_", "refusal"), REFUSED)
def test_the_twin_refuses_what_the_meter_has_not(
    world: World, request_: str, refusal: str
) -> None:
    twin = AcrelDjsf1352(world, 1)
    answer = asked(twin, modbus.sealed(hexed(request_)))
    assert answer == modbus.sealed(hexed(refusal))


def test_the_twin_leaves_questions_to_others_alone(world: World) -> None:
    twin = AcrelDjsf1352(world, 1, unit=2)
    assert asked(twin, hexed("01 03 00 00 00 14 45 C5")) is None


def test_a_register_can_run_backwards_and_stand_still(world: World) -> None:
    twin = AcrelDjsf1352(world, 1)
    energies = modbus.read(1, modbus.Function.READ_HOLDING, 12, 2)
    world.faults.put("meter-backwards", True, 1)
    answer = asked(twin, energies)
    assert answer is not None
    assert modbus.words(answer) == (0, 20_018)
    world.faults.put("meter-backwards", False, 1)
    world.faults.put("meter-frozen", True, 1)
    world.outlet(1).suffer(world.faults.at(1))
    world.outlet(1).register.energy_wh = 30_000.0
    answer = asked(twin, energies)
    assert answer is not None
    assert modbus.words(answer) == (0, 21_018)

"""What the kernel writes of temperature sensors, and what is not to be believed."""

from contextlib import suppress
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.simulation.thermometer import one_wire_text
from hal.wire.sysfs import temperature_c

W1 = PurePath("/sys/bus/w1/devices/28-00000a1b2c3d/w1_slave")
W1_PLAIN = W1.with_name("temperature")
HWMON = PurePath("/sys/class/hwmon/hwmon3/temp1_input")
# as printed in the kernel's w1_therm.rst
PAD = "72 01 4b 46 7f ff 0e 10 57"
SOUND = f"{PAD} : crc=57 YES\n{PAD} t=23125\n"


@pytest.mark.parametrize(
    ("path", "text", "expected_c"),
    [
        (W1, SOUND, 23.125),
        (W1, SOUND.replace("t=23125", "t=-1062"), -1.062),
        (W1_PLAIN, "23125\n", 23.125),
        (HWMON, "85000\n", 85.0),
        (HWMON, "-4000", -4.0),
        (PurePath("/sys/class/thermal/thermal_zone0/temp"), "41500\n", 41.5),
    ],
)
def test_thousandths_of_a_degree_are_read(
    path: PurePath, text: str, expected_c: float
) -> None:
    assert temperature_c(path, text) == expected_c


@pytest.mark.parametrize(
    ("path", "text", "mistake"),
    [
        (W1, SOUND.replace("YES", "NO"), "wrong checksum; check the wires"),
        (W1, SOUND.replace("23125", "85000"), "says 85 C, as a sensor does that lost"),
        (W1_PLAIN, "85000\n", "says 85 C, as a sensor does that lost its supply"),
        (
            W1,
            f"{'00 ' * 9}: crc=00 YES\n{'00 ' * 9}t=0\n",
            "wrong checksum; check the wires",
        ),
        (W1, SOUND[:40], "is no answer of a 1-wire sensor"),
        (W1, "", "is no answer of a 1-wire sensor"),
        (HWMON, "", "is no temperature"),
        (HWMON, "warm\n", "is no temperature"),
        (HWMON, "250000\n", "says 250.0 C; check the sensor"),
        (HWMON, "-127000\n", "says -127.0 C; check the sensor"),
    ],
)
def test_what_cannot_be_is_a_bad_answer(
    path: PurePath, text: str, mistake: str
) -> None:
    with pytest.raises(BadAnswer, match=mistake):
        temperature_c(path, text)


@settings(max_examples=50, deadline=None)
@given(st.integers(-55 * 16, 125 * 16))
def test_the_twin_writes_what_the_kernel_writes(steps: int) -> None:
    if steps == 85 * 16:
        return
    assert temperature_c(W1, one_wire_text(steps / 16)) == pytest.approx(
        steps / 16, abs=0.001
    )


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([W1, W1_PLAIN, HWMON]), st.text())
def test_any_text_is_a_temperature_or_a_bad_answer(path: PurePath, text: str) -> None:
    with suppress(BadAnswer):
        assert -60 <= temperature_c(path, text) <= 200


def test_the_twin_writes_what_a_real_sensor_wrote() -> None:
    assert one_wire_text(23.125) == SOUND

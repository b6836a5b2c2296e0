"""Measurements of the isoCHA425HV, as its manual shows them."""

import pytest

from hal.wire.isocha import (
    SETTINGS,
    Alarm,
    Measurement,
    Trial,
    Validity,
    decode,
    encode,
)

SAMPLES = [
    (
        "49 B7 1B 00 00 02 00 47",
        Measurement(1_500_000.0, Alarm.NONE, Trial.NONE, Validity.TRUE, 2, 71),
    ),
    (
        "47 A4 10 00 05 02 00 47",
        Measurement(84_000.0, Alarm.ALARM, Trial.NONE, Validity.TRUE, 2, 71),
    ),
    (
        "49 F4 24 00 80 82 00 47",
        Measurement(
            2_000_000.0, Alarm.NONE, Trial.EXTERNAL, Validity.TRUE_IS_BIGGER, 2, 71
        ),
    ),
    (
        "43 C9 40 00 00 04 00 4C",
        Measurement(402.5, Alarm.NONE, Trial.NONE, Validity.TRUE, 4, 76),
    ),
]


@pytest.mark.parametrize(("octets", "measurement"), SAMPLES)
def test_a_measurement_is_read_as_the_manual_says(
    octets: str, measurement: Measurement
) -> None:
    assert decode(bytes.fromhex(octets)) == measurement
    assert encode(measurement) == bytes.fromhex(octets)


def test_a_device_is_out_of_order_only_while_it_does_not_test_itself() -> None:
    error = decode(bytes.fromhex("49 B7 1B 00 02 02 00 47"))
    assert error.failed
    assert not error._replace(trial=Trial.EXTERNAL).failed
    assert not error._replace(alarm=Alarm.ALARM).failed


def test_no_two_settings_share_a_register() -> None:
    registers = [setting.register for setting in SETTINGS.values()]
    assert len(set(registers)) == len(registers)
    assert SETTINGS["enabled"].register == 3026

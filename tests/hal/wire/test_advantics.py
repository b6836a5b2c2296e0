"""The frames of the ADVANTICS EVSE Generic interface, made with its public database."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire import advantics, advantics_vehicle
from hal.wire.advantics import (
    Function,
    Message,
    Origin,
    PowerControl,
    PowerModulesStatus,
    PowerParameters,
    SequenceControl,
    State,
)
from hal.wire.advantics_vehicle import (
    Battery,
    ChargeLimits,
    ExtraInformation,
    Pilot,
    Voltages,
)

BOTH_WAYS = [
    (Battery(77_000.0, 34.0, 80.0), "4D 00 22 00 50 64"),
    (Voltages(0.0, 420.0), "00 00 68 10 00 00"),
    (ChargeLimits(250.0, 170_000.0), "00 00 C4 09 00 00 AA 00"),
    (ExtraInformation(Pilot.C, 5.0), "06 32 00 00 00 00 00 00"),
    (SequenceControl(start=True), "01 00 00"),
    (SequenceControl(True, True, True), "01 03 00"),
    (SequenceControl(True, True, True, True), "01 07 00"),
    (SequenceControl(True, True, True, True, True), "01 07 01"),
    (PowerParameters(1000.0, 200.0), "10 27 D0 07 00 00 00 00"),
    (
        PowerControl(500.0, function=Function.INSULATION_TEST, close_contactors=True),
        "88 13 00 00 00 00 42",
    ),
    (
        PowerModulesStatus(480.0, 0.0, 45.0, 30.0, True, 510_000.0),
        "C0 12 00 00 55 46 01 FF",
    ),
    (
        PowerControl(396.5, 2.0, 0.0, Function.PRECHARGE, True, True),
        "7D 0F 14 00 00 00 64",
    ),
    (
        PowerControl(
            420.0, 125.0, 125.0, Function.POWER_TRANSFER, close_contactors=True
        ),
        "68 10 E2 04 E2 04 48",
    ),
    (
        PowerModulesStatus(402.3, 124.9, 52.0, 35.0, True, 300_000.0),
        "B7 0F E1 04 5C 4B 01 96",
    ),
    (
        PowerModulesStatus(402.3, -12.5, 52.0, 35.0, True, 510_000.0),
        "B7 0F 83 FF 5C 4B 01 FF",
    ),
    (
        PowerControl(function=Function.STANDBY, close_contactors=True),
        "00 00 00 00 00 00 41",
    ),
    (
        PowerControl(function=Function.STANDBY, lower_voltage=True),
        "00 00 00 00 00 00 81",
    ),
]
TWO_WAYS = (
    PowerModulesStatus
    | PowerParameters
    | SequenceControl
    | PowerControl
    | Battery
    | Voltages
    | ChargeLimits
    | ExtraInformation
)


@pytest.mark.parametrize(("value", "frame"), BOTH_WAYS, ids=[f for _, f in BOTH_WAYS])
def test_a_value_is_the_frame_of_the_database(value: TWO_WAYS, frame: str) -> None:
    data = bytes.fromhex(frame)

    assert value.encode() == data
    assert type(value).decode(data) == value


def test_what_only_the_controller_says_is_read() -> None:
    assert advantics.state(b"\x04") is State.INSULATION_TEST
    assert advantics.origin(b"\x01") is Origin.EVSE
    address = bytes.fromhex("00 7D FA 06 9F 4E")
    assert advantics_vehicle.evccid(address) == "007DFA069F4E"


@pytest.mark.parametrize(
    ("message", "index", "identifier"),
    [
        (Message.CONTROLLER_STATUS, 1, 0x0106B000),
        (Message.NEW_CHARGE_SESSION, 2, 0x0206B001),
        (Message.POWER_MODULES_STATUS, 1, 0x01063000),
        (Message.SEQUENCE_CONTROL, 31, 0x1F063002),
    ],
)
def test_an_identifier_has_the_index_on_top(
    message: Message, index: int, identifier: int
) -> None:
    assert advantics.identifier(message, index) == identifier
    assert advantics.without_index(identifier) == message


def test_all_that_a_controller_says_passes_its_mask() -> None:
    said = [m for m in Message if m >= advantics.FROM_CONTROLLER]
    masked = {
        advantics.identifier(m, index) & advantics.FAMILY_MASK
        for m in said
        for index in (1, 2)
    }
    assert masked == {0x0106B000, 0x0206B000}


def test_older_controllers_tell_less_of_the_vehicle() -> None:
    assert Battery.decode(bytes.fromhex("4D 00 22")) == Battery(77_000.0, 34.0)
    assert Voltages.decode(bytes.fromhex("00 00 68 10")) == Voltages(0.0, 420.0)


@pytest.mark.parametrize(
    ("told_ohm", "bits"), [(99_999.0, 49), (100_000.0, 50), (9e9, 255), (-1.0, 0)]
)
def test_a_resistance_is_never_rounded_up(told_ohm: float, bits: int) -> None:
    status = PowerModulesStatus(0.0, 0.0, 20.0, 20.0, True, told_ohm)
    assert status.encode()[7] == bits


@pytest.mark.parametrize(
    ("offered_a", "tenths"), [(12.39, 123), (12.3, 123), (0.04, 0), (1e9, 0xFFFF)]
)
def test_a_limit_is_never_rounded_up(offered_a: float, tenths: int) -> None:
    data = PowerParameters(1000.0, offered_a).encode()
    assert int.from_bytes(data[2:4], "little") == tenths


@given(
    st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(0, 1e9)
)
@settings(max_examples=50, deadline=None)
def test_no_measurement_is_too_large_for_its_frame(
    voltage_v: float, current_a: float, heat_c: float, resistance_ohm: float
) -> None:
    data = PowerModulesStatus(
        voltage_v, current_a, heat_c, heat_c, True, resistance_ohm
    ).encode()
    read = PowerModulesStatus.decode(data)

    assert len(data) == 8
    assert 0.0 <= read.voltage_v <= 6553.5
    assert read.resistance_ohm <= resistance_ohm


@pytest.mark.parametrize(
    ("read", "frame", "complaint"),
    [
        (advantics.state, "0E", "State: 14 is unknown"),
        (advantics.state, "", "Advantics_Controller_Status: 0 bytes, not 1"),
        (advantics.origin, "02", "Origin: 2 is unknown"),
        (PowerControl.decode, "88 13 00 00 00 00 43", "Power_Function: 3 is unknown"),
        (PowerControl.decode, "88 13 00 00 00 00", "DC_Power_Control: 6 bytes, not 7"),
        (Battery.decode, "4D 00", "EV_Information_Battery: 2 bytes, less than 3"),
        (Battery.decode, "4D 00 65", "101 % is no state of charge"),
        (ExtraInformation.decode, "07 32 00 00 00 00 00 00", "CP_State: 7 is unknown"),
        (advantics_vehicle.evccid, "00 7D", "EV_ID_CCS: 2 bytes, not 6"),
    ],
)
def test_what_no_controller_can_say_is_a_bad_answer(
    read: object, frame: str, complaint: str
) -> None:
    assert callable(read)
    with pytest.raises(BadAnswer, match=complaint):
        read(bytes.fromhex(frame))

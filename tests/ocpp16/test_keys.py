import ast
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.core.policy import Policy
from chargerd.core.reasons import Why
from chargerd.ocpp16.keys import (
    KEYS,
    MAX_STOP_VALUES,
    Access,
    BadValue,
    Key,
    Outcome,
    id_tag,
    judge,
    measurands,
    policy,
    rate_units,
    readable,
    rotation,
    sampled,
    secret_key,
    zone,
)
from chargerd.ocpp16.measurands import MEASURANDS

TESTS: Final = Path(__file__).parents[1]
EVERY_KEY = pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)


def proved() -> Iterator[str]:
    """Yield the keys that tests claim (``@pytest.mark.key``) to see obeyed."""
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="key"), args=args):
                    yield from (str(ast.literal_eval(name)) for name in args)


def test_every_key_has_an_effect_that_is_tested() -> None:
    assert set(proved()) == {key.name for key in KEYS.values()}


OPTIONAL_SWITCHES: Final = {
    "AllowOfflineTxForUnknownId",
    "AuthorizationCacheEnabled",
    "LocalAuthListEnabled",
    "StopTransactionOnEVSideDisconnect",
}


@pytest.mark.requirement("CFG-17")
def test_a_function_that_may_be_absent_is_there_and_can_be_switched() -> None:
    for name in OPTIONAL_SWITCHES:
        key = KEYS[name.lower()]
        assert key.access is Access.READ_WRITE
        assert {key.parse("true"), key.parse("false")} == {True, False}
        assert policy({name: "true"}) != policy({name: "false"})
    assert set(proved()) >= OPTIONAL_SWITCHES


@EVERY_KEY
def test_a_default_is_a_legal_value(key: Key) -> None:
    assert key.meaning
    if key.access is Access.WRITE_ONLY:
        assert key.default == ""
    else:
        key.parse(key.default)
        assert len(key.default) <= 500


def test_each_field_of_the_policy_is_fed_by_one_key_with_the_same_default() -> None:
    fed = [key.sets for key in KEYS.values() if key.sets]
    assert sorted(fed) == sorted(field.name for field in fields(Policy))
    ours, cores = policy({}), Policy()
    differing = [name for name in fed if getattr(ours, name) != getattr(cores, name)]
    assert differing == ["sampled_measurands"]  # the core alone knows only the energy


def test_the_maximum_of_stop_values_is_the_one_that_is_kept() -> None:
    assert KEYS["stoptransactionmaxmetervalues"].default == str(MAX_STOP_VALUES)


@pytest.mark.requirement("CFG-08")
def test_a_secret_is_not_among_what_can_be_read() -> None:
    names = {key.name for key, _ in readable({"AuthorizationKey": "ab" * 16})}
    assert "AuthorizationKey" not in names
    assert len(names) == len(KEYS) - 1


@pytest.mark.requirement("METER-07")
def test_a_list_of_measurands_is_read_kindly_but_not_blindly() -> None:
    assert measurands(" SoC ,Voltage, SoC") == ("SoC", "Voltage")
    assert measurands(" ") == ()
    assert sampled("") == ("Energy.Active.Import.Register",)
    assert measurands(",".join(MEASURANDS)) == MEASURANDS
    with pytest.raises(BadValue, match="an empty item is none of"):
        measurands("SoC,,Voltage")
    with pytest.raises(BadValue, match=r"Power\.Factor is none of Energy"):
        measurands("Power.Factor")


def test_units_of_schedules_are_read() -> None:
    assert rate_units("Power") == ("Power",)
    assert rate_units(" Power, Current") == ("Power", "Current")
    for text in ("", "W", "Power,"):
        with pytest.raises(BadValue, match="must be Current, Power or both"):
            rate_units(text)


def test_a_phase_rotation_is_read() -> None:
    assert rotation("0.RST, 1.NotApplicable") == ("0.RST", "1.NotApplicable")
    assert rotation("") == ()
    with pytest.raises(BadValue, match="an empty item is not like 1.NotApplicable"):
        rotation("0.RST,")


@pytest.mark.key(
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
)
@pytest.mark.requirement("METER-04")
@pytest.mark.parametrize(
    "name",
    [
        "MeterValuesAlignedData",
        "MeterValuesSampledData",
        "StopTxnAlignedData",
        "StopTxnSampledData",
    ],
)
def test_a_list_may_name_every_measurand_and_no_more(name: str) -> None:
    most = int(KEYS[f"{name}MaxLength".lower()].default)
    assert most == len(MEASURANDS) >= 9
    assert judge(name, ",".join(MEASURANDS)).outcome is Outcome.ACCEPTED
    long = judge(name, ",".join(["SoC"] * (most + 1)))
    assert long.outcome is Outcome.REJECTED
    assert long.detail == f"{name}: must have at most {most} items"


@pytest.mark.parametrize("text", ["", "UTC+1", "../../etc/passwd", "Europe", "\0"])
def test_a_zone_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="is no time zone; write one like Asia/Almaty"):
        zone(text)
    assert zone(" UTC ") is UTC


@pytest.mark.parametrize("text", ["", "A" * 21, "Ä", "A\tB"])
def test_an_id_tag_fits_on_the_wire(text: str) -> None:
    assert id_tag(" OPEN HOUSE ") == "OPEN HOUSE"
    with pytest.raises(BadValue, match="1 to 20 printable"):
        id_tag(text)


@pytest.mark.parametrize(
    "text", ["", "ab" * 15, "ab" * 21, "ab " * 13, "xy" * 16, "a" * 33]
)
def test_a_password_is_hex_of_the_right_length(text: str) -> None:
    with pytest.raises(BadValue, match="hex digits"):
        secret_key(text)


def test_a_password_is_bytes() -> None:
    assert secret_key("0f" * 20) == b"\x0f" * 20
    assert secret_key(f"{'AB' * 16}\n") == b"\xab" * 16


def test_a_refusal_names_the_key_and_what_the_value_should_be() -> None:
    assert judge("Nonsense", "1").outcome is Outcome.NOT_SUPPORTED
    assert judge("numberofconnectors", "1").why is Why.READ_ONLY
    assert judge("heartbeatinterval", "0").detail == (
        "HeartbeatInterval: must be a whole number from 1 to 86400"
    )
    assert judge("LocalPreAuthorize", "1").detail == (
        "LocalPreAuthorize: must be true or false"
    )
    assert judge("StopTxnSampledData", "SoC," * 200).detail == (
        "StopTxnSampledData: must be at most 500 characters"
    )


@given(st.sampled_from(sorted(KEYS)), st.text(max_size=40) | st.integers().map(str))
def test_whatever_is_accepted_makes_a_policy(name: str, text: str) -> None:
    judged = judge(name, text)
    if judged.outcome is Outcome.ACCEPTED:
        policy({judged.name: judged.value})

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
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
    judge,
    measurands,
    policy,
    readable,
    rotation,
    sampled,
    secret_key,
)
from chargerd.ocpp16.measurands import MEASURANDS
from tests.scenarios import (
    test_boot,
    test_configuration,
    test_meter_values,
    test_offline,
    test_remote,
    test_status,
)

PROOFS: Final[Mapping[Callable[..., None], tuple[str, ...]]] = {
    test_boot.test_other_messages_postpone_heartbeats_and_a_new_interval_holds: (
        "HeartbeatInterval",
    ),
    test_configuration.test_a_new_ping_interval_is_the_links_to_obey: (
        "WebSocketPingInterval",
    ),
    test_configuration.test_a_password_can_be_set_and_never_be_read: (
        "AuthorizationKey",
    ),
    test_configuration.test_other_aligned_values_hold_at_once: (
        "MeterValuesAlignedData",
    ),
    test_configuration.test_the_number_of_reset_retries_is_the_operators_choice: (
        "ResetRetries",
    ),
    test_configuration.test_the_phase_rotation_names_connectors_that_exist: (
        "ConnectorPhaseRotation",
    ),
    test_meter_values.test_a_new_interval_holds_at_once_and_zero_is_silence: (
        "MeterValueSampleInterval",
    ),
    test_meter_values.test_aligned_values_stand_on_the_grid_of_the_clock: (
        "ClockAlignedDataInterval",
    ),
    test_meter_values.test_everything_that_was_certified_can_be_measured: (
        "MeterValuesSampledData",
    ),
    test_meter_values.test_the_bill_carries_values_from_its_beginning_to_its_end: (
        "StopTxnAlignedData",
        "StopTxnSampledData",
    ),
    test_offline.test_a_refused_driver_gets_what_little_is_allowed: (
        "MaxEnergyOnInvalidId",
    ),
    test_offline.test_a_refused_driver_is_paused_where_the_transaction_may_go_on: (
        "StopTransactionOnInvalidId",
    ),
    test_offline.test_a_remembered_driver_is_not_asked_for_where_the_operator_says_so: (
        "LocalPreAuthorize",
    ),
    test_offline.test_the_attempts_and_their_pauses_are_the_operators_choice: (
        "MessageTimeout",
        "TransactionMessageAttempts",
        "TransactionMessageRetryInterval",
    ),
    test_offline.test_without_the_csms_the_keys_say_who_may_charge: (
        "AllowOfflineTxForUnknownId",
        "AuthorizationCacheEnabled",
        "LocalAuthorizeOffline",
    ),
    test_remote.test_a_remote_start_is_authorized_where_the_operator_wants_it: (
        "AuthorizeRemoteTxRequests",
    ),
    test_remote.test_a_remote_start_waits_for_the_plug_but_not_for_ever: (
        "ConnectionTimeOut",
    ),
    test_status.test_a_status_that_does_not_last_is_not_told: (
        "MinimumStatusDuration",
    ),
}
"""The scenarios that fail if the keys behind them have no effect."""

EVERY_KEY = pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)


def test_a_key_that_can_be_changed_has_an_effect_that_is_tested() -> None:
    proved = [name for names in PROOFS.values() for name in names]
    changeable = [k.name for k in KEYS.values() if k.access is not Access.READ_ONLY]
    assert sorted(proved) == sorted(changeable)


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


def test_a_phase_rotation_is_read() -> None:
    assert rotation("0.RST, 1.NotApplicable") == ("0.RST", "1.NotApplicable")
    assert rotation("") == ()
    with pytest.raises(BadValue, match="an empty item is not like 1.NotApplicable"):
        rotation("0.RST,")
    with pytest.raises(BadValue, match="at most 10 items"):
        rotation(",".join(["0.RST"] * 11))


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


def test_the_page_of_keys_is_current() -> None:
    script = Path(__file__).parents[2] / "scripts" / "list_keys.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")

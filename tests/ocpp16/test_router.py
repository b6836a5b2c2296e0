from collections import Counter

import pytest
from ocpp.v16 import call_result

from chargerd.ocpp16 import router
from chargerd.ocpp16.errors import (
    CallFailed,
    NotImplementedHere,
    NotSupportedHere,
    PropertyConstraintViolation,
)
from chargerd.ocpp16.rpc import Question
from chargerd.ocpp16.wire import ACTIONS_FROM_CSMS, encode
from tests.ocpp16.samples import sample
from tests.scenarios.bench import Bench

OFFERED = [action for handlers in router.PROFILES.values() for action in handlers]


def test_no_action_has_two_handlers() -> None:
    assert Counter(OFFERED).most_common(1)[0][1] == 1
    assert set(OFFERED) <= ACTIONS_FROM_CSMS


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("action", OFFERED)
def test_whatever_is_offered_is_answered(action: str, full: bool) -> None:
    bench = Bench(connectors=7)  # samples are of connector 7
    question = Question("1", action, sample(action, full=full))
    now = bench.clock.now()
    answer = router.dispatch(bench.charge_point.picture, question, now)
    assert isinstance(answer.response, getattr(call_result, action))
    without = (
        "GetConfiguration",
        "GetDiagnostics",
        "GetLocalListVersion",
        "UpdateFirmware",
    )
    assert "status" in encode(answer.response) or action in without


@pytest.mark.requirement("RPC-25")
@pytest.mark.parametrize(
    ("action", "payload", "error"),
    [
        ("MakeCoffee", {}, NotImplementedHere),
        ("BootNotification", {}, NotSupportedHere),
        ("Reset", {"type": "Gentle"}, PropertyConstraintViolation),
    ],
)
def test_what_cannot_be_answered_says_why(
    action: str, payload: object, error: type[CallFailed]
) -> None:
    bench = Bench()
    question = Question("1", action, payload)
    with pytest.raises(error):
        router.dispatch(bench.charge_point.picture, question, bench.clock.now())


OF_PROFILES = {
    "FirmwareManagement": ("GetDiagnostics", "UpdateFirmware"),
    "LocalAuthListManagement": ("SendLocalList", "GetLocalListVersion"),
    "RemoteTrigger": ("TriggerMessage",),
    "Reservation": ("ReserveNow", "CancelReservation"),
    "SmartCharging": (
        "SetChargingProfile",
        "ClearChargingProfile",
        "GetCompositeSchedule",
    ),
}


@pytest.mark.key("SupportedFeatureProfiles")
@pytest.mark.parametrize("profile", OF_PROFILES)
def test_a_profile_is_named_exactly_if_its_questions_are_answered(profile: str) -> None:
    bench = Bench()
    names = ["SupportedFeatureProfiles"]
    (key,) = bench.asks("GetConfiguration", key=names)["configurationKey"]
    for action in OF_PROFILES[profile]:
        answer = bench.asks(action, **sample(action, full=False))
        offered = answer.get("code") != "NotSupported"
        assert offered == (profile in key["value"].split(","))


def test_the_facts_name_every_connector() -> None:
    assert router.facts((1, 2)) == {
        "NumberOfConnectors": "2",
        "SupportedFeatureProfiles": ",".join(["Core", *OF_PROFILES]),
        "ConnectorPhaseRotation": "0.NotApplicable,1.NotApplicable,2.NotApplicable",
        "ConnectorPhaseRotationMaxLength": "3",
    }

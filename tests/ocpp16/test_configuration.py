import pytest

from chargerd.ocpp16.configuration import Configuration
from chargerd.ocpp16.keys import Judged, Outcome
from chargerd.ocpp16.records import KeyKept

SIXTY = Judged(Outcome.ACCEPTED, "HeartbeatInterval", "60")


@pytest.fixture
def configuration() -> Configuration:
    return Configuration(
        {"NumberOfConnectors": "2"},
        {"HeartbeatInterval": "100", "MessageTimeout": "20"},
        {"MessageTimeout": ("40", "chargerctl")},
    )


def test_a_later_layer_covers_an_earlier_one(configuration: Configuration) -> None:
    assert configuration.values == {
        "NumberOfConnectors": "2",
        "HeartbeatInterval": "100",
        "MessageTimeout": "40",
    }
    assert configuration.policy.message_timeout_s == 40
    assert configuration.origin("HeartbeatInterval") == "station file"
    assert configuration.origin("MessageTimeout") == "chargerctl"
    assert configuration.origin("ConnectionTimeOut") == "default"


def test_a_boot_covers_the_interval_until_somebody_changes_it(
    configuration: Configuration,
) -> None:
    configuration.booted(77)
    assert configuration.policy.heartbeat_interval_s == 77
    assert configuration.origin("HeartbeatInterval") == "csms"

    kept = configuration.change(SIXTY, "chargerctl")
    assert kept == KeyKept("HeartbeatInterval", "60", "chargerctl")
    assert configuration.policy.heartbeat_interval_s == 60
    assert configuration.change(SIXTY, "chargerctl") is None

    configuration.booted(77)
    assert configuration.change(SIXTY, "chargerctl") is not None


def test_a_refused_change_changes_nothing(configuration: Configuration) -> None:
    refused = Judged(Outcome.REJECTED, "HeartbeatInterval")
    assert configuration.change(refused, "csms") is None
    assert configuration.policy.heartbeat_interval_s == 100


def test_what_is_decided_elsewhere_covers_everything(
    configuration: Configuration,
) -> None:
    configuration.learn("SecurityProfile", "2", "csms")
    assert configuration.values["SecurityProfile"] == "2"
    assert configuration.origin("SecurityProfile") == "csms"


def test_what_cannot_be_taken_any_more_is_left_out() -> None:
    configuration = Configuration({}, {}, {"MessageTimeout": ("0", "csms")})
    assert configuration.values == {}
    assert configuration.policy.message_timeout_s == 30

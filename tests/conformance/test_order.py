import pytest

from tests.conformance.order import (
    Heard,
    Json,
    OutOfOrder,
    Wanted,
    find,
    heartbeat,
    started,
    status,
    stopped,
)


def said(action: str, **payload: object) -> Heard:
    fields: Json = payload
    return Heard(action, fields, 0.0)


FINE = {"connectorId": 1, "errorCode": "NoError"}
CHARGING = said("StatusNotification", status="Charging", **FINE)
FINISHING = said("StatusNotification", status="Finishing", **FINE)
START = said("StartTransaction", connectorId=1, idTag="A")
STOP = said("StopTransaction", transactionId=1)
BEAT = said("Heartbeat")


def test_the_next_message_must_be_the_wanted_one() -> None:
    assert find([START], [started("A")]) == (0, started("A"))
    assert find([], [started("A")]) is None
    with pytest.raises(OutOfOrder, match="StopTransaction .* came before"):
        find([STOP, START], [started("A")])
    with pytest.raises(OutOfOrder):
        find([FINISHING, START], [started("A")])


def test_a_start_or_a_stop_may_change_places_with_its_status() -> None:
    assert find([CHARGING, START], [started("A")]) == (1, started("A"))
    assert find([START, CHARGING], [status("Charging")]) == (1, status("Charging"))
    assert find([FINISHING, STOP], [stopped()]) == (1, stopped())
    assert find([STOP, FINISHING], [status("Finishing")]) == (1, status("Finishing"))


def test_heartbeats_come_when_they_will_and_can_be_waited_for() -> None:
    assert find([BEAT, START], [started("A")]) == (1, started("A"))
    assert find([BEAT], [started("A")]) is None
    assert find([BEAT, START], [heartbeat()]) == (0, heartbeat())


def test_several_can_be_wanted_and_fields_can_be_one_of_several() -> None:
    either = Wanted("StopTransaction", {"transactionId": (1, 2), "reason": (None,)})
    assert find([STOP, START], [started("A"), either]) == (0, either)
    assert not either.fits(said("StopTransaction", transactionId=1, reason="Local"))

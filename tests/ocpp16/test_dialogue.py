"""What is said first when several things are to be said, and when all is said."""

import pytest

from hal.values import SafetyReading
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import SILENCE


@pytest.mark.requirement("OFFL-04", "BOOT-18")
def test_what_is_urgent_overtakes_what_can_wait() -> None:
    bench = Bench(connectors=3)
    bench.charges()
    bench.plugs(2)
    bench.plugs(3)
    bench.csms.will("Authorize", SILENCE)
    bench.presents(CARD + "00", reader=0)
    before = len(bench.said)
    bench.waits(25)
    bench.asks("TriggerMessage", requestedMessage="Heartbeat")
    bench.asks("RemoteStopTransaction", transactionId=7)
    bench.finishes(121_000)
    bench.reads(SafetyReading(at_s=0.0, door_open=True), 2)
    bench.presents(OTHER_CARD)
    bench.answers_late("Authorize", {"idTagInfo": {"status": "Invalid"}})

    said = [action for action, _ in bench.said[before:]]
    ranks = [
        "Authorize",
        "StatusNotification",
        "Heartbeat",
        "StopTransaction",
    ]
    order = [ranks.index(action) for action in said]
    assert order == sorted(order)
    assert set(order) >= {1, 2, 3}


def test_all_is_said_when_nothing_waits_and_nothing_is_under_way() -> None:
    bench = Bench()
    dialogue = bench.charge_point.dialogue
    assert dialogue.settled
    bench.csms.will("StartTransaction", SILENCE)
    bench.charges()
    assert not dialogue.settled
    bench.disconnects()
    assert dialogue.settled  # as far as it can be said at all
    bench.connects()
    assert dialogue.settled


def test_without_a_link_nothing_is_due() -> None:
    bench = Bench()
    now = bench.clock.now()
    station = bench.charge_point.station
    assert bench.charge_point.dialogue.next_deadline_s(station, now) is not None
    bench.disconnects()
    assert bench.charge_point.dialogue.next_deadline_s(station, now) is None

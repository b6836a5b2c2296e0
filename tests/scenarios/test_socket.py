"""A connector whose cable is the driver's own, held by a lock."""

from dataclasses import replace

import pytest

from chargerd.core.events import CommandFailed
from hal.values import LockReading, VehiclePhase
from tests.scenarios.bench import CARD, FITTED, FITTING, OTHER_CARD, Bench

SOCKET = replace(FITTING, fitted=FITTED | {"lock"})


def lock(bench: Bench, engaged: bool) -> None:
    bench.reads(LockReading(at_s=0.0, engaged=engaged))


def charging(bench: Bench) -> Bench:
    bench.plugs()
    bench.presents()
    lock(bench, True)
    bench.energizes()
    return bench


def answered(bench: Bench) -> list[object]:
    return [rest[0] for kind, _, *rest in bench.answers if kind == 3]


@pytest.mark.requirement("REM-22", "TXN-22")
def test_unlocking_stops_the_transaction_first_and_is_answered_by_the_lock() -> None:
    bench = charging(Bench(fitting=SOCKET))
    assert bench.asks("UnlockConnector", connectorId=1) == {}
    assert bench.phase() == "ramp-down"
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["reason"] == "UnlockCommand"
    assert not bench.output.locked
    assert answered(bench) == []
    lock(bench, False)
    assert answered(bench) == [{"status": "Unlocked"}]
    bench.repeats()
    assert answered(bench) == [{"status": "Unlocked"}] * 2


@pytest.mark.requirement("REM-22")
def test_a_lock_that_does_not_move_is_answered_when_its_time_is_up() -> None:
    bench = charging(Bench(fitting=SOCKET))
    bench.asks("UnlockConnector", connectorId=1)
    asked_s = bench.now_s
    bench.finishes(121_000)
    lock(bench, True)
    bench.waits(asked_s + 19.9 - bench.now_s)
    assert answered(bench) == []
    bench.waits(0.2)
    assert answered(bench) == [{"status": "UnlockFailed"}]


@pytest.mark.requirement("REM-22")
def test_a_lock_whose_drive_failed_is_answered_at_once() -> None:
    bench = charging(Bench(fitting=SOCKET))
    bench.asks("UnlockConnector", connectorId=1)
    bench.finishes(121_000)
    bench.happens(CommandFailed(1, "lock", "still locked after 2 s"))
    assert answered(bench) == [{"status": "UnlockFailed"}]


@pytest.mark.requirement("REM-22")
def test_a_cable_that_nobody_uses_is_unlocked_at_once() -> None:
    bench = Bench(fitting=SOCKET)
    lock(bench, False)
    assert bench.asks("UnlockConnector", connectorId=1) == {"status": "Unlocked"}


@pytest.mark.requirement("REM-21")
def test_a_connector_that_is_not_there_cannot_be_unlocked() -> None:
    bench = Bench(fitting=SOCKET)
    for connector in (0, 2):
        answer = bench.asks("UnlockConnector", connectorId=connector)
        assert answer == {"status": "NotSupported"}
    assert bench.charge_point.station.refusals[-1][1].why == "NO_SUCH_CONNECTOR"


def test_a_question_that_lost_its_link_is_answered_nowhere() -> None:
    bench = charging(Bench(fitting=SOCKET))
    bench.asks("UnlockConnector", connectorId=1)
    bench.disconnects()
    bench.finishes(121_000)
    lock(bench, False)
    bench.connects()
    bench.waits(60)
    assert answered(bench) == []


@pytest.mark.requirement("AUTH-43")
def test_a_refused_driver_gets_the_cable_back_with_the_same_card() -> None:
    bench = Bench(fitting=SOCKET)
    bench.csms.will(
        "StartTransaction", {"transactionId": 7, "idTagInfo": {"status": "Invalid"}}
    )
    bench.plugs()
    bench.presents()
    bench.meters(120_000)
    assert bench.told("StopTransaction")[0]["reason"] == "DeAuthorized"
    bench.vehicle(VehiclePhase.UNPLUGGED)
    bench.presents(OTHER_CARD)
    assert bench.output.locked
    assert bench.statuses()[-1] == "Finishing"
    bench.presents(CARD)
    assert not bench.output.locked
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("REM-22", "AUTH-43")
def test_the_csms_can_free_a_cable_that_is_held() -> None:
    bench = charging(Bench(fitting=SOCKET))
    bench.unplugs()
    bench.winds_down(121_000)
    assert bench.phase() == "held"
    bench.asks("UnlockConnector", connectorId=1)
    assert bench.phase() == "idle"
    lock(bench, False)
    assert answered(bench) == [{"status": "Unlocked"}]

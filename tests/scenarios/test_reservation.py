"""A connector that is kept for somebody: who may use it, and when it is free again."""

from datetime import timedelta
from pathlib import Path

import pytest

from chargerd.core.events import DeviceLost, StorageChanged
from chargerd.core.permissive import Loss
from chargerd.ocpp16.wire import timestamp
from chargerd.store.database import Store
from hal.values import IsolationReading, SafetyReading
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import Json, Refusal

FRIEND = "04F00D01"
FLEET = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}}
ALONE = {"idTagInfo": {"status": "Accepted"}}
BROKEN = IsolationReading(at_s=0.0, resistance_ohm=20_000.0)
WHOLE = IsolationReading(at_s=0.0, resistance_ohm=1e6)


def reserves(
    bench: Bench,
    connector: int = 1,
    card: str = CARD,
    id_: int = 5,
    within_s: float = 3600,
    **more: str,
) -> str:
    until = timestamp(bench.clock.now().utc + timedelta(seconds=within_s))
    answer = bench.asks(
        "ReserveNow",
        connectorId=connector,
        expiryDate=until,
        idTag=card,
        reservationId=id_,
        **more,
    )
    return str(answer["status"])


def cancels(bench: Bench, id_: int = 5) -> str:
    return str(bench.asks("CancelReservation", reservationId=id_)["status"])


def off(bench: Bench, connector: int) -> Json:
    return bench.asks("ChangeAvailability", connectorId=connector, type="Inoperative")


def why(bench: Bench) -> str:
    return str(bench.charge_point.station.refusals[-1][1].why)


def started(bench: Bench) -> Json:
    return bench.told("StartTransaction")[-1]


@pytest.mark.requirement("RSV-01", "RSV-06", "RSV-10", "STAT-A7", "STAT-G2", "TXN-04")
@pytest.mark.parametrize("id_", [5, 0, -3, 2_147_483_647])
def test_the_driver_comes_and_charges(id_: int) -> None:
    bench = Bench()
    assert reserves(bench, id_=id_) == "Accepted"
    (told,) = [s.frames for s in bench.steps if '"Reserved"' in str(s.frames)]
    assert [frame[:3] for frame in told] == ["[3,", "[2,"], "first the answer"
    bench.presents(CARD.lower())
    assert bench.statuses() == ["Available", "Reserved", "Preparing"]
    bench.plugs()
    bench.energizes()
    assert started(bench)["reservationId"] == id_
    bench.presents(CARD.lower())
    bench.finishes(121_000)
    bench.unplugs()
    assert bench.statuses()[-3:] == ["Charging", "Finishing", "Available"]
    bench.charges(OTHER_CARD)
    assert "reservationId" not in started(bench)
    assert cancels(bench, id_) == "Rejected"


@pytest.mark.requirement("RSV-07", "RSV-11", "RSV-12")
def test_another_driver_is_turned_away_and_nothing_is_told() -> None:
    bench = Bench()
    reserves(bench)
    bench.presents(OTHER_CARD)
    assert why(bench) == "CONNECTOR_RESERVED"
    bench.plugs()
    bench.presents(OTHER_CARD)
    bench.waits(200)
    bench.unplugs()
    bench.plugs()
    assert bench.statuses() == ["Available", "Reserved"]
    assert bench.told("StartTransaction") == []
    bench.presents()
    assert bench.statuses()[-1] == "Preparing"
    assert started(bench)["reservationId"] == 5


@pytest.mark.requirement("REM-03", "REM-07", "RSV-10")
def test_a_remote_start_is_for_the_driver_or_not_at_all() -> None:
    bench = Bench()
    reserves(bench)
    bench.plugs()
    for asked in ({}, {"connectorId": 1}):
        answer = bench.asks("RemoteStartTransaction", idTag=OTHER_CARD, **asked)
        assert answer == {"status": "Rejected"}
    assert why(bench) == "CONNECTOR_RESERVED"
    assert bench.statuses() == ["Available", "Reserved"]
    answer = bench.asks("RemoteStartTransaction", idTag=CARD, connectorId=1)
    assert answer == {"status": "Accepted"}
    assert bench.statuses()[-1] == "Preparing"
    assert started(bench)["reservationId"] == 5


@pytest.mark.requirement("REM-04")
def test_the_station_chooses_the_connector_that_is_kept_for_the_driver() -> None:
    bench = Bench(connectors=3)
    reserves(bench, 2)
    bench.asks("RemoteStartTransaction", idTag=CARD)
    assert bench.statuses(2)[-1] == "Preparing"

    bench = Bench(connectors=3)
    reserves(bench, 2)
    bench.plugs(3)
    bench.asks("RemoteStartTransaction", idTag=CARD)
    assert started(bench)["connectorId"] == 3


@pytest.mark.requirement("RSV-08", "RSV-25", "RSV-11")
def test_a_driver_of_the_same_group_may_come_instead() -> None:
    bench = Bench()
    reserves(bench, parentIdTag="fleet")
    bench.csms.will("Authorize", ALONE, FLEET)
    bench.presents(OTHER_CARD)
    assert why(bench) == "CONNECTOR_RESERVED"
    assert bench.statuses()[-1] == "Reserved"
    bench.presents(FRIEND)
    assert bench.statuses()[-1] == "Preparing"
    bench.plugs()
    assert started(bench)["idTag"] == FRIEND
    assert started(bench)["reservationId"] == 5


@pytest.mark.requirement("RSV-08")
def test_a_group_that_is_not_known_here_is_asked_for() -> None:
    bench = Bench(keys={"LocalPreAuthorize": "true"})
    bench.presents(FRIEND)
    bench.presents(FRIEND)
    assert len(bench.told("Authorize")) == 1
    reserves(bench, parentIdTag="FLEET")
    bench.csms.will("Authorize", FLEET)
    bench.presents(FRIEND)
    assert len(bench.told("Authorize")) == 2
    assert bench.statuses()[-1] == "Preparing"
    # Now it is known, and nobody is asked.
    bench.presents(FRIEND)
    bench.presents(FRIEND)
    assert len(bench.told("Authorize")) == 2


@pytest.mark.requirement("RSV-08", "REM-07")
def test_a_remote_start_asks_for_the_group_too() -> None:
    bench = Bench()
    reserves(bench, parentIdTag="FLEET")
    bench.csms.will("Authorize", FLEET)
    answer = bench.asks("RemoteStartTransaction", idTag=FRIEND, connectorId=1)
    assert answer == {"status": "Accepted"}
    assert bench.told("Authorize") == [{"idTag": FRIEND}]
    assert bench.statuses()[-1] == "Preparing"


@pytest.mark.requirement("RSV-08")
def test_without_the_csms_only_what_is_known_counts() -> None:
    bench = Bench(keys={"AllowOfflineTxForUnknownId": "true"})
    bench.csms.will("Authorize", FLEET)
    bench.presents(FRIEND)
    bench.presents(FRIEND)
    reserves(bench, parentIdTag="FLEET")
    bench.disconnects()
    bench.presents(OTHER_CARD)
    assert bench.phase() == "idle"
    bench.presents(FRIEND)
    assert bench.phase() == "authorized"


@pytest.mark.requirement("RSV-09")
def test_the_driver_too_must_be_known_to_the_csms() -> None:
    bench = Bench()
    reserves(bench)
    bench.csms.will("Authorize", {"idTagInfo": {"status": "Blocked"}})
    bench.presents()
    assert bench.told("Authorize") == [{"idTag": CARD}]
    assert bench.statuses() == ["Available", "Reserved"]


@pytest.mark.requirement("RSV-13", "RSV-14", "STAT-G1")
def test_it_ends_when_its_time_is_over() -> None:
    bench = Bench()
    reserves(bench, within_s=600)
    bench.waits(599)
    assert bench.statuses() == ["Available", "Reserved"]
    bench.waits(1)
    assert bench.statuses() == ["Available", "Reserved", "Available"]
    bench.charges(OTHER_CARD)
    assert "reservationId" not in started(bench)
    assert cancels(bench) == "Rejected"


@pytest.mark.requirement("RSV-14")
def test_its_end_is_a_time_of_day_whatever_becomes_of_the_clock() -> None:
    bench = Bench()
    reserves(bench, within_s=600)
    bench.clock.correct(-300)
    bench.waits(700)
    assert bench.statuses()[-1] == "Reserved"
    bench.waits(200)
    assert bench.statuses()[-1] == "Available"
    reserves(bench, within_s=600)
    bench.clock.correct(600)
    bench.reads(WHOLE)
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("RSV-13", "RSV-15", "STAT-G1")
def test_it_can_be_cancelled() -> None:
    bench = Bench()
    reserves(bench)
    assert cancels(bench, 6) == "Rejected"
    assert why(bench) == "NO_SUCH_RESERVATION"
    assert bench.statuses()[-1] == "Reserved"
    assert cancels(bench) == "Accepted"
    assert bench.statuses()[-1] == "Available"
    assert cancels(bench) == "Rejected"
    bench.charges(OTHER_CARD)
    assert "reservationId" not in started(bench)


@pytest.mark.requirement("RSV-13", "REM-38", "STAT-G8")
@pytest.mark.parametrize("connector", [0, 1])
def test_it_ends_when_the_connector_leaves_service(connector: int) -> None:
    bench = Bench()
    reserves(bench)
    off(bench, connector)
    assert bench.statuses() == ["Available", "Reserved", "Unavailable"]
    assert cancels(bench) == "Rejected"
    bench.asks("ChangeAvailability", connectorId=connector, type="Operative")
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("RSV-13")
@pytest.mark.parametrize("broken", [BROKEN, SafetyReading(at_s=0.0, door_open=True)])
def test_it_ends_with_a_fault(broken: IsolationReading | SafetyReading) -> None:
    bench = Bench()
    reserves(bench)
    bench.reads(broken)
    assert bench.statuses() == ["Available", "Reserved", "Faulted"]
    assert cancels(bench) == "Rejected"
    bench.reads(WHOLE)
    bench.reads(SafetyReading(at_s=0.0))
    bench.waits(5)
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("RSV-13", "STAT-I7")
def test_a_warning_ends_nothing_and_a_fault_can_end_in_reserved() -> None:
    bench = Bench(connectors=2)
    reserves(bench)
    bench.happens(DeviceLost(1, "reader", Loss("no answer")))
    assert bench.statuses()[-1] == "Reserved"
    reserves(bench, 0, OTHER_CARD, 6)
    bench.reads(BROKEN, 2)
    bench.reads(WHOLE, 2)
    bench.waits(5)
    assert bench.statuses(2) == ["Available", "Reserved", "Faulted", "Reserved"]


@pytest.mark.requirement("RSV-17", "STAT-20")
@pytest.mark.parametrize("gives_up", [Bench.presents, lambda bench: bench.waits(60)])
def test_who_does_not_plug_in_leaves_the_connector_reserved(gives_up: object) -> None:
    bench = Bench()
    reserves(bench)
    bench.presents()
    assert callable(gives_up)
    gives_up(bench)
    assert bench.statuses()[2:] == ["Preparing", "Available", "Reserved"]


@pytest.mark.requirement("RSV-16")
def test_an_end_while_the_driver_fetches_the_plug_comes_too_late() -> None:
    bench = Bench()
    reserves(bench, within_s=10)
    bench.presents()
    bench.waits(30)
    bench.plugs()
    assert started(bench)["reservationId"] == 5
    other = Bench()
    reserves(other, within_s=10)
    other.presents()
    other.waits(60)
    assert other.statuses()[2:] == ["Preparing", "Available"]


def test_what_was_cancelled_is_not_used_up() -> None:
    bench = Bench()
    reserves(bench)
    bench.presents()
    assert cancels(bench) == "Accepted"
    bench.plugs()
    assert "reservationId" not in started(bench)


@pytest.mark.requirement("RSV-18", "PERS-06")
def test_it_outlives_the_process(tmp_path: Path) -> None:
    bench = Bench(connectors=2, store=Store(tmp_path / "chargerd.db"))
    reserves(bench, 1, id_=5, within_s=600)
    reserves(bench, 2, OTHER_CARD, 6, within_s=60, parentIdTag="FLEET")
    bench.restarts()
    assert bench.statuses(1)[-1] == bench.statuses(2)[-1] == "Reserved"
    bench.csms.will("Authorize", FLEET)
    bench.presents(FRIEND)
    assert bench.statuses(2)[-1] == "Preparing"
    bench.clock.advance(100)
    bench.said.clear()
    bench.restarts()
    assert bench.statuses(1) == ["Reserved"]
    assert bench.statuses(2) == ["Available"]
    bench.presents()
    bench.plugs()
    assert started(bench)["reservationId"] == 5
    bench.restarts()
    assert cancels(bench) == "Rejected"


@pytest.mark.requirement("RSV-19")
def test_another_connector_does_not_use_it_up() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 1)
    bench.charges(CARD, 2)
    assert "reservationId" not in started(bench)
    assert bench.statuses(1) == ["Available", "Reserved"]


@pytest.mark.requirement("RSV-03")
def test_the_same_id_takes_the_place_of_the_old_one() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 1)
    assert reserves(bench, 1, OTHER_CARD) == "Accepted"
    bench.presents(CARD)
    assert bench.statuses(1) == ["Available", "Reserved"]
    bench.presents(CARD)
    assert reserves(bench, 2, OTHER_CARD) == "Accepted"
    assert bench.statuses(1)[-1] == "Available"
    assert bench.statuses(2)[-1] == "Reserved"
    assert reserves(bench, 0, OTHER_CARD) == "Accepted"
    assert bench.statuses(2)[-1] == "Available"


@pytest.mark.requirement("RSV-04")
def test_a_change_that_cannot_be_leaves_the_old_one() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 1)
    bench.plugs(2)
    assert reserves(bench, 2) == "Occupied"
    assert reserves(bench, 7) == "Rejected"
    assert bench.statuses(1)[-1] == "Reserved"
    bench.presents(CARD)
    assert started(bench)["connectorId"] == 2
    assert cancels(bench) == "Accepted"


@pytest.mark.requirement("RSV-02", "RSV-05", "REM-57")
def test_what_cannot_be_kept_is_refused_in_order() -> None:
    bench = Bench(connectors=2)
    assert reserves(bench, 7) == "Rejected"
    assert why(bench) == "NO_SUCH_CONNECTOR"
    assert reserves(bench, within_s=0) == "Rejected"
    assert why(bench) == "BAD_VALUE"
    bench.plugs()
    assert reserves(bench) == "Occupied"
    bench.reads(BROKEN)
    off(bench, 1)
    assert reserves(bench) == "Faulted"
    bench.reads(WHOLE)
    bench.waits(5)
    assert reserves(bench) == "Unavailable"
    bench.asks("ChangeAvailability", connectorId=1, type="Operative")
    bench.unplugs()
    assert reserves(bench) == "Accepted"
    for card in (CARD, OTHER_CARD):
        assert reserves(bench, card=card, id_=6) == "Occupied"
        assert why(bench) == "CONNECTOR_RESERVED"
    bench.happens(StorageChanged(0, failing=True))
    assert reserves(bench) == "Rejected"
    bench.happens(StorageChanged(0, failing=False))
    bench.presents()
    bench.plugs()
    bench.energizes()
    assert reserves(bench, id_=9) == "Occupied"
    bench.presents()
    bench.finishes(121_000)
    assert reserves(bench, id_=9) == "Occupied"
    bench.asks("Reset", type="Soft")
    assert reserves(bench, 2, id_=9) == "Rejected"
    assert why(bench) == "RESTART_PENDING"


@pytest.mark.key("ReservationEnabled", "ReserveConnectorZeroSupported")
@pytest.mark.requirement("RSV-02", "RSV-20")
def test_what_is_switched_off_is_rejected() -> None:
    bench = Bench()
    bench.sets(ReserveConnectorZeroSupported="false")
    assert reserves(bench, 0) == "Rejected"
    assert reserves(bench, 1) == "Accepted"
    bench.sets(ReservationEnabled="false")
    assert reserves(bench, 1) == "Rejected"
    assert why(bench) == "NOT_SUPPORTED"
    assert bench.statuses()[-1] == "Reserved"


@pytest.mark.key("AcceptExpiredReservation")
@pytest.mark.requirement("RSV-05")
def test_what_is_over_can_be_accepted_and_ends_at_once() -> None:
    bench = Bench()
    bench.sets(AcceptExpiredReservation="true")
    assert reserves(bench, within_s=-1) == "Accepted"
    assert bench.statuses() == ["Available"]
    assert cancels(bench) == "Rejected"


@pytest.mark.requirement("RSV-20", "RSV-21", "RSV-22")
def test_one_connector_stays_free_for_who_wants_any() -> None:
    bench = Bench(connectors=2)
    assert reserves(bench, 0) == "Accepted"
    assert bench.statuses(0) == bench.statuses(1) == ["Available"]
    bench.charges(OTHER_CARD, 1)
    assert bench.statuses(2) == ["Available", "Reserved"]
    bench.plugs(2)
    bench.presents(FRIEND)
    assert why(bench) == "CONNECTOR_RESERVED"
    bench.presents()
    assert started(bench)["connectorId"] == 2
    assert started(bench)["reservationId"] == 5
    assert bench.statuses(2) == ["Available", "Reserved", "Preparing"]
    assert bench.statuses(0) == ["Available"]
    assert cancels(bench) == "Rejected"


@pytest.mark.requirement("RSV-21")
def test_where_one_connector_is_usable_it_is_the_one_that_is_reserved() -> None:
    bench = Bench(connectors=2)
    off(bench, 1)
    reserves(bench, 0)
    assert bench.statuses(2) == ["Available", "Reserved"]
    bench.asks("ChangeAvailability", connectorId=1, type="Operative")
    assert bench.statuses(2)[-1] == bench.statuses(1)[-1] == "Available"


@pytest.mark.requirement("RSV-20", "RSV-22")
def test_the_driver_who_waits_uses_the_reservation_already() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 0)
    bench.asks("RemoteStartTransaction", idTag=CARD, connectorId=1)
    assert bench.statuses(2) == ["Available"]
    bench.charges(OTHER_CARD, 2)
    bench.plugs(1)
    assert started(bench) == {**started(bench), "connectorId": 1, "reservationId": 5}


@pytest.mark.requirement("RSV-20", "RSV-21")
def test_vehicles_that_wait_for_a_card_do_not_take_a_reserved_place() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 0)
    bench.plugs(1)
    assert bench.statuses(2) == ["Available", "Reserved"]
    bench.plugs(2)
    bench.waits(200)
    assert bench.statuses(1)[-1] == "Finishing"
    assert bench.statuses(2)[-1] == "Reserved"
    bench.unplugs(1)
    bench.presents(OTHER_CARD)
    assert bench.phase(1) == "idle"
    assert (bench.statuses(1)[-1], bench.statuses(2)[-1]) == ("Reserved", "Finishing")


@pytest.mark.requirement("RSV-20", "RSV-22")
def test_a_driver_may_plug_in_elsewhere_than_where_he_was_expected() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 0)
    bench.presents(OTHER_CARD)
    assert bench.statuses(1)[-1] == "Preparing"
    assert bench.statuses(2)[-1] == "Reserved"
    bench.plugs(2)
    assert started(bench)["connectorId"] == 2
    assert "reservationId" not in started(bench)
    assert bench.statuses(1)[-1] == "Reserved"
    assert bench.statuses(2)[-1] == "Preparing"


@pytest.mark.requirement("RSV-07", "RSV-19")
def test_a_driver_does_not_move_to_a_connector_that_is_kept_for_another() -> None:
    bench = Bench(connectors=3)
    reserves(bench, 3)
    bench.presents(OTHER_CARD)
    bench.plugs(3)
    assert bench.told("StartTransaction") == []
    assert bench.statuses(3) == ["Available", "Reserved"]
    bench.plugs(2)
    assert started(bench)["connectorId"] == 2


@pytest.mark.requirement("RSV-13")
def test_a_reservation_of_any_connector_ends_with_the_whole_station() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 0)
    bench.reads(BROKEN, 1)
    assert bench.statuses(2)[-1] == "Reserved"
    off(bench, 0)
    assert cancels(bench) == "Rejected"
    assert bench.statuses(2)[-1] == "Unavailable"


@pytest.mark.key("ReportConnectorZeroReservation")
@pytest.mark.requirement("RSV-21")
def test_what_is_kept_for_any_can_go_unreported() -> None:
    bench = Bench(connectors=2, keys={"ReportConnectorZeroReservation": "false"})
    off(bench, 1)
    reserves(bench, 0)
    bench.presents(OTHER_CARD)
    assert why(bench) == "CONNECTOR_RESERVED"
    assert bench.statuses(2) == ["Available"]
    cancels(bench)
    reserves(bench, 2)
    assert bench.statuses(2) == ["Available", "Reserved"]


@pytest.mark.requirement("RSV-23")
def test_any_connector_cannot_be_kept_where_none_is_free() -> None:
    bench = Bench(connectors=2)
    bench.plugs(1)
    assert reserves(bench, 0) == "Accepted"
    assert reserves(bench, 0, OTHER_CARD, 6) == "Occupied"
    cancels(bench)
    bench.plugs(2)
    assert reserves(bench, 0) == "Occupied"
    off(bench, 1)
    assert reserves(bench, 0) == "Occupied"
    off(bench, 2)
    assert reserves(bench, 0) == "Unavailable"
    bench.reads(SafetyReading(at_s=0.0, door_open=True))
    assert reserves(bench, 0) == "Faulted"


@pytest.mark.requirement("RSV-24")
def test_the_last_free_connector_cannot_be_kept_for_another() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 0)
    assert reserves(bench, 1, OTHER_CARD, 6) == "Accepted"
    assert bench.statuses(2)[-1] == "Reserved"
    assert reserves(bench, 2, FRIEND, 7) == "Occupied"
    assert why(bench) == "CONNECTOR_OCCUPIED"


@pytest.mark.requirement("RSV-22")
def test_two_of_one_group_use_two_reservations() -> None:
    bench = Bench(connectors=3)
    reserves(bench, 0, CARD, 5, parentIdTag="FLEET")
    reserves(bench, 0, CARD, 6, parentIdTag="FLEET")
    bench.csms.always("Authorize", FLEET)
    bench.charges(CARD, 1)
    bench.charges(FRIEND, 2)
    used = [told["reservationId"] for told in bench.told("StartTransaction")]
    assert used == [5, 6]


@pytest.mark.requirement("RSV-22")
def test_an_id_can_be_used_again_while_its_driver_charges() -> None:
    bench = Bench(connectors=2)
    reserves(bench, 0)
    bench.charges(CARD, 1)
    assert reserves(bench, 0, FRIEND) == "Accepted"
    assert bench.statuses(2)[-2:] == ["Available", "Reserved"]
    bench.charges(FRIEND, 2)
    assert started(bench)["reservationId"] == 5


def test_a_refused_authorize_leaves_all_as_it_was() -> None:
    bench = Bench()
    reserves(bench, parentIdTag="FLEET")
    bench.csms.will("Authorize", Refusal())
    bench.presents(FRIEND)
    assert bench.statuses() == ["Available", "Reserved"]

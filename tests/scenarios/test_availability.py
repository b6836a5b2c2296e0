"""Who takes a connector out of service, and what becomes of those who use it."""

from pathlib import Path

import pytest

from chargerd.core.events import StorageChanged
from chargerd.core.reasons import Cause
from chargerd.store.database import Store
from hal.values import IsolationReading, SafetyReading
from tests.scenarios.bench import CARD, OTHER_CARD, Bench

ACCEPTED = {"status": "Accepted"}
SCHEDULED = {"status": "Scheduled"}
REJECTED = {"status": "Rejected"}
CURED = IsolationReading(at_s=0.0, resistance_ohm=1e6)


def off(bench: Bench, connector: int = 1) -> object:
    return bench.asks("ChangeAvailability", connectorId=connector, type="Inoperative")


def on(bench: Bench, connector: int = 1) -> object:
    return bench.asks("ChangeAvailability", connectorId=connector, type="Operative")


def why(bench: Bench) -> str:
    return str(bench.charge_point.station.refusals[-1][1].why)


@pytest.mark.requirement("REM-30", "REM-32", "STAT-36", "STAT-A8", "STAT-H1")
def test_a_free_connector_leaves_service_at_once_and_comes_back() -> None:
    bench = Bench(connectors=2)
    for _ in range(2):
        assert off(bench) == ACCEPTED
        assert bench.statuses() == ["Available", "Unavailable"]
    wish = bench.charge_point.station.booking.availability.wishes[1]
    assert (wish.operative, wish.origin) == (False, "csms")
    (told,) = [s.frames for s in bench.steps if "Unavailable" in str(s.frames)]
    assert [frame[:3] for frame in told] == ["[3,", "[2,"], "first the answer"
    for _ in range(2):
        assert on(bench) == ACCEPTED
        assert bench.statuses() == ["Available", "Unavailable", "Available"]
    assert bench.statuses(0) == bench.statuses(2) == ["Available"]


@pytest.mark.requirement("REM-30", "STAT-11")
def test_nobody_can_start_where_a_connector_is_out_of_service() -> None:
    bench = Bench()
    off(bench)
    bench.plugs()
    bench.presents()
    assert why(bench) == "CONNECTOR_UNAVAILABLE"
    assert bench.asks("RemoteStartTransaction", idTag=CARD) == REJECTED
    assert why(bench) == "CONNECTOR_UNAVAILABLE"
    bench.waits(100)
    assert bench.told("StartTransaction") == []
    assert bench.statuses() == ["Available", "Unavailable"]


@pytest.mark.requirement("REM-31", "STAT-C8", "STAT-30")
def test_a_transaction_goes_on_until_its_end() -> None:
    bench = Bench()
    bench.charges()
    assert off(bench) == SCHEDULED
    assert off(bench) == SCHEDULED
    assert bench.statuses()[-1] == "Charging"
    assert bench.phase() == "energized"
    bench.presents()
    bench.finishes(121_000)
    assert bench.statuses()[-2:] == ["Charging", "Finishing"]
    bench.presents(OTHER_CARD)
    assert why(bench) == "CONNECTOR_UNAVAILABLE"
    bench.unplugs()
    assert bench.statuses()[-2:] == ["Finishing", "Unavailable"]


@pytest.mark.requirement("REM-30", "STAT-F8")
def test_a_plug_that_was_left_in_is_no_transaction() -> None:
    bench = Bench()
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    assert off(bench) == ACCEPTED
    assert bench.statuses()[-2:] == ["Finishing", "Unavailable"]


@pytest.mark.requirement("REM-36")
def test_the_newest_wish_holds() -> None:
    bench = Bench()
    bench.charges()
    assert off(bench) == SCHEDULED
    assert on(bench) == ACCEPTED
    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("REM-33", "STAT-14", "STAT-36")
def test_the_whole_station_leaves_service_connector_by_connector() -> None:
    bench = Bench(connectors=2)
    bench.charges()
    assert off(bench, 0) == SCHEDULED
    assert bench.statuses(0) == bench.statuses(2) == ["Available", "Unavailable"]
    assert bench.statuses()[-1] == "Charging"
    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()
    assert bench.statuses()[-1] == "Unavailable"
    assert on(bench, 0) == ACCEPTED
    for number in (0, 1, 2):
        assert bench.statuses(number)[-2:] == ["Unavailable", "Available"]


@pytest.mark.requirement("REM-37")
def test_a_connector_needs_its_own_wish_and_the_stations() -> None:
    bench = Bench(connectors=2)
    off(bench, 0)
    assert on(bench, 1) == ACCEPTED
    assert bench.statuses(1)[-1] == "Unavailable"
    off(bench, 2)
    assert on(bench, 0) == ACCEPTED
    assert bench.statuses(1)[-1] == bench.statuses(2)[-1] == "Available"


@pytest.mark.requirement("REM-37")
def test_the_stations_wish_takes_a_connector_whose_driver_may_end_in_peace() -> None:
    bench = Bench()
    bench.charges()
    off(bench, 0)
    assert on(bench, 1) == ACCEPTED
    assert bench.statuses()[-1] == "Charging"
    bench.presents()
    bench.finishes(121_000)
    assert bench.statuses()[-2:] == ["Finishing", "Unavailable"]


@pytest.mark.requirement("REM-35")
def test_an_unknown_connector_is_rejected() -> None:
    bench = Bench(connectors=2)
    for number in (3, -1):
        assert off(bench, number) == REJECTED
        assert why(bench) == "NO_SUCH_CONNECTOR"
    assert bench.statuses() == ["Available"]


def test_a_wish_that_cannot_be_written_down_is_rejected() -> None:
    bench = Bench()
    bench.happens(StorageChanged(0, failing=True))
    assert off(bench) == REJECTED
    assert why(bench) == "STORAGE_FAILING"


@pytest.mark.requirement("REM-39", "STAT-I8")
def test_a_broken_connector_is_out_of_service_once_it_is_mended() -> None:
    bench = Bench()
    bench.reads(IsolationReading(at_s=0.0, resistance_ohm=20_000.0))
    assert off(bench) == ACCEPTED
    assert bench.statuses() == ["Available", "Faulted"]
    bench.reads(CURED)
    bench.waits(5)
    assert bench.statuses() == ["Available", "Faulted", "Unavailable"]


@pytest.mark.requirement("REM-40", "STAT-20")
def test_a_plug_without_a_driver_leaves_service_over_available() -> None:
    bench = Bench()
    bench.plugs()
    assert off(bench) == ACCEPTED
    assert bench.statuses()[1:] == ["Preparing", "Available", "Unavailable"]


@pytest.mark.requirement("REM-40", "STAT-20")
def test_a_driver_who_was_accepted_is_not_sent_away() -> None:
    bench = Bench()
    bench.presents()
    assert off(bench) == SCHEDULED
    bench.plugs()
    bench.energizes()
    assert bench.statuses() == ["Available", "Preparing", "Charging"]

    other = Bench()
    other.presents()
    assert off(other) == SCHEDULED
    other.waits(60)
    assert other.statuses()[1:] == ["Preparing", "Available", "Unavailable"]


@pytest.mark.requirement("STAT-H2", "STAT-20")
def test_a_connector_comes_back_with_a_plug_in_it() -> None:
    bench = Bench()
    off(bench)
    bench.plugs()
    on(bench)
    assert bench.statuses() == ["Available", "Unavailable", "Preparing"]
    off(bench)
    bench.waits(61)
    on(bench)
    assert bench.statuses()[-3:] == ["Unavailable", "Preparing", "Finishing"]


@pytest.mark.requirement("REM-34", "PERS-02")
@pytest.mark.parametrize("cause", [Cause.POWER_LOSS, Cause.HARD_RESET])
def test_a_wish_outlives_the_process(tmp_path: Path, cause: Cause) -> None:
    bench = Bench(connectors=2, store=Store(tmp_path / "chargerd.db"))
    off(bench, 2)
    bench.said.clear()
    bench.restarts(cause)
    assert bench.statuses(1) == bench.statuses(0) == ["Available"]
    assert bench.statuses(2) == ["Unavailable"]
    on(bench, 2)
    bench.restarts(cause)
    assert bench.statuses(2)[-1] == "Available"
    off(bench, 0)
    bench.said.clear()
    bench.restarts(cause)
    assert bench.statuses(0) == bench.statuses(1) == ["Unavailable"]


@pytest.mark.requirement("REM-40", "PERS-02")
def test_what_was_scheduled_is_true_after_a_power_cut(tmp_path: Path) -> None:
    bench = Bench(connectors=2, store=Store(tmp_path / "chargerd.db"))
    bench.charges()
    off(bench)
    bench.said.clear()
    bench.restarts()
    assert bench.statuses(1) == ["Unavailable"]
    bench.restarts()
    on(bench)
    assert bench.statuses(1)[-1] == "Available"


def test_a_wish_for_a_connector_that_is_no_more_is_forgotten(tmp_path: Path) -> None:
    bench = Bench(connectors=2, store=Store(tmp_path / "chargerd.db"))
    off(bench, 2)
    assert bench.store is not None
    smaller = Bench(connectors=1, store=bench.store)
    assert smaller.statuses() == ["Available"]


@pytest.mark.requirement("STAT-14")
def test_connector_0_has_only_three_statuses() -> None:
    bench = Bench()
    bench.charges()
    off(bench, 0)
    bench.reads(SafetyReading(at_s=0.0, door_open=True))
    bench.reads(SafetyReading(at_s=0.0))
    expected = ["Available", "Unavailable", "Faulted", "Unavailable"]
    assert bench.statuses(0) == expected

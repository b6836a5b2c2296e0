"""Every edge between two statuses that can occur, one by one (OCPP 1.6 section 4.9).

The ids are those of the table there: from a row (A Available … I Faulted) to a column.
An edge over which a phase is left out occurs where ``MinimumStatusDuration`` lets
nobody hear of it.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chargerd.core.events import DeviceBack, DeviceLost
from chargerd.core.faults import FAULTS
from chargerd.core.permissive import Loss
from chargerd.ocpp16.wire import timestamp
from hal.values import VehiclePhase
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import SILENCE, Json

INVALID: Json = {"transactionId": 7, "idTagInfo": {"status": "Invalid"}}
VALID: Json = {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}
PAUSES = {"StopTransactionOnInvalidId": "false"}
FREE = {"FreeVend": "true"}
SLOW = {"MinimumStatusDuration": "20"}
"""Long enough for a whole session of the bench, which takes no time."""


def slow(**keys: str) -> Bench:
    bench = Bench(keys={**SLOW, **keys})
    bench.waits(20)
    return bench


def charging() -> Bench:
    bench = Bench()
    bench.charges()
    return bench


def paused_by_vehicle() -> Bench:
    bench = charging()
    bench.vehicle(VehiclePhase.PAUSED)
    return bench


def paused_by_station(**keys: str) -> Bench:
    """The CSMS has refused the id tag, and the operator wants it paused for that."""
    bench = Bench(keys={**PAUSES, **keys})
    bench.waits(20)
    bench.csms.will("StartTransaction", INVALID)
    bench.charges()
    bench.waits(20)
    return bench


def limits(bench: Bench, limit_w: float) -> None:
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_w}],
        },
    }
    bench.asks("SetChargingProfile", connectorId=0, csChargingProfiles=profile)


def told(bench: Bench) -> tuple[str, str]:
    """Return the last edge on the wire."""
    before, after = bench.statuses()[-2:]
    return before, after


def breaks(bench: Bench) -> None:
    bench.happens(DeviceLost(1, "meter", Loss("no answer")))


def mends(bench: Bench) -> None:
    bench.happens(DeviceBack(1, "meter"))
    bench.waits(FAULTS["meter-silent"].clears_after_s)


def off(bench: Bench) -> None:
    bench.asks("ChangeAvailability", connectorId=1, type="Inoperative")


def on(bench: Bench) -> None:
    bench.asks("ChangeAvailability", connectorId=1, type="Operative")


def reserves(bench: Bench) -> None:
    until = timestamp(bench.clock.now().utc + timedelta(hours=1))
    bench.asks(
        "ReserveNow", connectorId=1, expiryDate=until, idTag=CARD, reservationId=1
    )


def ends(bench: Bench) -> None:
    """Stop with the card and pull the plug, faster than anybody hears of it."""
    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()


# --- A: Available -----------------------------------------------------------------


@pytest.mark.requirement("STAT-A2", "STAT-10")
@pytest.mark.parametrize("comes", [Bench.plugs, Bench.presents])
def test_a2_somebody_comes(comes: Callable[[Bench], None]) -> None:
    bench = Bench()
    comes(bench)
    assert told(bench) == ("Available", "Preparing")


@pytest.mark.requirement("STAT-A2")
def test_a2_somebody_is_sent() -> None:
    bench = Bench()
    bench.asks("RemoteStartTransaction", idTag=CARD)
    assert told(bench) == ("Available", "Preparing")


@pytest.mark.key("FreeVend", "FreeVendIdTag")
@pytest.mark.requirement("STAT-A3", "STAT-13")
def test_a3_where_charging_is_free_a_plug_is_enough() -> None:
    bench = Bench(keys={"FreeVendIdTag": "OPEN HOUSE"})
    bench.plugs()
    assert bench.told("StartTransaction") == []
    bench.unplugs()
    bench.sets(FreeVend="true")
    bench.plugs()
    bench.energizes()
    assert bench.told("Authorize") == []
    assert bench.told("StartTransaction")[0]["idTag"] == "OPEN HOUSE"
    # A vehicle takes no current before it has agreed on a session: B3.
    assert bench.statuses()[-3:] == ["Available", "Preparing", "Charging"]

    bench = slow(**FREE)
    bench.plugs()
    bench.energizes()
    bench.waits(20)
    assert told(bench) == ("Available", "Charging")


def test_a3_free_charging_begins_once_a_plug() -> None:
    bench = Bench(keys=FREE)
    bench.plugs()
    bench.energizes()
    bench.asks("RemoteStopTransaction", transactionId=7)
    bench.finishes(121_000)
    bench.waits(100)
    assert len(bench.told("StartTransaction")) == 1
    bench.unplugs()
    bench.plugs()
    assert len(bench.told("StartTransaction")) == 2


def test_a3_free_charging_keeps_to_reservations_and_service() -> None:
    bench = Bench(keys=FREE)
    reserves(bench)
    bench.plugs()
    assert told(bench) == ("Available", "Reserved")
    bench.asks("CancelReservation", reservationId=1)
    assert len(bench.told("StartTransaction")) == 1
    other = Bench(keys=FREE)
    off(other)
    other.plugs()
    assert other.told("StartTransaction") == []
    assert len(other.charge_point.station.refusals) == 0


@pytest.mark.requirement("STAT-A4")
def test_a4_where_charging_is_free_the_vehicle_does_not_begin() -> None:
    bench = slow(**FREE)
    bench.plugs()
    bench.energizes()
    bench.vehicle(VehiclePhase.PAUSED)
    bench.waits(20)
    assert told(bench) == ("Available", "SuspendedEV")


@pytest.mark.requirement("STAT-A5")
def test_a5_where_charging_is_free_the_station_gives_nothing() -> None:
    bench = slow(**FREE, **PAUSES)
    bench.csms.will("StartTransaction", INVALID)
    bench.plugs()
    bench.energizes()
    bench.waits(20)
    assert told(bench) == ("Available", "SuspendedEVSE")


@pytest.mark.requirement("STAT-A7")
def test_a7_it_is_reserved() -> None:
    bench = Bench()
    reserves(bench)
    assert told(bench) == ("Available", "Reserved")


@pytest.mark.requirement("STAT-10", "STAT-05")
def test_a9_it_breaks() -> None:
    bench = Bench()
    breaks(bench)
    assert told(bench) == ("Available", "Faulted")


# --- B: Preparing -----------------------------------------------------------------


@pytest.mark.requirement("STAT-B1")
def test_b1_the_driver_gives_up() -> None:
    for gives_up in (Bench.presents, lambda bench: bench.waits(60)):
        bench = Bench()
        bench.presents()
        gives_up(bench)
        assert told(bench) == ("Preparing", "Available")
    bench = Bench()
    bench.plugs()
    bench.unplugs()
    assert told(bench) == ("Preparing", "Available")


@pytest.mark.requirement("STAT-B3", "STAT-13", "STAT-33")
def test_b3_charging_begins_when_current_can_flow() -> None:
    bench = Bench()
    bench.plugs()
    bench.presents()
    assert bench.told("StartTransaction") != []
    bench.vehicle(VehiclePhase.CABLE_CHECK)
    bench.vehicle(VehiclePhase.PRECHARGE)
    assert told(bench) == ("Available", "Preparing")
    bench.energizes()
    assert told(bench) == ("Preparing", "Charging")


@pytest.mark.requirement("STAT-B4")
def test_b4_the_vehicle_does_not_begin() -> None:
    bench = slow()
    bench.plugs()
    bench.waits(20)
    bench.presents()
    bench.energizes()
    bench.vehicle(VehiclePhase.PAUSED)
    bench.waits(20)
    assert told(bench) == ("Preparing", "SuspendedEV")


@pytest.mark.requirement("STAT-B5")
def test_b5_the_station_gives_nothing() -> None:
    bench = paused_by_station()
    assert told(bench) == ("Preparing", "SuspendedEVSE")


@pytest.mark.requirement("STAT-B6")
def test_b6_nobody_identifies() -> None:
    bench = Bench()
    bench.plugs()
    bench.waits(60)
    assert told(bench) == ("Preparing", "Finishing")


def agrees_on_nothing(bench: Bench) -> None:
    bench.waits(60)


def never_joins_its_battery(bench: Bench) -> None:
    bench.vehicle(VehiclePhase.CABLE_CHECK)
    bench.checks_cable()
    bench.vehicle(VehiclePhase.PRECHARGE)
    bench.matches()
    bench.waits(10)


def breaks_off(bench: Bench) -> None:
    bench.vehicle(VehiclePhase.CABLE_CHECK)
    bench.vehicle(VehiclePhase.EMERGENCY)


@pytest.mark.requirement("STAT-06", "STAT-B6")
@pytest.mark.parametrize(
    ("vehicle", "code"),
    [
        (agrees_on_nothing, "handshake-timeout"),
        (never_joins_its_battery, "precharge-timeout"),
        (breaks_off, "vehicle-failed"),
    ],
)
def test_b6_the_vehicle_does_not_play_along(
    vehicle: Callable[[Bench], None], code: str
) -> None:
    bench = Bench()
    bench.plugs()
    bench.presents()
    vehicle(bench)
    bench.winds_down(120_000)
    assert told(bench) == ("Preparing", "Finishing")
    last = bench.told("StatusNotification")[-1]
    assert last["errorCode"] == "EVCommunicationError"
    assert last["vendorErrorCode"] == last["info"] == code
    bench.vehicle(VehiclePhase.FINISHED)
    bench.unplugs()
    assert told(bench) == ("Finishing", "Available")
    assert bench.told("StatusNotification")[-1]["errorCode"] == "NoError"


@pytest.mark.requirement("STAT-10")
def test_b9_it_breaks() -> None:
    bench = Bench()
    bench.plugs()
    breaks(bench)
    assert told(bench) == ("Preparing", "Faulted")


# --- C: Charging ------------------------------------------------------------------


@pytest.mark.requirement("STAT-C1")
def test_c1_the_driver_is_gone_before_anybody_hears_of_it() -> None:
    bench = slow()
    bench.charges()
    bench.waits(20)
    ends(bench)
    bench.waits(20)
    assert told(bench) == ("Charging", "Available")


@pytest.mark.requirement("STAT-C4")
def test_c4_the_vehicle_pauses() -> None:
    assert told(paused_by_vehicle()) == ("Charging", "SuspendedEV")


@pytest.mark.requirement("STAT-C4", "STAT-10")
def test_c5_the_station_pauses() -> None:
    bench = Bench(keys=PAUSES)
    bench.csms.will("StartTransaction", SILENCE)
    bench.charges()
    bench.answers_late("StartTransaction", INVALID)
    assert told(bench) == ("Charging", "SuspendedEVSE")


@pytest.mark.requirement("STAT-C1", "STAT-33")
def test_c6_the_driver_stops() -> None:
    bench = charging()
    bench.presents()
    assert told(bench) == ("Charging", "Finishing")
    bench.finishes(121_000)
    assert bench.told("StopTransaction") != []


@pytest.mark.requirement("STAT-35")
def test_c6_the_plug_is_pulled() -> None:
    bench = charging()
    bench.unplugs()
    assert told(bench) == ("Charging", "Finishing")
    last = bench.told("StatusNotification")[-1]
    assert (last["info"], last["errorCode"]) == ("EV side disconnected", "NoError")


@pytest.mark.requirement("STAT-C8")
def test_c8_it_leaves_service_when_the_driver_is_gone() -> None:
    bench = slow()
    bench.charges()
    bench.waits(20)
    off(bench)
    ends(bench)
    bench.waits(20)
    assert told(bench) == ("Charging", "Unavailable")


def test_c9_it_breaks() -> None:
    bench = charging()
    breaks(bench)
    assert told(bench) == ("Charging", "Faulted")


# --- D: SuspendedEV ---------------------------------------------------------------


@pytest.mark.requirement("STAT-D1")
def test_d1_the_driver_is_gone_before_anybody_hears_of_it() -> None:
    bench = paused_by_vehicle()
    bench.sets(MinimumStatusDuration=20)
    ends(bench)
    bench.waits(20)
    assert told(bench) == ("SuspendedEV", "Available")


@pytest.mark.requirement("STAT-D3")
def test_d3_the_vehicle_goes_on() -> None:
    bench = paused_by_vehicle()
    bench.vehicle(VehiclePhase.CHARGING)
    assert told(bench) == ("SuspendedEV", "Charging")


@pytest.mark.requirement("STAT-12")
def test_d5_the_station_pauses_too() -> None:
    bench = Bench(keys=PAUSES)
    bench.csms.will("StartTransaction", SILENCE)
    bench.charges()
    bench.vehicle(VehiclePhase.PAUSED)
    bench.answers_late("StartTransaction", INVALID)
    assert told(bench) == ("SuspendedEV", "SuspendedEVSE")


@pytest.mark.requirement("STAT-D1")
def test_d6_the_driver_stops() -> None:
    bench = paused_by_vehicle()
    bench.presents()
    assert told(bench) == ("SuspendedEV", "Finishing")


@pytest.mark.requirement("STAT-D8")
def test_d8_it_leaves_service_when_the_driver_is_gone() -> None:
    bench = paused_by_vehicle()
    bench.sets(MinimumStatusDuration=20)
    off(bench)
    ends(bench)
    bench.waits(20)
    assert told(bench) == ("SuspendedEV", "Unavailable")


def test_d9_it_breaks() -> None:
    bench = paused_by_vehicle()
    breaks(bench)
    assert told(bench) == ("SuspendedEV", "Faulted")


# --- E: SuspendedEVSE -------------------------------------------------------------


@pytest.mark.requirement("STAT-E1")
def test_e1_the_driver_is_gone_before_anybody_hears_of_it() -> None:
    bench = paused_by_station(**SLOW)
    ends(bench)
    bench.waits(20)
    assert told(bench) == ("SuspendedEVSE", "Available")


@pytest.mark.requirement("STAT-C4", "STAT-D3", "STAT-10")
def test_c5_and_e3_the_limit_falls_to_nothing_and_comes_back() -> None:
    bench = charging()
    limits(bench, 0)
    assert told(bench) == ("Charging", "SuspendedEVSE")
    limits(bench, 20_000)
    assert told(bench) == ("SuspendedEVSE", "Charging")


@pytest.mark.requirement("STAT-12", "STAT-D3")
def test_d5_and_e4_the_limit_comes_back_but_the_vehicle_does_not() -> None:
    bench = paused_by_vehicle()
    limits(bench, 0)
    assert told(bench) == ("SuspendedEV", "SuspendedEVSE")
    bench.asks("ClearChargingProfile", id=1)
    assert told(bench) == ("SuspendedEVSE", "SuspendedEV")


@pytest.mark.requirement("STAT-H1")
def test_h4_it_comes_back_and_the_vehicle_pauses_before_anybody_hears_of_it() -> None:
    bench = slow()
    off(bench)
    bench.waits(20)
    on(bench)
    bench.charges()
    bench.vehicle(VehiclePhase.PAUSED)
    bench.waits(20)
    assert told(bench) == ("Unavailable", "SuspendedEV")


@pytest.mark.requirement("STAT-E1")
def test_e6_the_driver_stops() -> None:
    bench = paused_by_station()
    bench.presents()
    assert told(bench) == ("SuspendedEVSE", "Finishing")


@pytest.mark.requirement("STAT-E8")
def test_e8_it_leaves_service_when_the_driver_is_gone() -> None:
    bench = paused_by_station(**SLOW)
    off(bench)
    ends(bench)
    bench.waits(20)
    assert told(bench) == ("SuspendedEVSE", "Unavailable")


def test_e9_it_breaks() -> None:
    bench = paused_by_station()
    breaks(bench)
    assert told(bench) == ("SuspendedEVSE", "Faulted")


# --- F: Finishing -----------------------------------------------------------------


@pytest.mark.requirement("STAT-F1")
def test_f1_the_plug_is_pulled() -> None:
    bench = charging()
    ends(bench)
    assert told(bench) == ("Finishing", "Available")


@pytest.mark.requirement("STAT-F1", "REM-08")
def test_f2_the_plug_stays_and_another_transaction_begins() -> None:
    bench = charging()
    bench.presents()
    bench.finishes(121_000)
    answer = bench.asks("RemoteStartTransaction", idTag=OTHER_CARD, connectorId=1)
    assert answer == {"status": "Accepted"}
    assert told(bench) == ("Finishing", "Preparing")
    bench.energizes()
    assert told(bench) == ("Preparing", "Charging")


@pytest.mark.requirement("STAT-F8")
def test_f8_it_leaves_service() -> None:
    bench = charging()
    off(bench)
    ends(bench)
    assert told(bench) == ("Finishing", "Unavailable")


def test_f9_it_breaks() -> None:
    bench = charging()
    bench.presents()
    bench.finishes(121_000)
    breaks(bench)
    assert told(bench) == ("Finishing", "Faulted")


# --- G: Reserved ------------------------------------------------------------------


@pytest.mark.requirement("STAT-G1")
def test_g1_it_is_cancelled_or_over() -> None:
    bench = Bench()
    reserves(bench)
    bench.asks("CancelReservation", reservationId=1)
    assert told(bench) == ("Reserved", "Available")
    reserves(bench)
    bench.waits(3600)
    assert told(bench) == ("Reserved", "Available")


@pytest.mark.requirement("STAT-G1")
def test_g2_the_driver_comes() -> None:
    bench = Bench()
    reserves(bench)
    bench.presents()
    assert told(bench) == ("Reserved", "Preparing")


@pytest.mark.requirement("STAT-G8")
def test_g8_it_leaves_service() -> None:
    bench = Bench()
    reserves(bench)
    off(bench)
    assert told(bench) == ("Reserved", "Unavailable")


def test_g9_it_breaks() -> None:
    bench = Bench()
    reserves(bench)
    breaks(bench)
    assert told(bench) == ("Reserved", "Faulted")


# --- H: Unavailable ---------------------------------------------------------------


@pytest.mark.requirement("STAT-H1")
def test_h1_it_comes_back() -> None:
    bench = Bench()
    off(bench)
    on(bench)
    assert told(bench) == ("Unavailable", "Available")


@pytest.mark.requirement("STAT-H1")
def test_h2_it_comes_back_with_a_plug_in_it() -> None:
    bench = Bench()
    off(bench)
    bench.plugs()
    on(bench)
    assert told(bench) == ("Unavailable", "Preparing")


@pytest.mark.requirement("STAT-H1")
def test_h3_and_h5_it_comes_back_and_is_used_before_anybody_hears_of_it() -> None:
    bench = slow()
    off(bench)
    bench.waits(20)
    on(bench)
    bench.charges()
    bench.waits(20)
    assert told(bench) == ("Unavailable", "Charging")

    bench = slow(**PAUSES)
    off(bench)
    bench.waits(20)
    on(bench)
    bench.csms.will("StartTransaction", INVALID)
    bench.charges()
    bench.waits(20)
    assert told(bench) == ("Unavailable", "SuspendedEVSE")


def test_h9_it_breaks() -> None:
    bench = Bench()
    off(bench)
    breaks(bench)
    assert told(bench) == ("Unavailable", "Faulted")


# --- I: Faulted -------------------------------------------------------------------


@pytest.mark.requirement("STAT-I1", "STAT-07")
def test_i1_it_is_mended() -> None:
    bench = Bench()
    breaks(bench)
    mends(bench)
    assert told(bench) == ("Faulted", "Available")
    last = bench.told("StatusNotification")[-1]
    assert (last["errorCode"], "info" in last) == ("NoError", False)


@pytest.mark.requirement("STAT-I1")
def test_i2_it_is_mended_with_a_plug_in_it() -> None:
    bench = Bench()
    bench.plugs()
    breaks(bench)
    mends(bench)
    assert told(bench) == ("Faulted", "Preparing")


@pytest.mark.requirement("STAT-I1")
def test_i1_the_plug_was_pulled_meanwhile() -> None:
    bench = Bench()
    bench.plugs()
    breaks(bench)
    bench.unplugs()
    mends(bench)
    assert told(bench) == ("Faulted", "Available")


@pytest.mark.requirement("STAT-I1")
def test_i3_it_is_mended_and_used_before_anybody_hears_of_it() -> None:
    bench = slow()
    breaks(bench)
    mends(bench)
    bench.charges()
    bench.waits(20)
    assert told(bench) == ("Faulted", "Charging")


@pytest.mark.requirement("STAT-I1")
def test_i6_it_is_mended_after_it_has_ended_a_transaction() -> None:
    bench = charging()
    breaks(bench)
    bench.finishes(121_000)
    mends(bench)
    assert told(bench) == ("Faulted", "Finishing")


@pytest.mark.requirement("STAT-I1")
def test_i8_it_is_mended_and_out_of_service() -> None:
    bench = Bench()
    breaks(bench)
    off(bench)
    mends(bench)
    assert told(bench) == ("Faulted", "Unavailable")

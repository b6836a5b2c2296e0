"""How transactions begin and end, in the words that the CSMS hears."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from chargerd.core.events import RestartRequested
from chargerd.core.power import Supply
from chargerd.core.reasons import Cause
from hal.values import (
    IsolationReading,
    LockReading,
    SafetyReading,
    SupplyReading,
    VehiclePhase,
)
from tests.ocpp16.samples import schema
from tests.scenarios.bench import CARD, FITTED, FITTING, OTHER_CARD, Bench

ACCEPTED: Final = {"status": "Accepted"}
INVALID: Final = {"idTagInfo": {"status": "Invalid"}}
EVERYTHING: Final = replace(FITTING, fitted=FITTED | {"supply", "lock"})


def refuses(bench: Bench) -> None:
    bench.answers_late("StartTransaction", {"transactionId": 7, **INVALID})


def presents_of_group(bench: Bench) -> None:
    fleet = {"idTagInfo": {**ACCEPTED, "parentIdTag": "FLEET"}}
    bench.answers_late("StartTransaction", {"transactionId": 7, **fleet})
    bench.csms.always("Authorize", fleet)
    bench.presents(OTHER_CARD)


ENDS: Final[Mapping[str, tuple[Callable[[Bench], object], str, str | None]]] = {
    # what happens: how, the reason, and the id tag that goes with it
    "its own card": (lambda b: b.presents(), "Local", CARD),
    "a card of its group": (presents_of_group, "Local", OTHER_CARD),
    "a remote stop": (
        lambda b: b.asks("RemoteStopTransaction", transactionId=7),
        "Remote",
        None,
    ),
    "a pulled plug": (lambda b: b.unplugs(), "EVDisconnected", None),
    "an emergency stop": (
        lambda b: b.reads(SafetyReading(at_s=0.0, emergency_stop=True), 0),
        "EmergencyStop",
        None,
    ),
    "a soft reset": (lambda b: b.asks("Reset", type="Soft"), "SoftReset", None),
    "a hard reset": (lambda b: b.asks("Reset", type="Hard"), "HardReset", None),
    "a restart of the daemon": (
        lambda b: b.happens(RestartRequested(0, Cause.RESTART)),
        "Reboot",
        None,
    ),
    "a failing supply": (
        lambda b: b.reads(SupplyReading(at_s=0.0, failing=True), 0),
        "PowerLoss",
        None,
    ),
    "a refused id tag": (refuses, "DeAuthorized", None),
    "an unlocked cable": (
        lambda b: b.asks("UnlockConnector", connectorId=1),
        "UnlockCommand",
        None,
    ),
    "a full battery": (lambda b: b.vehicle(VehiclePhase.ENDING), "Other", None),
    "low insulation": (
        lambda b: b.reads(IsolationReading(at_s=0.0, resistance_ohm=900.0)),
        "Other",
        None,
    ),
}
"""The table of OCPP 1.6 section 7.36, whole."""


def charging(keys: Mapping[str, str] | None = None, *, silent: bool = False) -> Bench:
    """Charge; ``silent``: the CSMS has not answered the StartTransaction yet."""
    bench = Bench(fitting=EVERYTHING, keys=keys)
    if silent:
        bench.csms.will("StartTransaction", None)
    bench.plugs()
    bench.presents()
    bench.reads(LockReading(at_s=0.0, engaged=True))
    bench.energizes()
    return bench


def test_every_reason_of_ocpp_is_in_the_table() -> None:
    known = schema("StopTransaction")["properties"]["reason"]["enum"]
    assert {reason for _, reason, _ in ENDS.values()} == set(known)


@pytest.mark.requirement("TXN-20", "TXN-21", "TXN-22", "TXN-24", "TXN-42")
@pytest.mark.parametrize("end", ENDS)
def test_a_transaction_ends_with_the_reason_and_id_tag_of_the_table(end: str) -> None:
    happen, reason, id_tag = ENDS[end]
    bench = charging(silent=happen in (refuses, presents_of_group))
    bench.meters(121_000)
    happen(bench)
    assert not bench.output.live or bench.phase() == "ramp-down"
    bench.finishes(121_300)
    (stop,) = bench.told("StopTransaction")
    assert (stop["reason"], stop.get("idTag")) == (reason, id_tag)
    assert stop["transactionId"] == 7
    assert stop["meterStop"] in (121_000, 121_300)


@pytest.mark.requirement("METER-23")
@pytest.mark.parametrize("end", ["its own card", "a remote stop", "a pulled plug"])
def test_nothing_of_a_transaction_is_told_after_its_end(end: str) -> None:
    keys = {"MeterValueSampleInterval": "10", "ClockAlignedDataInterval": "60"}
    bench = charging(keys)
    bench.waits(95)
    ENDS[end][0](bench)
    bench.asks("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    bench.finishes(121_300)
    bench.waits(300)
    bench.asks("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    names = [name for name, _ in bench.said]
    after = bench.said[names.index("StopTransaction") + 1 :]
    assert [name for name, _ in after].count("MeterValues") >= 5
    assert not [name for name, payload in after if "transactionId" in payload]


@pytest.mark.requirement("TXN-07", "AUTH-40")
def test_energy_flows_before_the_csms_has_numbered_the_transaction() -> None:
    bench = Bench()
    bench.csms.will("StartTransaction", None)
    bench.charges()
    bench.meters(120_400)
    assert bench.output.supply is Supply.CHARGE
    refuses(bench)
    bench.finishes(120_500)
    (stop,) = bench.told("StopTransaction")
    assert (stop["transactionId"], stop["reason"]) == (7, "DeAuthorized")


@pytest.mark.requirement("TXN-28")
def test_the_csms_cannot_veto_a_stop_and_what_it_says_of_the_driver_is_kept() -> None:
    bench = Bench()
    bench.csms.will("StopTransaction", {"idTagInfo": {"status": "Blocked"}})
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.waits(600)
    assert len(bench.told("StopTransaction")) == 1
    assert bench.statuses()[-1] == "Finishing"
    bench.unplugs()
    bench.disconnects()
    bench.plugs()
    bench.presents()
    assert bench.charge_point.station.refusals[-1][1].why == "TAG_BLOCKED"


def test_a_refused_driver_is_not_started_again_by_itself() -> None:
    bench = Bench()
    bench.csms.always("StartTransaction", {"transactionId": 7, **INVALID})
    bench.plugs()
    bench.presents()
    bench.meters(120_000)
    bench.waits(3600)
    assert len(bench.told("StartTransaction")) == 1
    bench.csms.always("Authorize", INVALID)
    bench.presents()
    bench.unplugs()
    bench.plugs()
    bench.waits(3600)
    assert len(bench.told("StartTransaction")) == 1


@pytest.mark.requirement("TXN-02", "REM-01")
@pytest.mark.parametrize("plug_first", [True, False])
def test_a_remote_start_is_told_with_plug_and_driver_before_any_check(
    plug_first: bool,
) -> None:
    bench = Bench()
    if plug_first:
        bench.plugs()
    bench.asks("RemoteStartTransaction", idTag=CARD, connectorId=1)
    if not plug_first:
        bench.waits(20)
        bench.plugs()
    assert bench.times("StartTransaction") == [bench.now_s]
    assert bench.phase() == "handshake"
    assert not bench.output.closed


@pytest.mark.parametrize("remotely", [True, False])
def test_a_plug_that_was_left_in_can_start_again(remotely: bool) -> None:
    bench = Bench()
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.waits(600)
    assert bench.statuses()[-1] == "Finishing"
    if remotely:
        start = bench.asks("RemoteStartTransaction", idTag=CARD, connectorId=1)
        assert start == ACCEPTED
    else:
        bench.presents(OTHER_CARD)
    bench.vehicle(VehiclePhase.NEGOTIATING)
    bench.energizes()
    starts = bench.told("StartTransaction")
    assert [start["meterStart"] for start in starts] == [120_000, 121_000]
    assert bench.statuses()[-3:] == ["Finishing", "Preparing", "Charging"]


@pytest.mark.requirement("REM-50", "TXN-46")
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_a_reset_is_answered_told_and_only_then_done(kind: str) -> None:
    bench = Bench()
    bench.charges()
    bench.csms.will("StopTransaction", None)
    assert bench.asks("Reset", type=kind) == ACCEPTED
    assert bench.told("StopTransaction") == []
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["reason"] == f"{kind}Reset"
    assert bench.restarting is None
    bench.answers_late("StopTransaction", {})
    assert bench.restarting is not None
    assert bench.statuses() == ["Available", "Preparing", "Charging", "Finishing"]

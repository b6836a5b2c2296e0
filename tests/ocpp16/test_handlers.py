"""Handlers are functions: a picture and a request in, an answer out."""

from dataclasses import replace
from typing import Any

import pytest
from ocpp.v16 import call
from ocpp.v16.enums import MessageTrigger, ResetType

from chargerd.core.events import (
    RestartRequested,
    StartRequested,
    StopRequested,
    TagsCleared,
)
from chargerd.core.reasons import Cause, Why
from chargerd.ocpp16.answer import Answer, Picture, Trigger
from chargerd.ocpp16.handlers import core, remote_trigger
from chargerd.ocpp16.keys import Judged, Outcome
from chargerd.ocpp16.registration import Standing
from tests.clock import FakeClock
from tests.scenarios.bench import CARD, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench(connectors=2)


def answer(picture: Picture, request: Any) -> Answer:
    handlers = {**core.HANDLERS, **remote_trigger.HANDLERS}
    return handlers[type(request).__name__](picture, request, FakeClock().now())


def refused(told: Answer) -> Why:
    assert told.refused is not None
    assert told.response.status == "Rejected"
    assert (told.events, told.triggers, told.change) == ((), (), None)
    return told.refused.why


def test_a_remote_start_is_an_event_for_the_core(bench: Bench) -> None:
    told = answer(bench.charge_point.picture, call.RemoteStartTransaction(CARD))
    assert told.events == (StartRequested(1, CARD),)
    assert bench.phase() == "idle"


def test_a_station_that_is_not_registered_starts_and_stops_nothing(
    bench: Bench,
) -> None:
    bench.charges()
    pending = replace(bench.charge_point.picture, standing=Standing.PENDING)
    start = answer(pending, call.RemoteStartTransaction(CARD, 2))
    stop = answer(pending, call.RemoteStopTransaction(7))
    assert refused(start) is refused(stop) is Why.NOT_REGISTERED


def test_a_remote_stop_names_the_connector_of_its_transaction(bench: Bench) -> None:
    bench.charges(connector=2)
    told = answer(bench.charge_point.picture, call.RemoteStopTransaction(7))
    assert told.events == (StopRequested(2, Cause.REMOTE),)
    assert bench.phase(2) == "energized"


@pytest.mark.parametrize(
    ("kind", "cause"),
    [(ResetType.soft, Cause.SOFT_RESET), (ResetType.hard, Cause.HARD_RESET)],
)
def test_a_reset_has_its_cause(bench: Bench, kind: ResetType, cause: Cause) -> None:
    told = answer(bench.charge_point.picture, call.Reset(kind))
    assert told.events == (RestartRequested(0, cause),)


def test_the_cache_is_cleared_by_an_event(bench: Bench) -> None:
    told = answer(bench.charge_point.picture, call.ClearCache())
    assert told.events == (TagsCleared(0),)


def test_a_change_of_a_key_is_handed_over_and_not_made(bench: Bench) -> None:
    wish = call.ChangeConfiguration("messagetimeout", " 9 ")
    told = answer(bench.charge_point.picture, wish)
    assert told.change == Judged(Outcome.ACCEPTED, "MessageTimeout", "9")
    assert bench.charge_point.configuration.policy.message_timeout_s == 30


def test_a_measurand_that_is_not_measured_is_answered_with_those_that_are(
    bench: Bench,
) -> None:
    wish = call.ChangeConfiguration(
        "StopTxnSampledData", "Energy.Active.Export.Register"
    )
    told = answer(bench.charge_point.picture, wish)
    assert refused(told) is Why.BAD_VALUE
    assert told.refused is not None
    assert told.refused.detail.startswith(
        "StopTxnSampledData: Energy.Active.Export.Register is not measured here; "
        "choose of Energy.Active.Import.Register, "
    )


@pytest.mark.requirement("TRIG-05")
def test_a_trigger_without_a_connector_means_all_that_have_it(bench: Bench) -> None:
    def connectors(wanted: MessageTrigger) -> list[int | None]:
        told = answer(bench.charge_point.picture, call.TriggerMessage(wanted))
        assert told.response.status == "Accepted"
        return [trigger.connector for trigger in told.triggers]

    assert connectors(MessageTrigger.status_notification) == [0, 1, 2]
    assert connectors(MessageTrigger.meter_values) == [1, 2]
    assert connectors(MessageTrigger.heartbeat) == [None]


@pytest.mark.requirement("BOOT-20")
def test_only_a_station_that_is_not_accepted_may_boot_again(bench: Bench) -> None:
    wanted = call.TriggerMessage(MessageTrigger.boot_notification)
    picture = bench.charge_point.picture
    assert refused(answer(picture, wanted)) is Why.RESTART_NEEDED
    pending = answer(replace(picture, standing=Standing.PENDING), wanted)
    assert pending.triggers == (Trigger("BootNotification"),)

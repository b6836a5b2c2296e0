"""Whatever happens, in whatever order: nothing raises, and no bill is lost or doubled.

A history begins with part of the good path: pure chance would seldom start a session.
"""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.commits import LATER_S
from chargerd.core import events
from chargerd.core.permissive import Loss
from chargerd.core.reasons import Cause
from chargerd.ocpp16.records import (
    MessageQuarantined,
    MessageQueued,
    MessageSettled,
    StopToldBlind,
)
from chargerd.steps import DeadlinePassed, FrameReceived, LinkDown, LinkUp
from hal.values import SafetyReading, VehiclePhase
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import SILENCE, Refusal

Move = Callable[[Bench], object]

REFUSED = {"idTagInfo": {"status": "Blocked"}}
LISTED = {
    "listVersion": 9,
    "updateType": "Differential",
    "localAuthorizationList": [
        {"idTag": CARD, "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}},
        {"idTag": OTHER_CARD, "idTagInfo": {"status": "Blocked"}},
    ],
}
UNPAID = {"transactionId": 3, "idTagInfo": {"status": "Invalid"}}

ON_THE_LINE: tuple[Move, ...] = (
    Bench.disconnects,
    lambda bench: None if bench.charge_point.dialogue.rpc.is_open else bench.connects(),
    lambda bench: bench.csms.will("StartTransaction", SILENCE),
    lambda bench: bench.csms.will("StartTransaction", Refusal(), UNPAID),
    lambda bench: bench.csms.will("StopTransaction", Refusal(), SILENCE),
    lambda bench: bench.csms.will("StatusNotification", SILENCE, Refusal()),
    lambda bench: bench.csms.will("BootNotification", bench.csms.boot("Pending", 5)),
    lambda bench: bench.csms.will("Authorize", REFUSED, SILENCE, {}),
    lambda bench: bench.asks("RemoteStartTransaction", idTag="APP"),
    lambda bench: bench.asks("RemoteStopTransaction", transactionId=7),
    lambda bench: bench.asks("TriggerMessage", requestedMessage="MeterValues"),
    lambda bench: bench.asks("TriggerMessage", requestedMessage="StatusNotification"),
    lambda bench: bench.asks("TriggerMessage", requestedMessage="BootNotification"),
    lambda bench: bench.asks("GetConfiguration"),
    lambda bench: bench.asks("ClearCache"),
    lambda bench: bench.asks("SendLocalList", listVersion=1, updateType="Full"),
    lambda bench: bench.asks("SendLocalList", **LISTED),
    lambda bench: setattr(bench, "disk_full", not bench.disk_full),
    lambda bench: bench.happens(FrameReceived("[2, 3")),
    lambda bench: bench.happens(FrameReceived('[3, "id-1", {}]')),
    lambda bench: bench.happens(FrameReceived(b"\xff")),
    lambda bench: bench.happens(DeadlinePassed()),
    lambda bench: bench.happens(events.StorageChanged(0, failing=True)),
    lambda bench: bench.happens(events.StorageChanged(0, failing=False)),
)
AT_THE_PLUG: tuple[Move, ...] = (
    *(lambda bench, to=phase: bench.vehicle(to) for phase in VehiclePhase),
    lambda bench: bench.vehicle(VehiclePhase.NEGOTIATING, 2),
    lambda bench: bench.vehicle(VehiclePhase.UNPLUGGED, 2),
    lambda bench: bench.presents(CARD),
    lambda bench: bench.presents(OTHER_CARD),
    lambda bench: bench.winds_down(121_500),
    lambda bench: bench.meters(122_500),
    lambda bench: bench.reads(SafetyReading(at_s=0.0, emergency_stop=True)),
    lambda bench: bench.reads(SafetyReading(at_s=0.0)),
    lambda bench: bench.happens(events.DeviceLost(1, "meter", Loss("no answer"))),
    lambda bench: bench.happens(events.DeviceBack(1, "meter")),
    lambda bench: bench.happens(events.StopRequested(1, Cause.TOKEN, CARD)),
)
KEYS = st.builds(
    lambda name, value: lambda bench: bench.sets_here(name, value),
    st.sampled_from(
        (
            "MinimumStatusDuration",
            "MeterValueSampleInterval",
            "ClockAlignedDataInterval",
            "HeartbeatInterval",
            "MessageTimeout",
            "TransactionMessageAttempts",
            "TransactionMessageRetryInterval",
            "StopTxnSampledData",
            "LocalPreAuthorize",
            "LocalAuthListEnabled",
        )
    ),
    st.sampled_from(
        ("0", "1", "7", "60", "SoC", "true", "false", "-1", "", "9" * 5000)
    ),
)
TIME = st.builds(
    lambda seconds: lambda bench: bench.waits(seconds),
    st.sampled_from((0.0, 0.4, 3.0, 31.0, 95.0, 700.0)),
)
WALL_CLOCK = st.builds(
    lambda seconds: lambda bench: bench.clock.correct(seconds),
    st.sampled_from((-3600.0, 3600.0, 0.3)),
)
NOISE = st.builds(
    lambda frame: lambda bench: bench.happens(FrameReceived(json.dumps(frame))),
    st.lists(
        st.sampled_from(
            (2, 3, 4, "id-9", "Reset", "TriggerMessage", {}, None, [], 1.5)
        ),
        max_size=6,
    ),
)
GOOD: tuple[Move, ...] = (
    Bench.plugs,
    Bench.presents,
    Bench.energizes,
    lambda bench: bench.waits(61),
)
histories = st.builds(
    lambda stretch, rest: [*GOOD[:stretch], *rest],
    st.integers(0, len(GOOD)),
    st.lists(
        st.sampled_from(ON_THE_LINE + AT_THE_PLUG) | TIME | WALL_CLOCK | KEYS | NOISE,
        max_size=25,
    ),
)


@pytest.mark.no_cover
@settings(max_examples=80, deadline=None)
@given(histories)
def test_no_history_loses_or_doubles_a_message_of_a_transaction(
    history: list[Move],
) -> None:
    bench = Bench(connectors=2, keys={"AllowOfflineTxForUnknownId": "true"})
    for move in history:
        move(bench)
    bench.disconnects()
    bench.waits(LATER_S)

    queued: list[int] = []
    settled: list[int] = []
    opened: list[str] = []
    closed: list[str] = []
    for record in (record for step in bench.steps for record in step.records):
        match record:
            case MessageQueued(id=id, action=action, key=key):
                queued.append(id)
                opened += [key] if action == "StartTransaction" else []
                closed += [key] if action == "StopTransaction" else []
            case MessageSettled(id) | MessageQuarantined(id) | StopToldBlind(id):
                settled.append(id)
    assert queued == list(range(1, len(queued) + 1))
    assert settled == queued[: len(settled)]
    outbox = bench.charge_point.dialogue.ledger.outbox
    assert outbox.waiting == len(queued) - len(settled)
    billed = {session.key for session in bench.charge_point.station.billed()}
    assert len(set(opened)) == len(opened)
    assert set(opened) - set(closed) == billed
    assert len(set(closed)) == len(closed)


@pytest.mark.no_cover
@given(st.lists(st.sampled_from((LinkUp(), LinkDown(), DeadlinePassed())), max_size=12))
def test_a_link_that_comes_and_goes_leaves_nothing_under_way(
    happenings: list[LinkUp | LinkDown | DeadlinePassed],
) -> None:
    bench = Bench(online=False)
    bench.csms.always("BootNotification", SILENCE)
    for happening in happenings:
        if isinstance(happening, LinkUp):
            bench.disconnects()
        bench.happens(happening)
    bench.disconnects()
    bench.csms.always("BootNotification", bench.csms.boot())
    bench.connects()
    assert bench.statuses() == ["Available"]

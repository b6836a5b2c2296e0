"""Two connectors through anything, in any order: what the CSMS hears is always legal.

The bench itself holds every pair of statuses against the table of OCPP, every frame
against its schema, and every deadline against the one before.
"""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as check_machine

from chargerd.core.events import DeviceBack, DeviceLost
from chargerd.core.permissive import Loss
from chargerd.core.reasons import Cause
from chargerd.core.session import BILLED, Phase
from chargerd.ocpp16.status import report
from chargerd.ocpp16.wire import timestamp
from chargerd.store.database import Store
from hal.values import IsolationReading, Reading, SafetyReading, VehiclePhase
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import SILENCE, Json, Refusal, Reply

CONNECTORS: Final = st.integers(1, 2)
ANYWHERE: Final = st.integers(0, 2)
IDS: Final = st.integers(1, 3)
CARDS: Final = st.sampled_from((CARD, OTHER_CARD))
FLEET: Final[Json] = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}}
UNPAID: Final[Json] = {"transactionId": 3, "idTagInfo": {"status": "Invalid"}}
BROKEN: Final = (
    "meter",
    "reader",  # no more than a warning
    IsolationReading(at_s=0.0, resistance_ohm=2e4),
    SafetyReading(at_s=0.0, door_open=True),
)
REPLIES: Final[tuple[tuple[str, Reply], ...]] = (
    ("Authorize", FLEET),
    ("Authorize", SILENCE),
    ("StartTransaction", UNPAID),
    ("StatusNotification", SILENCE),
    ("StatusNotification", Refusal()),
)
DISORDER: Final = frozenset({"Available", "Unavailable", "Faulted"})
"""All that the station as a whole can be."""


class Connectors(RuleBasedStateMachine):
    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    @initialize(
        least_s=st.sampled_from(("0", "0", "20")),
        free=st.sampled_from(("false", "false", "true")),
        on_pulled_plug=st.sampled_from(("true", "false")),
    )
    def installed(self, least_s: str, free: str, on_pulled_plug: str) -> None:
        keys = {
            "AllowOfflineTxForUnknownId": "true",
            "FreeVend": free,
            "MinimumStatusDuration": least_s,
            "StopTransactionOnEVSideDisconnect": on_pulled_plug,
            "StopTransactionOnInvalidId": "false",
        }
        store = Store(Path(self.folder.name) / "chargerd.db")
        self.bench = Bench(connectors=2, keys=keys, store=store)

    def phase(self, connector: int) -> Phase:
        return self.bench.charge_point.station.sessions[connector].phase

    # --- at the plug ------------------------------------------------------------

    @rule(connector=CONNECTORS)
    def plug(self, connector: int) -> None:
        self.bench.plugs(connector)

    @rule(connector=CONNECTORS)
    def unplug(self, connector: int) -> None:
        self.bench.unplugs(connector)

    @rule(card=CARDS)
    def card(self, card: str) -> None:
        self.bench.presents(card)

    @rule(connector=CONNECTORS, card=CARDS)
    def charge(self, connector: int, card: str) -> None:
        """Chance alone would seldom find the way into a session."""
        self.bench.plugs(connector)
        self.bench.presents(card)
        if self.phase(connector) is Phase.HANDSHAKE:
            self.bench.energizes(connector)

    @rule(
        connector=CONNECTORS,
        to=st.sampled_from((VehiclePhase.PAUSED, VehiclePhase.CHARGING)),
    )
    def wish(self, connector: int, to: VehiclePhase) -> None:
        if self.phase(connector) is Phase.ENERGIZED:
            self.bench.vehicle(to, connector)

    @rule(connector=CONNECTORS)
    def wind_down(self, connector: int) -> None:
        session = self.bench.charge_point.station.sessions[connector]
        if session.cause is not None:
            register_wh = self.bench.registers_wh[connector] + 100
            self.bench.winds_down(register_wh, connector)
        if session.plugged and session.cause is not None:
            self.bench.vehicle(VehiclePhase.FINISHED, connector)

    # --- what breaks ------------------------------------------------------------

    @rule(connector=CONNECTORS, what=st.sampled_from(BROKEN))
    def broken(self, connector: int, what: Reading | str) -> None:
        if isinstance(what, str):
            self.bench.happens(DeviceLost(connector, what, Loss("no answer")))
        else:
            self.bench.reads(what, connector)

    @rule()
    def mended(self) -> None:
        for connector in (1, 2):
            for what in BROKEN[:2]:
                self.bench.happens(DeviceBack(connector, str(what)))
            self.bench.reads(IsolationReading(at_s=0.0, resistance_ohm=1e6), connector)
            self.bench.reads(SafetyReading(at_s=0.0), connector)
        self.bench.waits(5.0)

    # --- what the CSMS wants ----------------------------------------------------

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(connector=st.none() | ANYWHERE, card=CARDS)
    def remote_start(self, connector: int | None, card: str) -> None:
        where = {} if connector is None else {"connectorId": connector}
        self.bench.asks("RemoteStartTransaction", idTag=card, **where)

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(data=st.data())
    def remote_stop(self, data: st.DataObject) -> None:
        numbers = self.bench.charge_point.dialogue.ledger.numbers.values()
        known = sorted({number for number in numbers if number is not None})
        if known:
            number = data.draw(st.sampled_from(known))
            self.bench.asks("RemoteStopTransaction", transactionId=number)

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(connector=ANYWHERE, wish=st.sampled_from(("Operative", "Inoperative")))
    def availability(self, connector: int, wish: str) -> None:
        self.bench.asks("ChangeAvailability", connectorId=connector, type=wish)

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(
        connector=ANYWHERE,
        id_=IDS,
        card=CARDS,
        minutes=st.sampled_from((1, 5, 60)),
        group=st.booleans(),
    )
    def reserve(
        self, connector: int, id_: int, card: str, minutes: int, group: bool
    ) -> None:
        until = self.bench.clock.now().utc + timedelta(minutes=minutes)
        self.bench.asks(
            "ReserveNow",
            connectorId=connector,
            reservationId=id_,
            idTag=card,
            expiryDate=timestamp(until),
            **({"parentIdTag": "FLEET"} if group else {}),
        )

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(connector=ANYWHERE, limit_w=st.sampled_from((0, 0, 20_000)))
    def limit(self, connector: int, limit_w: int) -> None:
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
        self.bench.asks(
            "SetChargingProfile", connectorId=connector, csChargingProfiles=profile
        )

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(id_=IDS)
    def cancel(self, id_: int) -> None:
        self.bench.asks("CancelReservation", reservationId=id_)

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(connector=st.none() | ANYWHERE)
    def trigger(self, connector: int | None) -> None:
        where = {} if connector is None else {"connectorId": connector}
        self.bench.asks(
            "TriggerMessage", requestedMessage="StatusNotification", **where
        )

    @precondition(lambda self: self.bench.charge_point.dialogue.rpc.is_open)
    @rule(kind=st.sampled_from(("Hard", "Soft")))
    def reset(self, kind: str) -> None:
        self.bench.asks("Reset", type=kind)
        self.bench.waits(31)
        self.restart(self.bench.restarting or Cause.POWER_LOSS)

    @rule(reply=st.sampled_from(REPLIES))
    def csms_says(self, reply: tuple[str, Reply]) -> None:
        self.bench.csms.will(*reply)

    # --- time, link, power ------------------------------------------------------

    @rule(seconds=st.sampled_from((0.4, 3.0, 21.0, 61.0, 301.0)))
    def wait(self, seconds: float) -> None:
        self.bench.waits(seconds)

    @rule(seconds=st.sampled_from((-600.0, 600.0)))
    def clock_step(self, seconds: float) -> None:
        self.bench.clock.correct(seconds)

    @rule()
    def link(self) -> None:
        if self.bench.charge_point.dialogue.rpc.is_open:
            self.bench.disconnects()
        else:
            self.bench.connects()

    @rule(cause=st.sampled_from((Cause.POWER_LOSS, Cause.RESTART)))
    def restart(self, cause: Cause) -> None:
        self.bench.restarts(cause)

    # --- what must hold ---------------------------------------------------------

    @invariant()
    def the_station_itself_is_in_order_or_not(self) -> None:
        assert set(self.bench.statuses(0)) <= DISORDER

    @invariant()
    def a_transaction_is_never_hidden(self) -> None:
        station = self.bench.charge_point.station
        for number, session in station.sessions.items():
            word = report(station, number, self.bench.clock.now().utc).status
            assert session.phase not in BILLED or word not in {
                "Available",
                "Reserved",
                "Unavailable",
            }

    @invariant()
    def at_rest_the_csms_knows_the_truth(self) -> None:
        dialogue = self.bench.charge_point.dialogue
        prompt = self.bench.charge_point.station.policy.minimum_status_duration_s == 0
        if prompt and dialogue.online and dialogue.rpc.free:
            self.the_csms_knows_the_truth()

    def the_csms_knows_the_truth(self) -> None:
        station = self.bench.charge_point.station
        for number in (0, *station.sessions):
            true = report(station, number, self.bench.clock.now().utc)
            assert self.bench.statuses(number)[-1:] == [true.status]

    def teardown(self) -> None:
        self.bench.disconnects()
        self.bench.csms.forget()
        self.bench.connects()
        self.bench.waits(100)
        if not self.bench.restarting:
            self.the_csms_knows_the_truth()
        if self.bench.store is not None:
            self.bench.store.close()
        self.folder.cleanup()


@pytest.mark.no_cover
@pytest.mark.requirement("STAT-14", "STAT-21", "STAT-40", "STAT-43")
def test_whatever_happens_the_csms_hears_what_is_legal_and_in_the_end_true() -> None:
    check_machine(
        Connectors,
        settings=settings(max_examples=60, stateful_step_count=40, deadline=None),
    )

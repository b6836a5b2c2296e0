"""What must hold after every history, drawn at random from part of the good path on."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargerd.core import events
from chargerd.core.course import Output
from chargerd.core.effects import (
    Effect,
    FaultClosed,
    FaultOpened,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.permissive import Loss
from chargerd.core.power import Supply
from chargerd.core.reasons import Cause
from chargerd.core.session import BILLED, COLD, LIVE, Phase
from hal.values import Position, VehiclePhase
from tests.core.bench import (
    ACCEPTED,
    CARD,
    KIND,
    OTHER,
    REGISTER_WH,
    Bench,
    contactor,
    isolation,
    lock,
    meter,
    modules,
    safety,
    supply,
    temperature,
)

Move = Callable[["Witness"], object]
CONNECTORS = (1, 2)


class Witness(Bench):
    """Holds every answer of the station against what must never be broken."""

    def __init__(self) -> None:
        self.open: dict[str, TransactionStarted] = {}
        self.keys: set[str] = set()
        self.last_stop_wh = dict.fromkeys(CONNECTORS, 0)
        self.faults: set[int] = set()
        self.last_fault = 0
        self.told_to_open_s: dict[int, float | None] = dict.fromkeys(CONNECTORS, 0.0)
        self.seen_open = dict.fromkeys(CONNECTORS, True)
        self.register_wh = dict.fromkeys(CONNECTORS, REGISTER_WH)
        self.was = dict.fromkeys(CONNECTORS, Phase.IDLE)
        super().__init__(replace(KIND, sample_interval_s=20))

    def takes(self, told: Iterable[Effect]) -> list[Effect]:
        effects = super().takes(told)
        for effect in effects:
            self.books(effect)
        for number in self.station.sessions:
            self.looks(number)
            self.watches_the_contactors(number)
            self.watches_who_returns(number)
        billed = {s.key for s in self.station.sessions.values() if s.phase in BILLED}
        assert set(self.open) == billed
        assert {active.id for active in self.station.health.active} == self.faults
        return effects

    def books(self, effect: Effect) -> None:
        match effect:
            case TransactionStarted(key=key, connector=number):
                assert key not in self.keys
                assert effect.meter_wh >= self.last_stop_wh[number]
                self.keys.add(key)
                self.open[key] = effect
            case TransactionEnded(key=key):
                started = self.open.pop(key)
                assert effect.meter_wh >= started.meter_wh
                self.last_stop_wh[started.connector] = effect.meter_wh
            case FaultOpened(id=id):
                assert id > self.last_fault
                self.last_fault = id
                self.faults.add(id)
            case FaultClosed(id=id):
                self.faults.remove(id)

    def looks(self, number: int) -> None:
        output = self.station.outputs()[number]
        assert output.locked or not output.live
        assert output.closed or output.supply is Supply.OFF
        assert not (output.live and self.station.faulted(number))
        started = [s for s in self.open.values() if s.connector == number]
        assert started or not output.live

    def watches_who_returns(self, number: int) -> None:
        """Hold that nothing comes to energy but by the lock and the handshake."""
        was, session = self.was[number], self.session(number)
        if session.phase in LIVE:
            assert was in LIVE | COLD
        if session.phase is Phase.WAITING:
            assert session.cause is None
        if session.phase in (Phase.WAITING, Phase.HELD):
            output = self.station.outputs()[number]
            assert output == Output(locked=True)
        self.was[number] = session.phase

    def watches_the_contactors(self, number: int) -> None:
        output, reading = (
            self.station.outputs()[number],
            self.session(number).facts.contactor,
        )
        if output.closed:
            self.told_to_open_s[number], self.seen_open[number] = None, False
            return
        if self.told_to_open_s[number] is None:
            self.told_to_open_s[number] = self.clock.now().monotonic_s
        opened_s = self.told_to_open_s[number]
        assert opened_s is not None
        if reading and reading.position is Position.OPEN and reading.at_s > opened_s:
            self.seen_open[number] = True
        assert output.locked or self.seen_open[number]

    def uses(self, energy_wh: int, number: int) -> None:
        self.register_wh[number] += energy_wh
        self.senses(number, meter(self.now_s, self.register_wh[number]))

    @property
    def now_s(self) -> float:
        return self.clock.now().monotonic_s


def _at(number: int) -> dict[str, Move]:
    lost, back = events.DeviceLost, events.DeviceBack
    silent = Loss("no answer")

    def vehicle(phase: VehiclePhase) -> Move:
        return lambda w: w.vehicle(phase, number, max_voltage_v=450.0)

    return {
        **{f"vehicle {phase.value}": vehicle(phase) for phase in VehiclePhase},
        **{
            f"contactor {position.value} {age_s} s ago": partial(
                lambda w, position, age_s: w.senses(
                    number, contactor(w.now_s - age_s, position)
                ),
                position=position,
                age_s=age_s,
            )
            for position in Position
            for age_s in (0.0, 0.2)
        },
        "current": lambda w: w.senses(number, modules(w.now_s, 125.0)),
        "no current": lambda w: w.senses(number, modules(w.now_s)),
        "over-voltage": lambda w: w.senses(number, modules(w.now_s, voltage_v=990.0)),
        "under-voltage": lambda w: w.senses(
            number, modules(w.now_s, under_voltage=True)
        ),
        "meter": lambda w: w.uses(0, number),
        "energy": lambda w: w.uses(1200, number),
        "insulated": lambda w: w.senses(number, isolation(w.now_s)),
        "not insulated": lambda w: w.senses(number, isolation(w.now_s, 100.0)),
        "locked": lambda w: w.senses(number, lock(w.now_s, True)),
        "unlocked": lambda w: w.senses(number, lock(w.now_s, False)),
        "hot": lambda w: w.senses(number, temperature(w.now_s, 95.0)),
        "cool": lambda w: w.senses(number, temperature(w.now_s)),
        "meter lost": lambda w: w.happens(lost(number, "meter", silent)),
        "meter back": lambda w: w.happens(back(number, "meter")),
        "vehicle lost": lambda w: w.happens(lost(number, "vehicle", silent)),
        "vehicle back": lambda w: w.happens(back(number, "vehicle")),
        "contactor fails": lambda w: w.happens(
            events.CommandFailed(number, "contactor", "no feedback")
        ),
        "lock fails": lambda w: w.happens(
            events.CommandFailed(number, "lock", "no feedback")
        ),
        "guard": lambda w: w.happens(events.GuardCut(number, ("insulation",))),
        "cable unlocked": lambda w: w.happens(
            events.StopRequested(number, Cause.UNLOCKED)
        ),
        "stop": lambda w: w.happens(events.StopRequested(number, Cause.REMOTE)),
        "start": lambda w: w.happens(events.StartRequested(number, OTHER)),
        "own card": lambda w: w.presents(CARD, number),
        "time is up": lambda w: w.happens(events.TimeLimitPassed(number)),
    }


def _whole() -> dict[str, Move]:
    online = events.OnlineChanged
    storage = events.StorageChanged
    return {
        "card": lambda w: w.presents(CARD),
        "other card": lambda w: w.presents(OTHER),
        "accepted": lambda w: w.answers(CARD, ACCEPTED),
        "no answer": lambda w: w.answers(CARD, None),
        "online": lambda w: w.happens(online(0, True)),
        "offline": lambda w: w.happens(online(0, False)),
        "emergency": lambda w: w.senses(0, safety(w.now_s, emergency_stop=True)),
        "safe": lambda w: w.senses(0, safety(w.now_s)),
        "supply fails": lambda w: w.senses(0, supply(w.now_s, True)),
        "supply": lambda w: w.senses(0, supply(w.now_s)),
        "disk full": lambda w: w.happens(storage(0, True)),
        "disk": lambda w: w.happens(storage(0, False)),
        "suspends": lambda w: w.allows(stop_on_unplug=False, stop_on_vehicle_end=False),
        "suspends for a while": lambda w: w.allows(
            stop_on_unplug=False, stop_on_vehicle_end=False, waiting_timeout_s=5
        ),
        "ends": lambda w: w.allows(stop_on_unplug=True, stop_on_vehicle_end=True),
        "keeps cables": lambda w: w.allows(unlock_on_unplug=False),
        "restart": lambda w: w.happens(events.RestartRequested(0, Cause.SOFT_RESET)),
        **{
            f"{seconds} s": partial(lambda w, s: w.waits(s), s=seconds)
            for seconds in (0.1, 0.6, 3.1, 10.0, 61.0)
        },
    }


MOVES = {
    **{f"{name} at {n}": move for n in CONNECTORS for name, move in _at(n).items()},
    **_whole(),
}
PATH = [phase for phase in Phase if phase is not Phase.AUTHORIZED]
histories = st.tuples(
    st.sampled_from(PATH), st.lists(st.sampled_from(sorted(MOVES)), max_size=25)
)
"""Part of the good path, then anything: pure chance would seldom get past the lock."""


@pytest.mark.no_cover
@pytest.mark.requirement("AUTH-01", "TXN-05", "TXN-10", "TXN-23", "TXN-32")
@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(histories)
def test_no_history_breaks_what_must_hold(history: tuple[Phase, list[str]]) -> None:
    stretch, moves = history
    witness = Witness()
    witness.comes_to(stretch)
    for name in moves:
        MOVES[name](witness)
    assert witness.keys or stretch in (Phase.IDLE, Phase.PLUGGED)


@pytest.mark.no_cover
@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.sampled_from([p for p in PATH if p not in (Phase.WAITING, Phase.HELD)]),
    st.lists(st.integers(0, 2 * REGISTER_WH), min_size=1, max_size=10),
)
def test_no_meter_makes_a_bill_negative(
    stretch: Phase, registers_wh: list[int]
) -> None:
    bench = Bench()
    bench.comes_to(stretch)
    for register_wh in registers_wh:
        bench.counts(register_wh)
    bench.unplugs()
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.counts(registers_wh[0])
    for started, ended in zip(
        bench.told_of(TransactionStarted), bench.told_of(TransactionEnded), strict=True
    ):
        assert ended.meter_wh >= started.meter_wh
    assert bench.phase() is Phase.IDLE

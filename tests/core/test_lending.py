"""The modules of a free connector help the busy one, and come back in time."""

from typing import Any

import pytest

from chargerd.core import events
from chargerd.core.allocation import EASED_FOR_S, PRESSED_FOR_S, Loan
from chargerd.core.effects import TransactionStarted
from chargerd.core.fitting import Fitting, most_power_w
from chargerd.core.lending import PARTED_WITHIN_S
from chargerd.core.news import PATIENCE_S
from chargerd.core.permissive import Loss
from chargerd.core.power import Setter
from chargerd.core.reasons import Why
from chargerd.core.session import Phase
from hal.values import BridgeReading, Position, VehiclePhase
from tests.core.bench import FITTED, RATING, Bench, contactor, meter, modules

OWN_W = RATING.max_power_w
OPEN, CLOSED = Position.OPEN, Position.CLOSED


class Joined(Bench):
    """Two connectors with a bridge between their buses."""

    def __init__(self, **more: Any) -> None:
        super().__init__(fittings=fittings(**more))
        self.bridges(OPEN)

    def bridges(self, position: Position) -> None:
        self.senses(0, BridgeReading(at_s=self.tick(), position=position))

    def takes_all(self, connector: int = 1) -> None:
        """Let a vehicle take what its own modules give, for a while."""
        self.comes_to(Phase.ENERGIZED, connector)
        self.senses(connector, modules(self.tick(), 250.0))
        self.waits(PATIENCE_S + PRESSED_FOR_S)

    def joins(self) -> None:
        self.takes_all()
        self.bridges(CLOSED)

    @property
    def loan(self) -> Loan | None:
        return self.station.lending.allocation.loan

    def offers_w(self, connector: int = 1) -> float:
        return self.station.limit(connector).power_w

    def faults(self) -> set[str]:
        return {active.fault.name for active in self.station.health.active}


def fittings(**more: Any) -> dict[int, Fitting]:
    fitted = FITTED | {"bridge"}
    own = {"max_current_a": 500.0, **more}
    return {n: Fitting(RATING, fitted, neighbor=3 - n, **own) for n in (1, 2)}


def test_a_vehicle_that_takes_all_gets_the_modules_beyond_the_bridge() -> None:
    bench = Joined()
    bench.takes_all()
    outputs = bench.station.outputs()
    assert bench.loan == Loan(lender=2, borrower=1)
    assert (outputs[1].lends, outputs[2].lends) == (False, True)
    serves = bench.station.lending.serves
    assert (serves(1), serves(2)) == (1, 2)
    # Nothing more is offered before the bridge is seen closed.
    assert bench.offers_w() == OWN_W
    bench.bridges(CLOSED)
    assert (serves(1), serves(2)) == (1, 1)
    assert bench.offers_w() == 2 * OWN_W
    assert bench.station.outputs()[1].limit_w == 2 * OWN_W
    assert bench.station.limit(1).set_by is Setter.HARDWARE


def test_what_is_offered_stays_within_the_cable() -> None:
    bench = Joined(max_current_a=400.0)
    bench.joins()
    assert bench.station.offered(1)[1] == 400.0


def test_a_cable_that_carries_no_more_borrows_nothing() -> None:
    bench = Joined(max_current_a=None)
    bench.takes_all()
    assert bench.loan is None


def test_two_groups_take_what_both_are_measured_to_take() -> None:
    bench = Joined()
    bench.joins()
    bench.senses(1, modules(bench.tick(), 200.0))
    bench.senses(2, modules(bench.tick(), 150.0))
    assert bench.station.lending.taking_w(1) == 400.0 * 350.0
    assert bench.station.lending.taking_w(2) == 0.0  # measured where it helps


def test_a_limit_that_own_modules_can_give_borrows_nothing() -> None:
    bench = Joined(limit_w=OWN_W)
    bench.takes_all()
    assert bench.loan is None


@pytest.mark.parametrize("phase", [Phase.PLUGGED, Phase.FINISHED])
def test_a_vehicle_without_a_session_lends_its_modules(phase: Phase) -> None:
    bench = Joined()
    bench.comes_to(phase, 2)
    bench.takes_all()
    assert bench.loan == Loan(2, 1)


def test_a_session_takes_its_modules_back_before_it_needs_them() -> None:
    bench = Joined()
    bench.joins()
    bench.plugs(2)
    assert bench.loan == Loan(2, 1)
    bench.presents("04FFEE22")
    assert bench.told_of(TransactionStarted)[-1].connector == 2
    assert bench.phase(2) is Phase.LOCKING
    # The level says so in the very step that opens the bill.
    assert bench.loan is None
    assert not bench.station.outputs()[2].lends
    assert bench.offers_w(1) == OWN_W


def test_a_session_that_ends_gives_back_what_it_borrowed() -> None:
    bench = Joined()
    bench.joins()
    bench.presents()
    assert bench.phase() is Phase.RAMP_DOWN
    assert bench.loan is None


def test_a_loan_that_is_needed_no_more_ends_at_its_time() -> None:
    bench = Joined()
    bench.joins()
    bench.senses(1, modules(bench.tick(), 100.0))
    bench.waits(EASED_FOR_S - 0.1)
    assert bench.loan is not None
    bench.waits(PATIENCE_S + 0.1)
    assert bench.loan is None


def test_an_invalid_id_tag_that_pauses_needs_no_loan() -> None:
    bench = Joined()
    bench.joins()
    bench.station.paused = frozenset({1})
    bench.waits(EASED_FOR_S)
    bench.senses(1, modules(bench.tick(), 0.0))
    bench.waits(EASED_FOR_S + 1.0)
    assert bench.loan is None


def test_modules_with_a_fault_are_not_lent() -> None:
    bench = Joined()
    hot = modules(bench.tick(), over_temperature=True)
    bench.senses(2, hot)
    bench.takes_all()
    assert bench.loan is None


def test_modules_that_fall_silent_are_lent_no_longer() -> None:
    bench = Joined()
    bench.joins()
    bench.happens(events.DeviceLost(2, "power_module", Loss("silent")))
    assert bench.loan is None


def test_a_contactor_that_is_not_open_is_no_lender() -> None:
    bench = Joined()
    bench.senses(2, contactor(bench.tick(), Position.BETWEEN))
    bench.takes_all()
    assert bench.loan is None


def test_a_bridge_that_does_not_close_is_left_alone_until_the_plug_is_out() -> None:
    bench = Joined()
    bench.takes_all()
    bench.happens(events.CommandFailed(0, "bridge", "open, not closed"))
    assert bench.faults() == {"bridge-open"}
    bench.senses(1, modules(bench.tick(), 250.0))
    bench.waits(PRESSED_FOR_S + 1.0)
    assert bench.loan is None
    assert bench.phase() is Phase.ENERGIZED
    bench.unplugs()
    bench.senses(1, contactor(bench.tick(), OPEN))
    bench.senses(1, meter(bench.tick()))
    bench.waits(10.0)
    bench.unplugs()
    assert bench.faults() == set()


def test_a_bridge_that_does_not_open_is_welded() -> None:
    bench = Joined()
    bench.joins()
    bench.presents("04FFEE22")
    bench.plugs(2)
    assert bench.loan is None
    bench.happens(events.CommandFailed(0, "bridge", "closed, not open"))
    bench.bridges(CLOSED)
    assert bench.faults() == set()
    bench.waits(PARTED_WITHIN_S)
    bench.bridges(CLOSED)
    bench.waits(PATIENCE_S)
    assert bench.faults() == {"bridge-weld"}
    assert not bench.station.faulted(1)


@pytest.mark.parametrize("broken", ["welded", "silent"])
def test_with_a_broken_bridge_one_connector_serves_at_a_time(broken: str) -> None:
    bench = Joined()
    if broken == "welded":
        bench.bridges(CLOSED)
    else:
        bench.happens(events.DeviceLost(0, "bridge", Loss("no answer")))
    assert bench.station.bar(1) is None
    bench.takes_all()
    assert bench.loan is None
    assert bench.station.bar(2) is Why.BRIDGE_NOT_OPEN
    bench.plugs(2)
    bench.presents("04FFEE22")
    assert bench.phase(2) is Phase.PLUGGED
    bench.unplugs(1)


def test_a_bridge_that_was_never_read_lends_nothing() -> None:
    bench = Bench(fittings=fittings())
    bench.comes_to(Phase.ENERGIZED)
    bench.senses(1, modules(bench.tick(), 250.0))
    bench.waits(PRESSED_FOR_S + 1.0)
    assert bench.station.lending.allocation.loan is None


def test_a_vehicle_that_can_take_no_more_borrows_nothing() -> None:
    bench = Joined()
    bench.comes_to(Phase.ENERGIZED)
    bench.vehicle(VehiclePhase.CHARGING, max_power_w=OWN_W)
    bench.senses(1, modules(bench.tick(), 250.0))
    bench.waits(PRESSED_FOR_S + 1.0)
    assert bench.loan is None


def test_a_connector_can_give_its_own_power_and_what_it_borrows() -> None:
    assert most_power_w(fittings(), 1) == 2 * OWN_W
    assert most_power_w({1: Fitting(RATING, FITTED)}, 1) == OWN_W

"""Samples and checkpoints, taken of a station while time passes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from chargerd.core.effects import (
    Context,
    Effect,
    Sample,
    Sampled,
    TransactionCheckpoint,
    TransactionEnded,
    TransactionStarted,
)
from chargerd.core.policy import Policy
from chargerd.core.sampling import UNMETERED_WH
from chargerd.core.session import Phase
from hal.values import Position, VehiclePhase
from tests.core.bench import REGISTER_WH, Bench, contactor, meter, modules, of


def samples(effects: Iterable[Effect], context: Context) -> list[Sample]:
    taken = [sampled.sample for sampled in of(Sampled, effects)]
    return [sample for sample in taken if sample.context is context]


def charging(**choices: Any) -> Bench:
    bench = Bench(Policy(allow_offline_unknown_id=True, **choices))
    bench.comes_to(Phase.ENERGIZED)
    return bench


def started(bench: Bench) -> TransactionStarted:
    return bench.told_of(TransactionStarted)[0]


def ends(bench: Bench) -> None:
    bench.unplugs()
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.counts(REGISTER_WH + 500)


@pytest.mark.requirement("METER-10", "METER-50")
def test_the_first_sample_and_the_last_carry_the_registers_of_the_bill() -> None:
    bench = charging()
    ends(bench)
    (begin,) = samples(bench.told, Context.BEGIN)
    (end,) = samples(bench.told, Context.END)
    (ended,) = bench.told_of(TransactionEnded)
    assert begin.facts.meter is not None
    assert begin.facts.meter.energy_wh == started(bench).meter_wh
    assert begin.at == started(bench).at
    assert end.facts.meter is not None
    assert end.facts.meter.energy_wh == ended.meter_wh == REGISTER_WH + 500
    assert begin.key == end.key == ended.key


@pytest.mark.requirement("METER-01", "METER-20")
def test_periodic_samples_are_evenly_spaced_from_the_start() -> None:
    bench = charging(sample_interval_s=30)
    told = bench.waits(95)
    begun, precision = started(bench).at, timedelta(milliseconds=1)
    after = [s.at - begun for s in samples(told, Context.PERIODIC)]
    wanted = [timedelta(seconds=n) for n in (30, 60, 90)]
    assert [round(a / precision) * precision for a in after] == wanted


@pytest.mark.requirement("METER-01")
def test_an_interval_of_zero_means_no_periodic_samples() -> None:
    bench = charging(sample_interval_s=0)
    assert samples(bench.waits(600), Context.PERIODIC) == []


@pytest.mark.requirement("METER-26")
def test_another_interval_holds_at_once() -> None:
    bench = charging(sample_interval_s=600)
    bench.allows(sample_interval_s=10)
    assert len(samples(bench.waits(35), Context.PERIODIC)) == 3


@pytest.mark.requirement("METER-27")
def test_sampling_goes_on_while_the_vehicle_pauses() -> None:
    bench = charging(sample_interval_s=10)
    bench.vehicle(VehiclePhase.PAUSED)
    assert len(samples(bench.waits(25), Context.PERIODIC)) == 2


def test_there_are_no_periodic_samples_after_the_end() -> None:
    bench = charging(sample_interval_s=10)
    ends(bench)
    assert samples(bench.waits(100), Context.PERIODIC) == []


def test_a_sample_tells_what_is_offered() -> None:
    bench = charging(sample_interval_s=10)
    (sample,) = samples(bench.waits(10), Context.PERIODIC)
    assert (sample.offered_w, sample.offered_a) == (100_000.0, 250.0)


@pytest.mark.requirement("METER-03", "METER-21", "METER-22", "METER-23")
def test_clock_samples_are_taken_of_every_connector_on_the_clock() -> None:
    bench = charging(aligned_interval_s=900)
    told = samples(bench.waits(1800), Context.CLOCK)
    assert [(s.connector, s.at.strftime("%H:%M:%S.%f")) for s in told] == [
        (1, "08:15:00.000000"),
        (2, "08:15:00.000000"),
        (1, "08:30:00.000000"),
        (2, "08:30:00.000000"),
    ]
    assert [s.key for s in told[:2]] == [started(bench).key, None]


@pytest.mark.requirement("METER-21")
def test_the_clock_grid_begins_anew_at_midnight() -> None:
    bench = Bench(Policy(aligned_interval_s=7 * 3600), connectors=(1,))
    told = samples(bench.waits(24 * 3600), Context.CLOCK)
    assert [s.at.strftime("%d %H:%M") for s in told] == [
        "02 14:00",
        "02 21:00",
        "03 00:00",
        "03 07:00",
    ]


def test_another_clock_interval_holds_at_once_and_zero_ends_it() -> None:
    bench = Bench(Policy(aligned_interval_s=3600), connectors=(1,))
    bench.allows(aligned_interval_s=60)
    assert len(samples(bench.waits(120), Context.CLOCK)) == 2
    bench.allows(aligned_interval_s=0)
    assert samples(bench.waits(7200), Context.CLOCK) == []
    assert bench.station.expire(bench.clock.advance(7200)) == ()


@pytest.mark.requirement("TIME-03")
@pytest.mark.parametrize("step_s", [-7200, +7200])
def test_a_step_of_the_wall_clock_makes_no_sample_of_another_moment(
    step_s: int,
) -> None:
    bench = Bench(Policy(aligned_interval_s=900), connectors=(1,))
    bench.waits(60)
    bench.clock.correct(step_s)
    bench.takes(bench.station.expire(bench.clock.now()))
    assert samples(bench.told, Context.CLOCK) == []
    (sample,) = samples(bench.waits(900), Context.CLOCK)
    assert sample.at.minute % 15 == sample.at.second == 0
    assert bench.clock.now().utc - sample.at < timedelta(minutes=15)


@pytest.mark.requirement("TXN-41")
def test_a_running_transaction_is_written_down_every_minute() -> None:
    bench = charging()
    bench.counts(REGISTER_WH + 10)
    bench.clock.advance(60)
    bench.counts(REGISTER_WH + 20)
    bench.counts(REGISTER_WH + 21)
    (checkpoint,) = bench.told_of(TransactionCheckpoint)
    assert checkpoint.meter_wh == REGISTER_WH + 20
    assert checkpoint.key == started(bench).key


def test_a_running_transaction_is_written_down_with_each_sample() -> None:
    bench = charging(sample_interval_s=20)
    bench.counts(REGISTER_WH + 5)
    bench.waits(20)
    bench.counts(REGISTER_WH + 9)
    bench.waits(20)
    written = [c.meter_wh - REGISTER_WH for c in bench.told_of(TransactionCheckpoint)]
    assert written == [5, 9]


def delivers(bench: Bench, seconds: float) -> None:
    """Let the modules give 50 kW."""
    for _ in range(int(seconds)):
        bench.clock.advance(1.0)
        bench.senses(1, modules(bench.tick(), 125.0))


def test_a_meter_that_does_not_count_what_flows_is_frozen() -> None:
    bench = charging()
    seconds = UNMETERED_WH / 50_000 * 3600
    delivers(bench, seconds - 2)
    assert bench.phase() is Phase.ENERGIZED
    delivers(bench, 4)
    assert bench.phase() is Phase.OPENING
    assert [a.fault.name for a in bench.station.health.active] == ["meter-frozen"]
    ends(bench)
    assert bench.station.health.active == ()


def test_a_meter_that_counts_is_not_frozen() -> None:
    bench = charging()
    for minute in range(1, 6):
        delivers(bench, 10)
        bench.senses(1, meter(bench.tick(), REGISTER_WH + minute))
    assert bench.phase() is Phase.ENERGIZED


def test_a_vehicle_that_takes_nothing_freezes_no_meter() -> None:
    bench = charging()
    bench.senses(1, modules(bench.tick(), 0.0))
    bench.clock.advance(3600)
    bench.senses(1, modules(bench.tick(), 0.0))
    assert bench.phase() is Phase.ENERGIZED

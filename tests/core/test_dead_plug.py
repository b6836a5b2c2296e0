"""What a plug shows behind open contactors: charge that stays, and welds."""

from dataclasses import replace

import pytest

from chargerd.core.effects import FaultOpened
from chargerd.core.fitting import Fitting
from chargerd.core.session import Phase
from hal.values import Position
from tests.core.bench import (
    FITTED,
    RATING,
    REGISTER_WH,
    Bench,
    contactor,
    meter,
    modules,
)


def plug(bench: Bench, voltage_v: float) -> None:
    """Let the meter, which sits at the plug, say what is there."""
    shown = replace(meter(bench.tick()), voltage_v=voltage_v)
    bench.senses(1, shown)


def names(bench: Bench) -> list[str]:
    return [active.fault.name for active in bench.station.health.active]


def at(phase: Phase) -> Bench:
    bench = Bench(connectors=(1,))
    bench.comes_to(phase)
    return bench


def test_a_plug_is_kept_until_it_was_measured_dead() -> None:
    bench = at(Phase.SETTLING)
    plug(bench, 400.0)
    bench.vehicle_finishes()
    assert bench.phase() is Phase.WELDING_CHECK
    assert bench.station.outputs()[1].locked
    plug(bench, 60.0)
    assert bench.phase() is Phase.WELDING_CHECK
    plug(bench, 59.9)
    assert bench.phase() is Phase.FINISHED
    assert names(bench) == []


def test_a_meter_that_was_read_before_the_contactors_opened_proves_nothing() -> None:
    bench = at(Phase.OPENING)
    plug(bench, 0.0)
    bench.waits(1.0)
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    bench.waits(4.0)
    bench.vehicle_finishes()
    assert bench.phase() is Phase.WELDING_CHECK
    plug(bench, 0.0)
    assert bench.phase() is Phase.FINISHED


def test_a_cable_of_the_station_that_was_pulled_holds_up_nothing() -> None:
    fixed = Fitting(RATING, FITTED - {"lock"})
    bench = Bench(connectors=(1,), fittings={1: fixed})
    bench.plugs()
    bench.presents()
    bench.unplugs()
    bench.senses(1, meter(bench.tick()))
    plug(bench, 400.0)
    assert bench.phase() is Phase.IDLE


def test_a_plug_that_stays_charged_is_a_fault_after_five_seconds() -> None:
    bench = at(Phase.SETTLING)
    plug(bench, 400.0)
    opened_s = bench.session().opened_s
    bench.clock.advance(opened_s + 4.98 - bench.clock.now().monotonic_s)
    plug(bench, 60.0)
    bench.waits(1.0)
    assert names(bench) == []
    plug(bench, 60.0)
    bench.waits(1.0)
    assert names(bench) == ["discharge"]
    assert bench.told_of(FaultOpened)[0].value == "60 V of 60 V after 5 s"
    assert bench.station.faulted(1)


@pytest.mark.parametrize("first", ["falls", "leaves"])
def test_the_fault_ends_when_nobody_is_there_and_nothing_is_left(first: str) -> None:
    bench = at(Phase.SETTLING)
    plug(bench, 400.0)
    bench.waits(6.0)
    plug(bench, 80.0)
    bench.vehicle_finishes()
    if first == "falls":
        plug(bench, 50.0)
        assert bench.phase() is Phase.FINISHED
        assert names(bench) == ["discharge"]
        bench.unplugs()
    else:
        bench.unplugs()
        assert names(bench) == ["discharge"]
        plug(bench, 50.0)
    bench.counts(REGISTER_WH)
    assert bench.phase() is Phase.IDLE
    assert names(bench) == []


def alike(bench: Bench, seconds: float, *, bus_v: float, plug_v: float) -> None:
    """Let both sides of the contactors be read for a while."""
    for _ in range(round(seconds / 0.25)):
        bench.clock.advance(0.23)
        bench.senses(1, modules(bench.tick(), voltage_v=bus_v))
        plug(bench, plug_v)


def test_a_plug_that_follows_the_modules_behind_open_contactors_is_welded() -> None:
    bench = at(Phase.SETTLING)
    alike(bench, 2.0, bus_v=400.0, plug_v=400.0)
    assert names(bench) == []
    alike(bench, 1.5, bus_v=400.0, plug_v=380.0)
    assert names(bench) == ["contactor-weld"]
    assert bench.told_of(FaultOpened)[0].value == "mirrors open, plug at 380 V"


@pytest.mark.parametrize(
    ("bus_v", "plug_v"), [(400.0, 349.0), (59.0, 59.0), (400.0, 0.0), (0.0, 61.0)]
)
def test_voltages_that_differ_or_are_gone_show_no_weld(
    bus_v: float, plug_v: float
) -> None:
    bench = at(Phase.SETTLING)
    alike(bench, 4.5, bus_v=bus_v, plug_v=plug_v)
    assert "contactor-weld" not in names(bench)


def test_a_plug_that_was_dead_and_rises_with_the_modules_is_welded() -> None:
    bench = at(Phase.SETTLING)
    alike(bench, 1.0, bus_v=0.0, plug_v=0.0)
    alike(bench, 1.0, bus_v=100.0, plug_v=80.0)
    assert names(bench) == ["contactor-weld"]


def test_a_plug_that_was_dead_and_rises_alone_has_kept_no_charge() -> None:
    bench = at(Phase.SETTLING)
    alike(bench, 1.0, bus_v=0.0, plug_v=0.0)
    alike(bench, 8.0, bus_v=0.0, plug_v=400.0)
    assert names(bench) == []


def test_a_moment_in_which_the_voltages_are_alike_shows_no_weld() -> None:
    bench = at(Phase.SETTLING)
    alike(bench, 2.5, bus_v=0.0, plug_v=400.0)
    for bus_v in (400.0, 0.0, 400.0, 0.0):
        alike(bench, 0.75, bus_v=bus_v, plug_v=400.0)
    assert "contactor-weld" not in names(bench)


def test_measurements_of_different_times_show_no_weld() -> None:
    bench = at(Phase.SETTLING)
    bench.waits(3.0)
    bench.senses(1, modules(bench.tick(), voltage_v=400.0))
    for _ in range(8):
        bench.clock.advance(0.5)
        if bench.clock.now().monotonic_s - bench.session().opened_s > 4.6:
            plug(bench, 400.0)
    assert "contactor-weld" not in names(bench)


def test_contactors_that_report_closed_are_judged_by_that() -> None:
    bench = at(Phase.ENERGIZED)
    alike(bench, 8.0, bus_v=400.0, plug_v=400.0)
    assert names(bench) == []
    nothing_read = Bench(connectors=(1,), read=False)
    nothing_read.senses(1, modules(nothing_read.tick(), voltage_v=400.0))
    assert names(nothing_read) == []


def test_what_is_on_a_plug_when_the_process_starts_has_time_to_fall() -> None:
    bench = Bench(connectors=(1,), read=False)
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    for _ in range(4):
        plug(bench, 300.0)
        bench.waits(1.0)
    assert names(bench) == []
    plug(bench, 0.0)
    bench.waits(10.0)
    assert names(bench) == []


def test_a_plug_that_stays_charged_from_the_start_is_a_fault() -> None:
    bench = Bench(connectors=(1,), read=False)
    bench.senses(1, contactor(bench.tick(), Position.OPEN))
    for _ in range(7):
        plug(bench, 300.0)
        bench.waits(1.0)
    assert names(bench) == ["discharge"]

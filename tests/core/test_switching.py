"""The orders of switching: every condition alone holds its step back."""

from dataclasses import replace

import pytest

from chargerd.core.faults import FAULTS
from chargerd.core.permissive import MAX_AGE_S, Facts, learned
from chargerd.core.switching import (
    EMERGENCY_OFF,
    SWITCH_OFF,
    SWITCH_ON,
    Deed,
    Scene,
    Step,
    step,
)
from hal.values import Position, Reading, VehiclePhase
from tests.core.bench import FITTED, contactor, meter, modules, vehicle

NOW_S = 1000.0
CLOSE = step(SWITCH_ON, Deed.CLOSE)
SUPPLY = step(SWITCH_ON, Deed.SUPPLY)
OPEN = step(SWITCH_OFF, Deed.OPEN)
RELEASE = step(SWITCH_OFF, Deed.RELEASE)


def facts(*changed: Reading) -> Facts:
    found = Facts(FITTED)
    usual = (
        vehicle(NOW_S, VehiclePhase.CABLE_CHECK, wants_contactors=True),
        modules(NOW_S, 0.9, voltage_v=59.9),
        contactor(NOW_S, Position.OPEN),
        replace(meter(NOW_S), voltage_v=59.9),
    )
    for reading in (*usual, *changed):
        found = learned(found, reading)
    return found


READY = Scene(facts(), NOW_S, asked=True, tested=True)
MODULE_AGE_S, METER_AGE_S = MAX_AGE_S["power_module"], MAX_AGE_S["meter"]
NOTHING = Facts(FITTED)


def known(reading: Reading) -> Scene:
    return replace(READY, facts=facts(reading))


@pytest.mark.parametrize("each", [CLOSE, OPEN, RELEASE], ids=lambda e: e.deed.name)
def test_a_step_is_done_when_all_of_its_conditions_hold(each: Step) -> None:
    assert each.may(READY)
    edge_s = NOW_S + MODULE_AGE_S
    assert each.may(replace(READY, now_s=edge_s))


HELD_BACK = [
    (CLOSE, replace(READY, asked=False)),
    (CLOSE, replace(READY, refusals=("door-open",))),
    (CLOSE, replace(READY, barred=True)),
    (CLOSE, replace(READY, tested=False)),
    (CLOSE, known(vehicle(NOW_S, VehiclePhase.CABLE_CHECK))),
    (CLOSE, known(modules(NOW_S, voltage_v=60.0))),
    (CLOSE, known(modules(NOW_S - MODULE_AGE_S - 0.01, voltage_v=0.0))),
    (CLOSE, known(contactor(NOW_S, Position.CLOSED))),
    (CLOSE, known(contactor(NOW_S, Position.BETWEEN))),
    (CLOSE, known(contactor(NOW_S - 0.51, Position.OPEN))),
    (CLOSE, replace(READY, facts=NOTHING)),
    (SUPPLY, READY),
    (SUPPLY, replace(READY, closed=True, refusals=("door-open",))),
    (SUPPLY, replace(READY, closed=True, barred=True)),
    (OPEN, known(modules(NOW_S, 1.0))),
    (OPEN, known(modules(NOW_S, -1.0))),
    (OPEN, known(modules(NOW_S - MODULE_AGE_S - 0.01))),
    (OPEN, replace(READY, facts=NOTHING)),
    (RELEASE, replace(READY, live=True)),
    (RELEASE, known(replace(meter(NOW_S), voltage_v=60.0))),
    (RELEASE, known(meter(NOW_S - METER_AGE_S - 0.01))),
    (RELEASE, replace(READY, facts=NOTHING)),
]


@pytest.mark.parametrize(("each", "scene"), HELD_BACK)
def test_one_condition_that_does_not_hold_holds_a_step_back(
    each: Step, scene: Scene
) -> None:
    assert not each.may(scene)


def test_nothing_is_supplied_through_open_contactors() -> None:
    assert SUPPLY.may(replace(READY, closed=True))


def test_an_emergency_waits_for_nothing_but_for_the_plug_to_be_dead() -> None:
    for each in EMERGENCY_OFF:
        assert (each.deed is Deed.RELEASE) is bool(each.once)
        assert each.deed is Deed.RELEASE or each.gets_s is not None
    (off, *_) = EMERGENCY_OFF
    assert off.gets_s == 0.03


def test_modules_work_only_while_the_contactors_are_closed() -> None:
    deeds = [[each.deed for each in order] for order in (SWITCH_ON, SWITCH_OFF)]
    assert deeds == [
        [Deed.SELF_TEST, Deed.CLOSE, Deed.SUPPLY],
        [Deed.ZERO, Deed.SHUT_OFF, Deed.OPEN, Deed.RELEASE],
    ]


def test_what_does_not_succeed_is_a_fault_of_the_catalogue() -> None:
    for each in (*SWITCH_ON, *SWITCH_OFF, *EMERGENCY_OFF):
        assert not each.otherwise or each.otherwise in FAULTS
        assert each.words
        assert all(condition.words for condition in each.once)

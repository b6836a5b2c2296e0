"""May energy flow? Every rule and every age, one at a time."""

from dataclasses import replace
from typing import Any

import pytest

from chargerd.core.permissive import (
    FIELDS,
    MAX_AGE_S,
    MONEY,
    NOT_SEPARATED,
    RULES,
    Facts,
    Junction,
    Switch,
    hard_limit_v,
    learned,
    present,
    refusals,
    silent,
)
from hal.values import Position, Quality, Reading, VehiclePhase
from tests.core.bench import (
    FITTED,
    contactor,
    isolation,
    lock,
    meter,
    modules,
    safety,
    supply,
    temperature,
    vehicle,
)

NOW_S = 1000.0


def good(at_s: float = NOW_S) -> dict[str, Reading]:
    return {
        "vehicle": vehicle(at_s, VehiclePhase.CHARGING, max_voltage_v=450.0),
        "contactor": contactor(at_s, Position.CLOSED),
        "power_module": modules(at_s, 125.0),
        "meter": meter(at_s),
        "isolation": isolation(at_s),
        "lock": lock(at_s, True),
        "temperature": temperature(at_s),
        "safety": safety(at_s),
        "supply": supply(at_s),
    }


def known(**changed: Reading) -> Facts:
    facts = Facts(FITTED)
    for reading in {**good(), **changed}.values():
        facts = learned(facts, reading)
    return facts


BROKEN: dict[str, tuple[str, Reading]] = {
    "emergency-stop": ("safety", safety(NOW_S, emergency_stop=True)),
    "door-open": ("safety", safety(NOW_S, door_open=True)),
    "surge-protector": ("safety", safety(NOW_S, surge_protector_tripped=True)),
    "power-fail": ("supply", supply(NOW_S, failing=True)),
    "insulation": ("isolation", isolation(NOW_S, 99_999.9)),
    "plug-over-temperature": ("temperature", temperature(NOW_S, 90.1)),
    "module-over-temperature": ("power_module", modules(NOW_S, over_temperature=True)),
    "under-voltage": ("power_module", modules(NOW_S, under_voltage=True)),
    "over-voltage": ("power_module", modules(NOW_S, voltage_v=550.1)),
    "vehicle-emergency": ("vehicle", vehicle(NOW_S, VehiclePhase.EMERGENCY)),
    "plug-removed": ("vehicle", vehicle(NOW_S, VehiclePhase.UNPLUGGED)),
}


def test_energy_may_flow_while_all_is_well() -> None:
    assert refusals(known(), NOW_S) == ()


def test_nothing_known_is_nothing_permitted() -> None:
    vital = tuple(silent(kind) for kind in MAX_AGE_S if kind not in MONEY)
    assert refusals(Facts(FITTED), NOW_S) == vital


def test_every_rule_is_tried_here() -> None:
    assert set(BROKEN) == {rule.fault for rule in RULES}


@pytest.mark.parametrize("fault", BROKEN)
def test_one_broken_rule_forbids_energy(fault: str) -> None:
    kind, reading = BROKEN[fault]
    assert refusals(known(**{kind: reading}), NOW_S) == (fault,)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_rule_does_not_bind_a_connector_without_its_device(fault: str) -> None:
    kind, reading = BROKEN[fault]
    facts = known(**{kind: reading})
    assert present(replace(facts, fitted=FITTED - {kind})) == ()


def test_limits_themselves_are_allowed() -> None:
    at_the_limit = known(
        isolation=isolation(NOW_S, 100_000.0),
        temperature=temperature(NOW_S, 90.0),
        power_module=modules(NOW_S, voltage_v=550.0),
    )
    assert refusals(at_the_limit, NOW_S) == ()


def test_a_doubtful_insulation_is_a_low_one() -> None:
    doubtful = isolation(NOW_S, quality=Quality.DOUBTFUL)
    assert refusals(known(isolation=doubtful), NOW_S) == ("insulation",)


def test_no_voltage_is_too_high_for_a_vehicle_that_has_told_no_maximum() -> None:
    untold = vehicle(NOW_S, VehiclePhase.CHARGING)
    assert (
        present(known(vehicle=untold, power_module=modules(0, voltage_v=990.0))) == ()
    )
    alone = learned(Facts(FITTED), modules(NOW_S, voltage_v=990.0))
    assert present(alone) == ()


@pytest.mark.parametrize("kind", [kind for kind in MAX_AGE_S if kind not in MONEY])
def test_a_fact_is_believed_until_its_age_and_no_longer(kind: str) -> None:
    limit_s = MAX_AGE_S[kind]
    old = {kind: good(NOW_S - limit_s)[kind]}
    assert refusals(known(**old), NOW_S) == ()
    assert refusals(known(**old), NOW_S + 0.001) == (silent(kind),)


@pytest.mark.parametrize("kind", [kind for kind in MAX_AGE_S if kind not in MONEY])
def test_a_fact_that_is_missing_forbids_energy(kind: str) -> None:
    facts = known()
    nothing: dict[str, Any] = {kind: None}
    missing = replace(facts, **nothing)
    assert refusals(missing, NOW_S) == (silent(kind),)
    assert refusals(replace(missing, fitted=FITTED - {kind}), NOW_S) == ()


def test_what_has_no_age_of_its_own_is_judged_elsewhere() -> None:
    # The session waits for the lock; the bridge is one of two that keep apart.
    assert set(FIELDS.values()) - set(MAX_AGE_S) == {"lock", "bridge"}


def test_a_meter_that_is_silent_endangers_nobody() -> None:
    assert refusals(replace(known(), meter=None), NOW_S) == ()
    assert refusals(known(meter=meter(NOW_S - 60.0)), NOW_S) == ()


def test_a_silent_power_module_goes_by_its_short_name() -> None:
    assert silent("power_module") == "module-silent"
    assert silent("meter") == "meter-silent"


@pytest.mark.parametrize(
    ("vehicle_max_v", "limit_v"),
    [
        (0.0, 550.0),
        (500.0, 550.0),
        (500.1, 825.0),
        (750.0, 825.0),
        (750.1, 935.0),
        (850.0, 935.0),
        (850.1, 1100.0),
        (1000.0, 1100.0),
    ],
)
def test_the_voltage_that_endangers_a_vehicle(
    vehicle_max_v: float, limit_v: float
) -> None:
    assert hard_limit_v(vehicle_max_v) == limit_v


# --- two connectors and the bridge between them -----------------------------------

OPEN, CLOSED, BETWEEN = Position.OPEN, Position.CLOSED, Position.BETWEEN


def switch(position: Position, at_s: float = NOW_S, **more: Any) -> Switch:
    return Switch(contactor(at_s, position), **more)


DOUBTS = {
    "closed": switch(CLOSED),
    "between": switch(BETWEEN),
    "never read": Switch(),
    "silent": switch(OPEN, NOW_S - 0.6),
    "told to close": switch(OPEN, told_closed=True),
    "read before it moved": switch(OPEN, NOW_S - 0.1, moved_s=NOW_S - 0.05),
}


@pytest.mark.parametrize("bridge", DOUBTS)
@pytest.mark.parametrize("neighbor", DOUBTS)
def test_two_vehicles_never_come_onto_one_bus(bridge: str, neighbor: str) -> None:
    doubtful = Junction(DOUBTS[bridge], DOUBTS[neighbor])
    assert refusals(known(), NOW_S, doubtful) == (NOT_SEPARATED,)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_one_contactor_that_is_surely_open_is_enough(doubt: str) -> None:
    sure = switch(OPEN, NOW_S - 0.4, moved_s=NOW_S - 0.45)
    assert refusals(known(), NOW_S, Junction(sure, DOUBTS[doubt])) == ()
    assert refusals(known(), NOW_S, Junction(DOUBTS[doubt], sure)) == ()

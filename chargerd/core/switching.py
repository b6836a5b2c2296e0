"""The orders in which a connector is switched on and off: tables that the hand walks.

A step is done once all of its conditions hold, and not before; the next one waits for
it. What a step gets in time is all it gets: then the order goes on, and whoever judges
the facts names the fault. docs/safety.md is drawn from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from chargerd.core.permissive import MAX_AGE_S, TOUCHABLE_V, Facts
from hal.values import SAFE_TO_OPEN_A, Position, Reading


class Deed(Enum):
    """What the hand does to the hardware of its connector."""

    SELF_TEST = auto()
    CLOSE = auto()
    SUPPLY = auto()
    ZERO = auto()
    SHUT_OFF = auto()
    OPEN = auto()
    RELEASE = auto()


@dataclass(frozen=True, slots=True)
class Scene:
    """What the conditions are judged by."""

    facts: Facts
    now_s: float
    refusals: tuple[str, ...] = ()
    """Why energy may not flow."""
    barred: bool = False
    """Something was cut, and no level without energy was given since."""
    asked: bool = False
    """The present level asks for it."""
    tested: bool = False
    """The insulation monitor has passed its self-test in this cable check."""
    closed: bool = False
    """The contactors were told to close, and have not been opened since."""
    live: bool = False
    """Something here can put voltage on the plug."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must be so first."""

    words: str
    holds: Callable[[Scene], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an order."""

    deed: Deed
    words: str
    once: tuple[Condition, ...] = ()
    gets_s: float | None = None
    """The order goes on after so long, whatever came of it; ``None``: it waits."""
    otherwise: str = ""
    """The fault, if it does not succeed."""

    def may(self, scene: Scene) -> bool:
        """Tell whether it may be done now."""
        return all(condition.holds(scene) for condition in self.once)


def _wanted(scene: Scene) -> bool:
    vehicle = scene.facts.vehicle
    return vehicle is not None and vehicle.wants_contactors


def _below_60_v(scene: Scene) -> bool:
    module = scene.facts.power_module
    return (
        _recent(module, scene, "power_module")
        and module is not None
        and module.voltage_v < TOUCHABLE_V
    )


def _seen_open(scene: Scene) -> bool:
    contactor = scene.facts.contactor
    return (
        _recent(contactor, scene, "contactor")
        and contactor is not None
        and contactor.position is Position.OPEN
    )


def _current_gone(scene: Scene) -> bool:
    module = scene.facts.power_module
    return (
        _recent(module, scene, "power_module")
        and module is not None
        and abs(module.current_a) < SAFE_TO_OPEN_A
    )


def _plug_dead(scene: Scene) -> bool:
    meter = scene.facts.meter
    return (
        _recent(meter, scene, "meter")
        and meter is not None
        and meter.voltage_v < TOUCHABLE_V
    )


def _recent(reading: Reading | None, scene: Scene, kind: str) -> bool:
    return reading is not None and reading.age_s(scene.now_s) <= MAX_AGE_S[kind]


ASKED: Final = Condition("the session asks for it", lambda scene: scene.asked)
PERMITTED: Final = Condition(
    "every fact permits energy, and none is too old",
    lambda scene: not scene.refusals and not scene.barred,
)
WANTED: Final = Condition("the vehicle wants the contactors closed (CP = C)", _wanted)
TESTED: Final = Condition(
    "the insulation monitor has passed its self-test", lambda scene: scene.tested
)
UNCHARGED: Final = Condition("the output is below 60 V", _below_60_v)
SEEN_OPEN: Final = Condition("the mirror contacts report open", _seen_open)
CLOSED: Final = Condition("the contactors are closed", lambda scene: scene.closed)
CURRENT_GONE: Final = Condition("the current is below 1 A", _current_gone)
UNPOWERED: Final = Condition("nothing is live", lambda scene: not scene.live)
PLUG_DEAD: Final = Condition("the plug was just measured below 60 V", _plug_dead)

# fmt: off
SWITCH_ON: Final[tuple[Step, ...]] = (
    Step(Deed.SELF_TEST, "the insulation monitor tests itself",
         (ASKED,), 30.0, "isolation-self-test"),
    Step(Deed.CLOSE, "the contactors close",
         (ASKED, PERMITTED, WANTED, TESTED, UNCHARGED, SEEN_OPEN),
         0.3, "contactor-open"),
    Step(Deed.SUPPLY, "the modules supply what the phase is about",
         (PERMITTED, CLOSED), None, ""),
)

SWITCH_OFF: Final[tuple[Step, ...]] = (
    Step(Deed.ZERO, "the set-point is zero", (), 0.1, ""),
    Step(Deed.SHUT_OFF, "the modules are switched off",
         (CURRENT_GONE,), 0.2, "current-stuck"),
    Step(Deed.OPEN, "the contactors open",
         (CURRENT_GONE,), 0.5, "contactor-weld"),
    Step(Deed.RELEASE, "the plug is released",
         (UNPOWERED, PLUG_DEAD), None, "discharge"),
)
"""In good order. A current that does not fall in time makes it an emergency."""

EMERGENCY_OFF: Final[tuple[Step, ...]] = (
    Step(Deed.SHUT_OFF, "the modules are switched off", (), 0.03, ""),
    Step(Deed.OPEN, "the contactors open, whatever flows", (), 0.5, "contactor-weld"),
    Step(Deed.RELEASE, "the plug is released",
         (UNPOWERED, PLUG_DEAD), None, "discharge"),
)
"""The contactors wear when they open under load, but they do open."""
# fmt: on


def step(order: tuple[Step, ...], deed: Deed) -> Step:
    """Return the step of an order that does something."""
    return next(each for each in order if each.deed is deed)

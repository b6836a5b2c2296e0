"""How each fault of the catalogue is provoked, and mended, on the bench."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chargerd.core.course import OUTPUTS
from chargerd.core.events import (
    CommandFailed,
    DeviceBack,
    DeviceLost,
    Event,
    GuardCut,
    RestartFailed,
    RoomChanged,
    SelfTested,
    StorageChanged,
)
from chargerd.core.faults import FAULTS
from chargerd.core.permissive import Loss
from chargerd.core.sealing import OPENED_WITHIN_S
from chargerd.core.session import COLD, Phase
from hal.values import (
    BridgeReading,
    ContactorReading,
    IsolationReading,
    Position,
    PowerReading,
    Reading,
    SafetyReading,
    SupplyReading,
    TemperatureReading,
)
from tests.scenarios.bench import Bench

Act = Callable[[Bench], None]
NOTHING: Final[Act] = lambda _: None  # noqa: E731 - a value of the tables below


@dataclass(frozen=True, slots=True)
class Provocation:
    """What brings a fault, and what takes its reason away."""

    brings: Act
    mends: Act = NOTHING
    where: frozenset[Phase] = frozenset(Phase)
    """The phases in which it can come."""
    signs: bool = False
    """It takes a meter that has to sign, and does not."""


PLUGGED: Final = frozenset(Phase) - {Phase.IDLE}
CLOSED: Final = frozenset(phase for phase in Phase if OUTPUTS[phase].closed)
CHECKED: Final = frozenset({Phase.CABLE_CHECK})
ENERGIZED: Final = frozenset({Phase.ENERGIZED})


def _reads(bad: Reading, good: Reading) -> Provocation:
    return Provocation(lambda bench: bench.reads(bad), lambda bench: bench.reads(good))


def _loses(name: str, kind: str, *, implausible: bool = False) -> Provocation:
    connector = 0 if FAULTS[name].of_station else 1
    lost = DeviceLost(connector, kind, Loss("no answer in 0.3 s", implausible))
    back = DeviceBack(connector, kind)
    return Provocation(
        lambda bench: _happens(bench, lost), lambda bench: _happens(bench, back)
    )


def _happens(bench: Bench, event: Event) -> None:
    bench.clock.advance(0.125)
    bench.happens(event)


def _fails(kind: str, where: frozenset[Phase]) -> Provocation:
    def brings(bench: Bench) -> None:
        error = f"{kind}: not confirmed in 0.3 s"
        _happens(bench, CommandFailed(1, kind, error, bench.now_s))

    return Provocation(brings, where=where)


def _cut(name: str) -> Provocation:
    def brings(bench: Bench) -> None:
        _happens(bench, GuardCut(1, (name,), "12.5 A > 2.0 A", bench.now_s))

    return Provocation(brings, where=PLUGGED)


def _changes(bad: Event, good: Event | None = None) -> Provocation:
    mends = NOTHING if good is None else lambda bench: _happens(bench, good)
    return Provocation(lambda bench: _happens(bench, bad), mends)


def modules(voltage_v: float = 0.0, current_a: float = 0.0) -> PowerReading:
    return PowerReading(
        at_s=0.0, voltage_v=voltage_v, current_a=current_a, temperature_c=40.0
    )


def _too_high(bench: Bench) -> None:
    vehicle = bench.facts.vehicle
    assert vehicle is not None
    bench.reads(replace(vehicle, max_voltage_v=450.0))
    bench.reads(modules(990.0))


def _welds(bench: Bench) -> None:
    for _ in range(2):  # what is opening has half a second more
        bench.waits(0.6)
        bench.reads(ContactorReading(at_s=0.0, position=Position.CLOSED))


def _delivers_uncounted(bench: Bench) -> None:
    for _ in range(4):
        bench.reads(modules(400.0, 125.0))
        bench.waits(5)


def _exceeds(bench: Bench) -> None:
    for _ in range(22):
        bench.meters(bench.registers_wh[1] + 10, power_w=80_000.0)
        bench.waits(0.5)


def _does_not_close(bench: Bench) -> None:
    bench.reads(BridgeReading(at_s=0.0, position=Position.OPEN), 0)
    bench.reads(modules(400.0, 145.0))  # all that its own modules give
    bench.waits(4)
    _happens(bench, CommandFailed(0, "bridge", "bridge: open, not closed"))


def _does_not_reach(bench: Bench) -> None:
    bench.reads(ContactorReading(at_s=0.0, position=Position.CLOSED))
    _happens(bench, SelfTested(1))
    bench.reads(modules(200.0))
    bench.waits(10)


def _does_not_match(bench: Bench) -> None:
    bench.reads(modules(300.0))
    bench.waits(6)


def _does_not_let_go(bench: Bench) -> None:
    bench.reads(modules(400.0, 50.0))
    bench.waits(3)


def _stays_charged(bench: Bench) -> None:
    for _ in range(2):
        bench.meters(bench.registers_wh[1], voltage_v=400.0, power_w=0.0)
        bench.waits(6)


def _does_not_sign(bench: Bench) -> None:
    bench.waits(OPENED_WITHIN_S)
    error = "meter: no answer within 3 s"
    _happens(bench, CommandFailed(1, "meter", error, bench.now_s))


def _finds_no_resistor(bench: Bench) -> None:
    error = "test resistor not found"
    _happens(bench, SelfTested(1, error, bench.now_s))


_DOORS = SafetyReading(at_s=0.0)
_COLD = TemperatureReading(at_s=0.0, temperature_c=30.0)
_GOOD_OHM = IsolationReading(at_s=0.0, resistance_ohm=1e6)
_LOW_OHM = IsolationReading(at_s=0.0, resistance_ohm=20_000.0)
_INSULATION = _reads(_LOW_OHM, _GOOD_OHM)

# fmt: off
PROVOCATIONS: Final[Mapping[str, Provocation]] = {
    "emergency-stop":     _reads(replace(_DOORS, emergency_stop=True), _DOORS),
    "door-open":          _reads(replace(_DOORS, door_open=True), _DOORS),
    "surge-protector":    _reads(replace(_DOORS, surge_protector_tripped=True), _DOORS),
    "power-fail":         _reads(SupplyReading(at_s=0.0, failing=True),
                                 SupplyReading(at_s=0.0, failing=False)),
    "insulation":         replace(_INSULATION, where=frozenset(Phase) - CHECKED),
    "cable-check":        replace(_INSULATION, where=CHECKED),
    "plug-over-temperature":
                          _reads(replace(_COLD, temperature_c=95.0), _COLD),
    "module-over-temperature":
                          _reads(replace(modules(), over_temperature=True), modules()),
    "module-failure":     _reads(replace(modules(400.0, 100.0), failed_modules=(2,)),
                                 modules(400.0)),
    "under-voltage":      _reads(replace(modules(), under_voltage=True), modules()),
    "over-voltage":       Provocation(_too_high, lambda bench: bench.reads(modules())),
    "vehicle-over-voltage": _cut("vehicle-over-voltage"),
    "over-current":       _cut("over-current"),
    "short-circuit":      _cut("short-circuit"),
    "measurement-spread": _cut("measurement-spread"),
    "control-late":       _cut("control-late"),
    "cable-check-voltage": Provocation(_does_not_reach, where=CHECKED),
    "isolation-self-test": Provocation(_finds_no_resistor, where=CHECKED),
    "precharge":          Provocation(
        _does_not_match, where=frozenset({Phase.PRECHARGE})),
    "current-stuck":      Provocation(
        _does_not_let_go, where=frozenset({Phase.RAMP_DOWN})),
    "discharge":          Provocation(
        _stays_charged, where=frozenset({Phase.SETTLING})),
    "contactor-weld":     Provocation(_welds, where=frozenset(Phase) - CLOSED),
    "contactor-open":     _fails("contactor", CLOSED),
    "lock-stuck":         _fails("lock", PLUGGED),
    "meter-silent":       _loses("meter-silent", "meter"),
    "meter-implausible":  _loses("meter-implausible", "meter", implausible=True),
    "meter-unsigned":     Provocation(_does_not_sign, where=COLD, signs=True),
    "meter-frozen":       Provocation(_delivers_uncounted, where=ENERGIZED),
    "reader-silent":      _loses("reader-silent", "reader"),
    "isolation-silent":   _loses("isolation-silent", "isolation"),
    "vehicle-silent":     _loses("vehicle-silent", "vehicle"),
    "module-silent":      _loses("module-silent", "power_module"),
    "contactor-silent":   _loses("contactor-silent", "contactor"),
    "temperature-silent": _loses("temperature-silent", "temperature"),
    "lock-silent":        _loses("lock-silent", "lock"),
    "safety-silent":      _loses("safety-silent", "safety"),
    "supply-silent":      _loses("supply-silent", "supply"),
    "limit-exceeded":     Provocation(
        _exceeds, lambda bench: bench.meters(bench.registers_wh[1]), ENERGIZED),
    "bridge-weld":        Provocation(lambda bench: bench.reads(
        BridgeReading(at_s=0.0, position=Position.CLOSED), 0)),
    "bridge-open":        Provocation(_does_not_close, where=ENERGIZED),
    "bridge-silent":      _loses("bridge-silent", "bridge"),
    "reset":              _changes(RestartFailed(0, "reboot failed with 1")),
    "storage":            _changes(StorageChanged(0, failing=True),
                                   StorageChanged(0, failing=False)),
    "storage-short":      _changes(RoomChanged(0, short=True, exhausted=False),
                                   RoomChanged(0, short=False, exhausted=False)),
}
# fmt: on

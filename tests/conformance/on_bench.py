"""The stage without time: the charge point without I/O on the bench."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any, Final, Self

from chargerd.core.course import Output
from chargerd.core.events import SelfTested, Sensed
from chargerd.core.power import Supply
from chargerd.core.reasons import Cause
from chargerd.ocpp16.status import report
from chargerd.store.database import Store
from hal.values import (
    ContactorReading,
    IsolationReading,
    MeterReading,
    Position,
    PowerReading,
    Reading,
    SafetyReading,
    TemperatureReading,
    VehiclePhase,
    VehicleReading,
)
from tests.conformance import states
from tests.conformance.manners import Manner, MannerlyCsms
from tests.conformance.order import Ear, Json
from tests.conformance.stage import CONNECTORS, Stage, Times
from tests.scenarios.bench import Bench

TIMES: Final = Times(
    heartbeat_s=300,
    boot_retry_s=120,
    connection_timeout_s=90,
    sample_s=60,
    aligned_s=300,
    reservation_s=1200,
    minimum_status_s=10,
    quiet_s=30.0,
    patience_s=1.0,
    tolerance_s=0.1,
    exactness_s=0.0,
)
_MOMENT_S: Final = 0.001
"""Between two readings, so that each is news."""
_POWER_W: Final = 50_000.0
_HOT_C: Final = 120.0
_COOL_C: Final = 25.0
_REDIAL_S: Final = 2.0
_METERED_S: Final = 5.0
"""How often a meter shows that it counts."""

# fmt: off
_FOLLOWS: Final = {
    # while the output is                    the vehicle goes on to
    (True,  False, Supply.OFF):              VehiclePhase.CABLE_CHECK,
    (True,  True,  Supply.TEST_VOLTAGE):     VehiclePhase.PRECHARGE,
    (True,  True,  Supply.MATCH_BATTERY):    VehiclePhase.CHARGING,
    (True,  True,  Supply.CHARGE):           VehiclePhase.CHARGING,
    (True,  True,  Supply.OFF):              VehiclePhase.ENDING,
}
"""By whether it may go on, and whether the contactors are closed."""
# fmt: on


@dataclass(slots=True)
class _Outlet:
    """The hardware of one connector, which follows what it is told."""

    vehicle: VehiclePhase = VehiclePhase.UNPLUGGED
    closed: bool = False
    voltage_v: float = 0.0
    current_a: float = 0.0
    energy_wh: float = 120_000.0
    temperature_c: float = _COOL_C
    met_s: float = 0.0
    """Until when its energy is counted."""

    def counts(self, now_s: float) -> None:
        hours = (now_s - self.met_s) / 3600
        self.energy_wh += hours * _POWER_W if self.current_a else 0.0
        self.met_s = now_s

    def obeys(self, output: Output) -> None:
        self.closed = output.closed
        checks = output.supply is Supply.TEST_VOLTAGE
        # A vehicle that has gone on waits for the output to fall again.
        checked = checks and self.vehicle is VehiclePhase.PRECHARGE
        off = output.supply is Supply.OFF or checked
        self.voltage_v = 0.0 if off else 400.0
        self.current_a = 125.0 if output.supply is Supply.CHARGE else 0.0
        if self.vehicle is VehiclePhase.UNPLUGGED:
            return
        told = (output.authorized, output.closed, output.supply)
        waits = self.vehicle is VehiclePhase.NEGOTIATING
        ended = self.vehicle if waits else VehiclePhase.FINISHED
        self.vehicle = _FOLLOWS.get(told, ended)

    def meter(self) -> Reading:
        return MeterReading(
            at_s=0.0,
            energy_wh=int(self.energy_wh),
            power_w=_POWER_W if self.current_a else 0.0,
            voltage_v=self.voltage_v if self.closed else 0.0,
            current_a=self.current_a,
        )

    def power(self) -> Reading:
        return PowerReading(
            at_s=0.0,
            voltage_v=self.voltage_v,
            current_a=self.current_a,
            temperature_c=31.0,
        )

    def readings(self) -> tuple[Reading, ...]:
        """Return what all devices say, the vehicle last."""
        position = Position.CLOSED if self.closed else Position.OPEN
        return (
            ContactorReading(at_s=0.0, position=position),
            self.power(),
            IsolationReading(at_s=0.0, resistance_ohm=1e6),
            TemperatureReading(at_s=0.0, temperature_c=self.temperature_c),
            self.meter(),
            VehicleReading(
                at_s=0.0, phase=self.vehicle, target_voltage_v=400.0, soc_percent=42.0
            ),
        )


class BenchStage(Stage):
    """Time is moved from one deadline to the next; the hardware follows at once."""

    def __init__(self, folder: Path, manner: Manner) -> None:
        times = replace(
            TIMES, patience_s=manner.patience_s, tolerance_s=manner.tolerance_s
        )
        super().__init__(times, Ear())
        bench = Bench(
            connectors=len(CONNECTORS),
            store=Store(folder / "state.sqlite"),
            online=False,
        )
        self._bench = bench
        self._csms = MannerlyCsms(bench.clock, manner, self.ear)
        bench.csms = self._csms
        bench.answers_after_s = manner.answers_after_s
        self._outlets = {number: _Outlet() for number in CONNECTORS}
        self._cut = False
        self._followed: object = None

    @classmethod
    async def ready(cls, folder: Path, manner: Manner) -> Self:
        """Return a stage in the start state."""
        stage = cls(folder, manner)
        await stage.starts()
        await states.until_booted(stage)
        await stage.passes(4 * manner.answers_after_s)
        stage.ear.unheard.clear()
        return stage

    async def starts(self) -> None:
        """Give it power for the first time."""
        self._poll()
        self._bench.connects()
        self._follow()

    # --- hands ------------------------------------------------------------------

    async def plug(self, connector: int = 1) -> None:
        self._drives(connector, VehiclePhase.NEGOTIATING)

    async def unplug(self, connector: int = 1) -> None:
        self._drives(connector, VehiclePhase.UNPLUGGED)

    async def card(self, id_tag: str) -> None:
        self._bench.presents(id_tag)
        self._follow()

    async def breaks(self, connector: int) -> None:
        self._heats(connector, broken=True)

    async def mends(self, connector: int) -> None:
        self._heats(connector, broken=False)

    async def power_cycle(self) -> None:
        self.ear.unheard.clear()
        for outlet in self._outlets.values():
            outlet.closed, outlet.current_a = False, 0.0
        self._restart(Cause.POWER_LOSS)
        self._follow()

    async def cuts_network(self) -> None:
        self._cut = True
        self._bench.disconnects()
        self._follow()

    async def restores_network(self) -> None:
        self._cut = False
        self._bench.connects()
        self._follow()

    async def expects_seen(self, word: str, connector: int = 1) -> None:
        point = self._bench.charge_point
        utc = self._bench.clock.now().utc
        assert report(point.station, connector, utc).status == word

    # --- the CSMS ---------------------------------------------------------------

    async def asks(self, action: str, **payload: Any) -> Json:
        answer = self._bench.asks(action, **payload)
        self._follow()
        return answer

    async def transaction(self, connector: int = 1) -> int:
        until_s = self.now_s + self.times.patience_s
        while self._csms.numbers[connector] not in self._numbers():
            assert await self.more(until_s), "the station does not know its number"
        return self._csms.numbers[connector]

    def utc(self) -> datetime:
        return self._bench.clock.now().utc

    def will(self, action: str, *changes: Json) -> None:
        self._csms.changes(action, *changes)

    # --- time -------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        return self._bench.now_s

    async def more(self, until_s: float) -> bool:
        heard = len(self.ear.unheard)
        while self.now_s < until_s:
            counts = any(outlet.current_a for outlet in self._outlets.values())
            look_s = self.now_s + _METERED_S if counts else inf
            due_s = min(self._bench.due_s() or inf, until_s, look_s)
            self._bench.waits(max(due_s - self.now_s, 0.0))
            self._meter()
            self._follow()
            if len(self.ear.unheard) > heard:
                return True
        return False

    # --- inside -----------------------------------------------------------------

    def _numbers(self) -> Collection[int | None]:
        return self._bench.charge_point.picture.numbers.values()

    def _drives(self, connector: int, phase: VehiclePhase) -> None:
        self._outlets[connector].vehicle = phase
        self._poll()
        self._follow()

    def _heats(self, connector: int, *, broken: bool) -> None:
        if connector:
            self._outlets[connector].temperature_c = _HOT_C if broken else _COOL_C
        else:
            self._says(0, SafetyReading(at_s=0.0, emergency_stop=broken))
        self._poll()
        self._follow()

    def _says(self, connector: int, reading: Reading) -> None:
        at_s = self._bench.clock.advance(_MOMENT_S).monotonic_s
        self._bench.happens(Sensed(connector, replace(reading, at_s=at_s)))

    def _meter(self) -> None:
        for number, outlet in self._outlets.items():
            outlet.counts(self.now_s)
            if outlet.current_a:
                for reading in (outlet.meter(), outlet.power()):
                    told = replace(reading, at_s=self.now_s)
                    self._bench.happens(Sensed(number, told))

    def _poll(self) -> None:
        """Let every device obey, and say how it is."""
        self._meter()
        for number, outlet in self._outlets.items():
            output = self._bench.steps[-1].outputs[number]
            outlet.obeys(output)
            if output.supply is Supply.TEST_VOLTAGE:
                self._bench.happens(SelfTested(number))
            for reading in outlet.readings():
                self._says(number, reading)

    def _follow(self) -> None:
        """Let follow what follows at once: hardware, a lost link, a restart."""
        while (picture := self._picture()) != self._followed:
            self._followed = picture
            cause = self._bench.restarting
            if cause is not None:
                self._restart(cause)
            self._redials()
            self._poll()

    def _picture(self) -> object:
        phases = [self._bench.phase(number) for number in CONNECTORS]
        vehicles = [outlet.vehicle for outlet in self._outlets.values()]
        return phases, vehicles, self._bench.restarting, self._csms.link_lost

    def _redials(self) -> None:
        while self._csms.link_lost:
            self._csms.link_lost = False
            self._bench.disconnects()
            self._bench.waits(_REDIAL_S)
            if not self._cut:
                self._bench.connects()

    def _restart(self, cause: Cause) -> None:
        self._bench.restarts(cause, online=False)
        self._poll()
        if not self._cut:
            self._bench.connects()

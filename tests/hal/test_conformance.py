"""The conformance kit catches drivers that break their promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, make_dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from hal.conformance import common, kinds, sessions, troubles
from hal.conformance.__main__ import main as try_driver
from hal.conformance.checks import Check
from hal.conformance.form import check_form
from hal.conformance.meanings import meanings
from hal.conformance.subject import Breach, Subject, Trouble
from hal.errors import BadAnswer, NoAnswer
from hal.resources import Place, Resources
from hal.values import (
    POWERED,
    ContactorReading,
    MeterReading,
    Position,
    PowerRating,
    PowerReading,
    Setpoint,
    StationReport,
    VehiclePhase,
    VehicleReading,
)
from tests.hal.virtual_time import instantly


@dataclass(frozen=True)
class Config:
    """Nothing to set."""


def driver(device: Any, **parts: Any) -> Any:
    """Return a driver module that connects to ``device``."""

    @asynccontextmanager
    async def connect(_config: Any, _place: Any) -> AsyncIterator[Any]:
        """Open nothing."""
        yield device

    good = {"__name__": "bad_driver", "__doc__": "A driver.", "Config": Config}
    return SimpleNamespace(**{**good, "connect": connect, **parts})


async def tried(check: Check, kind: str, device: Any) -> None:
    async with Resources(asyncio.get_running_loop().time) as resources:
        await check(Subject(kind, driver(device), Config(), Place(1, resources)))


def undocumented(_config: Any, _place: Any) -> None:
    pass


@dataclass(frozen=True)
class Untoml:
    """The ports."""

    ports: set[int]
    """In no order."""


@dataclass(frozen=True)
class Unexplained:
    """The port."""

    port: str
    """Its device file."""
    echo: bool = False

    @property
    def where(self) -> str:
        """What follows a field and is no word of it."""
        return self.port


@dataclass(frozen=True)
class Above:
    """The port."""

    port: str
    """Its device file."""


@dataclass(frozen=True)
class Sound(Above):
    """The port, and what is on it."""

    port: str = "/dev/ttyS1"
    units: tuple[int, ...] = ()
    """Their addresses; as many as

    there are."""
    limit_s: float | None = None
    """How long they may think."""


FORMLESS = [
    ({"__doc__": None}, "says in its docstring"),
    ({"Config": dict}, "Config is a dataclass"),
    ({"Config": make_dataclass("Config", ["port"])}, "Config is frozen"),
    ({"Config": Untoml}, "ports is of a type that TOML has"),
    ({"Config": Unexplained}, "echo says below it what it means"),
    (
        {"Config": make_dataclass("C", [("port", str)], frozen=True)},
        "port says below it what it means",
    ),
    ({"connect": None}, "connect opens the device"),
    ({"connect": undocumented}, "connect has a docstring"),
]


@pytest.mark.parametrize(("part", "promise"), FORMLESS, ids=[p for _, p in FORMLESS])
def test_a_module_without_the_form_of_a_driver_is_caught(
    part: dict[str, Any], promise: str
) -> None:
    with pytest.raises(Breach, match=promise):
        check_form(driver(None, **part))


def test_settings_that_toml_can_write_are_accepted() -> None:
    check_form(driver(None, Config=Sound))


def test_a_field_means_what_stands_below_it_in_its_class_or_the_one_above() -> None:
    assert meanings(Sound) == {
        "port": "Its device file.",
        "units": "Their addresses; as many as there are.",
        "limit_s": "How long they may think.",
    }


def now_s() -> float:
    return asyncio.get_running_loop().time()


class Liar:
    """A contactor that says what it was told."""

    said = Position.OPEN

    async def close(self) -> None:
        self.said = Position.CLOSED

    async def open(self) -> None:
        self.said = Position.OPEN

    async def read(self) -> ContactorReading:
        return ContactorReading(at_s=now_s(), position=self.said)


@instantly
async def test_a_contactor_that_stays_closed_without_its_driver_is_caught() -> None:
    with pytest.raises(Breach, match="open after the driver was left, not closed"):
        await tried(kinds.contactor_follows, "contactor", Liar())


class Fragile(Liar):
    """A contactor that never recovers from a cancelled command."""

    stuck = False

    async def close(self) -> None:
        if self.stuck:
            raise RuntimeError("lost its place")
        self.stuck = True
        await asyncio.sleep(0.02)
        self.stuck = False


@instantly
async def test_a_driver_that_a_cancellation_breaks_is_caught() -> None:
    with pytest.raises(Breach, match="close: raises nothing but HardwareError"):
        await tried(common.survives_cancellation, "contactor", Fragile())


@dataclass
class Meter:
    """A meter with readings of one's choice."""

    age_s: float = 0.0
    registers: list[int] = field(default_factory=lambda: [1, 0, 1, 0])

    async def read(self) -> MeterReading:
        return MeterReading(
            at_s=now_s() - self.age_s,
            energy_wh=self.registers.pop(0),
            power_w=0.0,
            voltage_v=0.0,
            current_a=0.0,
        )


@pytest.mark.parametrize(
    ("age_s", "promise"), [(5.0, "no older than 1.0 s"), (-5.0, "not in the future")]
)
@instantly
async def test_a_wrong_stamp_is_caught(age_s: float, promise: str) -> None:
    with pytest.raises(Breach, match=promise):
        await tried(common.stamps_readings, "meter", Meter(age_s))


@instantly
async def test_a_register_that_goes_back_is_caught() -> None:
    with pytest.raises(Breach, match="energy_wh does not go back"):
        await tried(kinds.meter_only_grows, "meter", Meter())


class Endless:
    """A power module that ignores both the lease and the order to stop."""

    rating = PowerRating(0.0, 1000.0, 100.0, 50_000.0)
    voltage_v = 0.0

    async def supply(self, setpoint: Setpoint) -> None:
        self.voltage_v = setpoint.voltage_v

    async def shut_off(self) -> None:
        pass

    async def read(self) -> PowerReading:
        return PowerReading(
            at_s=now_s(),
            voltage_v=self.voltage_v,
            current_a=self.voltage_v / 10,
            temperature_c=20.0,
        )


@pytest.mark.parametrize(
    ("check", "promise"),
    [
        (kinds.power_lease_expires, "falls to zero when valid_for_s has passed"),
        (kinds.power_shuts_off, "returns below 1.0 A, not at 20.0 A"),
    ],
)
@instantly
async def test_power_that_does_not_end_is_caught(check: Check, promise: str) -> None:
    with pytest.raises(Breach, match=promise):
        await tried(check, "power_module", Endless())


class Finite:
    """Safety inputs whose stream ends."""

    async def changes(self) -> AsyncIterator[None]:
        yield None


@instantly
async def test_a_stream_that_ends_is_caught() -> None:
    with pytest.raises(Breach, match="changes: goes on until it is cancelled"):
        await tried(common.streams_again, "safety", Finite())


class Sleeper:
    """A meter that goes on with its last value, or fails otherwise, when silent."""

    def __init__(self, error: Exception | None = None) -> None:
        self.silent = False
        self._error = error
        self._last = 0.0

    async def read(self) -> MeterReading:
        if not self.silent:
            self._last = now_s()
        elif self._error is not None:
            raise self._error
        return MeterReading(
            at_s=self._last, energy_wh=1, power_w=0.0, voltage_v=0.0, current_a=0.0
        )

    def fall_silent(self, on: bool) -> None:
        self.silent = on


class Hopeful(Sleeper):
    """A meter that stamps its last value anew."""

    async def read(self) -> MeterReading:
        return replace(await super().read(), at_s=now_s())


class Hanging(Sleeper):
    """A meter that waits for its device for ever."""

    async def read(self) -> MeterReading:
        if self.silent:
            await asyncio.Event().wait()
        return await super().read()


class Buried(Sleeper):
    """A meter that is not found again."""

    async def read(self) -> MeterReading:
        self.silent = self.silent or self._dead
        self._dead = self.silent
        return await super().read()

    _dead = False


SILENT = [
    (Sleeper(), "read: nothing old while silent"),
    (Hopeful(), "read: says that the device is silent"),
    (Hanging(), "read: ends by itself while the device is silent"),
    (Sleeper(BadAnswer("x")), "read: raises NoAnswer while silent"),
    (Buried(NoAnswer("x")), "read: works again after the trouble"),
]


@pytest.mark.parametrize(("meter", "promise"), SILENT, ids=[p for _, p in SILENT])
@instantly
async def test_a_driver_that_is_wrong_about_a_silent_device_is_caught(
    meter: Sleeper, promise: str
) -> None:
    async with Resources(now_s) as resources:
        place = Place(1, resources)
        silence = {Trouble.SILENT: meter.fall_silent}
        with pytest.raises(Breach, match=promise):
            await troubles.says_when_silent(
                Subject("meter", driver(meter), Config(), place, silence)
            )


@instantly
async def test_a_command_that_never_ends_is_caught() -> None:
    silent: list[bool] = []

    class Stubborn(Liar):
        async def close(self) -> None:
            if silent[-1:] == [True]:
                await asyncio.Event().wait()

    async with Resources(now_s) as resources:
        place = Place(1, resources)
        silence = {Trouble.SILENT: silent.append}
        subject = Subject("contactor", driver(Stubborn()), Config(), place, silence)
        with pytest.raises(Breach, match="close: ends by itself"):
            await troubles.commands_end(subject)


@instantly
async def test_a_power_that_is_not_the_product_of_its_factors_is_caught() -> None:
    class Thousandth(Meter):
        async def read(self) -> MeterReading:
            reading = await super().read()
            return replace(reading, voltage_v=400.0, current_a=100.0, power_w=40.0)

    with pytest.raises(Breach, match="40000 W, not 40 W"):
        await tried(kinds.meter_agrees_with_itself, "meter", Thousandth())


def test_a_driver_is_tried_with_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert try_driver(["light", "mock"]) == 0
    told = capsys.readouterr().out
    assert "ok      form: The module" in told
    assert "left    comes back" in told
    assert told.endswith("the driver keeps every promise\n")

    assert try_driver(["vehicle", "mock"]) == 0
    assert "left    vehicle leads a session" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (["meter", "dmz1"], 'no meter driver "dmz1"'),
        (["meter", "no.such.module"], "No module named"),
        (["power_module", "mock", "modules=0"], "modules: 0 is too few"),
        (["meter", "mock", "port=x"], "write them as in TOML"),
        (["meter", "mock", "port=1"], "unexpected keyword argument 'port'"),
    ],
)
def test_what_is_wrong_with_the_command_is_told(
    capsys: pytest.CaptureFixture[str], words: list[str], mistake: str
) -> None:
    assert try_driver(words) == 2
    assert mistake in capsys.readouterr().err


P = VehiclePhase
WALK = (
    P.NEGOTIATING,
    P.AUTHORIZING,
    P.CABLE_CHECK,
    P.PRECHARGE,
    P.READY,
    P.CHARGING,
    P.ENDING,
    P.WELDING_CHECK,
    P.FINISHED,
)


@dataclass
class Controller:
    """A CCS controller, and its car, that walk on at every reading."""

    walk: tuple[VehiclePhase, ...] = WALK
    greedy: frozenset[VehiclePhase] = frozenset()
    """Where it asks for contactors and current against the rules."""
    evccid: str | None = "02AABBCCDDEE"
    obeys: bool = True
    at: int | None = None
    accepted: bool | None = None

    async def authorize(self, accepted: bool) -> None:
        self.accepted = accepted or not self.obeys

    async def stop(self) -> None:
        self.at = self.walk.index(P.ENDING)

    async def report(self, _report: StationReport) -> None:
        self.reported_s = now_s()

    async def read(self) -> VehicleReading:
        if self.at is None:
            return VehicleReading(at_s=now_s(), phase=P.UNPLUGGED)
        phase = self.walk[self.at]
        if phase is P.AUTHORIZING and self.accepted is False:
            self.at = len(self.walk) - 1
        held = (P.AUTHORIZING, P.CHARGING) if not self.accepted else (P.CHARGING,)
        if phase not in held and self.at < len(self.walk) - 1:
            self.at += 1
        asks = phase in POWERED - {P.ENDING, P.READY} or phase in self.greedy
        return VehicleReading(
            at_s=now_s(),
            phase=phase,
            wants_contactors=asks,
            target_voltage_v=400.0 if asks else 0.0,
            target_current_a=10.0 if asks else 0.0,
            evccid=self.evccid,
        )

    def plug(self, on: bool) -> None:
        self.at, self.accepted = 0 if on else None, None

    def follow(self, _wish: VehicleReading) -> StationReport:
        return StationReport(True, 0.0, 0.0, 1e6, 1000.0, 100.0, 50_000.0)


async def ridden(check: Check, controller: Controller) -> None:
    async with Resources(asyncio.get_running_loop().time) as resources:
        place = Place(1, resources)
        subject = Subject(
            "vehicle", driver(controller), Config(), place, traffic=controller
        )
        await check(subject)


@instantly
async def test_a_controller_that_keeps_to_the_order_is_let_through() -> None:
    await ridden(sessions.vehicle_leads_a_session, Controller())
    await ridden(sessions.vehicle_that_is_refused_gets_nothing, Controller())


DISORDERS = [
    (Controller(evccid=None), "evccid of a vehicle that charges"),
    (Controller((*WALK[:2], *WALK[3:5], P.CABLE_CHECK, *WALK[5:])), "in their order"),
    (Controller((*WALK[:3], *WALK[4:])), "wants_contactors in PRECHARGE"),
    (Controller(greedy=frozenset({P.NEGOTIATING})), "nothing is asked for before"),
    (Controller(greedy=frozenset({P.FINISHED})), "no contactors in FINISHED"),
    (Controller((*WALK[:4], P.READY)), "comes to CHARGING, not to stay in READY"),
]


@pytest.mark.parametrize(
    ("controller", "promise"), DISORDERS, ids=lambda x: str(x)[:40]
)
@instantly
async def test_a_session_in_disorder_is_caught(
    controller: Controller, promise: str
) -> None:
    with pytest.raises(Breach, match=promise):
        await ridden(sessions.vehicle_leads_a_session, controller)


@instantly
async def test_a_controller_that_charges_whom_it_must_not_is_caught() -> None:
    with pytest.raises(Breach, match="comes to FINISHED, not to stay in CHARGING"):
        await ridden(
            sessions.vehicle_that_is_refused_gets_nothing, Controller(obeys=False)
        )


@instantly
async def test_a_controller_that_needs_no_reports_is_caught() -> None:
    with pytest.raises(Breach, match="EMERGENCY when it is not called"):
        await ridden(sessions.vehicle_ends_without_reports, Controller())

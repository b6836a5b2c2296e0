"""The public register grows, whatever becomes of the meter."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.effects import Effect, MeterExchanged, RegisterKept
from chargerd.core.events import DeviceLost, Event, Sensed
from chargerd.core.register import Break, Register
from chargerd.core.registers import CONSISTENT, LOST_AFTER, Registers
from hal.values import MeterReading
from tests.clock import FakeClock

MOST_W = 60_000.0
SECOND_WH = 16
"""What that is in a second, and whole."""
PACE_S = 1.0


class Meter:
    """A meter, the register that is made of it, and what both have said."""

    def __init__(
        self, kept: Register | None = None, *, clock: FakeClock | None = None
    ) -> None:
        self.clock = clock or FakeClock()
        self.registers = Registers(() if kept is None else (kept,))
        self.effects: list[Effect] = []
        self.public_wh: list[int] = []
        self.billed = False

    def says(
        self,
        energy_wh: int,
        *,
        serial: str | None = None,
        export_wh: int | None = None,
        after_s: float = PACE_S,
        most_w: float = MOST_W,
    ) -> tuple[Event, ...]:
        now = self.clock.advance(after_s)
        reading = MeterReading(
            at_s=now.monotonic_s,
            energy_wh=energy_wh,
            power_w=0.0,
            voltage_v=0.0,
            current_a=0.0,
            energy_export_wh=export_wh,
            serial=serial,
        )
        events, effects = self.registers.follow(
            1, reading, most_w, now, billed=self.billed
        )
        self.effects += effects
        self.public_wh += (
            event.reading.energy_wh
            for event in events
            if isinstance(event, Sensed) and isinstance(event.reading, MeterReading)
        )
        return events

    @property
    def register(self) -> Register:
        register = self.registers.of(1)
        assert register is not None
        return register

    @property
    def exchanges(self) -> list[tuple[Break, int, int, int]]:
        return [
            (e.why, e.before.raw_wh, e.after.raw_wh, e.after.offset_wh)
            for e in self.effects
            if isinstance(e, MeterExchanged)
        ]

    @property
    def kept(self) -> list[Register]:
        return [e.register for e in self.effects if isinstance(e, RegisterKept)]


def lost(events: tuple[Event, ...]) -> str | None:
    """Return why the meter is not believed, if it is not."""
    match events:
        case (DeviceLost(kind="meter", loss=loss),):
            assert loss.implausible
            return loss.words
    return None


def test_a_meter_is_taken_as_it_stands_the_first_time() -> None:
    meter = Meter()
    meter.says(120_000)
    meter.says(120_010)

    assert meter.public_wh == [120_000, 120_010]
    assert [(r.raw_wh, r.offset_wh) for r in meter.kept] == [(120_000, 0)]
    assert meter.exchanges == []


def test_of_a_connector_without_a_reading_nothing_is_known() -> None:
    registers = Registers()
    assert registers.of(1) is None
    assert registers.checkpoint((1,)) == ()


def test_a_reset_is_believed_after_some_readings_that_agree() -> None:
    meter = Meter()
    meter.says(120_000)
    told = [meter.says(5) for _ in range(CONSISTENT)]

    words = "the register went back from 120000 Wh to 5 Wh"
    doubted = [None] * (LOST_AFTER - 1) + [words] * (CONSISTENT - LOST_AFTER)
    assert [lost(events) for events in told[:-1]] == doubted
    assert meter.public_wh == [120_000, 120_000]
    assert meter.exchanges == [(Break.BACK, 120_000, 5, 119_995)]
    assert meter.kept[-1] == meter.register
    meter.says(8)
    assert meter.public_wh[-1] == 120_003


def test_what_was_counted_while_in_doubt_is_not_lost() -> None:
    meter = Meter()
    meter.says(120_000)
    for energy_wh in range(CONSISTENT):
        meter.says(energy_wh)
    assert meter.public_wh == [120_000, 120_000 + CONSISTENT - 1]


@pytest.mark.parametrize("said", [(5, 5, 4, 4, 4, 3, 3, 2), (5, 9_000, 5, 9_000) * 3])
def test_readings_that_do_not_agree_are_never_believed(said: tuple[int, ...]) -> None:
    meter = Meter()
    meter.says(120_000)
    told = [lost(meter.says(energy_wh)) for energy_wh in said]
    assert None not in told[LOST_AFTER - 1 :]
    assert meter.public_wh == [120_000]


def test_one_wrong_reading_is_left_out_and_nothing_else_happens() -> None:
    meter = Meter()
    meter.says(120_000)
    assert meter.says(0) == ()
    assert meter.says(9_999_999) == ()
    meter.says(120_001)
    assert meter.says(0) == meter.says(0) == ()
    meter.says(120_002)
    assert meter.public_wh == [120_000, 120_001, 120_002]


def test_within_a_transaction_no_step_is_believed_however_long_it_lasts() -> None:
    meter = Meter()
    meter.says(120_000)
    meter.billed = True
    for energy_wh in range(50):
        meter.says(energy_wh)
    assert meter.public_wh == [120_000]

    meter.billed = False
    meter.says(50)
    assert meter.exchanges == [(Break.BACK, 120_000, 50, 120_000)]
    assert meter.public_wh == [120_000, 120_050]


def test_another_serial_number_is_another_meter_at_once() -> None:
    meter = Meter()
    meter.says(120_000, serial="A")
    meter.says(700_000, serial="B")
    assert meter.exchanges == [(Break.SERIAL, 120_000, 700_000, -580_000)]
    assert meter.public_wh == [120_000, 120_000]
    assert meter.register.serial == "B"


def test_another_serial_number_waits_for_the_end_of_a_transaction() -> None:
    meter = Meter()
    meter.says(120_000, serial="A")
    meter.billed = True
    told = [lost(meter.says(700_000, serial="B")) for _ in range(LOST_AFTER)]
    assert told[-1] == "the register is of meter B, not of A"
    assert meter.public_wh == [120_000]
    meter.billed = False
    meter.says(700_000, serial="B")
    assert meter.public_wh == [120_000, 120_000]


def test_a_serial_number_that_is_told_late_changes_nothing_but_the_record() -> None:
    meter = Meter()
    meter.says(120_000)
    meter.says(120_000, serial="A")
    meter.says(120_000)
    assert meter.exchanges == []
    assert [register.serial for register in meter.kept] == [None, "A"]
    assert meter.register.serial == "A"


def test_a_new_meter_in_doubt_begins_anew_with_each_serial_number() -> None:
    meter = Meter()
    meter.says(120_000)
    for number in range(2 * CONSISTENT):
        meter.says(0, serial=f"{number % 2}")
    assert meter.public_wh == [120_000]


@pytest.mark.parametrize(
    ("step_wh", "after_s", "believed"),
    [
        (383, 1.0, True),  # ten seconds late, and twice the coarsest
        (384, 1.0, False),
        (60_000 + 366, 3600.0, True),
        (60_000 + 367, 3600.0, False),
    ],
)
def test_a_register_counts_no_more_than_the_station_can_give(
    step_wh: int, after_s: float, believed: bool
) -> None:
    meter = Meter()
    meter.says(120_000)
    meter.says(120_000 + step_wh, after_s=after_s)
    assert (len(meter.public_wh) == 2) is believed


@pytest.mark.key("MeterStepLimit")
def test_without_a_limit_a_register_may_leap() -> None:
    meter = Meter()
    meter.says(120_000, most_w=inf)
    meter.says(9_000_000, most_w=inf)
    assert meter.public_wh == [120_000, 9_000_000]


def test_a_leap_does_not_become_energy_by_waiting() -> None:
    meter = Meter()
    meter.says(120_000)
    meter.billed = True
    for _ in range(1_000):
        meter.says(125_000)
    assert meter.public_wh == [120_000]
    meter.billed = False
    meter.says(125_000)
    assert meter.exchanges == [(Break.LEAPT, 120_000, 125_000, -5_000)]
    assert meter.public_wh == [120_000, 120_000]


def test_a_register_that_catches_up_after_it_went_back_is_believed_again() -> None:
    meter = Meter()
    meter.says(120_000)
    meter.billed = True
    for energy_wh in (119_990, 119_995, 120_000, 120_005):
        meter.says(energy_wh)
    assert meter.public_wh == [120_000, 120_000, 120_005]


def test_the_export_register_goes_on_as_well() -> None:
    meter = Meter()
    meter.says(120_000, serial="A", export_wh=400)
    (event,) = meter.says(7, serial="B", export_wh=1)
    assert isinstance(event, Sensed)
    assert isinstance(event.reading, MeterReading)
    assert (event.reading.energy_wh, event.reading.energy_export_wh) == (120_000, 400)
    (event,) = meter.says(7, serial="B")
    assert isinstance(event, Sensed)
    assert isinstance(event.reading, MeterReading)
    assert event.reading.energy_export_wh is None


def test_after_a_restart_the_offset_still_holds() -> None:
    kept = Register(1, 5, 119_995, FakeClock().now().utc)
    meter = Meter(kept)
    meter.says(8)
    assert meter.public_wh == [120_003]
    assert meter.kept == []


@pytest.mark.parametrize("minutes", [0.0, -10_000_000.0])
def test_after_a_restart_a_minute_is_allowed_for_whatever_the_clock_says(
    minutes: float,
) -> None:
    clock = FakeClock()
    kept = Register(1, 120_000, 0, clock.now().utc)
    clock.correct(minutes * 60)
    for step_wh, believed in ((1_366, True), (1_367, False)):
        meter = Meter(replace(kept), clock=clock)
        meter.says(120_000 + step_wh)
        assert bool(meter.public_wh) is believed


def test_a_meter_that_was_exchanged_while_nobody_looked_goes_on() -> None:
    meter = Meter(Register(1, 120_000, 0, FakeClock().now().utc))
    for _ in range(CONSISTENT):
        meter.says(0)
    assert meter.public_wh == [120_000]


def test_a_register_is_written_once_when_it_has_moved() -> None:
    meter = Meter()
    meter.says(120_000)
    assert meter.registers.checkpoint((1, 2)) == ()
    meter.says(120_003)
    assert meter.registers.checkpoint((1,)) == (RegisterKept(meter.register),)
    assert meter.registers.checkpoint((1,)) == ()


said = st.one_of(
    st.integers(0, 30).map(lambda step: ("counts", step)),
    st.integers(0, 2_000_000).map(lambda to_wh: ("set", to_wh)),
    st.sampled_from(["A", "B", None]).map(lambda serial: ("serial", serial)),
    st.booleans().map(lambda billed: ("billed", billed)),
    st.just(("restart", None)),
)


@given(st.lists(said, max_size=60))
@settings(max_examples=50, deadline=None)
def test_no_history_lets_the_public_register_run_back_or_away(
    history: list[tuple[str, object]],
) -> None:
    meter, raw_wh, serial, counted_wh = Meter(), 100_000, None, 0
    meter.says(raw_wh)
    for what, value in history:
        match what, value:
            case "counts", int(step):
                raw_wh, counted_wh = raw_wh + step, counted_wh + step
            case "set", int(to_wh):
                raw_wh = to_wh
            case "serial", name:
                serial = name
            case "billed", bool(billed):
                meter.billed = billed
            case "restart", _:
                meter.registers = Registers((meter.register,))
        meter.says(raw_wh, serial=serial)  # type: ignore[arg-type]
    assert meter.public_wh == sorted(meter.public_wh)
    # A step may look like energy only as far as the station could have given it.
    steps = sum(what != "counts" for what, _ in history) + 1
    most_wh = 70 * SECOND_WH * steps + 200 * steps + SECOND_WH * len(history)
    assert meter.public_wh[-1] - 100_000 <= counted_wh + most_wh

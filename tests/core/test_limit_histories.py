"""Whatever is set, cleared and waited for: the station never takes too much."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargerd.core import events
from chargerd.core.policy import Policy
from chargerd.core.profiles import Profile
from chargerd.core.reasons import Cause
from chargerd.core.session import LIVE, Phase
from hal.values import VehiclePhase
from tests.core.bench import OTHER, RATING, Bench, meter, modules
from tests.core.power_site import OWN, STATION
from tests.core.profile_reference import BASE, Reference, profiles

Move = Callable[["Guarded"], object]


class Guarded(Bench):
    """Holds what the connectors may give against what the station may take."""

    def __init__(self) -> None:
        super().__init__(Policy(allow_offline_unknown_id=True, profile_skew_s=0))
        self.clock.correct((BASE - self.clock.now().utc).total_seconds())

    def charge_both(self) -> None:
        self.comes_to(Phase.ENERGIZED, 1)
        for phase, step in self._steps(2):
            if phase is Phase.LOCKING:
                self.happens(events.StartRequested(2, OTHER))
            else:
                step()
            if phase is Phase.ENERGIZED:
                return

    def sets(self, wanted: Profile) -> None:
        if wanted.purpose is OWN:
            session = self.session(wanted.connector)
            if session.phase not in LIVE:
                return
            wanted = replace(wanted, key=session.key)
        now = self.clock.now()
        installation = self.station.installation
        if installation.objection(wanted, now.utc) is None:
            self.happens(events.ProfileSet(wanted.connector, wanted))

    def draws(self, part: float) -> None:
        """Let the vehicles take some part of what they may."""
        for number, output in self.station.outputs().items():
            current_a = part * output.limit_w / 400.0
            self.senses(number, modules(self.tick(), current_a), meter(self.tick()))

    def checks(self) -> None:
        now = self.clock.now()
        installed = self.station.installation.all
        of_station = [p for p in installed if p.purpose is STATION]
        reference = Reference(installed, now.utc, "", falls_back=False)
        available_w = reference.of_stack(of_station, now.utc)
        limits_w = [output.limit_w for output in self.station.outputs().values()]
        assert all(0.0 <= w <= RATING.max_power_w for w in limits_w)
        if available_w is not None:
            assert sum(limits_w) <= available_w * self.station.policy.efficiency / 100
        due_s = self.station.next_deadline_s(now)
        assert due_s is None or due_s > now.monotonic_s


def _stop(bench: Guarded, number: int) -> None:
    bench.happens(events.StopRequested(number, Cause.REMOTE))
    bench.senses(number, modules(bench.tick()))


MOVES: tuple[Move, ...] = (
    *(partial(Guarded.draws, part=part) for part in (0.0, 0.5, 1.0)),
    *(partial(_stop, number=number) for number in (1, 2)),
    *(partial(Guarded.waits, seconds=s) for s in (0.2, 1.0, 7.0, 60.0, 90_000.0)),
    *(
        lambda b, phase=phase, n=n: b.vehicle(phase, n)
        for phase in (VehiclePhase.PAUSED, VehiclePhase.CHARGING)
        for n in (1, 2)
    ),
    *(lambda b, e=e: b.allows(efficiency=e) for e in (90, 100)),
    lambda b: b.happens(events.ProfilesCleared(0, (1, 2, 3))),
    lambda b: b.happens(events.ProfilesCleared(0, tuple(range(8)))),
)
SETS = st.integers(0, 7).flatmap(profiles).map(lambda p: partial(_set, wanted=p))


def _set(bench: Guarded, wanted: Profile) -> None:
    # Near the present, whenever that is.
    by = timedelta(seconds=int((bench.clock.now().utc - BASE).total_seconds()))
    schedule = wanted.schedule
    if schedule.start is not None:
        schedule = replace(schedule, start=schedule.start + by)
    bench.sets(replace(wanted, schedule=schedule, valid_from=None, valid_to=None))


@pytest.mark.requirement("SMART-38")
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(SETS | st.sampled_from(MOVES), min_size=3, max_size=25))
def test_no_history_lets_the_station_take_too_much(history: list[Move]) -> None:
    bench = Guarded()
    bench.charge_both()
    assert all(output.limit_w for output in bench.station.outputs().values())
    for move in history:
        move(bench)
        bench.checks()

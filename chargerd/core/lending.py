"""Lets the power modules of a free connector help the one beyond the bridge."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Final, Protocol

from chargerd.clock import Instant
from chargerd.core.allocation import Allocation, Party, allocated, due_s, served
from chargerd.core.events import WHOLE_STATION
from chargerd.core.fitting import Fitting
from chargerd.core.health import Health
from chargerd.core.session import STARTABLE, Phase, Session
from hal.values import BridgeReading, Position, PowerRating

PARTED_WITHIN_S: Final = 5.0
"""A bridge that is not open so long after its loan has ended is welded."""

_BROKEN: Final = frozenset({"bridge-weld", "bridge-open", "bridge-silent"})


class Connectors(Protocol):
    """What must be known of the station."""

    fittings: Mapping[int, Fitting]
    sessions: dict[int, Session]
    health: Health

    def faulted(self, connector: int) -> bool:
        """Tell whether a fault keeps a connector from working."""


class Lending:
    """Holds who serves whom at the one bridge of the station, if it has one."""

    def __init__(self, station: Connectors) -> None:
        """Begin with every group at its own connector."""
        self.allocation = Allocation()
        self._station = station
        self._joins = [n for n, f in station.fittings.items() if f.neighbor is not None]

    def follow(self, may_w: Mapping[int, float], now: Instant) -> None:
        """Decide anew who serves whom.

        Args:
            may_w: What each connector may have, were its own modules no limit.
            now: The present moment.
        """
        if not self._joins:
            return
        reading = self._bridge
        parted_s = self.allocation.parted_s + PARTED_WITHIN_S
        lent = self.allocation.loan is not None
        if reading and reading.at_s > parted_s and not lent and not _open(reading):
            value = f"mirror contacts report {reading.position.value}"
            self._station.health.latch(WHOLE_STATION, "bridge-weld", value)
        parties = [self._party(number, may_w[number]) for number in self._joins]
        self.allocation = allocated(
            self.allocation, parties, self._works, now.monotonic_s
        )

    def failed(self, error: str) -> None:
        """Take note that the bridge did not do as it was told.

        One that does not open is found out by its reading.
        """
        if self.allocation.loan is not None:
            borrower = self.allocation.loan.borrower
            self._station.health.latch(borrower, "bridge-open", error)

    def due_s(self) -> float | None:
        """Return when ``follow`` may decide otherwise by time alone."""
        return due_s(self.allocation)

    def lends(self, connector: int) -> bool:
        """Tell whether the modules of a connector shall serve its neighbor."""
        loan = self.allocation.loan
        return loan is not None and loan.lender == connector

    def helped(self, connector: int) -> bool:
        """Tell whether the neighbor's modules are on the bus of a connector."""
        loan = self.allocation.loan
        if loan is None or loan.borrower != connector:
            return False
        reading = self._bridge
        return reading is not None and reading.position is Position.CLOSED

    def serves(self, connector: int) -> int:
        """Return whom the modules of a connector serve now."""
        loan = self.allocation.loan
        if loan is None or loan.lender != connector or not self.helped(loan.borrower):
            return connector
        return loan.borrower

    def rating(self, connector: int) -> PowerRating:
        """Return what the modules that serve a connector now can do."""
        return self._rating(connector, helped=self.helped(connector))

    def taking_w(self, connector: int) -> float:
        """Return the power that is measured at the modules that serve a connector.

        Modules that help the neighbor are measured there.
        """
        if self.lends(connector):
            return 0.0
        return sum(
            reading.voltage_v * reading.current_a
            for number in self.serving(connector)
            if (reading := self._station.sessions[number].facts.power_module)
        )

    def stands_in(self, connector: int) -> bool:
        """Tell whether the bridge, broken, leaves the bus to the neighbor."""
        neighbor = self._station.fittings[connector].neighbor
        if neighbor is None or not self._broken & {"bridge-weld", "bridge-silent"}:
            return False
        return self._station.sessions[neighbor].phase not in STARTABLE

    def serving(self, connector: int) -> Iterator[int]:
        """Yield the connectors whose modules are on the bus of one, its own first."""
        yield connector
        neighbor = self._station.fittings[connector].neighbor
        if neighbor is not None and self.helped(connector):
            yield neighbor

    def _rating(self, connector: int, *, helped: bool) -> PowerRating:
        fitting = self._station.fittings[connector]
        lent = None
        if helped and fitting.neighbor is not None:
            lent = self._station.fittings[fitting.neighbor].rating
        return served(fitting.rating, lent, fitting.max_current_a)

    def _party(self, connector: int, may_w: float) -> Party:
        session = self._station.sessions[connector]
        module = session.facts.power_module
        output_v = module.voltage_v if module else 0.0
        own, joined = (self._rating(connector, helped=h) for h in (False, True))
        most_w = session.facts.vehicle.max_power_w if session.facts.vehicle else None
        return Party(
            connector,
            self._free(session),
            session.phase is Phase.ENERGIZED,
            _deliverable_w(own, output_v),
            min(may_w, most_w or inf, _deliverable_w(joined, output_v)),
            self.taking_w(connector),
        )

    def _free(self, session: Session) -> bool:
        facts = session.facts
        works = facts.power_module is not None and "power_module" not in facts.lost
        apart = (
            facts.contactor is not None and facts.contactor.position is Position.OPEN
        )
        sound = not self._station.faulted(session.connector)
        return session.phase in STARTABLE and works and apart and sound

    @property
    def _bridge(self) -> BridgeReading | None:
        return self._station.sessions[self._joins[0]].facts.bridge

    @property
    def _works(self) -> bool:
        return self._bridge is not None and not self._broken

    @property
    def _broken(self) -> frozenset[str]:
        return _BROKEN & {active.fault.name for active in self._station.health.active}


def _open(reading: BridgeReading) -> bool:
    return reading.position is Position.OPEN


def _deliverable_w(rating: PowerRating, output_v: float) -> float:
    return min(rating.max_power_w, rating.max_current_a * output_v)

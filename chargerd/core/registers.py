"""Makes public registers of what the meters say. Nothing else does.

What cannot follow the last register is held back. Outside a transaction a register
that then goes on for a while is another meter's, or the same one's after a reset: its
offset makes up for the step. Within a transaction no step is believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import Effect, MeterExchanged, RegisterKept
from chargerd.core.events import DeviceLost, Event, Sensed
from chargerd.core.metering import CHECKPOINT_S
from chargerd.core.permissive import Loss
from chargerd.core.register import Break, Misfit, Register, adopted, misfit, renamed
from hal.values import MeterReading

LOST_AFTER: Final = 3
"""So many readings in a row that do not fit make the meter implausible."""
CONSISTENT: Final = 5
"""So many that do not fit, but follow each other, are a meter that goes on."""

Followed = tuple[tuple[Event, ...], tuple[Effect, ...]]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Readings that do not fit, but follow each other."""

    unfit: Misfit
    first: MeterReading
    last: MeterReading
    count: int = 1

    def continued(self, reading: MeterReading, most_w: float) -> bool:
        """Tell whether a reading follows the last one."""
        elapsed_s = reading.at_s - self.last.at_s
        same = reading.serial == self.last.serial
        before_wh, after_wh = self.last.energy_wh, reading.energy_wh
        return same and misfit(before_wh, after_wh, elapsed_s, most_w) is None


@dataclass(frozen=True, slots=True)
class _Meter:
    """One meter: what is believed of it, and what is not yet."""

    register: Register
    kept: Register
    """As the disk has it."""
    read_s: float | None = None
    """When it was last believed, on the monotonic clock; ``None``: before a restart."""
    strikes: int = 0
    """How many readings in a row did not fit."""
    doubt: _Doubt | None = None


class Registers:
    """Knows the register of every connector."""

    def __init__(self, kept: Iterable[Register] = ()) -> None:
        """Go on with what the disk remembers."""
        self._meters = {each.connector: _Meter(each, each) for each in kept}

    def of(self, connector: int) -> Register | None:
        """Return the register of a connector; ``None``: its meter was never read."""
        meter = self._meters.get(connector)
        return meter.register if meter else None

    def follow(
        self,
        connector: int,
        reading: MeterReading,
        most_w: float,
        now: Instant,
        *,
        billed: bool,
    ) -> Followed:
        """Take a reading as the meter said it.

        Args:
            connector: Where the meter is.
            reading: What it said.
            most_w: What the connector can deliver at the most; ``inf``: anything.
            now: The present moment.
            billed: Whether a transaction is running there.

        Returns:
            What it means to the station: the public reading, or that the meter is not
            to be believed, or nothing yet; and what must become known of it.
        """
        meter = self._meters.get(connector)
        if meter is None:
            new = adopted(connector, reading, now.utc)
            self._meters[connector] = _Meter(new, new, reading.at_s)
            return (Sensed(connector, new.public(reading)),), (RegisterKept(new),)
        doubt = _doubt(meter, reading, most_w, now)
        if doubt is None:
            return self._believe(meter, reading, now)
        sure = doubt.unfit.why is Break.SERIAL or doubt.count >= CONSISTENT
        if sure and not billed:
            return self._exchange(meter, doubt, now)
        strikes = meter.strikes + 1
        self._meters[connector] = replace(meter, strikes=strikes, doubt=doubt)
        if strikes < LOST_AFTER:
            return (), ()
        loss = Loss(f"the register {doubt.unfit.words}", implausible=True)
        return (DeviceLost(connector, "meter", loss),), ()

    def checkpoint(self, connectors: Iterable[int]) -> tuple[RegisterKept, ...]:
        """Return what has to be written of registers that the disk knows older."""
        told: list[RegisterKept] = []
        for number in connectors:
            meter = self._meters.get(number)
            if meter is not None and meter.register.raw_wh != meter.kept.raw_wh:
                told.append(RegisterKept(meter.register))
                self._meters[number] = replace(meter, kept=meter.register)
        return tuple(told)

    def _believe(self, meter: _Meter, reading: MeterReading, now: Instant) -> Followed:
        after = meter.register.after(reading, now.utc)
        named = after.serial != meter.kept.serial
        kept = after if named else meter.kept
        self._meters[after.connector] = _Meter(after, kept, reading.at_s)
        public = Sensed(after.connector, after.public(reading))
        return (public,), (RegisterKept(after),) if named else ()

    def _exchange(self, meter: _Meter, doubt: _Doubt, now: Instant) -> Followed:
        before = meter.register
        after = before.going_on(doubt.first).after(doubt.last, now.utc)
        self._meters[after.connector] = _Meter(after, after, doubt.last.at_s)
        exchanged = MeterExchanged(before, after, doubt.unfit.why, now.utc)
        public = Sensed(after.connector, after.public(doubt.last))
        return (public,), (RegisterKept(after), exchanged)


def _doubt(
    meter: _Meter, reading: MeterReading, most_w: float, now: Instant
) -> _Doubt | None:
    """Return what a reading is doubted for; ``None``: it is believed."""
    doubt = meter.doubt
    continued = doubt is not None and doubt.continued(reading, most_w)
    if doubt is not None and continued and doubt.unfit.why is Break.LEAPT:
        # The longer ago it was believed, the more a leap would look like energy.
        unfit: Misfit | None = doubt.unfit
    else:
        unfit = _unfit(meter, reading, most_w, now)
    if unfit is None:
        return None
    if doubt is None or not continued:
        return _Doubt(unfit, reading, reading)
    return replace(doubt, unfit=unfit, last=reading, count=doubt.count + 1)


def _unfit(
    meter: _Meter, reading: MeterReading, most_w: float, now: Instant
) -> Misfit | None:
    register = meter.register
    if meter.read_s is None:
        # A clock that was not set yet must not make a meter incredible.
        elapsed_s = max((now.utc - register.at).total_seconds(), CHECKPOINT_S)
    else:
        elapsed_s = reading.at_s - meter.read_s
    return renamed(register, reading) or misfit(
        register.raw_wh, reading.energy_wh, elapsed_s, most_w
    )

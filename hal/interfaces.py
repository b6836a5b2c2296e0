"""What chargerd asks of hardware. A driver implements one of these.

Four rules hold for every method here:

* A command returns when the hardware has *done* the thing, not when it was
  sent. What cannot be observed in time raises ``Unconfirmed``; the text of
  each command says what the time is.
* ``read`` asks the device and returns its answer, never an older one that was
  kept. It raises ``NoAnswer`` when the device is silent for longer than the
  driver's own limit (at most one second) and ``BadAnswer`` when the answer
  cannot be true. Where a device speaks by itself, ``read`` returns the last
  it said and raises ``NoAnswer`` once that is older than the limit.
* Every method may be cancelled at any ``await`` and called again.
* A driver never retries and never logs. The caller does both.

``changes`` yields the present state and then, at once, whatever the device says
anew; between changes it may be silent for ever, so it proves no life: ``read``
does. It ends only by an exception (any ``HardwareError``) and may then be called
again.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from hal.resources import Place
from hal.values import (
    BridgeReading,
    ContactorReading,
    IsolationReading,
    LockReading,
    MeterReading,
    PowerRating,
    PowerReading,
    SafetyReading,
    Setpoint,
    Signal,
    StationReport,
    SupplyReading,
    TemperatureReading,
    Token,
    VehicleReading,
)

SAFE_TO_OPEN_A = 1.0
"""Contactors may be opened below this current without wearing their contacts."""


class PowerModule(Protocol):
    """A group of rectifiers that feeds one connector."""

    @property
    def rating(self) -> PowerRating:
        """What the group can do when all of its modules work."""

    async def supply(self, setpoint: Setpoint) -> None:
        """Drive the output towards ``setpoint``; return once it is under way.

        The output reaches a new set-point by the modules' own ramp. It falls to
        zero by itself ``setpoint.valid_for_s`` after the last call: a daemon
        that hangs must not keep a vehicle energized.
        """

    async def shut_off(self) -> None:
        """Return once the output current is below ``SAFE_TO_OPEN_A``.

        Raises:
            Unconfirmed: The current has not fallen within two seconds.
        """

    async def read(self) -> PowerReading:
        """Return voltage, current and health of the group."""


class Contactor(Protocol):
    """The pair of DC contactors between the power modules and one plug.

    Both coils drop out by themselves when the driver is closed or the process
    ends, whatever was said last.
    """

    async def close(self) -> None:
        """Return once both auxiliary contacts report closed.

        Raises:
            Unconfirmed: They have not within 300 ms; the coils are off again.
        """

    async def open(self) -> None:
        """Drop both coils at once; return once both contacts report open.

        Raises:
            Unconfirmed: They have not within 300 ms: a contact may be welded.
        """

    async def read(self) -> ContactorReading:
        """Return what the auxiliary contacts say."""


class Bridge(Protocol):
    """The contactor between the DC buses of two connectors.

    Closed, it lets both groups of power modules feed one plug; it is never closed
    while both plugs can be live. It wears when the buses differ in voltage as it
    closes, or when current flows through it as it opens. Its coil drops out by itself
    when the driver is closed or the process ends, whatever was said last.
    """

    async def close(self) -> None:
        """Return once the mirror contacts report closed.

        Raises:
            Unconfirmed: They have not within 300 ms; the coil is off again.
        """

    async def open(self) -> None:
        """Drop the coil at once; return once the mirror contacts report open.

        Raises:
            Unconfirmed: They have not within 300 ms: a contact may be welded.
        """

    async def read(self) -> BridgeReading:
        """Return what the mirror contacts say."""


class Meter(Protocol):
    """The billing meter of one connector. Nothing in it can be set.

    It tells its own register as it stands. That another meter, or one that lost its
    register, makes no jump in what drivers are billed by is the station's business.
    """

    async def read(self) -> MeterReading:
        """Return a reading of this moment.

        Raises:
            BadAnswer: A value is out of its range.
        """


@runtime_checkable
class SigningMeter(Meter, Protocol):
    """A billing meter that keeps transactions of its own, and signs each as a whole.

    A meter that signs every reading needs none of this: ``MeterReading.signed`` will
    do. A transaction is known by a name of 36 characters that no other ever had.
    Both methods may be called while ``read`` is under way.
    """

    async def begin(self, transaction: str, identification: str) -> bytes | None:
        """Open a transaction of the meter; return once it counts.

        Called before energy flows. A transaction that is open already stays open if
        it has this name; one with another name is closed first, and its record is
        what ``end`` returns for it as long as the meter keeps it.

        Args:
            transaction: Its name.
            identification: Who pays: the id tag, of at most 20 characters.

        Returns:
            What the meter has signed of the beginning; ``None``: it signs at the end.

        Raises:
            Unconfirmed: The meter has not opened it within two seconds.
        """

    async def end(self, transaction: str) -> bytes | None:
        """Close a transaction if it is open; return its signed record.

        Called after energy has flowed, and again after a cancellation, a failure or a
        restart of the process: it then returns the same record.

        Returns:
            The record, as the meter signed it; ``None``: the meter has none of that
            name.

        Raises:
            Unconfirmed: The record is not there within two seconds.
        """


class IsolationMonitor(Protocol):
    """Measures the insulation of one DC output. It measures all the time."""

    async def self_test(self) -> None:
        """Return once the monitor has found its own test resistor.

        Raises:
            Unconfirmed: It has not within thirty seconds.
        """

    async def read(self) -> IsolationReading:
        """Return the last complete measurement."""


class Vehicle(Protocol):
    """The CCS controller of one connector: it speaks with the vehicle for us.

    It walks through :class:`hal.values.VehiclePhase` by itself, at the pace of
    the vehicle, and asks us for voltage, current and closed contactors. That our
    contactors have opened it knows by their own wire, not by a report.
    """

    async def authorize(self, accepted: bool) -> None:
        """Answer the vehicle's wait for authorization; holds for this session.

        In FINISHED, ``True`` wakes the vehicle up for another session, which
        begins with NEGOTIATING; not every vehicle wakes up.
        """

    async def report(self, report: StationReport) -> None:
        """Tell the controller what the station does.

        Must be called at least every 100 ms while the phase is between
        CABLE_CHECK and WELDING_CHECK. A report that is 300 ms old counts for
        nothing; 500 ms later at the latest a controller with power takes the
        station for lost, and the phase becomes EMERGENCY.
        """

    async def stop(self) -> None:
        """Ask the vehicle to end; return once asked. The phases then follow."""

    async def read(self) -> VehicleReading:
        """Return where the vehicle stands and what it asks for."""

    def changes(self) -> AsyncIterator[VehicleReading]:
        """Yield a reading whenever phase, wish or vehicle data change."""


class Lock(Protocol):
    """Holds the plug in a socket. It keeps its position without supply."""

    async def engage(self) -> None:
        """Return once the feedback says locked.

        Raises:
            Unconfirmed: It has not within three seconds.
        """

    async def release(self) -> None:
        """Return once the feedback says free.

        Raises:
            Unconfirmed: It has not within three seconds.
        """

    async def read(self) -> LockReading:
        """Return what the feedback says."""


class SafetyInputs(Protocol):
    """The station's emergency stop, door and surge protector.

    The emergency stop also opens the contactors without us; this is how we
    learn of it.
    """

    async def read(self) -> SafetyReading:
        """Return all inputs."""

    def changes(self) -> AsyncIterator[SafetyReading]:
        """Yield all inputs within 5 ms after the edge of any."""


class TemperatureSensor(Protocol):
    """The temperature of a plug (connector 1 and up) or of the cabinet (0)."""

    async def read(self) -> TemperatureReading:
        """Return the hottest of its sensors."""


class SupplyMonitor(Protocol):
    """Foretells the loss of the supply of the board that we run on."""

    async def read(self) -> SupplyReading:
        """Return whether the supply is failing now."""

    def changes(self) -> AsyncIterator[SupplyReading]:
        """Yield within 5 ms after the edge; then there are about 20 ms left."""


class TokenReader(Protocol):
    """A contactless card reader."""

    async def read(self) -> None:
        """Return if the reader is alive; raise ``NoAnswer`` if it is not."""

    def tokens(self) -> AsyncIterator[Token]:
        """Yield each card once, when it enters the field."""


class Light(Protocol):
    """The status light of a connector."""

    async def show(self, signal: Signal) -> None:
        """Show ``signal`` until told otherwise; off when the driver is closed."""


class Simulation(Protocol):
    """The hands of whoever plays with a simulated station.

    Every method takes effect at once, in every state. Connectors are numbered
    from 1. A ``ValueError`` says what was wrong with an argument.
    """

    def plug(
        self,
        connector: int,
        *,
        soc_percent: float = 20.0,
        capacity_wh: float = 77_000.0,
        max_power_w: float = 150_000.0,
        max_voltage_v: float = 800.0,
        evccid: str | None = None,
    ) -> None:
        """Connect a car, which asks for energy by itself once authorized."""

    def unplug(self, connector: int) -> None:
        """Pull the plug, in any state."""

    def present(self, uid: str, connector: int | None = None) -> None:
        """Hold a card to a reader; ``None`` is the only reader of the station."""

    def pause(self, connector: int) -> None:
        """Let the car stop asking for energy."""

    def resume(self, connector: int) -> None:
        """Let the car ask for energy again."""

    def set_fault(self, name: str, on: bool, connector: int | None = None) -> None:
        """Break something or mend it; ``None`` is all connectors or the station."""

    def faults(self) -> tuple[str, ...]:
        """Return the names of all that can be broken."""

    def set_rate(self, factor: float) -> None:
        """Let the physics run ``factor`` times as fast; 1.0 is real time."""

    def set_register(self, connector: int, energy_wh: int) -> None:
        """Set the register of a meter."""

    def set_power(self, connector: int, power_w: float | None) -> None:
        """Let a meter see this power instead of the world's; ``None`` ends that."""


class DriverModule(Protocol):
    """A driver is a module with these two names; the entry point names it."""

    Config: type[Any]
    """A frozen dataclass: the driver's table in the station file."""

    def connect(self, config: Any, place: Place) -> AbstractAsyncContextManager[Any]:
        """Open the device for the length of the ``async with`` block.

        Raises:
            HardwareError: The port is missing or busy, or the device is not
                the one expected. The text says what to do.
        """

"""Infypower REG, CEG and LRG power modules on a CAN bus.

Manual: "REG/CEG/LRG series charger module CAN communication protocol", V1.13; V1.09
is the same as far as it is used here.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal import bounds
from hal.power.family import Condition, Quantity, Request, Said
from hal.power.opening import open_rack
from hal.power.rack import Rack
from hal.power.settings import RackConfig, check
from hal.resources import Place
from hal.wire import infypower as wire
from hal.wire.frame import Frame
from hal.wire.infypower import Command, Device, Error, State
from hal.wire.signals import names

_SIZE: Final = 8
_ACCEPTED: Final = frozenset({Error.NONE, Error.STARTING})
_ERRORS: Final[Mapping[int, str]] = {
    Error.COMMAND_INVALID: "it does not know the command",
    Error.DATA_INVALID: "the value is beyond what it can do",
    Error.ADDRESS_INVALID: "it does not know the address",
}
_FAILED: Final = (
    State.OUTPUT_SHORT
    | State.FAULT
    | State.PROTECTION
    | State.OUTPUT_OVER_VOLTAGE
    | State.SLEEPING
)
_AILING: Final = (
    State.OVER_TEMPERATURE
    | State.PHASE_LOST
    | State.INPUT_UNDER_VOLTAGE
    | State.INPUT_OVER_VOLTAGE
)
"""What a module may have and go on; if it is off with it, that is why."""
_LOW_MAINS: Final = State.INPUT_UNDER_VOLTAGE | State.PHASE_LOST
_QUIET: Final = State.OFF | State.WALK_IN | State.PFC_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(RackConfig):
    """The rack, and what firmware leaves open."""

    controller: int = wire.CONTROLLER
    """Our own address on the bus, 240 to 248."""
    acknowledges: bool = True
    """Whether modules answer what is written; else an answered read proves as much."""

    def __post_init__(self) -> None:
        """Refuse what no rack of this make can be."""
        check(self, wire.ADDRESSES, wire.GROUPS)
        first, last = wire.CONTROLLERS[0], wire.CONTROLLERS[-1]
        bounds.check("controller", self.controller, first, last)


class Infypower:
    """The frames of this make, as :class:`hal.power.family.Family` wants them."""

    mask: int = wire.TO_CONTROLLER

    def __init__(self, config: Config) -> None:
        self.identifier = wire.to_controller(config.controller)
        self._controller = config.controller
        self._group = config.group
        self._acknowledges = config.acknowledges

    def hear(self, frame: Frame) -> Said | None:
        head = wire.head(frame.identifier)
        if len(frame.data) != _SIZE:
            return None
        if head.error not in _ACCEPTED:
            refusal = _ERRORS.get(head.error, f"error {head.error}")
            return Said(head.source, head.command, refusal=refusal)
        read = _READS.get(head.command)
        said = Said(head.source, head.command)
        return read(said, frame.data) if read is not None else said

    def find(self) -> Request | None:
        if self._group is None:
            return None
        return self._to_group(Command.READ_STATE, self._group, ())

    def prepare(self, address: int) -> Sequence[Request]:
        # The ramp of a soft start is slower than a vehicle's current loop.
        return (self._write(Command.WALK_IN, address, wire.choice(0)),)

    def ratings(self, address: int) -> Sequence[Request]:
        return (self._read(Command.READ_RATING, address),)

    def outputs(self, addresses: Sequence[int]) -> Sequence[Request]:
        return [self._read(Command.READ_MODULE, address) for address in addresses]

    def states(self, addresses: Sequence[int]) -> Sequence[Request]:
        if self._group is not None:
            return (self._to_group(Command.READ_STATE, self._group, addresses),)
        return [self._read(Command.READ_STATE, address) for address in addresses]

    def aim(
        self, address: int, voltage_v: float, current_a: float
    ) -> Sequence[Request]:
        data = wire.pair(voltage_v, current_a)
        return self._proven(self._write(Command.AIM_MODULE, address, data))

    def on(self, address: int) -> Sequence[Request]:
        return (self._write(Command.SWITCH, address, wire.switch(True)),)

    def off(self, addresses: Sequence[int]) -> Sequence[Request]:
        return [
            request
            for address in addresses
            for request in self._proven(
                self._write(Command.SWITCH, address, wire.switch(False))
            )
        ]

    def _read(self, command: Command, address: int) -> Request:
        frame = wire.order(command, address, source=self._controller)
        return Request(frame, command, (address,))

    def _write(self, command: Command, address: int, data: bytes) -> Request:
        frame = wire.order(command, address, data, source=self._controller)
        return Request(frame, command, (address,) if self._acknowledges else ())

    def _proven(self, written: Request) -> Sequence[Request]:
        if self._acknowledges:
            return (written,)
        address = wire.head(written.frame.identifier).destination
        return written, self._read(Command.READ_STATE, address)

    def _to_group(
        self, command: Command, group: int, addresses: Sequence[int]
    ) -> Request:
        frame = wire.order(command, group, device=Device.GROUP, source=self._controller)
        return Request(frame, command, addresses)


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Rack]:
    """Open the rack; it is switched off before and after.

    Raises:
        HardwareError: The bus cannot be opened, or no module says what it can do.
    """
    async with open_rack(config, Infypower(config), place) as rack:
        yield rack


def _output(said: Said, data: bytes) -> Said:
    voltage_v, current_a = wire.read_pair(data)
    values = {Quantity.VOLTAGE_V: voltage_v, Quantity.CURRENT_A: current_a}
    return said._replace(values=values)


def _rating(said: Said, data: bytes) -> Said:
    rating = wire.read_rating(data)
    values = {
        Quantity.MIN_VOLTAGE_V: rating.min_voltage_v,
        Quantity.MAX_VOLTAGE_V: rating.max_voltage_v,
        Quantity.MAX_CURRENT_A: rating.max_current_a,
        Quantity.MAX_POWER_W: rating.power_w,
    }
    return said._replace(values=values)


def _status(said: Said, data: bytes) -> Said:
    status = wire.read_status(data)
    state = status.state
    off = State.OFF in state
    condition = Condition(
        running=not off,
        failed=bool(state & _FAILED) or (off and bool(state & _AILING)),
        over_temperature=State.OVER_TEMPERATURE in state,
        under_voltage=bool(state & _LOW_MAINS),
        address_taken=State.ADDRESS_REPEATED in state,
        words=names(state & ~_QUIET),
    )
    values = {Quantity.TEMPERATURE_C: float(status.ambient_c)}
    return said._replace(values=values, condition=condition)


_READS: Final[Mapping[int, Callable[[Said, bytes], Said]]] = {
    Command.READ_MODULE: _output,
    Command.READ_RATING: _rating,
    Command.READ_STATE: _status,
}

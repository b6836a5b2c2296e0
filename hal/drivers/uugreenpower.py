"""UUGreenPower UR1000 power modules on a CAN bus; Maxwell ENR speak the same.

Manuals: "UUGreenPower CAN protocol, 36.2 version"; "ENR series CAN communication
protocol", S0.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal import bounds
from hal.interfaces import PowerModule
from hal.power.family import Condition, Quantity, Request, Said
from hal.power.opening import open_rack
from hal.power.ranges import Plan, RangedRack
from hal.power.settings import RackConfig, check
from hal.resources import Place
from hal.wire import uugreenpower as wire
from hal.wire.frame import Frame
from hal.wire.signals import names
from hal.wire.uugreenpower import All, Command, Head, Message, State, Type

_SET_ALL: Final = 0x100
"""The code of an answer that repeats all; others have that of their command."""
_FAILED: Final = (
    State.INPUT_DISCONNECTED
    | State.OUTPUT_OVER_VOLTAGE_SHUTDOWN
    | State.INTERNAL_COMMUNICATION
    | State.PFC_FAILED
    | State.DC_FAILED
    | State.SHORT_SHUTDOWN
    | State.MANUALLY_OFF
)
_HOT: Final = (
    State.AMBIENT_OVER_TEMPERATURE
    | State.PFC_OVER_TEMPERATURE
    | State.DC_OVER_TEMPERATURE
    | State.DC_OVER_TEMPERATURE_TOO
)
_AILING: Final = (
    _HOT
    | State.INPUT_OVER_VOLTAGE
    | State.INPUT_UNDER_VOLTAGE
    | State.PFC_OVER_VOLTAGE
    | State.PFC_UNDER_VOLTAGE
    | State.FAN_FAULT
    | State.FAN_DRIVER_FAULT
    | State.OUTPUT_RELAY_FAULT
    | State.BLEEDER_FAULT
)
"""What a module may have and go on; if it is off with it, that is why."""
_LOW_MAINS: Final = State.INPUT_UNDER_VOLTAGE | State.PFC_UNDER_VOLTAGE
_QUIET: Final = State.OFF | State.PFC_OFF | State.CURRENT_LOOP | State.WAITS_FOR_PFC
_MEASURED: Final[Mapping[int, Quantity]] = {
    Command.VOLTAGE_FAST: Quantity.VOLTAGE_V,
    Command.CURRENT_FAST: Quantity.CURRENT_A,
    Command.INLET_TEMPERATURE: Quantity.TEMPERATURE_C,
    Command.CURRENT_CAPABILITY: Quantity.MAX_CURRENT_A,
    Command.SELECTED_RANGE: Quantity.RANGE,
}
_THOUSANDTHS: Final = 1000
_LONGEST_PAUSE_S: Final = 10.0
_PLANS: Final[Mapping[str, Plan | None]] = {
    "as it is": None,
    "high": Plan.HIGH,
    "low": Plan.LOW,
    "automatic": Plan.AUTOMATIC,
    "by voltage": Plan.BY_VOLTAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(RackConfig):
    """The rack, the range of its modules, and how they are told."""

    # These modules say of themselves only how much current they can give.
    min_voltage_v: float | None = 150.0
    max_voltage_v: float | None = 1000.0
    max_power_w: float | None = 30_000.0
    range: str = "high"
    """``high`` (up to 1000 V), ``low`` (500 V, more current), ``automatic`` (ENR
    only), ``by voltage``, or ``as it is``: the modules are not asked."""
    low_max_voltage_v: float = 500.0
    """Where the low range ends."""
    range_pause_s: float = 2.0
    """How long modules are off before and after their range changes."""
    all_at_once: bool = False
    """Whether a set-point is one frame; not every firmware knows it."""

    def __post_init__(self) -> None:
        """Refuse what no rack of this make can be."""
        check(self, wire.ADDRESSES, wire.GROUPS)
        bounds.check_word("range", self.range, _PLANS)
        bounds.check("range_pause_s", self.range_pause_s, 0.0, _LONGEST_PAUSE_S)


class UuGreenPower:
    """The frames of this make, as :class:`hal.power.family.Family` wants them."""

    identifier: int = wire.identifier(Head(wire.MONITOR, 0))
    mask: int = wire.TO_MONITOR

    def __init__(self, config: Config) -> None:
        self._group = config.group
        self._nibble = config.group or wire.USUAL_GROUP
        self._asks_ranges = _PLANS[config.range] is not None
        self._at_once = config.all_at_once
        self._told: dict[tuple[int, int], tuple[int, int]] = {}
        """By address and command: what was told before last, and last."""

    def hear(self, frame: Frame) -> Said | None:
        head, message = wire.head(frame.identifier), wire.message(frame.data)
        if head is None or message is None:
            return None
        if message.type == Type.SET_ALL_ANSWER:
            return Said(head.address, _SET_ALL)
        said = Said(head.address, message.command)
        if message.type == Type.SET_ANSWER:
            return self._taken(said, message)
        return self._read_answer(said, message)

    def find(self) -> Request | None:
        if self._group is None:
            return None
        return self._read(Command.STATE, ())

    def prepare(self, address: int) -> Sequence[Request]:
        return ()

    def ratings(self, address: int) -> Sequence[Request]:
        return (self._read_one(Command.CURRENT_CAPABILITY, address),)

    def outputs(self, addresses: Sequence[int]) -> Sequence[Request]:
        return self._reads((Command.VOLTAGE_FAST, Command.CURRENT_FAST), addresses)

    def states(self, addresses: Sequence[int]) -> Sequence[Request]:
        commands = [Command.STATE, Command.INLET_TEMPERATURE]
        if self._asks_ranges:
            commands.append(Command.SELECTED_RANGE)
        return self._reads(commands, addresses)

    def aim(
        self, address: int, voltage_v: float, current_a: float
    ) -> Sequence[Request]:
        if self._at_once:
            told = All(True, voltage_v, current_a, voltage_v)
            frame = wire.set_all(Head(wire.MONITOR, address), self._nibble, told)
            return (Request(frame, _SET_ALL, (address,)),)
        millivolt, milliampere = wire.milli(voltage_v), int(current_a * 1000)
        return [
            self._set(Command.VOLTAGE_REFERENCE, address, millivolt),
            self._set(Command.CURRENT_LIMIT, address, milliampere),
        ]

    def on(self, address: int) -> Sequence[Request]:
        if self._at_once:
            return ()
        return (self._set(Command.SWITCH, address, wire.ON),)

    def off(self, addresses: Sequence[int]) -> Sequence[Request]:
        return [self._set(Command.SWITCH, address, wire.OFF) for address in addresses]

    def select(self, address: int, range_: int) -> Request:
        return self._set(Command.SELECT_RANGE, address, range_)

    def _taken(self, said: Said, message: Message) -> Said:
        """Hold what a module has taken against what it was told."""
        told = self._told.get((said.address, said.code))
        if told is None or message.value in told:
            return said
        if said.code == Command.CURRENT_LIMIT and 0 <= message.value < told[1]:
            return said  # what it can give at this voltage
        return said._replace(refusal=f"told {told[1]}, it took {message.value}")

    def _read_answer(self, said: Said, message: Message) -> Said | None:
        if message.type != Type.READ_ANSWER:
            return None
        quantity = _MEASURED.get(message.command)
        if quantity is not None:
            scale = _THOUSANDTHS if quantity is not Quantity.RANGE else 1
            return said._replace(values={quantity: message.value / scale})
        if message.command == Command.STATE:
            return said._replace(condition=_condition(State(message.bits)))
        return said

    def _set(self, command: Command, address: int, value: int) -> Request:
        _, last = self._told.get((address, command), (value, value))
        self._told[address, command] = last, value
        message = Message(self._nibble, Type.SET, command, value)
        frame = wire.frame(Head(wire.MONITOR, address), message)
        return Request(frame, command, (address,))

    def _read(self, command: Command, addresses: Sequence[int]) -> Request:
        """Ask the group."""
        message = Message(self._nibble, Type.READ, command, 0)
        return Request(wire.frame(Head(wire.MONITOR, 0), message), command, addresses)

    def _read_one(self, command: Command, address: int) -> Request:
        message = Message(self._nibble, Type.READ, command, 0)
        frame = wire.frame(Head(wire.MONITOR, address), message)
        return Request(frame, command, (address,))

    def _reads(
        self, commands: Sequence[Command], addresses: Sequence[int]
    ) -> Sequence[Request]:
        if self._group is not None:
            return [self._read(command, addresses) for command in commands]
        return [
            self._read_one(command, address)
            for address in addresses
            for command in commands
        ]


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[PowerModule]:
    """Open the rack; it is switched off before and after.

    Raises:
        HardwareError: The bus cannot be opened, or no module says what it can do.
    """
    family = UuGreenPower(config)
    plan = _PLANS[config.range]
    async with open_rack(config, family, place) as rack:
        if plan is None:
            yield rack
            return
        monotonic = place.resources.monotonic
        low_v, pause_s = config.low_max_voltage_v, config.range_pause_s
        yield RangedRack(rack, family.select, plan, low_v, pause_s, monotonic)


def _condition(state: State) -> Condition:
    off = State.OFF in state
    return Condition(
        running=not off,
        failed=bool(state & _FAILED) or (off and bool(state & _AILING)),
        over_temperature=bool(state & _HOT),
        under_voltage=bool(state & _LOW_MAINS),
        address_taken=State.SERIAL_REPEATED in state,
        words=names(state & ~_QUIET),
    )

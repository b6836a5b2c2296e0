"""Maxwell MXR power modules on a CAN bus; Winline UXR and NXR speak the same.

Manual: "MXR series module communication protocol", V1.50.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from hal import bounds
from hal.power.family import BOUNDS, Condition, Quantity, Request, Said
from hal.power.opening import open_rack
from hal.power.rack import Rack
from hal.power.settings import RackConfig, check
from hal.resources import Place
from hal.wire import maxwell as wire
from hal.wire.frame import Frame
from hal.wire.maxwell import Error, Register, State
from hal.wire.signals import names

_FRACTION: Final = "fraction"
_AMPERE: Final = "ampere"
_FAILED: Final = (
    State.FAULT
    | State.PROTECTION
    | State.DC_OVER_VOLTAGE
    | State.OUTPUT_SHORT
    | State.OUTPUT_OVER_VOLTAGE
)
_AILING: Final = (
    State.INTERNAL_COMMUNICATION
    | State.INPUT_MODE_ERROR
    | State.INPUT_MODE_MISMATCH
    | State.PFC_ABNORMAL
    | State.INPUT_OVER_VOLTAGE
    | State.INPUT_UNDER_VOLTAGE
    | State.OVER_TEMPERATURE
)
"""What a module may have and go on; if it is off with it, that is why."""
_MEASURED: Final[Mapping[int, Quantity]] = {
    Register.VOLTAGE: Quantity.VOLTAGE_V,
    Register.CURRENT: Quantity.CURRENT_A,
    Register.DC_TEMPERATURE: Quantity.TEMPERATURE_C,
    Register.RATED_POWER: Quantity.MAX_POWER_W,
    Register.RATED_CURRENT: Quantity.MAX_CURRENT_A,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(RackConfig):
    """The rack, and how its modules are told their current."""

    # These modules do not say between which voltages they work.
    min_voltage_v: float | None = 150.0
    max_voltage_v: float | None = 1000.0
    current: str = _FRACTION
    """How the current is told: as a ``fraction`` of the rated one, or in ``ampere``."""

    def __post_init__(self) -> None:
        """Refuse what no rack of this make can be."""
        check(self, wire.ADDRESSES, wire.GROUPS)
        bounds.check_word("current", self.current, (_FRACTION, _AMPERE))


class Maxwell:
    """The frames of this make, as :class:`hal.power.family.Family` wants them."""

    identifier: int = wire.ANSWERS
    mask: int = wire.TO_CONTROLLER

    def __init__(self, config: Config) -> None:
        self._group = config.group
        self._in_ampere = config.current == _AMPERE
        self._usual_a = config.max_current_a
        self._rated_a: dict[int, float] = {}

    def hear(self, frame: Frame) -> Said | None:
        head, message = wire.head(frame.identifier), wire.message(frame.data)
        if head is None or message is None:
            return None
        if message.function not in wire.ANSWER_FUNCTIONS:
            return None
        said = Said(head.source, message.register)
        if message.error != Error.NONE:
            return said._replace(refusal=f"error {message.error:#04x}")
        quantity = _MEASURED.get(message.register)
        if quantity is not None:
            self._learn_rating(head.source, message)
            return said._replace(values={quantity: message.number})
        if message.register == Register.STATE:
            return said._replace(condition=_condition(State(message.whole)))
        return said

    def find(self) -> Request | None:
        if self._group is None:
            return None
        register = Register.GROUP_AND_ADDRESS
        return Request(wire.read(wire.to_group(self._group), register), register)

    def prepare(self, address: int) -> Sequence[Request]:
        return ()

    def ratings(self, address: int) -> Sequence[Request]:
        return [
            self._read(Register.RATED_POWER, address),
            self._read(Register.RATED_CURRENT, address),
        ]

    def outputs(self, addresses: Sequence[int]) -> Sequence[Request]:
        return self._reads((Register.VOLTAGE, Register.CURRENT), addresses)

    def states(self, addresses: Sequence[int]) -> Sequence[Request]:
        registers = (Register.STATE, Register.DC_TEMPERATURE)
        unknown = [each for each in addresses if each not in self._rated_a]
        return [
            *self._reads(registers, addresses),
            *(self._read(Register.RATED_CURRENT, each) for each in unknown),
        ]

    def aim(
        self, address: int, voltage_v: float, current_a: float
    ) -> Sequence[Request]:
        to = wire.to_module(address)
        volts = wire.set_float(to, Register.SET_VOLTAGE, voltage_v)
        # The two ways to tell a current must not be mixed.
        if self._in_ampere:
            register = Register.SET_CURRENT
            limit = wire.set_whole(to, register, wire.current(current_a))
        else:
            register = Register.SET_CURRENT_LIMIT
            fraction = current_a / self._rating_a(address)
            limit = wire.set_float(to, register, fraction)
        return [
            Request(volts, Register.SET_VOLTAGE, (address,)),
            Request(limit, register, (address,)),
        ]

    def on(self, address: int) -> Sequence[Request]:
        return (self._switch(address, wire.ON),)

    def off(self, addresses: Sequence[int]) -> Sequence[Request]:
        return [self._switch(address, wire.OFF) for address in addresses]

    def _learn_rating(self, address: int, message: wire.Message) -> None:
        # The module's own figure: the fraction is of that, whatever the file says.
        low_a, high_a = BOUNDS[Quantity.MAX_CURRENT_A]
        rated = message.register == Register.RATED_CURRENT
        if rated and low_a <= message.number <= high_a:
            self._rated_a[address] = message.number

    def _rating_a(self, address: int) -> float:
        """Return a module's own rated current, or that of one like it."""
        likely = next(iter(self._rated_a.values()), self._usual_a)
        rated_a = self._rated_a.get(address, likely)
        assert rated_a is not None  # or the rack would not have opened
        return rated_a

    def _switch(self, address: int, value: int) -> Request:
        frame = wire.set_whole(wire.to_module(address), Register.SWITCH, value)
        return Request(frame, Register.SWITCH, (address,))

    def _read(self, register: Register, address: int) -> Request:
        frame = wire.read(wire.to_module(address), register)
        return Request(frame, register, (address,))

    def _reads(
        self, registers: Sequence[Register], addresses: Sequence[int]
    ) -> Sequence[Request]:
        if self._group is not None:
            to = wire.to_group(self._group)
            return [
                Request(wire.read(to, register), register, addresses)
                for register in registers
            ]
        return [
            self._read(register, address)
            for address in addresses
            for register in registers
        ]


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Rack]:
    """Open the rack; it is switched off before and after.

    Raises:
        HardwareError: The bus cannot be opened, or no module says what it can do.
    """
    async with open_rack(config, Maxwell(config), place) as rack:
        yield rack


def _condition(state: State) -> Condition:
    off = State.OFF in state
    return Condition(
        running=not off,
        failed=bool(state & _FAILED) or (off and bool(state & _AILING)),
        over_temperature=State.OVER_TEMPERATURE in state,
        under_voltage=State.INPUT_UNDER_VOLTAGE in state,
        words=names(state & ~State.OFF),
    )

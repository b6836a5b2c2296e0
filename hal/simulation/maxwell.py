"""Twin of Maxwell MXR modules on a CAN bus, protocol V1.50.

They answer whatever names them, and reads that go to all or to their group; what is
set for several at once is taken without an answer.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hal.simulation.rack import Bus, Kind, Module, Nameplate, Rack, Sight
from hal.wire import maxwell as wire
from hal.wire.frame import Frame
from hal.wire.maxwell import Error, Function, Message, Register, State
from hal.wire.signals import flags
from hal.world.outlet import Outlet
from hal.world.site import World

WATCHDOG_S: Final = 10.0
"""After so long without a frame an MXR100030 was seen to switch itself off."""
NAMEPLATE: Final = Nameplate(80.0, 1000.0, 100.0, 30_000.0)
"""Modules of this make have been seen to refuse voltages below 80 V."""


class MaxwellModules:
    """The modules of one connector."""

    def __init__(
        self,
        world: World,
        outlet: Outlet,
        bus: Bus,
        addresses: Sequence[int],
        *,
        group: int = 0,
        nameplate: Nameplate = NAMEPLATE,
        watchdog_s: float = WATCHDOG_S,
    ) -> None:
        """Put them on the bus.

        Args:
            world: Where they are.
            outlet: What they feed.
            bus: What they are on.
            addresses: One for each, in the order of their numbers.
            group: The group that all of them are set to.
            nameplate: What one of them can do.
            watchdog_s: How long they wait for a controller.
        """
        self.rack = Rack(world, outlet, bus, addresses, nameplate, watchdog_s)
        self._group = group
        self.rack.listen(self._hear)

    def close(self) -> None:
        """Take them off the bus."""
        self.rack.close()

    def _hear(self, frame: Frame) -> None:
        head, message = wire.head(frame.identifier), wire.message(frame.data)
        if head is None or message is None or head.source != wire.CONTROLLER:
            return
        for module in self.rack.modules:
            meant = wire.is_meant(head, module.address, self._group)
            if meant and self.rack.hears(module):
                self._obey(module, message, head.single)

    def _obey(self, module: Module, message: Message, single: bool) -> None:
        reading = message.function == Function.READ
        error = Error.REFUSED
        reply: float | bytes = message.octets
        if reading and (read := _READS.get(message.register)) is not None:
            error, reply = Error.NONE, read(self, module)
        elif not reading and self._set(module, message):
            error = Error.NONE
        if single or reading:
            self._answer(module, message.register, reply, error)

    def _set(self, module: Module, message: Message) -> bool:
        write = _WRITES.get(message.register)
        if write is None or self.rack.does(module, Kind.REFUSES):
            return False
        return message.function == Function.SET and write(self, module, message.octets)

    def _answer(
        self, module: Module, register: int, value: float | bytes, error: Error
    ) -> None:
        self.rack.say(
            module,
            lambda address: wire.answer(address, self._group, register, value, error),
        )

    def _voltage(self, module: Module) -> float:
        return self.rack.sight(module).voltage_v

    def _current(self, module: Module) -> float:
        return self.rack.sight(module).current_a

    def _limit(self, module: Module) -> float:
        return module.current_a / self.rack.nameplate.max_current_a

    def _temperature(self, module: Module) -> float:
        return self.rack.sight(module).temperature_c

    def _power(self, _module: Module) -> float:
        return self.rack.nameplate.max_power_w

    def _rated_current(self, _module: Module) -> float:
        return self.rack.nameplate.max_current_a

    def _state(self, module: Module) -> bytes:
        return wire.whole(_state_of(self.rack.sight(module)))

    def _place(self, module: Module) -> bytes:
        return wire.whole(self._group << 16 | module.address)

    def _set_voltage(self, module: Module, octets: bytes) -> bool:
        return self.rack.aim(module, _float(octets), module.current_a)

    def _set_limit(self, module: Module, octets: bytes) -> bool:
        fraction = _float(octets)
        return self._set_ampere(module, fraction * self.rack.nameplate.max_current_a)

    def _set_current(self, module: Module, octets: bytes) -> bool:
        return self._set_ampere(module, wire.read_current(_whole(octets)))

    def _set_ampere(self, module: Module, current_a: float) -> bool:
        if not current_a >= 0.0:
            return False
        self.rack.limit(module, current_a)
        return True

    def _switch(self, module: Module, octets: bytes) -> bool:
        value = _whole(octets)
        if value not in (wire.ON, wire.OFF):
            return False
        self.rack.switch(module, value == wire.ON)
        return True


def _float(octets: bytes) -> float:
    return float(struct.unpack(">f", octets)[0])


def _whole(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _state_of(sight: Sight) -> State:
    present = {
        State.OFF: not sight.running,
        State.FAULT: sight.failed and not sight.under_voltage,
        State.PROTECTION: sight.over_temperature or sight.under_voltage,
        State.OVER_TEMPERATURE: sight.over_temperature,
        State.INPUT_UNDER_VOLTAGE: sight.under_voltage,
    }
    return flags(State, present)


_Twin = MaxwellModules
_READS: Final[Mapping[int, Callable[[_Twin, Module], float | bytes]]] = {
    Register.VOLTAGE: _Twin._voltage,
    Register.CURRENT: _Twin._current,
    Register.CURRENT_LIMIT: _Twin._limit,
    Register.DC_TEMPERATURE: _Twin._temperature,
    Register.RATED_POWER: _Twin._power,
    Register.RATED_CURRENT: _Twin._rated_current,
    Register.STATE: _Twin._state,
    Register.GROUP_AND_ADDRESS: _Twin._place,
}
_WRITES: Final[Mapping[int, Callable[[_Twin, Module, bytes], bool]]] = {
    Register.SET_VOLTAGE: _Twin._set_voltage,
    Register.SET_CURRENT_LIMIT: _Twin._set_limit,
    Register.SET_CURRENT: _Twin._set_current,
    Register.SWITCH: _Twin._switch,
}

"""Twin of UUGreenPower UR1000 modules on a CAN bus, protocol 36.2.

They answer what names them, and reads that go to their group or to all; what is set
for several at once is taken without an answer. What a module does not take, its
answer shows: it tells the value that it keeps.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final

from hal.simulation.rack import Bus, Kind, Module, Nameplate, Rack, Sight
from hal.wire import uugreenpower as wire
from hal.wire.frame import Frame
from hal.wire.signals import flags
from hal.wire.uugreenpower import Command, Head, Message, Range, State, Type
from hal.world.outlet import Outlet
from hal.world.site import World

WATCHDOG_S: Final = 10.0
"""The manual names none; other makes wait as long."""
SETTLES_S: Final = 1.5
"""So long after a stop, and after a change, the relays of the range must rest."""
LOW_MAX_V: Final = 500.0
_MARK: Final = 0x0144
"""Day and number in the vendor's own sample of an answer."""


class UuGreenPowerModules:
    """The modules of one connector."""

    def __init__(
        self,
        world: World,
        outlet: Outlet,
        bus: Bus,
        addresses: Sequence[int],
        *,
        group: int = wire.USUAL_GROUP,
        nameplate: Nameplate | None = None,
        watchdog_s: float = WATCHDOG_S,
        settles_s: float = SETTLES_S,
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
            settles_s: How long the relays of the range rest.
        """
        plate = nameplate or Nameplate()
        self.rack = Rack(world, outlet, bus, addresses, plate, watchdog_s)
        self.ranges = {module.address: Range.AUTOMATIC for module in self.rack.modules}
        self._rests_until_s = {module.address: -inf for module in self.rack.modules}
        self._settles_s = settles_s
        self._monotonic = world.monotonic
        self._group = group
        self.rack.listen(self._hear)

    def close(self) -> None:
        """Take them off the bus."""
        self.rack.close()

    def _hear(self, frame: Frame) -> None:
        head, message = wire.head(frame.identifier), wire.message(frame.data)
        if head is None or message is None or head.monitor != wire.MONITOR:
            return
        for module in self.rack.modules:
            if self._is_meant(module, head, message) and self.rack.hears(module):
                self._obey(module, message, frame.data, bool(head.address))

    def _is_meant(self, module: Module, head: Head, message: Message) -> bool:
        if head.address:
            return head.address == module.address
        return message.group in (0, self._group)

    def _obey(
        self, module: Module, message: Message, data: bytes, single: bool
    ) -> None:
        if message.type == Type.READ:
            if (read := _READS.get(message.command)) is not None:
                self._say(module, Type.READ_ANSWER, message.command, read(self, module))
        elif message.type == Type.SET:
            if (write := _WRITES.get(message.command)) is not None:
                refuses = self.rack.does(module, Kind.REFUSES)
                kept = -1 if refuses else write(self, module, message.value)
                if single:
                    self._say(module, Type.SET_ANSWER, message.command, kept)
        elif message.type == Type.SET_ALL:
            self._take_all(module, data, single)

    def _say(self, module: Module, kind: Type, command: int, value: int) -> None:
        message = Message(self._group, kind, command, value)
        self.rack.say(
            module,
            lambda address: wire.frame(Head(wire.MONITOR, address, _MARK), message),
        )

    def _take_all(self, module: Module, data: bytes, single: bool) -> None:
        told = wire.read_all(data)
        if self._can(module, told.voltage_v):
            self.rack.aim(module, told.voltage_v, told.current_a)
        self._switch(module, wire.ON if told.on else wire.OFF)
        if single:
            self.rack.say(
                module,
                lambda address: wire.set_all(
                    Head(wire.MONITOR, address, _MARK),
                    self._group,
                    told,
                    Type.SET_ALL_ANSWER,
                ),
            )

    def _can(self, module: Module, voltage_v: float) -> bool:
        return self.ranges[module.address] != Range.LOW or voltage_v <= LOW_MAX_V

    def _rests(self, module: Module) -> bool:
        return self._monotonic() < self._rests_until_s[module.address]

    def _voltage(self, module: Module) -> int:
        return wire.milli(self.rack.sight(module).voltage_v)

    def _current(self, module: Module) -> int:
        return wire.milli(self.rack.sight(module).current_a)

    def _temperature(self, module: Module) -> int:
        return wire.milli(self.rack.sight(module).temperature_c)

    def _capability(self, _module: Module) -> int:
        return wire.milli(self.rack.nameplate.max_current_a)

    def _range(self, module: Module) -> int:
        return self.ranges[module.address]

    def _state(self, module: Module) -> int:
        return wire.signed(_state_of(self.rack.sight(module)))

    def _set_voltage(self, module: Module, value: int) -> int:
        if self._can(module, value / 1000):
            self.rack.aim(module, value / 1000, module.current_a)
        return wire.milli(module.voltage_v)

    def _set_current(self, module: Module, value: int) -> int:
        if value >= 0:
            self.rack.limit(module, value / 1000)
        return wire.milli(module.current_a)

    def _switch(self, module: Module, value: int) -> int:
        on = value == wire.ON
        if on and self._rests(module):
            return wire.OFF
        if module.on and not on:
            self._rests_until_s[module.address] = self._monotonic() + self._settles_s
        self.rack.switch(module, on)
        return value

    def _select(self, module: Module, value: int) -> int:
        address = module.address
        if value in set(Range) and not module.on and not self._rests(module):
            self.ranges[address] = Range(value)
            self._rests_until_s[address] = self._monotonic() + self._settles_s
        return self.ranges[address]


def _state_of(sight: Sight) -> State:
    present = {
        State.OFF: not sight.running,
        State.DC_FAILED: sight.failed
        and not (sight.over_temperature or sight.under_voltage),
        State.DC_OVER_TEMPERATURE: sight.over_temperature,
        State.INPUT_UNDER_VOLTAGE: sight.under_voltage,
        State.SERIAL_REPEATED: sight.address_repeated,
    }
    return flags(State, present)


_Twin = UuGreenPowerModules
_READS: Final[Mapping[int, Callable[[_Twin, Module], int]]] = {
    Command.VOLTAGE: _Twin._voltage,
    Command.VOLTAGE_FAST: _Twin._voltage,
    Command.CURRENT: _Twin._current,
    Command.CURRENT_FAST: _Twin._current,
    Command.INLET_TEMPERATURE: _Twin._temperature,
    Command.CURRENT_CAPABILITY: _Twin._capability,
    Command.SELECTED_RANGE: _Twin._range,
    Command.STATE: _Twin._state,
}
_WRITES: Final[Mapping[int, Callable[[_Twin, Module, int], int]]] = {
    Command.VOLTAGE_REFERENCE: _Twin._set_voltage,
    Command.CURRENT_LIMIT: _Twin._set_current,
    Command.SWITCH: _Twin._switch,
    Command.SELECT_RANGE: _Twin._select,
}

"""Twin of Infypower modules on a CAN bus, protocol V1.13.

They answer reads and writes that name them. What goes to a group or to all is taken
without an answer, but for the state, which every member tells.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hal.simulation.rack import Bus, Kind, Module, Nameplate, Rack, Sight
from hal.wire import infypower as wire
from hal.wire.frame import Frame
from hal.wire.infypower import Command, Device, Error, Head, State, Status
from hal.wire.signals import flags
from hal.world.outlet import Outlet
from hal.world.site import World

WATCHDOG_S: Final = 10.0
"""So long without a word from a controller, and a module switches itself off."""
_SIZE: Final = 8
_CHOICES: Final = (0, 1)


class InfypowerModules:
    """The modules of one connector."""

    def __init__(
        self,
        world: World,
        outlet: Outlet,
        bus: Bus,
        addresses: Sequence[int],
        *,
        group: int = 0,
        nameplate: Nameplate | None = None,
        acknowledges: bool = True,
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
            acknowledges: Whether they answer writes; not every firmware does.
            watchdog_s: The documented time, but for tests that cannot wait.
        """
        plate = nameplate or Nameplate()
        self.rack = Rack(world, outlet, bus, addresses, plate, watchdog_s)
        self.walk_in = {module.address: True for module in self.rack.modules}
        """Whether each ramps softly; as delivered, it does."""
        self._group = group
        self._acknowledges = acknowledges
        self.rack.listen(self._hear)

    def close(self) -> None:
        """Take them off the bus."""
        self.rack.close()

    def _hear(self, frame: Frame) -> None:
        head = wire.head(frame.identifier)
        if len(frame.data) != _SIZE or head.source not in wire.CONTROLLERS:
            return
        for module in self.rack.modules:
            if self._named(module, head) and self.rack.hears(module):
                self._obey(module, head, frame.data)

    def _named(self, module: Module, head: Head) -> bool:
        if head.device == Device.GROUP:
            return head.destination == self._group
        return head.destination in (module.address, wire.EVERY)

    def _obey(self, module: Module, head: Head, data: bytes) -> None:
        error, reply = Error.COMMAND_INVALID, bytes(_SIZE)
        if (read := _READS.get(head.command)) is not None:
            error, reply = Error.NONE, read(self, module)
        elif (write := _WRITES.get(head.command)) is not None:
            refuses = self.rack.does(module, Kind.REFUSES)
            error = Error.DATA_INVALID if refuses else write(self, module, data)
            reply = data
            if not self._acknowledges:
                return
        one = head.device == Device.MODULE and head.destination == module.address
        if one or head.command == Command.READ_STATE:
            self.rack.say(
                module, lambda address: wire.answer(head, address, reply, error)
            )

    def _output(self, module: Module) -> bytes:
        sight = self.rack.sight(module)
        return wire.pair(max(sight.voltage_v, 0.0), max(sight.current_a, 0.0))

    def _floats(self, module: Module) -> bytes:
        sight = self.rack.sight(module)
        return wire.floats(sight.voltage_v, sight.current_a)

    def _state(self, module: Module) -> bytes:
        sight = self.rack.sight(module)
        state = _state_of(sight)
        if self.walk_in[module.address]:
            state |= State.WALK_IN
        return wire.status(Status(self._group, round(sight.temperature_c), state))

    def _rating(self, _module: Module) -> bytes:
        plate = self.rack.nameplate
        return wire.rating(
            wire.Rating(
                plate.max_voltage_v,
                plate.min_voltage_v,
                plate.max_current_a,
                plate.max_power_w,
            )
        )

    def _bar_code(self, module: Module) -> bytes:
        return wire.bar_code(f"0818{module.number:08d}V0001")

    def _aim(self, module: Module, data: bytes) -> Error:
        taken = self.rack.aim(module, *wire.read_pair(data))
        return Error.NONE if taken else Error.DATA_INVALID

    def _aim_total(self, module: Module, data: bytes) -> Error:
        voltage_v, total_a = wire.read_pair(data)
        share_a = total_a / len(self.rack.modules)
        taken = self.rack.aim(module, voltage_v, share_a)
        return Error.NONE if taken else Error.DATA_INVALID

    def _switch(self, module: Module, data: bytes) -> Error:
        if data[0] not in _CHOICES:
            return Error.DATA_INVALID
        self.rack.switch(module, data == wire.switch(True))
        return Error.NONE

    def _walk_in(self, module: Module, data: bytes) -> Error:
        if data[0] not in _CHOICES:
            return Error.DATA_INVALID
        self.walk_in[module.address] = bool(data[0])
        return Error.NONE


def _state_of(sight: Sight) -> State:
    present = {
        State.OFF: not sight.running,
        State.FAULT: sight.failed and not sight.under_voltage,
        State.PROTECTION: sight.over_temperature or sight.under_voltage,
        State.OVER_TEMPERATURE: sight.over_temperature,
        State.INPUT_UNDER_VOLTAGE: sight.under_voltage,
        State.ADDRESS_REPEATED: sight.address_repeated,
    }
    return flags(State, present)


_Twin = InfypowerModules
_READS: Final[Mapping[int, Callable[[_Twin, Module], bytes]]] = {
    Command.READ_MODULE: _Twin._output,
    Command.READ_MODULE_FLOATS: _Twin._floats,
    Command.READ_STATE: _Twin._state,
    Command.READ_RATING: _Twin._rating,
    Command.READ_BAR_CODE: _Twin._bar_code,
}
_WRITES: Final[Mapping[int, Callable[[_Twin, Module, bytes], Error]]] = {
    Command.AIM_MODULE: _Twin._aim,
    Command.AIM_TOTAL: _Twin._aim_total,
    Command.SWITCH: _Twin._switch,
    Command.WALK_IN: _Twin._walk_in,
}

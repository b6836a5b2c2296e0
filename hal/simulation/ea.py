"""The twin of an Elektro-Automatik supply, by Modbus RTU.

It obeys only while its remote control is switched on, and, as the real one, it goes on
with what it was told when nobody speaks to it any more.
"""

from math import inf
from typing import Final

from hal.simulation.mischief import Mischief
from hal.simulation.modbus_device import answered, disguised, window
from hal.simulation.serial_line import SerialLine
from hal.values import PowerRating, Setpoint
from hal.wire import ea, modbus_slave
from hal.wire.ea import Coil, Mode, Nominal, Present, Register, State
from hal.wire.modbus import Function
from hal.wire.modbus_slave import Refusal, Request
from hal.wire.signals import flags
from hal.world.outlet import Outlet
from hal.world.site import World

NOMINAL: Final = Nominal(1000.0, 80.0, 30_000.0)
_ON: Final = 0xFF00
_STUCK: Final = "module-stuck-on"
_SET: Final = frozenset(
    {Register.SET_VOLTAGE, Register.SET_CURRENT, Register.SET_POWER}
)
_IN_CONTROL_A: Final = 0.5


class EaSupply:
    """One supply that feeds one connector."""

    def __init__(
        self, world: World, outlet: Outlet, unit: int = 0, nominal: Nominal = NOMINAL
    ) -> None:
        self.unit = unit
        self.remote = False
        self.on = False
        self.told = dict.fromkeys(_SET, 0)
        """The set values, as parts of the nominal ones."""
        self._nominal = nominal
        self._world = world
        self._outlet = outlet
        outlet.rectifiers.modules = 1
        outlet.rectifiers.rating = PowerRating(0.0, *nominal)
        world.faults.offer([_STUCK])

    def attach(self, line: SerialLine) -> None:
        """Put the supply on a line."""
        number = self._outlet.number
        mischief = Mischief(self._world, "module", number, disguised)
        line.attach(lambda frame: answered(frame, self.unit, self.obey), mischief)

    def obey(self, request: Request) -> bytes:
        """Answer a read, or do what is written."""
        if request.function == Function.READ_HOLDING:
            blocks: dict[int, bytes] = {
                Register.NOMINAL: ea.nominal_octets(self._nominal),
                Register.PRESENT: ea.present_octets(self._present()),
            }
            return window(blocks, request.address, request.count)
        word = int.from_bytes(request.octets, "big")
        if request.function == Function.WRITE_COIL:
            self._switch(request.address, word == _ON)
        elif request.function == Function.WRITE_REGISTER:
            self._set(request.address, word)
        else:
            raise Refusal(modbus_slave.ILLEGAL_FUNCTION)
        self._apply()
        return b""

    def _switch(self, address: int, on: bool) -> None:
        if address == Coil.REMOTE:
            self.remote = on
        elif address != Coil.OUTPUT:
            raise Refusal(modbus_slave.ILLEGAL_ADDRESS)
        elif not self.remote:
            raise Refusal(modbus_slave.NOT_NOW)
        else:
            stuck = self._world.faults.has(_STUCK, self._outlet.number)
            self.on = on or (self.on and stuck)

    def _set(self, address: int, word: int) -> None:
        if address not in _SET:
            raise Refusal(modbus_slave.ILLEGAL_ADDRESS)
        if not self.remote:
            raise Refusal(modbus_slave.NOT_NOW)
        if word > ea.MOST:
            raise Refusal(modbus_slave.ILLEGAL_VALUE)
        self.told[Register(address)] = word

    def _apply(self) -> None:
        now_s = self._world.catch_up(self._outlet)
        voltage_v = self._share(Register.SET_VOLTAGE) * self._nominal.voltage_v
        current_a = self._share(Register.SET_CURRENT) * self._nominal.current_a
        power_w = self._share(Register.SET_POWER) * self._nominal.power_w
        rectifiers = self._outlet.rectifiers
        if self.on:
            bounded_a = min(current_a, power_w / max(rectifiers.voltage_v, 1.0))
            rectifiers.supply(Setpoint(voltage_v, bounded_a, inf), now_s)
        else:
            rectifiers.cut()
        self._world.change(self._outlet)

    def _share(self, register: Register) -> float:
        return self.told[register] / ea.WHOLE

    def _present(self) -> Present:
        self._world.catch_up(self._outlet)
        rectifiers = self._outlet.rectifiers
        broken = bool(rectifiers.failed) or rectifiers.blocked
        present = {
            State.OUTPUT: self.on and not broken,
            State.REMOTE: self.remote,
            State.ALARM: broken,
        }
        told_a = rectifiers.setpoint.current_a
        limited = self.on and rectifiers.current_a > told_a - _IN_CONTROL_A > 0.0
        return Present(
            ea.state(Mode.CURRENT if limited else Mode.VOLTAGE, flags(State, present)),
            rectifiers.voltage_v / self._nominal.voltage_v,
            rectifiers.current_a / self._nominal.current_a,
            rectifiers.power_w / self._nominal.power_w,
        )

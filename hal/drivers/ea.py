"""Elektro-Automatik PS, PSI and PSB supplies, by Modbus RTU.

Manual: "Programming guide Modbus and SCPI". A laboratory supply: it has no watchdog of
its own that is known here, so it goes on when nobody speaks to it any more. Only the
end of the lease stops it, and that needs a living process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import isfinite
from typing import Final

from hal.errors import BadAnswer, HardwareError, Unconfirmed
from hal.power.lease import Lease
from hal.power.stopping import until_off
from hal.resources import Place
from hal.transport.modbus import ModbusDevice, ModbusSettings, open_device
from hal.transport.rank import Rank
from hal.values import SAFE_TO_OPEN_A, PowerRating, PowerReading, Setpoint
from hal.wire import ea
from hal.wire.ea import Coil, Nominal, Present, Register, State
from hal.wire.modbus import Function

_TRIES: Final = 3
_LARGEST: Final = Nominal(2000.0, 2000.0, 1_000_000.0)
_FULL: Final = 1.1
"""Shares above this are not measured but made up."""


@dataclass(frozen=True, slots=True)
class Config(ModbusSettings):
    """The line that the supply is on."""

    first_unit = 0  # supplies on USB have no address

    unit: int = 0
    """0 on USB; on RS-485 the address that is set at the device."""
    baudrate: int = 115_200
    timeout_s: float = 0.1
    min_voltage_v: float = 1.0
    """Below it the output is switched off."""


class Supply:
    """One supply that feeds one connector; implements ``PowerModule``."""

    def __init__(
        self,
        device: ModbusDevice,
        nominal: Nominal,
        min_voltage_v: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._device = device
        self._nominal = nominal
        self._lease = Lease(monotonic, self._expire)
        self._monotonic = monotonic
        self._orders = 0
        self._wanted = False
        self._running = False
        self._stopping: asyncio.Task[None] | None = None
        self.rating = PowerRating(min_voltage_v, *nominal)

    async def supply(self, setpoint: Setpoint) -> None:
        voltage_v = min(setpoint.voltage_v, self.rating.max_voltage_v)
        if not 0.0 < voltage_v >= self.rating.min_voltage_v:
            await self.switch_off()
            return
        self._orders += 1
        order, self._wanted = self._orders, True
        self._lease.renew(setpoint.valid_for_s)
        if not self._running:
            await self._write(order, Coil.REMOTE, True)
            await self._set(order, Register.SET_POWER, ea.WHOLE)
        volts = ea.share(voltage_v, self._nominal.voltage_v)
        await self._set(order, Register.SET_VOLTAGE, volts)
        amperes = ea.share(setpoint.current_a, self._nominal.current_a)
        await self._set(order, Register.SET_CURRENT, amperes)
        if not self._running:
            await self._write(order, Coil.OUTPUT, True)

    async def shut_off(self) -> None:
        async def stop() -> str:
            await self.switch_off()
            present, _ = await self._look()
            return self._runs(present)

        await until_off(stop, self._device.where, self._monotonic)

    async def read(self) -> PowerReading:
        present, at_s = await self._look()
        if self._running and not self._wanted:
            await self.switch_off()
        alarm = bool(present.state & State.ALARM)
        return PowerReading(
            at_s=at_s,
            voltage_v=present.voltage * self._nominal.voltage_v,
            current_a=present.current * self._nominal.current_a,
            temperature_c=None,
            failed_modules=(1,) if alarm else (),
        )

    async def switch_off(self) -> None:
        """Switch the output off; return once the device has confirmed it."""
        self._orders += 1
        self._wanted = self._running = False
        self._lease.end()
        # As urgent as what was told before, so that it comes after that.
        try:
            await self._device.write_coil(Coil.OUTPUT, False, Rank.SAFETY)
        except BadAnswer:
            # Somebody works at its front panel; it obeys whoever takes it over.
            await self._device.write_coil(Coil.REMOTE, True, Rank.SAFETY)
            await self._device.write_coil(Coil.OUTPUT, False, Rank.SAFETY)

    def _expire(self) -> None:
        self._stopping = asyncio.ensure_future(self._stop())

    async def _stop(self) -> None:
        # What the line does not take now, ``read`` does over.
        with suppress(HardwareError):
            await self.switch_off()

    async def _look(self) -> tuple[Present, float]:
        octets, at_s = await self._device.read(
            Function.READ_HOLDING, Register.PRESENT, ea.PRESENT_COUNT
        )
        present = ea.present(octets)
        if max(present.voltage, present.current) > _FULL:
            raise BadAnswer(
                f"{self._device.where}: {present.voltage:.0%} of its voltage and "
                f"{present.current:.0%} of its current cannot be; check its model"
            )
        self._running = bool(present.state & State.OUTPUT)
        return present, at_s

    def _runs(self, present: Present) -> str:
        current_a = present.current * self._nominal.current_a
        if current_a >= SAFE_TO_OPEN_A:
            return f"still {current_a:.0f} A"
        return "its output stays on" if present.state & State.OUTPUT else ""

    async def _write(self, order: int, coil: Coil, on: bool) -> None:
        self._check(order)
        await self._device.write_coil(coil, on, Rank.SAFETY)

    async def _set(self, order: int, register: Register, word: int) -> None:
        self._check(order)
        await self._device.write_register(register, word, Rank.SAFETY)

    def _check(self, order: int) -> None:
        """Give up what somebody has told otherwise meanwhile."""
        if order != self._orders:
            raise Unconfirmed(
                f"{self._device.where}: the set-point was overtaken by another one"
            )


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Supply]:
    """Open the supply; it is switched off before and after.

    Raises:
        HardwareError: The port cannot be opened, or the supply does not say what it is.
    """
    device = await open_device(config, place)
    octets, _ = await device.read(
        Function.READ_HOLDING, Register.NOMINAL, ea.NOMINAL_COUNT
    )
    nominal = ea.nominal(octets)
    _check_nominal(nominal, config.min_voltage_v, device.where)
    supply = Supply(device, nominal, config.min_voltage_v, place.resources.monotonic)
    try:
        await supply.switch_off()
        yield supply
    finally:
        await _leave(supply)


async def _leave(supply: Supply) -> None:
    for _ in range(_TRIES):
        with suppress(HardwareError):
            await supply.switch_off()
            return


def _check_nominal(nominal: Nominal, min_voltage_v: float, where: str) -> None:
    lowest = Nominal(min_voltage_v, SAFE_TO_OPEN_A, 1.0)
    for low, value, high in zip(lowest, nominal, _LARGEST, strict=True):
        if not (isfinite(value) and low < value <= high):
            raise BadAnswer(
                f"{where}: nominal values of {', '.join(f'{x:g}' for x in nominal)} "
                "cannot be; check its model"
            )

"""Bender isoCHA425HV, an insulation monitor for DC charging, by Modbus RTU.

Manual: "isoCHA425HV with AGH420/421", register tables. The factory setting of the
line is 9600 8E1 or 19200 8E1, by edition, and unit 3.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Final

from hal.errors import BadAnswer, NoAnswer, Unconfirmed
from hal.resources import Place
from hal.transport.modbus import ModbusDevice, ModbusSettings, open_device
from hal.transport.rank import Rank
from hal.values import IsolationReading, Quality
from hal.wire import isocha
from hal.wire.isocha import Measurement, Register, Trial, Validity
from hal.wire.modbus import Function

_SELF_TEST_WITHIN_S: Final = 30.0
_SELF_TEST_BEGINS_WITHIN_S: Final = 3.0
_SILENT_IN_TEST_S: Final = 1.0
_GLANCE_S: Final = 0.2
_TRUSTED: Final = frozenset({Trial.NONE, Trial.INTERNAL})
"""Under a test on command the value is that of the test resistor."""
_BETWEEN_WRITES_S: Final = 0.025
"""The device wants at least 20 ms."""


@dataclass(frozen=True, slots=True)
class Config(ModbusSettings):
    """The line, and what shall stand in the device's own configuration."""

    unit: int = 3
    parity: str = "even"
    settings: tuple[str, ...] = ()
    """Such as "alarm_kohm = 100": compared before the first measurement and after
    each silence of the device, and written only where they differ."""

    def __post_init__(self) -> None:
        """Refuse what the device would."""
        ModbusSettings.__post_init__(self)
        wanted = {name: value for name, value in map(_setting, self.settings)}
        alarm, prealarm = wanted.get("alarm_kohm"), wanted.get("prealarm_kohm")
        if alarm is not None and prealarm is not None and alarm >= prealarm:
            raise ValueError(
                f"settings: alarm_kohm = {alarm} is not below prealarm_kohm = "
                f"{prealarm}; write a lower one"
            )


class IsolationMonitor:
    """One monitor. It measures all the time, and answers with its last result."""

    def __init__(
        self, device: ModbusDevice, config: Config, monotonic: Callable[[], float]
    ) -> None:
        self._device = device
        self._where = device.where
        self._monotonic = monotonic
        self._wanted = tuple(_setting(text) for text in config.settings)
        self._settled = not self._wanted

    async def read(self) -> IsolationReading:
        if not self._settled:
            await self._settle()
        measurement, at_s = await self._measure()
        resistance_ohm = _resistance_ohm(self._where, measurement)
        trusted = measurement.trial in _TRUSTED
        return IsolationReading(
            at_s=at_s,
            quality=Quality.GOOD if trusted else Quality.DOUBTFUL,
            resistance_ohm=resistance_ohm,
        )

    async def self_test(self) -> None:
        began_s = self._monotonic()
        if (await self._measure())[0].trial is not Trial.EXTERNAL:
            await self._device.write(
                Register.SELF_TEST, (isocha.TEST_WORD,), Rank.SAFETY
            )
        seen_s, running = self._monotonic(), False
        while self._monotonic() < began_s + _SELF_TEST_WITHIN_S:
            await asyncio.sleep(_GLANCE_S)
            try:
                measurement, seen_s = await self._measure()
            except NoAnswer:
                if self._monotonic() > seen_s + _SILENT_IN_TEST_S:
                    raise
                continue
            if measurement.trial is Trial.EXTERNAL:
                running = True
            elif self._judge(measurement, running, began_s):
                return
        raise Unconfirmed(
            f"{self._where}: the self-test has not ended in "
            f"{_SELF_TEST_WITHIN_S:.0f} s; switch the monitor off and on"
        )

    def _judge(self, measurement: Measurement, ran: bool, began_s: float) -> bool:
        """Return whether the self-test, which does not run now, has passed."""
        if measurement.failed:
            raise Unconfirmed(
                f"{self._where}: the self-test has failed; "
                "check the wires to mains and earth, else replace the monitor"
            )
        if not ran and self._monotonic() > began_s + _SELF_TEST_BEGINS_WITHIN_S:
            raise Unconfirmed(
                f"{self._where}: the self-test has not begun; check the model"
            )
        return ran

    async def _measure(self) -> tuple[Measurement, float]:
        try:
            octets, at_s = await self._device.read(
                Function.READ_HOLDING,
                Register.RESISTANCE,
                isocha.REGISTERS,
                Rank.SAFETY,
            )
        except NoAnswer:
            # It may be another monitor that answers next.
            self._settled = not self._wanted
            raise
        return isocha.decode(octets), at_s

    async def _settle(self) -> None:
        for name, wanted in self._wanted:
            register = isocha.SETTINGS[name].register
            if await self._holds(register) == wanted:
                continue
            await self._device.write(register, (wanted,))
            await asyncio.sleep(_BETWEEN_WRITES_S)
            if (held := await self._holds(register)) != wanted:
                raise BadAnswer(
                    f"{self._where}: {name} stays at {held}, not at {wanted}; "
                    "leave it out of the settings, or set it at the device"
                )
        self._settled = True

    async def _holds(self, register: int) -> int:
        octets, _ = await self._device.read(Function.READ_HOLDING, register, 1)
        return int.from_bytes(octets, "big")


def _resistance_ohm(where: str, measurement: Measurement) -> float:
    if measurement.failed:
        raise BadAnswer(
            f"{where}: reports that it is out of order; "
            "read the error on its display, then replace it"
        )
    if (
        measurement.unit != isocha.OHM
        or measurement.channel not in isocha.RESISTANCE_CHANNELS
    ):
        raise BadAnswer(
            f"{where}: channel {measurement.channel} in unit {measurement.unit} is no "
            "insulation resistance; check the model"
        )
    valid = measurement.validity is not Validity.INVALID
    if not valid or not isfinite(measurement.value) or measurement.value < 0:
        raise BadAnswer(
            f"{where}: has no valid measurement ({measurement.value:g} ohm); "
            "check that it is enabled and coupled to the output"
        )
    # A bound from above proves no insulation at all.
    smaller = measurement.validity is Validity.TRUE_IS_SMALLER
    return 0.0 if smaller else measurement.value


def _setting(text: str) -> tuple[str, int]:
    name, _, number = (part.strip() for part in text.partition("="))
    if name not in isocha.SETTINGS:
        known = ", ".join(isocha.SETTINGS)
        raise ValueError(f"settings: {text!r} is unknown; known: {known}")
    allowed = isocha.SETTINGS[name].allowed
    if not number.isdecimal() or int(number) not in allowed:
        step = f" in steps of {allowed.step}" if allowed.step > 1 else ""
        raise ValueError(
            f'settings: {text!r} cannot be; write "{name} = N" with N from '
            f"{allowed[0]} to {allowed[-1]}{step}"
        )
    return name, int(number)


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[IsolationMonitor]:
    """Open the line.

    Raises:
        HardwareError: The port cannot be opened, or is open with other settings.
    """
    device = await open_device(config, place)
    yield IsolationMonitor(device, config, place.resources.monotonic)

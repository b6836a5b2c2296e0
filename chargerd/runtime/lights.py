"""Shows drivers how their connector is."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from chargerd.core.effects import Effect, Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.ocpp16.status import Report, signal
from hal.errors import HardwareError
from hal.interfaces import Light
from hal.values import Signal

REFUSED_S: Final = 2.0
"""How long a light shows that a card was refused."""


class Lights:
    """The status lights of all connectors."""

    def __init__(self, lights: Mapping[int, Light]) -> None:
        self._lights = lights
        self._signals: dict[int, Signal] = {}
        self._refused: set[int] = set()
        self._wake = asyncio.Event()

    def update(self, reports: Iterable[Report], told: Iterable[Effect]) -> None:
        """Take what is true of each connector, and what has just been refused."""
        signals = {r.connector: signal(r.status) for r in reports if r.connector}
        refused = {
            effect.connector
            for effect in told
            if isinstance(effect, Refused) and effect.asked == "token"
        }
        if signals != self._signals or refused:
            self._signals = signals
            self._refused |= refused
            self._wake.set()

    async def run(self) -> None:
        """Follow, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._refused:
                everywhere = WHOLE_STATION in self._refused
                shown = self._signals if everywhere else self._refused
                await self._show(dict.fromkeys(shown, Signal.REFUSED))
                self._refused.clear()
                await asyncio.sleep(REFUSED_S)
            await self._show(self._signals)

    async def _show(self, signals: Mapping[int, Signal]) -> None:
        for number, shown in signals.items():
            light = self._lights.get(number)
            if light is not None:
                # A dark light stops nobody.
                with suppress(HardwareError):
                    await light.show(shown)

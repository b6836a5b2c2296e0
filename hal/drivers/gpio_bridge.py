"""Contactor between the DC buses of two connectors, on GPIO lines."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.parts.contacts import Contacts, Wiring, open_contacts
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.values import BridgeReading


@dataclass(frozen=True, slots=True)
class Config(Wiring):
    """Lines by number or name; ``!`` before one that is on while it is low."""


class Bridge:
    """One bridge."""

    def __init__(self, contacts: Contacts, monotonic: Callable[[], float]) -> None:
        self._contacts = contacts
        self._monotonic = monotonic

    async def close(self) -> None:
        await self._contacts.close()

    async def open(self) -> None:
        await self._contacts.open()

    async def read(self) -> BridgeReading:
        position = self._contacts.position()
        return BridgeReading(at_s=self._monotonic(), position=position)


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Bridge]:
    """Take the lines; the coils are off before and after the block."""
    chip = await open_chip(config.chip, place)
    where = "bridge"
    async with open_contacts(where, chip, config) as contacts:
        yield Bridge(contacts, place.resources.monotonic)

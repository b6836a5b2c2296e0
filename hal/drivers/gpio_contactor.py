"""Pair of DC contactors on GPIO lines, with mirror contacts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hal.parts.contacts import Contacts, Wiring, open_contacts
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.values import ContactorReading


@dataclass(frozen=True, slots=True)
class Config(Wiring):
    """Lines by number or name; ``!`` before one that is on while it is low."""


class Contactor:
    """The pair of one connector."""

    def __init__(self, contacts: Contacts, monotonic: Callable[[], float]) -> None:
        self._contacts = contacts
        self._monotonic = monotonic

    async def close(self) -> None:
        await self._contacts.close()

    async def open(self) -> None:
        await self._contacts.open()

    async def read(self) -> ContactorReading:
        position = self._contacts.position()
        return ContactorReading(at_s=self._monotonic(), position=position)


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Contactor]:
    """Take the lines; the coils are off before and after the block."""
    chip = await open_chip(config.chip, place)
    where = f"connector {place.connector} contactor"
    async with open_contacts(where, chip, config) as contacts:
        yield Contactor(contacts, place.resources.monotonic)

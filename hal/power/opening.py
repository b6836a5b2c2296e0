"""Connects to a rack, and leaves it switched off."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from statistics import fmean
from typing import Final

from hal.errors import HardwareError, NoAnswer
from hal.power.crew import Crew
from hal.power.dialogue import Dialogue
from hal.power.family import Family, Quantity, Request
from hal.power.module import Module
from hal.power.rack import Rack
from hal.power.settings import RackConfig
from hal.resources import Place
from hal.transport.bus import Bus
from hal.transport.can import open_bus
from hal.values import PowerRating
from hal.wire.frame import Frame

_TRIES: Final = 3
"""How often a module is asked before it counts as lost, and told before we leave."""
_FIND_S: Final = 0.3
_NAMEPLATE: Final[Mapping[str, Quantity]] = {
    "min_voltage_v": Quantity.MIN_VOLTAGE_V,
    "max_voltage_v": Quantity.MAX_VOLTAGE_V,
    "max_current_a": Quantity.MAX_CURRENT_A,
    "max_power_w": Quantity.MAX_POWER_W,
}


@asynccontextmanager
async def open_rack(
    config: RackConfig, family: Family, place: Place
) -> AsyncIterator[Rack]:
    """Find the modules, switch them off and read their nameplates.

    A module that is silent is taken to be like the others.

    Raises:
        HardwareError: The bus cannot be opened, or no module says what it can do.
    """
    bus = await open_bus(config.bus, place)
    where = f"connector {place.connector} power module"
    monotonic = place.resources.monotonic
    addresses = config.modules or await _found(bus, family, where)
    dialogue = Dialogue(bus, family, monotonic, config.answer_within_s)
    for number, address in enumerate(addresses, 1):
        dialogue.modules[address] = Module(number, address, monotonic())
    with bus.listen(family.identifier, family.mask, dialogue.hear):
        crew = Crew(tuple(dialogue.modules.values()), config.watchdog_s)
        rack = Rack(dialogue, family, crew, where, monotonic)
        try:
            await _begin(rack, dialogue, family)
            rack.rating = _rating(crew.modules, config, where)
            yield rack
        finally:
            await _leave(rack)


async def _found(bus: Bus, family: Family, where: str) -> Sequence[int]:
    request = family.find()
    assert request is not None  # the settings name modules or a group
    found: set[int] = set()

    def take(frame: Frame) -> None:
        said = family.hear(frame)
        if said is not None and said.code == request.code:
            found.add(said.address)

    with bus.listen(family.identifier, family.mask, take):
        bus.send(request.frame)
        await asyncio.sleep(_FIND_S)
    if not found:
        raise NoAnswer(
            f"{where}: nobody answers in the group; check the mains of the modules and "
            "their group, or name their addresses in modules"
        )
    return sorted(found)


async def _begin(rack: Rack, dialogue: Dialogue, family: Family) -> None:
    every = frozenset(dialogue.modules)
    requests: list[Request] = []
    for address in every:
        requests += (*family.prepare(address), *family.ratings(address))
    rack.stop()
    for _ in range(_TRIES):
        # What a module cannot do, or does not say of itself, is not asked again.
        await dialogue.ask(requests, every)
        if await rack.look():
            return


async def _leave(rack: Rack) -> None:
    for _ in range(_TRIES):
        try:
            await rack.switch_off()
        except HardwareError:
            continue
        return


def _rating(modules: Sequence[Module], config: RackConfig, where: str) -> PowerRating:
    known: dict[Quantity, list[float]] = {}
    for field, quantity in _NAMEPLATE.items():
        told = getattr(config, field)
        for module in modules:
            if told is not None:
                module.values[quantity] = told
        values = [m.values[quantity] for m in modules if quantity in m.values]
        if not values:
            raise NoAnswer(
                f"{where}: no module says its {field}; check mains, bus and addresses, "
                "or write in the station file what one module can do"
            )
        known[quantity] = values
    return PowerRating(
        max(known[Quantity.MIN_VOLTAGE_V]),
        min(known[Quantity.MAX_VOLTAGE_V]),
        fmean(known[Quantity.MAX_CURRENT_A]) * len(modules),
        fmean(known[Quantity.MAX_POWER_W]) * len(modules),
        len(modules),
    )

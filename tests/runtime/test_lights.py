"""The lights follow the status, and show a refusal for a moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chargerd.core.effects import Effect, Refused
from chargerd.core.reasons import Why
from chargerd.ocpp16.status import Report
from chargerd.runtime.lights import REFUSED_S, Lights
from hal.errors import NoAnswer
from hal.values import Signal
from tests.hal.virtual_time import instantly


class Lamp:
    """A light that remembers what it has shown."""

    def __init__(self) -> None:
        self.shown: list[Signal] = []
        self.dark = False

    async def show(self, signal: Signal) -> None:
        if self.dark:
            raise NoAnswer("dark")
        self.shown.append(signal)


def reports(*words: str) -> list[Report]:
    return [Report(n, word, "NoError") for n, word in enumerate(words)]


@asynccontextmanager
async def running(lamps: dict[int, Lamp]) -> AsyncIterator[Lights]:
    lights = Lights(dict(lamps.items()))
    task = asyncio.create_task(lights.run())
    yield lights
    task.cancel()
    await asyncio.wait({task})


@instantly
async def test_each_light_shows_the_status_of_its_connector() -> None:
    lamps = {1: Lamp(), 2: Lamp()}
    async with running(lamps) as lights:
        lights.update(reports("Available", "Available", "Charging"), ())
        await asyncio.sleep(0.01)
        lights.update(reports("Available", "Available", "Charging"), ())
        await asyncio.sleep(0.01)
        assert lamps[1].shown == [Signal.FREE]
        assert lamps[2].shown == [Signal.CHARGING]


@instantly
async def test_a_refused_card_is_shown_for_a_moment_where_it_was_held() -> None:
    for connector, touched in ((0, (1, 2)), (1, (1,))):
        lamps = {1: Lamp(), 2: Lamp()}
        refused: list[Effect] = [Refused(connector, "token", Why.TAG_BLOCKED, "")]
        async with running(lamps) as lights:
            lights.update(reports("Available", "Available", "Charging"), ())
            await asyncio.sleep(0.01)
            lights.update(reports("Available", "Available", "Charging"), refused)
            await asyncio.sleep(REFUSED_S - 0.01)
            for number, lamp in lamps.items():
                assert (lamp.shown[-1] is Signal.REFUSED) is (number in touched)
            await asyncio.sleep(0.1)
            assert lamps[1].shown[-1] is Signal.FREE
            assert lamps[2].shown[-1] is Signal.CHARGING


@instantly
async def test_a_refusal_that_no_driver_asked_for_is_not_shown() -> None:
    lamp = Lamp()
    remote: list[Effect] = [Refused(1, "RemoteStartTransaction", Why.TAG_BLOCKED, "")]
    async with running({1: lamp}) as lights:
        lights.update(reports("Available", "Available"), remote)
        await asyncio.sleep(5)
        assert lamp.shown == [Signal.FREE]


@instantly
async def test_a_dark_light_keeps_no_other_from_shining() -> None:
    lamps = {1: Lamp(), 2: Lamp()}
    lamps[1].dark = True
    async with running(lamps) as lights:
        lights.update(reports("Available", "Available", "Faulted"), ())
        await asyncio.sleep(0.01)
        assert lamps[2].shown == [Signal.FAULT]

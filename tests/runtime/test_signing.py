"""A meter's own transaction follows the level, however slow or broken the meter is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from chargerd.core.events import CommandFailed, Event, MeterClosed, MeterOpened
from chargerd.core.sealing import Sealing
from chargerd.runtime.signing import RETRY_S, WITHIN_S, Notary
from hal.interfaces import SigningMeter
from hal.mock import meter
from hal.resources import Place
from tests.hal.bench_station import Station, station
from tests.hal.virtual_time import instantly

ONE = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"
OPEN, CLOSED = Sealing(ONE, "04A224B2", open=True), Sealing(ONE, "", open=False)


@dataclass
class Desk:
    """A notary at work, and what it has reported."""

    station: Station
    notary: Notary
    told: list[Event] = field(default_factory=list)

    async def waits(self, seconds: float = 0.1) -> list[Event]:
        """Return what is reported meanwhile."""
        self.told.clear()
        await asyncio.sleep(seconds)
        return list(self.told)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    async with station() as one:
        config = meter.Config(signing=True)
        async with meter.connect(config, Place(1, one.resources)) as device:
            assert isinstance(device, SigningMeter)
            told: list[Event] = []
            made = Desk(one, Notary(1, device, told.append), told)
            task = asyncio.create_task(made.notary.run())
            try:
                yield made
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


@instantly
async def test_each_level_is_made_once() -> None:
    async with desk() as one:
        assert await one.waits(60) == []
        one.notary.aim(OPEN)
        one.notary.aim(OPEN)
        assert await one.waits(60) == [MeterOpened(1, ONE)]
        one.notary.aim(None)
        one.notary.aim(OPEN)
        assert await one.waits(60) == []
        one.notary.aim(CLOSED)
        (closed,) = await one.waits(60)
        assert isinstance(closed, MeterClosed)
        assert closed.record is not None
        assert ONE.encode() in closed.record


@instantly
async def test_what_is_open_from_before_a_restart_is_closed() -> None:
    async with desk() as one:
        outlet = one.station.world.outlet(1)
        outlet.notary.begin(ONE, "A", 100)
        one.notary.aim(CLOSED)
        (closed,) = await one.waits()
        assert isinstance(closed, MeterClosed)
        assert closed.record is not None


@instantly
async def test_a_meter_that_knows_of_nothing_says_so() -> None:
    async with desk() as one:
        one.notary.aim(Sealing(OTHER, "", open=False))
        assert await one.waits() == [MeterClosed(1, OTHER, None)]


@pytest.mark.parametrize("fault", ["meter-unsigned", "meter-silent"])
@instantly
async def test_a_meter_that_fails_is_told_again_until_it_does_it(fault: str) -> None:
    async with desk() as one:
        one.station.simulation.set_fault(fault, True)
        one.notary.aim(OPEN)
        failed = await one.waits(2.5 * RETRY_S)
        assert len(failed) >= 2
        assert all(isinstance(each, CommandFailed) for each in failed)
        one.station.simulation.set_fault(fault, False)
        assert await one.waits(2 * RETRY_S) == [MeterOpened(1, ONE)]


@instantly
async def test_what_is_wanted_no_more_is_not_tried_again() -> None:
    async with desk() as one:
        one.station.simulation.set_fault("meter-unsigned", True)
        one.notary.aim(OPEN)
        await one.waits()
        one.notary.aim(None)
        one.station.simulation.set_fault("meter-unsigned", False)
        assert await one.waits(60) == []


class Hanging:
    """A driver that never comes back, against all promises."""

    async def begin(self, transaction: str, identification: str) -> bytes | None:
        await asyncio.Event().wait()
        return None

    async def end(self, transaction: str) -> bytes | None:
        return None

    async def read(self) -> None:
        return None


@instantly
async def test_a_driver_that_hangs_is_given_up() -> None:
    told: list[Event] = []
    notary = Notary(1, Hanging(), told.append)  # type: ignore[arg-type]
    task = asyncio.create_task(notary.run())
    notary.aim(OPEN)
    await asyncio.sleep(WITHIN_S + 0.1)
    assert told == [CommandFailed(1, "meter", "no answer within 3 s")]
    task.cancel()
    await asyncio.wait({task})

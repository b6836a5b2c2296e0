"""The mock meter that signs transactions of its own."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hal.conformance import kinds
from hal.conformance.subject import Breach, Subject
from hal.errors import NoAnswer, Unconfirmed
from hal.interfaces import SigningMeter
from hal.mock import meter
from hal.mock.simulation import Config
from hal.resources import Place
from tests.hal.bench_station import Station, station
from tests.hal.test_conformance import driver
from tests.hal.virtual_time import instantly

ONE = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"


@asynccontextmanager
async def signing(one: Station, serial: str = "") -> AsyncIterator[SigningMeter]:
    config = meter.Config(serial=serial, signing=True)
    async with meter.connect(config, Place(1, one.resources)) as device:
        assert isinstance(device, SigningMeter)
        yield device


@instantly
async def test_a_plain_meter_signs_nothing() -> None:
    async with station() as one:
        assert not isinstance(one.meter, SigningMeter)
        assert (await one.meter.read()).serial is None


@instantly
async def test_a_record_says_who_paid_from_where_to_where() -> None:
    async with station() as one, signing(one, "M-17") as device:
        one.simulation.set_register(1, 5_000)
        assert await device.begin(ONE, "04A224B2") is None
        one.simulation.set_register(1, 7_500)
        record = await device.end(ONE)

        assert record is not None
        form, text, _signature = record.decode().split("|")
        content = json.loads(text)
        assert form == "OCMF"
        assert (content["ID"], content["TT"], content["MS"]) == (
            "04A224B2",
            ONE,
            "M-17",
        )
        readings = [(each["TX"], each["RV"], each["RU"]) for each in content["RD"]]
        assert readings == [("B", 5_000, "Wh"), ("E", 7_500, "Wh")]
        assert (await device.read()).serial == "M-17"


@instantly
async def test_a_record_stays_what_it_was_until_the_next_transaction() -> None:
    async with station() as one, signing(one) as device:
        await device.begin(ONE, "A")
        first = await device.end(ONE)
        one.simulation.set_register(1, 99_000_000)
        await device.begin(ONE, "B")

        assert await device.end(ONE) == first
        assert await device.end(OTHER) is None
        await device.begin(OTHER, "B")
        assert await device.end(ONE) is None


@instantly
async def test_a_transaction_outlives_the_process(tmp_path: Path) -> None:
    config = Config(state=str(tmp_path / "world"))
    async with station(config) as one, signing(one) as device:
        await device.begin(ONE, "A")
    async with station(config) as one, signing(one) as device:
        assert await device.end(ONE) is not None


@pytest.mark.parametrize(
    ("fault", "error"), [("meter-unsigned", Unconfirmed), ("meter-silent", NoAnswer)]
)
@instantly
async def test_a_broken_meter_signs_nothing(fault: str, error: type[Exception]) -> None:
    async with station() as one, signing(one) as device:
        one.simulation.set_fault(fault, True)
        with pytest.raises(error):
            await device.begin(ONE, "A")
        with pytest.raises(error):
            await device.end(ONE)


class Forgetful(meter.SigningMeter):
    """A meter that gives each record only once."""

    async def end(self, transaction: str) -> bytes | None:
        record = await super().end(transaction)
        self._outlet.notary.deal = None
        return record


@instantly
async def test_the_conformance_kit_wants_the_record_again() -> None:
    async with station() as one:
        place = Place(1, one.resources)
        sound = Subject("meter", meter, meter.Config(signing=True), place)
        await kinds.meter_signs(sound)
        forgetful = driver(Forgetful(one.world, one.world.outlet(1), None))
        with pytest.raises(Breach, match="the same record again"):
            await kinds.meter_signs(Subject("meter", forgetful, None, place))

"""The LEM DCBM over a real connection: readings, transactions, its clock, nonsense."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers import lem_dcbm
from hal.drivers.lem_dcbm import Config
from hal.errors import BadAnswer, HardwareError, NoAnswer, Unconfirmed
from hal.interfaces import SigningMeter
from hal.simulation.http_server import HttpServer, Request, Response
from hal.simulation.lem_dcbm import LemDcbm
from hal.simulation.mischief import Mischief
from hal.values import MeterReading
from hal.world.site import World
from tests.hal.lines import CONNECTOR, connected, outcome

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE = "00000000-0000-4000-8000-000000000001"
TWO = "00000000-0000-4000-8000-000000000002"
STATUS = json.dumps(
    {
        "meterId": "12024072805",
        "status": {"bits": {"transactionIsOnGoing": False}},
        "version": {"applicationFirmwareVersion": "0.1.7"},
    }
).encode()
LIVE = (
    b'{"voltage":4.2,"current":4,"power":3,"temperatureH":0,"temperatureL":0,'
    b'"energyImportTotal":1,"energyExportTotal":2,'
    b'"timestamp":"2023-09-10T21:10:08.068773"}'
)


@asynccontextmanager
async def meter(
    utc: Callable[[], datetime] | None = None,
    config: dict[str, Any] | None = None,
    clock: datetime | None = NOON,
    **parts: Any,
) -> AsyncIterator[tuple[Any, LemDcbm, World]]:
    """Yield the driver, the twin that it reaches, and their world."""
    world = World(asyncio.get_running_loop().time)
    twin = LemDcbm(
        world, CONNECTOR, utc=clock, **{"shortest_s": 0.0, "settles_s": 0.0, **parts}
    )
    chosen = {"timeout_s": 1.0, **(config or {})}
    settings_ = Config("127.0.0.1", await twin.start(), **chosen)
    try:
        async with connected(lem_dcbm, settings_, utc) as device:
            yield device, twin, world
    finally:
        await twin.server.stop()


@pytest.mark.parametrize("version", ["0.1.7", "0.2.1"])
async def test_the_meter_is_read_whatever_its_firmware(version: str) -> None:
    async with meter(version=version) as (device, twin, world):
        outlet = world.outlet(CONNECTOR)
        outlet.register.energy_wh = 5000.0
        outlet.register.forced_w = 40_000.0
        reading = await device.read()
        assert reading.power_w == 40_000.0
        assert (reading.voltage_v, reading.current_a) == (400.0, 100.0)
        assert reading.energy_wh in (5000, 5001)
        assert reading.energy_export_wh == 0
        assert reading.serial == twin.meter
        assert reading.signed is None
        await device.read()
        assert twin.server.connections == 1


async def test_a_transaction_is_opened_closed_and_its_record_passed_on() -> None:
    async with meter() as (device, twin, _):
        assert isinstance(device, SigningMeter)
        assert await device.begin(ONE, "04A1B2C3") is None
        assert await device.begin(ONE, "04A1B2C3") is None
        record = await device.end(ONE)
        kept = twin.answer(Request("GET", "/v1/ocmf", {"transactionId": ONE}, b""))
        assert record == kept.body
        assert await device.end(ONE) == record
        assert await device.end(TWO) is None


async def test_the_transaction_of_somebody_else_is_closed_first() -> None:
    async with meter() as (device, _, _world):
        await device.begin(ONE, "04A1B2C3")
        await device.begin(TWO, "DEADBEEF")
        record = await device.end(ONE)
        assert record is not None
        assert b'"ID":"04A1B2C3"' in record
        assert b'"ID":"DEADBEEF"' in await device.end(TWO)


async def test_a_transaction_that_is_too_short_is_closed_later() -> None:
    async with meter(shortest_s=0.3) as (device, _, _world):
        await device.begin(ONE, "04A1B2C3")
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(Unconfirmed, match="closes no transaction before two min"):
            await device.end(ONE)
        while asyncio.get_running_loop().time() < began_s + 0.3:
            await asyncio.sleep(0.01)
        assert await device.end(ONE) is not None


async def test_a_meter_without_the_time_opens_nothing_and_says_why() -> None:
    async with meter(clock=None) as (device, _, _world):
        with pytest.raises(Unconfirmed, match="not synchronized.*48 hours"):
            await device.begin(ONE, "04A1B2C3")


async def test_the_clock_and_the_kind_of_id_tags_are_set_by_the_way() -> None:
    parts = {"identification": "ISO14443", "evse": "DE*ABC*E1"}
    async with meter(lambda: NOON, parts, None) as (device, twin, _):
        with pytest.raises(Unconfirmed):
            await device.begin(ONE, "04A1B2C3")
        await device.read()
        assert twin.identification == 3
        await device.begin(ONE, "04A1B2C3")
        record = await device.end(ONE)
        assert b'"TM":"2026-11-21T12:00:00' in record
        assert b'"CI":"DE*ABC*E1"' in record


async def test_nothing_is_set_in_a_transaction() -> None:
    async with meter(lambda: NOON, {"identification": "EMAID"}) as (device, twin, _):
        await device.begin(ONE, "04A1B2C3")
        await device.read()
        assert twin.identification == 0
        assert await device.end(ONE) is not None


async def test_a_meter_that_takes_no_settings_yet_is_read_all_the_same() -> None:
    async with meter(lambda: NOON, clock=None, settles_s=100.0) as (device, _, _world):
        assert (await device.read()).serial
        with pytest.raises(Unconfirmed):
            await device.begin(ONE, "04A1B2C3")


MISCHIEF = [
    ("silent", NoAnswer),
    ("late", NoAnswer),
    ("garbled", BadAnswer),
    ("cut", HardwareError),
]


@pytest.mark.parametrize(("kind", "error"), MISCHIEF)
async def test_mischief_is_seen_through_and_passes(
    kind: str, error: type[HardwareError]
) -> None:
    async with meter(config={"timeout_s": 0.3}) as (device, _, world):
        sound = await device.read()
        world.faults.put(f"meter-{kind}", True, CONNECTOR)
        with pytest.raises(error):
            await device.read()
        with pytest.raises(HardwareError):
            await device.begin(ONE, "04A1B2C3")
        world.faults.put(f"meter-{kind}", False, CONNECTOR)
        assert (await device.read()).energy_wh == sound.energy_wh


async def test_a_doubled_answer_is_one_answer() -> None:
    async with meter() as (device, _, world):
        world.faults.put("meter-doubled", True, CONNECTOR)
        await device.begin(ONE, "04A1B2C3")
        first = await device.read()
        assert (await device.read()).energy_wh == first.energy_wh
        assert await device.end(ONE) is not None


async def test_a_meter_that_was_switched_off_and_on_is_known_again() -> None:
    async with meter() as (device, twin, _):
        await device.begin(ONE, "04A1B2C3")
        await device.read()
        await twin.server.hang_up()
        assert await device.end(ONE) is not None


async def test_a_meter_that_cannot_sign_is_unconfirmed() -> None:
    async with meter() as (device, _, world):
        await device.begin(ONE, "04A1B2C3")
        world.faults.put("meter-unsigned", True, CONNECTOR)
        with pytest.raises(Unconfirmed, match="gives no record .500, .*signature"):
            await device.end(ONE)


async def test_a_silent_meter_is_unconfirmed_within_two_seconds() -> None:
    async with meter(config={"timeout_s": 0.3}) as (device, _, world):
        world.faults.put("meter-silent", True, CONNECTOR)
        with pytest.raises(Unconfirmed, match="has not opened the transaction"):
            await device.begin(ONE, "04A1B2C3")
        with pytest.raises(Unconfirmed, match="has not closed and signed"):
            await device.end(ONE)


@asynccontextmanager
async def telling(
    bodies: dict[str, Response], utc: Callable[[], datetime] | None = None
) -> AsyncIterator[Any]:
    """Yield the driver of a meter that answers each path as told."""
    world = World(asyncio.get_running_loop().time)
    server = HttpServer(
        lambda request: bodies.get(request.path, Response(404, b"")),
        Mischief(world, "meter", CONNECTOR),
    )
    config = Config("127.0.0.1", await server.start(), timeout_s=1.0)
    try:
        async with connected(lem_dcbm, config, utc) as device:
            yield device
    finally:
        await server.stop()


async def test_the_samples_of_the_manual_are_read() -> None:
    bodies = {
        "/v1/status": Response(200, STATUS),
        "/v1/livemeasure": Response(200, LIVE),
    }
    async with telling(bodies) as device:
        reading = await device.read()
    assert (reading.voltage_v, reading.current_a, reading.power_w) == (4.2, 4.0, 3000.0)
    assert (reading.energy_wh, reading.energy_export_wh) == (1000, 2000)
    assert reading.serial == "12024072805"


async def test_nonsense_about_settings_does_not_spoil_a_reading() -> None:
    bodies = {
        "/v1/status": Response(200, STATUS),
        "/v1/livemeasure": Response(200, LIVE),
        "/v1/settings": Response(200, b"nonsense"),
    }
    async with telling(bodies, lambda: NOON) as device:
        assert (await device.read()).voltage_v == 4.2


async def test_what_is_no_dcbm_is_a_bad_answer() -> None:
    async with telling({}) as device:
        with pytest.raises(BadAnswer, match="refuses /v1/status .404, no reason"):
            await device.read()


BENT = st.one_of(
    st.binary(max_size=40),
    st.integers(0, len(LIVE) - 1).map(lambda at: LIVE[:at]),
    st.integers(0, len(LIVE) - 1).map(lambda at: LIVE[:at] + b"," + LIVE[at:]),
    st.just(LIVE + LIVE),
    st.just(STATUS),
    st.just(LIVE),
)


@given(BENT, st.sampled_from((200, 200, 200, 201, 404, 500)))
@settings(max_examples=40, deadline=None)
def test_no_bent_answer_becomes_a_wrong_value(body: bytes, status: int) -> None:
    async def told() -> object:
        bodies = {
            "/v1/status": Response(200, STATUS),
            "/v1/livemeasure": Response(status, body),
        }
        async with telling(bodies) as device:
            return await outcome(device.read())

    heard = asyncio.run(told())
    if isinstance(heard, MeterReading):
        assert status == 200
        assert (heard.voltage_v, heard.power_w, heard.energy_wh) == (4.2, 3000.0, 1000)
    else:
        assert heard in (NoAnswer, BadAnswer)


def test_kinds_of_identification_are_those_of_ocmf() -> None:
    with pytest.raises(ValueError, match='identification: "RFID" is unknown'):
        Config("10.0.0.1", identification="RFID")

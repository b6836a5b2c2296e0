"""Several devices on one line, and what each can do wrong."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hal.drivers import acrel_djsf1352
from hal.drivers.acrel_djsf1352 import Config
from hal.errors import BadAnswer, NoAnswer
from hal.simulation.acrel_djsf1352 import AcrelDjsf1352
from hal.simulation.mischief import Kind, Mischief
from hal.simulation.serial_line import SerialLine, collided
from hal.world.site import World
from tests.hal.lines import BAUDRATE, CONNECTOR, connected, line, port

PATIENCE_S = 0.3


def config(path: Any, **parts: Any) -> Config:
    chosen = {"baudrate": BAUDRATE, "timeout_s": PATIENCE_S, **parts}
    return Config(str(path), **chosen)


MISCHIEF = [
    ("silent", NoAnswer, "no answer"),
    ("late", NoAnswer, "no answer"),
    ("garbled", BadAnswer, "port: unit 1: "),
    ("cut", BadAnswer, "bytes are no answer"),
    ("wrong-unit", BadAnswer, "unit 2 answered instead of 1"),
]


@pytest.mark.parametrize(("kind", "error", "reason"), MISCHIEF)
async def test_a_driver_sees_through_mischief_and_recovers(
    kind: str, error: type[Exception], reason: str
) -> None:
    async with line() as (laid, world):
        AcrelDjsf1352(world, CONNECTOR).attach(laid)
        async with connected(acrel_djsf1352, config(laid.terminal.path)) as meter:
            sound = await meter.read()
            world.faults.put(f"meter-{kind}", True, CONNECTOR)
            with pytest.raises(error, match=reason):
                await meter.read()
            world.faults.put(f"meter-{kind}", False, CONNECTOR)
            assert (await meter.read()).energy_wh == sound.energy_wh


async def test_a_doubled_answer_is_one_answer() -> None:
    async with line() as (laid, world):
        AcrelDjsf1352(world, CONNECTOR).attach(laid)
        world.faults.put("meter-doubled", True, CONNECTOR)
        async with connected(acrel_djsf1352, config(laid.terminal.path)) as meter:
            first = await meter.read()
            assert (await meter.read()).energy_wh == first.energy_wh


async def test_the_mischief_of_one_device_does_not_touch_its_neighbor() -> None:
    async with line() as (laid, world):
        for connector in (1, 2):
            AcrelDjsf1352(world, connector, unit=connector).attach(laid)
        world.faults.put("meter-late", True, 1)
        path = laid.terminal.path
        async with connected(acrel_djsf1352, config(path, unit=1)) as late:
            with pytest.raises(NoAnswer):
                await late.read()
        async with connected(acrel_djsf1352, config(path, unit=2)) as sound:
            await sound.read()


async def test_two_devices_at_one_address_are_no_answer() -> None:
    async with line() as (laid, world):
        for connector in (1, 2):
            world.outlet(connector).register.energy_wh = 1e6 * connector
            AcrelDjsf1352(world, connector).attach(laid)
        async with connected(acrel_djsf1352, config(laid.terminal.path)) as meter:
            with pytest.raises(BadAnswer, match="wrong checksum"):
                await meter.read()


async def test_an_adapter_that_hears_itself_is_a_setting() -> None:
    async with line(echo=True) as (laid, world):
        AcrelDjsf1352(world, CONNECTOR).attach(laid)
        path = laid.terminal.path
        async with connected(acrel_djsf1352, config(path, echo=True)) as meter:
            await meter.read()
        async with connected(acrel_djsf1352, config(path)) as deaf:
            with pytest.raises(BadAnswer):
                await deaf.read()


@pytest.mark.parametrize(
    ("silence_s", "heard"),
    [(60.0, [b"ques", b"question"]), (0.0, [b"ques", b"tion"])],
)
async def test_what_was_said_is_forgotten_after_a_silence(
    silence_s: float, heard: list[bytes]
) -> None:
    said: list[bytes] = []

    def device(octets: bytes) -> bytes | None:
        said.append(octets)
        return b"ok" if octets == b"question" else None

    world = World(lambda: 0.0)
    with port() as path:
        laid = SerialLine(path, silence_s=silence_s)
        laid.attach(device, Mischief(world, "meter", CONNECTOR))
        with path.open("r+b", buffering=0) as near:
            near.write(b"ques")
            await _until(lambda: len(said) == 1)
            near.write(b"tion")
            await _until(lambda: len(said) == 2)
        laid.close()
    assert said == heard


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(2.0):
        while not true():
            await asyncio.sleep(0.001)


def test_a_dominant_bit_wins_a_collision() -> None:
    assert collided([b"\x0f\xff", b"\xfa"]) == b"\x0a\xff"
    assert collided([b"\x01\x02"]) == b"\x01\x02"


def test_a_device_offers_its_mischief_once_it_is_there() -> None:
    world = World(lambda: 0.0)
    assert world.faults.offered == ()
    Mischief(world, "reader", 1)
    assert "reader-late" in world.faults.offered
    assert "reader-wrong-unit" not in world.faults.offered
    Mischief(world, "meter", 1, lambda answer: answer)
    assert "meter-wrong-unit" in world.faults.offered


def test_no_garbled_answer_is_the_true_one() -> None:
    world = World(lambda: 0.0)
    world.faults.put("meter-garbled", True, 1)
    mischief = Mischief(world, "meter", 1)
    for _ in range(100):
        outgoing = mischief.bent(b"\x00\xff\x55")
        assert outgoing is not None
        assert len(outgoing.octets) == 3
        assert outgoing.octets != b"\x00\xff\x55"
    assert mischief.does(Kind.GARBLED)
    assert mischief.bent(b"") is None

"""Questions and answers over a real pseudo-terminal."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.simulation.ports import PseudoTerminal
from hal.transport.line import open_line
from hal.transport.rank import Rank
from hal.transport.serial import SerialSettings, open_port
from tests.hal.transport.far_end import ANSWER_S, line, place, question


def polite(asked: bytes) -> bytes:
    return asked + b"!"


def only_b(asked: bytes) -> bytes:
    return polite(asked) if asked[:1] == b"b" else b""


async def test_an_answer_comes_back_whole(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (asks, _):
        assert await asks.ask(question(b"a1.")) == b"a1.!"


async def test_a_silent_device_is_no_answer(tmp_path: Path) -> None:
    async with line(tmp_path, lambda _: b"") as (asks, _):
        with pytest.raises(NoAnswer, match="no answer in 50 ms"):
            await asks.ask(question(b"a1."))


async def test_half_an_answer_is_a_bad_one(tmp_path: Path) -> None:
    async with line(tmp_path, lambda _: b"a1") as (asks, _):
        with pytest.raises(BadAnswer, match="2 bytes are no answer"):
            await asks.ask(question(b"a1."))


async def test_nonsense_is_told_as_it_is_found(tmp_path: Path) -> None:
    async with line(tmp_path, lambda _: b"nonsense") as (asks, _):
        with pytest.raises(BadAnswer, match="no exclamation mark"):
            await asks.ask(question(b"a1."))
        # What still came of it does not spoil what follows.
        with pytest.raises(BadAnswer):
            await asks.ask(question(b"a1."))


async def test_an_echo_is_taken_off(tmp_path: Path) -> None:
    async with line(tmp_path, lambda q: q + polite(q), echo=True) as (asks, _):
        assert await asks.ask(question(b"a1.")) == b"a1.!"


async def test_only_an_echo_is_no_answer(tmp_path: Path) -> None:
    async with line(tmp_path, lambda q: q, echo=True) as (asks, _):
        with pytest.raises(NoAnswer):
            await asks.ask(question(b"a1."))


async def test_a_spoiled_echo_is_a_collision(tmp_path: Path) -> None:
    async with line(tmp_path, lambda _: b"x1.", echo=True) as (asks, _):
        with pytest.raises(BadAnswer, match="two masters"):
            await asks.ask(question(b"a1."))


async def test_what_is_urgent_goes_first(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (asks, far):
        ranks = [Rank.ROUTINE, Rank.HOUSEKEEPING, Rank.ROUTINE, Rank.SAFETY]
        names = [b"a1.", b"b1.", b"c1.", b"d1."]
        tasks = [
            asyncio.ensure_future(asks.ask(question(name, rank)))
            for name, rank in zip(names, ranks, strict=True)
        ]
        await asyncio.gather(*tasks)
        assert far.asked == [b"d1.", b"a1.", b"c1.", b"b1."]


async def test_among_equals_whoever_waited_longest_goes_first(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (asks, far):
        await asks.ask(question(b"a1."))
        names = [b"a2.", b"a3.", b"b1."]
        await asyncio.gather(*(asks.ask(question(name)) for name in names))
        assert far.asked == [b"a1.", b"b1.", b"a2.", b"a3."]


async def test_a_dead_device_holds_nobody_up(tmp_path: Path) -> None:
    async with line(tmp_path, only_b) as (asks, far):
        ends_s = time.monotonic() + 0.6
        waits = []

        async def dead() -> None:
            while time.monotonic() < ends_s:
                with pytest.raises(NoAnswer):
                    await asks.ask(question(b"a1.", Rank.SAFETY))

        async def alive() -> None:
            while time.monotonic() < ends_s:
                asked_s = time.monotonic()
                await asks.ask(question(b"b1."))
                waits.append(time.monotonic() - asked_s)

        await asyncio.gather(dead(), alive())
        asked_dead = sum(each == b"a1." for each in far.asked)
        # It rests three times as long as it keeps the line waiting.
        assert 1 <= asked_dead <= 0.6 / (4 * ANSWER_S) + 2
        assert len(waits) > 5 * asked_dead


async def test_a_late_answer_is_not_taken_for_the_next(tmp_path: Path) -> None:
    later: list[bytes] = []

    def lags(asked: bytes) -> bytes:
        if asked == b"a1.":
            later.append(b"a1.!")
            return b""
        return polite(asked)

    async with line(tmp_path, lags) as (asks, far):
        with pytest.raises(NoAnswer):
            await asks.ask(question(b"a1."))
        far.terminal.send(later[0])
        assert await asks.ask(question(b"a2.")) == b"a2.!"


async def test_who_gives_up_disturbs_nobody(tmp_path: Path) -> None:
    async with line(tmp_path, only_b) as (asks, far):
        given_up = asyncio.ensure_future(asks.ask(question(b"a1.")))
        await far.heard(1)
        given_up.cancel()
        assert await asks.ask(question(b"b1.")) == b"b1.!"


async def test_a_question_that_nobody_waits_for_is_not_sent(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (asks, far):
        first = asyncio.ensure_future(asks.ask(question(b"a1.")))
        second = asyncio.ensure_future(asks.ask(question(b"b1.")))
        await asyncio.sleep(0)
        second.cancel()
        await first
        await asks.ask(question(b"c1."))
        assert far.asked == [b"a1.", b"c1."]


async def test_a_pulled_adapter_comes_back_by_itself(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (asks, far):
        await asks.ask(question(b"a1."))
        far.terminal.pull()
        with pytest.raises(NoAnswer, match="port is gone"):
            await asks.ask(question(b"a2."))
        far.terminal.put_back()
        async with asyncio.timeout(5):
            while True:
                try:
                    assert await asks.ask(question(b"a3.")) == b"a3.!"
                except NoAnswer:
                    await asyncio.sleep(0.02)
                else:
                    return


async def test_a_babbling_device_does_not_hold_the_line(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (asks, far):

        async def babble() -> None:
            while True:
                far.terminal.send(b"?")
                await asyncio.sleep(0.002)

        babbling = asyncio.ensure_future(babble())
        async with asyncio.timeout(5):
            while len(far.asked) < 3:
                with suppress(BadAnswer):
                    await asks.ask(question(b"a1."))
        babbling.cancel()


async def test_devices_of_a_port_must_agree_on_its_settings(tmp_path: Path) -> None:
    async with line(tmp_path, polite) as (_, far), place() as here:
        port = str(far.terminal.path)
        with pytest.raises(HardwareError, match="no other program has it open"):
            await open_line(SerialSettings(port), here)


async def test_a_missing_port_is_told_with_its_remedy(tmp_path: Path) -> None:
    async with place() as here:
        with pytest.raises(HardwareError, match="no such file or directory"):
            await open_line(SerialSettings(str(tmp_path / "none")), here)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"port": ""}, "port: is empty"),
        ({"port": "p", "parity": "mark"}, 'parity: "mark"'),
        ({"port": "p", "baudrate": 9601}, "baudrate: 9601"),
        ({"port": "p", "stop_bits": 3}, "stop_bits: 3"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SerialSettings(**wrong)  # type: ignore[arg-type]


async def test_a_port_with_parity_can_be_opened_again_and_again(tmp_path: Path) -> None:
    terminal = PseudoTerminal(tmp_path / "port", lambda _: None)
    settings = SerialSettings(str(terminal.path), parity="even")
    for _ in range(3):
        async with place() as here:
            assert (await open_port(settings, here)).up
    terminal.close()

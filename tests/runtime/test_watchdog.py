"""The watchdog, heard on a real notify socket."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargerd.runtime.watchdog import (
    AGAIN_S,
    FRESH_WITHIN_S,
    Proof,
    Watchdog,
    notify,
    period_s,
)
from tests.hal.virtual_time import instantly


class Systemd:
    """The other end of the notify socket."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        found = []
        try:
            while True:
                found.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return found


@pytest.fixture(params=["plain", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Systemd]:
    name = f"\0{tmp_path}" if request.param == "abstract" else f"{tmp_path}/notify"
    made = Systemd(name)
    monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
    yield made
    made.socket.close()


class Bench:
    """Proofs of life that the test lets grow old."""

    def __init__(self) -> None:
        self.ages_s = {"engine": 0.0, "guard": 0.0}
        self.status = "ccs1 Available"
        self.complaints: list[str] = []
        self.watchdog = Watchdog(
            {
                "engine": Proof(lambda: self.ages_s["engine"]),
                "guard": Proof(lambda: self.ages_s["guard"], 0.5),
            },
            lambda: self.status,
            self.complaints.append,
            lambda: asyncio.get_running_loop().time(),
        )


def test_life_is_told_and_news_with_it(systemd: Systemd) -> None:
    bench = Bench()
    assert bench.watchdog.feed()
    assert bench.watchdog.feed()
    bench.status = "ccs1 Charging"
    assert bench.watchdog.feed()
    assert systemd.heard() == [
        "WATCHDOG=1\nSTATUS=ccs1 Available",
        "WATCHDOG=1",
        "WATCHDOG=1\nSTATUS=ccs1 Charging",
    ]
    assert bench.complaints == []


def test_a_systemd_that_reads_nothing_holds_nobody_up(systemd: Systemd) -> None:
    taken = [notify(f"STATUS={number}") for number in range(2000)]
    assert not all(taken)
    assert len(systemd.heard()) == sum(taken)
    assert notify("STATUS=again")


def test_a_part_without_a_sign_of_life_starves_the_watchdog(systemd: Systemd) -> None:
    bench = Bench()
    bench.ages_s["guard"] = 0.51
    assert not bench.watchdog.feed()
    assert systemd.heard() == []
    assert bench.complaints == ["watchdog not fed: no sign of life of guard"]

    bench.ages_s["guard"] = 0.5
    bench.ages_s["engine"] = FRESH_WITHIN_S
    assert bench.watchdog.feed()
    assert len(systemd.heard()) == 1


@instantly
async def test_systemd_hears_of_us_twice_in_the_time_it_allows() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHDOG_USEC", "3000000")
        patch.delenv("NOTIFY_SOCKET", raising=False)
        bench = Bench()
        fed: list[float] = []

        def feed() -> bool:
            fed.append(asyncio.get_running_loop().time())
            return True

        patch.setattr(bench.watchdog, "feed", feed)
        running = asyncio.create_task(bench.watchdog.run())
        await asyncio.sleep(16)
        running.cancel()
        await asyncio.wait({running})
        assert len(fed) == 10


@instantly
async def test_what_is_late_is_looked_at_again_soon() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WATCHDOG_USEC", raising=False)
        patch.delenv("NOTIFY_SOCKET", raising=False)
        bench = Bench()
        bench.ages_s["guard"] = 0.51
        running = asyncio.create_task(bench.watchdog.run())
        await asyncio.sleep(5.01)
        assert len(bench.complaints) == 1
        await asyncio.sleep(4 * AGAIN_S)
        assert len(bench.complaints) == 5
        bench.ages_s["guard"] = 0.0
        await asyncio.sleep(10.0)
        assert len(bench.complaints) == 5
        running.cancel()
        await asyncio.wait({running})


class Stalling:
    """A clock that jumps as if the loop had stood still."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 10.0
        return self.now_s


@instantly
async def test_a_loop_that_stood_still_is_told_and_not_fed() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WATCHDOG_USEC", raising=False)
        complaints: list[str] = []
        stalled = Watchdog({}, lambda: "", complaints.append, Stalling())
        patch.setattr(stalled, "feed", lambda: complaints.append("fed"))
        running = asyncio.create_task(stalled.run())
        await asyncio.sleep(6)
        running.cancel()
        await asyncio.wait({running})
        assert complaints == ["the loop stood still for 5.0 s"]


@pytest.mark.parametrize(
    ("allowed", "expected_s"),
    [("10000000", 5.0), ("3000000", 1.5), ("", 5.0), ("0", 5.0), ("soon", 5.0)],
)
def test_the_period_is_half_of_what_systemd_allows(
    monkeypatch: pytest.MonkeyPatch, allowed: str, expected_s: float
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", allowed)
    assert period_s() == expected_s


def test_without_systemd_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")

"""The real process as a service: what it tells systemd, and when it falls silent."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.daemon.process import Daemon, NotAnswered

STUCK_AT = str(Path(__file__).with_name("stuck_at.py"))
WATCHDOG_USEC = "400000"


async def test_it_is_ready_without_the_csms_and_fed_while_it_lives(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(url="ws://127.0.0.1:1/ocpp")
    await daemon.start(WATCHDOG_USEC=WATCHDOG_USEC)

    ready = await daemon.manager.told("READY=1")
    fed = [await daemon.manager.told("WATCHDOG=1") for _ in range(3)]

    assert "STATUS=ccs1 Unavailable, ccs2 Unavailable; link offline" in ready
    assert len(fed) == 3
    assert await daemon.stop() == 0
    await daemon.manager.told("STOPPING=1")


async def test_its_status_text_tells_how_the_connectors_are(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    await daemon.start(WATCHDOG_USEC=WATCHDOG_USEC)

    await daemon.charge()

    async with asyncio.timeout(10):
        while "ccs1 Charging" not in await daemon.manager.told("WATCHDOG=1"):
            pass


async def test_a_store_that_hangs_is_not_fed_any_more(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    await daemon.start(
        STUCK_AT,
        STUCK_AT="6",
        WATCHDOG_USEC=WATCHDOG_USEC,
    )
    with suppress(NotAnswered, TimeoutError):
        await daemon.status_is("Available")
        await daemon.call("Mock.Plug", connector=1)
        await daemon.call("Mock.PresentTag", uid="04A1B2C3")
    silent = False

    async with asyncio.timeout(20):
        while not silent:
            try:
                await daemon.manager.told("WATCHDOG=1", within_s=1.5)
            except TimeoutError:
                silent = True

    assert "no sign of life of engine and store" in daemon.log.read_text()

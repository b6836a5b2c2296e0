"""A transfer beside the loop: a thread that ends before its caller goes on."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from chargerd.runtime.transfer.values import Progress, Report

T = TypeVar("T")


class Stopped(Exception):
    """The caller has no use for the transfer any more."""


def on_loop(report: Report | None) -> Report:
    """Return how a thread tells ``report``, which is called on this loop."""
    loop = asyncio.get_running_loop()
    if report is None:
        return lambda progress: None

    def tell(progress: Progress) -> None:
        loop.call_soon_threadsafe(report, progress)

    return tell


async def beside_loop(work: Callable[[], T], stop: threading.Event) -> T:
    """Work on a thread of its own; whatever happens, it has ended on return."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="transfer") as threads:
        future = loop.run_in_executor(threads, work)
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            stop.set()
            while not future.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            future.exception()
            raise
    return future.result()

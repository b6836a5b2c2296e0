"""Work that blocks, in a thread that no loop and no end of the process waits for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_thread(work: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Start ``work`` and return its result to be awaited.

    The work goes on if nobody awaits it any more, and is given up with the process.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    # What nobody awaits any more is nobody's error.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 -- it goes to whoever awaits
            tell(future.set_exception, error)
        else:
            tell(future.set_result, result)

    def tell(finish: Callable[..., None], value: object) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(finish_unless_done, finish, value)

    def finish_unless_done(finish: Callable[..., None], value: object) -> None:
        if not future.done():
            finish(value)

    Thread(target=run, name=name, daemon=True).start()
    return future

"""Waiting for what inputs say, without asking again and again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Protocol, TypeVar

from hal.transport.watchers import Take
from hal.values import Reading

R = TypeVar("R", bound=Reading)


class Source(Protocol):
    """What can be watched."""

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` whenever there is something new."""


async def comes(
    sources: Iterable[Source], true: Callable[[], bool], within_s: float
) -> bool:
    """Return true once ``true`` is, or false if it has not become so in time."""
    news = asyncio.Event()
    with ExitStack() as stack:
        for source in sources:
            stack.enter_context(source.watch(news.set))
        try:
            async with asyncio.timeout(within_s):
                while not true():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            return true()
    return True


async def changes(sources: Iterable[Source], read: Callable[[], R]) -> AsyncIterator[R]:
    """Yield what ``read`` gives, at first and whenever it differs."""
    news = asyncio.Event()
    last = None
    with ExitStack() as stack:
        for source in sources:
            stack.enter_context(source.watch(news.set))
        while True:
            news.clear()
            reading = read()
            if last is None or replace(reading, at_s=last.at_s) != last:
                last = reading
                yield reading
            else:
                await news.wait()

"""What the devices of one process share: the time, buses, lines, a mock world."""

from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Resources:
    """Opens what several drivers need once, and closes it after the last driver.

    An asynchronous context: leave it after every device that was connected
    with it has been left.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        utc: Callable[[], datetime] | None = None,
    ) -> None:
        """Take the clock that every :class:`hal.values.Reading` is stamped by.

        Args:
            monotonic: That clock, in seconds.
            utc: What the clocks inside of devices are set by; ``None``: they are not.
        """
        self.monotonic = monotonic
        self.utc = utc
        self._open: dict[Hashable, Any] = {}
        self._stack = AsyncExitStack()

    async def share(
        self, key: Hashable, opens: Callable[[], AbstractAsyncContextManager[T]]
    ) -> T:
        """Return what is open under ``key``; open it first if nobody has yet.

        Args:
            key: What two drivers must agree on, such as ("serial", "/dev/ttyS1").
            opens: Makes the context to enter; not called if the key is open.
        """
        if key not in self._open:
            self._open[key] = await self._stack.enter_async_context(opens())
        shared: T = self._open[key]
        return shared

    async def __aenter__(self) -> Self:
        """Start with nothing open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything, last opened first."""
        self._open.clear()
        await self._stack.__aexit__(kind, error, trace)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the station a device sits."""

    connector: int
    """From 1 as in OCPP; 0 for what belongs to the station as a whole."""
    resources: Resources
    joins: tuple[int, ...] = ()
    """The connectors that the device stands between, if it is a bridge."""

"""Where each driver finds a device to be tried on.

A driver whose ``Config`` has no default for everything, or that needs a port,
gets a row in ``BENCHES``: a context that sets up the twin of its device and
yields the ``Config`` that reaches it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from hal import discovery
from tests.hal import virtual_time
from tests.hal.bench_cabinet import cabinet


@dataclass(frozen=True)
class Bench:
    """How a driver is tried: on which device, and in which time."""

    device: Callable[[], AbstractAsyncContextManager[Any]]
    run: Callable[[Coroutine[Any, Any, str | None]], str | None]


BENCHES: dict[tuple[str, str], Bench] = {
    ("simulation", "cabinet"): Bench(cabinet, asyncio.run),
}


def bench(kind: str, name: str) -> Bench:
    """Return the bench of a driver; the mock's devices need none."""
    if name == "mock":
        return Bench(lambda: _on_defaults(kind), virtual_time.run)
    if (kind, name) not in BENCHES:
        pytest.fail(f"{kind} driver {name}: no bench; add one to {__file__}")
    return BENCHES[kind, name]


@asynccontextmanager
async def _on_defaults(kind: str) -> AsyncIterator[Any]:
    yield discovery.load(kind, "mock").Config()

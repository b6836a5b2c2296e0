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
from tests.hal import (
    bench_field,
    bench_meters,
    bench_power,
    bench_readers,
    bench_vehicle,
    virtual_time,
)
from tests.hal.bench_cabinet import cabinet


@dataclass(frozen=True)
class Bench:
    """How a driver is tried: on which device, and in which time."""

    device: Callable[[], AbstractAsyncContextManager[Any]]
    run: Callable[[Coroutine[Any, Any, str | None]], str | None]


BENCHES: dict[tuple[str, str], Bench] = {
    ("simulation", "cabinet"): Bench(cabinet, asyncio.run),
    ("contactor", "gpio"): Bench(bench_field.contactor, virtual_time.run),
    ("bridge", "gpio"): Bench(bench_field.bridge, virtual_time.run),
    ("lock", "gpio"): Bench(bench_field.lock, virtual_time.run),
    ("safety", "gpio"): Bench(bench_field.safety, virtual_time.run),
    ("supply", "gpio"): Bench(bench_field.supply, virtual_time.run),
    ("temperature", "sysfs"): Bench(bench_field.temperature, asyncio.run),
    ("light", "gpio"): Bench(bench_field.light, virtual_time.run),
    **{key: Bench(device, asyncio.run) for key, device in bench_meters.DEVICES.items()},
    **{k: Bench(device, asyncio.run) for k, device in bench_power.DEVICES.items()},
    **{k: Bench(device, asyncio.run) for k, device in bench_readers.DEVICES.items()},
    **{k: Bench(device, asyncio.run) for k, device in bench_vehicle.DEVICES.items()},
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

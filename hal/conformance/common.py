"""What drivers of every kind must keep."""

import asyncio
from typing import Any, Final

from hal.conformance.calls import CALLS, STAMPED, STREAMS, Call
from hal.conformance.subject import Breach, Subject, expect
from hal.errors import HardwareError

_OLDEST_S = 1.0  # the longest silence that hal.interfaces lets a driver bear
_CALL_WITHIN_S = 40.0  # a self-test may take thirty
_TURNS: Final = (0, 1, 2, 3, 5, 8)
_DELAYS_S: Final = (0.001, 0.01, 0.04)
"""When a call is cancelled: after so many turns of the loop, or so much time."""


async def connects_again(subject: Subject) -> None:
    """The device can be left and connected again, and answers each time."""
    for _ in range(2):
        async with subject.connected() as device:
            await call_all(subject, device)


async def stamps_readings(subject: Subject) -> None:
    """A reading says when it was taken, on the clock of the resources."""
    if subject.kind not in STAMPED:
        return
    async with subject.connected() as device:
        asked_s = subject.now_s()
        at_s = (await device.read()).at_s
        expect(at_s <= subject.now_s(), "read: at_s is not in the future")
        expect(at_s >= asked_s - _OLDEST_S, f"read: no older than {_OLDEST_S} s")


async def survives_cancellation(subject: Subject) -> None:
    """Each method can be cancelled at any await; everything works afterwards."""
    async with subject.connected() as device:
        for call in CALLS[subject.kind]:
            for turns in _TURNS:
                await _cancel(call, device, turns, 0.0)
            for delay_s in _DELAYS_S:
                await _cancel(call, device, 0, delay_s)
            await call_all(subject, device)


async def streams_again(subject: Subject) -> None:
    """A stream can be given up while it is silent, and begun again."""
    method = STREAMS.get(subject.kind)
    if method is None:
        return
    async with subject.connected() as device:
        for _ in range(2):
            await _listen(method, getattr(device, method)())
        await call_all(subject, device)


async def call_all(subject: Subject, device: Any) -> None:
    """Make every call of the kind; each must work and come back."""
    for call in CALLS[subject.kind]:
        try:
            async with asyncio.timeout(_CALL_WITHIN_S):
                await call.on(device)
        except (HardwareError, TimeoutError) as error:
            raise Breach(f"{call.method}: works on a sound device: {error}") from error


async def _cancel(call: Call, device: Any, turns: int, delay_s: float) -> None:
    task = asyncio.ensure_future(call.on(device))
    for _ in range(turns):
        await asyncio.sleep(0)
    if delay_s:
        await asyncio.wait({task}, timeout=delay_s)
    task.cancel()
    await asyncio.wait({task})
    error = None if task.cancelled() else task.exception()
    expect(
        error is None or isinstance(error, HardwareError),
        f"{call.method}: raises nothing but HardwareError, not {error!r}",
    )


async def _listen(method: str, stream: Any) -> None:
    task = asyncio.ensure_future(_drain(stream))
    await asyncio.wait({task}, timeout=_DELAYS_S[-1])
    expect(not task.done(), f"{method}: goes on until it is cancelled")
    task.cancel()
    await asyncio.wait({task})


async def _drain(stream: Any) -> None:
    async for _ in stream:
        pass

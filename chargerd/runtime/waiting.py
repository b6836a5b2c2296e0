"""Waiting for something, but not for ever."""

import asyncio


async def came(event: asyncio.Event, within_s: float | None) -> bool:
    """Wait for the event; tell whether it came in time (``None``: whenever)."""
    try:
        async with asyncio.timeout(within_s):
            return await event.wait()
    except TimeoutError:
        return False

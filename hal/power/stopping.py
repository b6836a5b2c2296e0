"""How a power source is shut off, whatever make it is: told again until it is off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from hal.errors import HardwareError, Unconfirmed

_WITHIN_S: Final = 2.0
_GLANCE_S: Final = 0.03


async def until_off(
    stop: Callable[[], Awaitable[str]], where: str, monotonic: Callable[[], float]
) -> None:
    """Stop a source until it is seen to be off.

    Args:
        stop: Tells it to stop, looks, and returns what speaks against its being off;
            nothing, if it is.
        where: Names the source in the text of the error.
        monotonic: By which the time for it is measured.

    Raises:
        Unconfirmed: It is not off in time.
    """
    limit_s = monotonic() + _WITHIN_S
    while True:
        try:
            why = await stop()
        except HardwareError as error:
            why = str(error)
        if not why:
            return
        if monotonic() >= limit_s:
            raise Unconfirmed(
                f"{where}: not off after {_WITHIN_S:.0f} s ({why}); open the contactors"
            )
        await asyncio.sleep(_GLANCE_S)

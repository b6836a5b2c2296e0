"""A station in a process of its own that closes the contactors of one chargebyte board.

    python -m tests.hal.drivers.chargebyte_station PORT

It says ``closed`` once they are. What happens to its process is up to the test.
"""

import asyncio
import sys
import time

from hal.drivers import chargebyte_contactor
from hal.resources import Place, Resources


async def close(port: str) -> None:
    """Hold the contactors closed for ever."""
    config = chargebyte_contactor.Config(port)
    async with (
        Resources(time.monotonic) as resources,
        chargebyte_contactor.connect(config, Place(1, resources)) as contactor,
    ):
        await contactor.close()
        sys.stdout.write("closed\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(close(sys.argv[1]))

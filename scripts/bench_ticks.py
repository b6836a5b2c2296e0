"""chargerd, and a witness who sees how often the guard looks at all facts.

One more task in the daemon looks every millisecond whether the guard has ticked while
a connector is live, and prints ``ticks [MILLISECONDS, …]`` once a second: the times
from one tick to the next.
"""

import asyncio
import json
from typing import Final

from bench_witness import serve
from chargerd.app import Daemon
from hal.resources import Resources

_GLANCE_S: Final = 0.001
_TELLS_EVERY_S: Final = 1.0


async def _witness(daemon: Daemon, shared: Resources) -> None:
    guard, monotonic = daemon.guard, shared.monotonic
    before_s, told_s = guard.ticked_s, monotonic()
    ticks_ms: list[float] = []
    while True:
        await asyncio.sleep(_GLANCE_S)
        if guard.ticked_s != before_s:
            ticks_ms.append(round((guard.ticked_s - before_s) * 1000, 2))
            before_s = guard.ticked_s
        if monotonic() >= told_s + _TELLS_EVERY_S:
            print(f"ticks {json.dumps(ticks_ms)}", flush=True)
            ticks_ms, told_s = [], monotonic()


if __name__ == "__main__":
    serve(_witness)

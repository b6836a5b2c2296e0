"""chargerd, and a witness who sees for how long the loop serves nobody else.

One more task in the daemon wants to run once a millisecond. Each time the local list
has changed it prints ``stall MILLISECONDS``: the longest that it had to wait in the
half second before.
"""

import asyncio
from collections import deque
from typing import Final

from bench_witness import serve
from chargerd.app import Daemon
from hal.resources import Resources

_GLANCE_S: Final = 0.001
_GLANCES: Final = 500


async def _witness(daemon: Daemon, _shared: Resources) -> None:
    drivers = daemon.charge_point.station.desk.drivers
    monotonic = asyncio.get_running_loop().time
    waits_s: deque[float] = deque(maxlen=_GLANCES)
    seen, seen_s = drivers.listed, monotonic()
    while True:
        await asyncio.sleep(_GLANCE_S)
        now_s = monotonic()
        waits_s.append(now_s - seen_s - _GLANCE_S)
        seen_s = now_s
        if drivers.listed is not seen:
            seen = drivers.listed
            print(f"stall {max(waits_s) * 1000}", flush=True)


if __name__ == "__main__":
    serve(_witness)

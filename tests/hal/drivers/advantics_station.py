"""A station in a process of its own that charges at one ADVANTICS controller.

    python -m tests.hal.drivers.advantics_station BUS

It reports what it is asked for as if it were measured, and says ``charging`` once the
vehicle takes current. What happens to its process is up to the test.
"""

import asyncio
import sys
import time

from hal.drivers import advantics
from hal.resources import Place, Resources
from hal.values import StationReport, VehiclePhase


async def charge(bus: str) -> None:
    """Serve the vehicle for ever."""
    config, said = advantics.Config(bus, "slcan", silent_after_s=1.0), False
    async with (
        Resources(time.monotonic) as resources,
        advantics.connect(config, Place(1, resources)) as vehicle,
    ):
        await vehicle.authorize(True)
        while True:
            wish = await vehicle.read()
            await vehicle.report(
                StationReport(
                    True,
                    wish.target_voltage_v,
                    wish.target_current_a,
                    1_000_000.0,
                    1000.0,
                    200.0,
                    150_000.0,
                )
            )
            if wish.phase is VehiclePhase.CHARGING and not said:
                said = True
                sys.stdout.write("charging\n")
                sys.stdout.flush()
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(charge(sys.argv[1]))

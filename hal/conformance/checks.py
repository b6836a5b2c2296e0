"""What every driver must keep: the checks for each kind of device.

A driver's author runs them against a device or its twin::

    async with Resources(time.monotonic) as resources:
        config = my_driver.Config(port="/dev/ttyS1")
        subject = Subject("meter", my_driver, config, Place(1, resources))
        for check in checks("meter"):
            await check(subject)

Each check connects and leaves the device by itself, and raises ``Breach`` with
the promise that was broken. No vehicle may be plugged in meanwhile. The power
module is raised to 200 V, the contactors, the bridge and the lock are moved. A bench
that can silence, garble or pull the device names that in ``Subject.troubles``; one
that has a car for a CCS controller names it in ``Subject.traffic``.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from hal.conformance import common, kinds, sessions, troubles
from hal.conformance.subject import Subject

Check = Callable[[Subject], Awaitable[None]]

TROUBLED: Final[tuple[Check, ...]] = (
    troubles.says_when_silent,
    troubles.believes_no_garbage,
    troubles.comes_back,
    troubles.commands_end,
)
"""What needs a bench that can trouble the device."""

WITH_CAR: Final[tuple[Check, ...]] = (
    sessions.vehicle_leads_a_session,
    sessions.vehicle_that_is_refused_gets_nothing,
    sessions.vehicle_ends_without_reports,
)
"""What needs a bench with a car, and with the power that the car would get."""

_EVERY_KIND: Final[tuple[Check, ...]] = (
    common.connects_again,
    common.stamps_readings,
    common.survives_cancellation,
    common.streams_again,
    *TROUBLED,
)
_KIND: Final[Mapping[str, tuple[Check, ...]]] = {
    "power_module": (
        kinds.power_has_a_rating,
        kinds.power_reaches_what_it_is_told,
        kinds.power_shuts_off,
        kinds.power_lease_expires,
    ),
    "contactor": (kinds.contactor_follows,),
    "bridge": (kinds.bridge_follows,),
    "meter": (
        kinds.meter_only_grows,
        kinds.meter_agrees_with_itself,
        kinds.meter_signs,
    ),
    "isolation": (kinds.isolation_measures,),
    "vehicle": (kinds.vehicle_starts_unplugged, *WITH_CAR),
    "lock": (kinds.lock_follows,),
    "temperature": (kinds.temperature_is_earthly,),
    "simulation": (kinds.simulation_refuses_nonsense,),
}


def checks(kind: str) -> tuple[Check, ...]:
    """Return the checks that a driver of ``kind`` must pass."""
    return _EVERY_KIND + _KIND.get(kind, ())

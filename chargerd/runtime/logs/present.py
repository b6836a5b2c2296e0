"""The present state of the station, as documents of a bundle.

Everything here is read on the loop, at once; the rest of a bundle is made beside it.
"""

from collections.abc import Mapping
from typing import Any

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.ocpp16 import keys
from chargerd.ocpp16.keys import Access
from chargerd.ocpp16.wire import timestamp
from chargerd.runtime import fault_views, meter_views, power_views, profile_views
from chargerd.runtime.guard import Guard
from chargerd.runtime.journal import Journal
from chargerd.runtime.senses import Senses
from chargerd.runtime.views import Views

Json = dict[str, Any]


class Present:
    """Looks at the running station; changes nothing."""

    def __init__(
        self,
        views: Views,
        charge_point: ChargePoint,
        guard: Guard,
        senses: Senses,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self.identity = views.identity
        self._views = views
        self._charge_point = charge_point
        self._guard = guard
        self._senses = senses
        self._journal = journal
        self._clock = clock

    def documents(self) -> Mapping[str, Any]:
        """Return what stands in each file; secrets are not taken out yet."""
        station, now = self._charge_point.station, self._clock.now()
        names = self.identity.names
        dialect = station.policy.vendor_error_dialect
        upkeep = self._charge_point.upkeep
        task = upkeep.uploads.task
        return {
            "status.json": self._views.status(),
            "keys.json": self._keys(),
            "active-faults.json": fault_views.active(station.health.active, dialect),
            "power.json": {
                "limits": power_views.limits(station, names, now),
                "groups": power_views.groups(station),
            },
            "profiles.json": profile_views.profiles(station, now),
            "meters.json": self._meters(),
            "devices.json": self._devices(),
            "refusals.json": [
                {
                    "time": timestamp(at),
                    "connector": refused.connector,
                    "asked": refused.asked,
                    "reason": str(refused.why),
                    "detail": refused.detail,
                }
                for at, refused in station.refusals
            ],
            "firmware.json": [job.row() for job in upkeep.updates.history],
            "upload.json": None if task is None else task.row(),
        }

    def lines(self) -> list[str]:
        """Return what the daemon itself remembers of its journal."""
        return [
            f"{timestamp(line.at)} connector {line.connector}: {line.what}\n"
            for _, line in self._journal.recent
        ]

    def _keys(self) -> list[Json]:
        listed = keys.KEYS.values()
        readable = (key for key in listed if key.access is not Access.WRITE_ONLY)
        return [self._views.key(key) for key in readable]

    def _meters(self) -> list[Json | None]:
        station, now = self._charge_point.station, self._clock.now()
        return [
            meter_views.meter(station, n, self._guard.facts[n].meter, [], now)
            for n in station.sessions
        ]

    def _devices(self) -> list[Json]:
        listed = []
        for (number, kind), driver in self.identity.drivers.items():
            health = self._senses.health.get((number, kind))
            listed.append(
                {
                    "connector": number,
                    "kind": kind,
                    "driver": driver,
                    "alive": health.alive if health else True,
                    "error": health.error if health else None,
                }
            )
        return listed

"""The methods of ``org.chargerd.Station`` by which a technician deals with faults."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.core.events import FaultCleared
from chargerd.core.faults import Recovers
from chargerd.core.health import Active
from chargerd.core.reasons import ORDINARY, Why
from chargerd.runtime.control_server import Method, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.permission import permit
from chargerd.runtime.views import Json, time_of
from chargerd.steps import Happening
from chargerd.store.reader import Reader


class FaultMethods:
    """Lets go of latched faults; counts how sessions have failed."""

    def __init__(
        self,
        charge_point: ChargePoint,
        reader: Reader,
        soon: Callable[[Happening], None],
        group: str,
    ) -> None:
        """Take what to look at.

        Args:
            charge_point: Has the faults.
            reader: Reads the store.
            soon: Lets something happen.
            group: The Unix group whose members may clear faults; "": root alone.
        """
        self._health = charge_point.station.health
        self._reader = reader
        self._soon = soon
        self._group = group

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {"ClearFault": self._clear, "ListFailures": self._failures}

    def _clear(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        active = self._find(parameters["id"])
        if active.fault.recovers is not Recovers.BY_HAND:
            detail = f"{active.fault.name} clears {_CLEARS[active.fault.recovers]}"
            raise _failed("Refused", reason=str(Why.NOT_LATCHED), detail=detail)
        self._soon(FaultCleared(active.connector, active.fault.name))
        return {}

    def _find(self, id_: int) -> Active:
        found = next((each for each in self._health.active if each.id == id_), None)
        if found is None:
            raise _failed("NoSuchFault", id=id_)
        return found

    def _failures(self, _: Mapping[str, Any], __: Peer) -> Json:
        rows = self._reader.failures(tuple(map(str, ORDINARY)))
        return {
            "failures": [
                {
                    "connector": row["connector"],
                    "cause": row["cause"],
                    "count": row["count"],
                    "last": time_of(row["last"]),
                }
                for row in rows
            ]
        }


_CLEARS: Mapping[Recovers, str] = {
    Recovers.BY_ITSELF: "by itself, with its reason",
    Recovers.UNPLUG: "when the plug is pulled",
    Recovers.RESTART: "when chargerd is restarted",
}

_failed = partial(failed, control.STATION)

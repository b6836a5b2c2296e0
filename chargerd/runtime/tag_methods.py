"""The methods of ``org.chargerd.Station`` that concern id tags."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.authorization import decide, masked, standing
from chargerd.core.events import WHOLE_STATION, TagInfo, TagsCleared
from chargerd.core.locallist import version
from chargerd.runtime.control_server import Method
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.views import Json, known, time
from chargerd.steps import Happening

USUAL: Final = 50
"""How many are shown unless more are asked for."""


class TagMethods:
    """Shows whom the station knows, and what it would decide on a driver."""

    def __init__(
        self,
        charge_point: ChargePoint,
        clock: Clock,
        soon: Callable[[Happening], None],
    ) -> None:
        """Take what to look at; ``soon`` lets something happen."""
        self._station = charge_point.station
        self._clock = clock
        self._soon = soon

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {
            "ListTags": self._list,
            "ListCachedTags": self._cached,
            "ExplainTag": self._explain,
            "ClearCache": self._clear,
        }

    def _list(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        listed, policy = self._station.desk.drivers.listed, self._station.policy
        told = self._tags(listed.entries, parameters)
        in_use = policy.list_enabled
        return {**told, "version": version(listed, policy), "enabled": in_use}

    def _cached(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        told = self._tags(self._station.desk.drivers.tags.all, parameters)
        return {**told, "enabled": self._station.policy.cache_enabled}

    def _explain(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        id_tag, station = parameters["tag"], self._station
        known_of = station.desk.drivers.find(id_tag)
        listed, cached = known_of.listed, known_of.cached
        return known(
            tag=masked(id_tag),
            listed=self._tag(id_tag, listed) if listed else None,
            cached=self._tag(id_tag, cached) if cached else None,
            online=station.online,
            if_online=self._decision(id_tag, True),
            if_offline=self._decision(id_tag, False),
        )

    def _clear(self, _: Mapping[str, Any], __: Peer) -> Json:
        self._soon(TagsCleared(WHOLE_STATION))
        return {"count": len(self._station.desk.drivers.tags.all)}

    def _decision(self, id_tag: str, online: bool) -> Json:
        known_of, policy = self._station.desk.drivers.find(id_tag), self._station.policy
        decision = decide(known_of, online, policy, self._clock.now().utc)
        return known(
            verdict=decision.verdict.name.lower(),
            source=str(decision.source),
            reason=str(decision.why) if decision.why else None,
        )

    def _tags(
        self, entries: Mapping[str, TagInfo], parameters: Mapping[str, Any]
    ) -> Json:
        shown = islice(entries.items(), parameters.get("limit") or USUAL)
        return {"tags": [self._tag(*pair) for pair in shown], "total": len(entries)}

    def _tag(self, id_tag: str, info: TagInfo) -> Json:
        return known(
            tag=masked(id_tag),
            status=str(standing(info, self._clock.now().utc)),
            group=masked(info.parent) if info.parent else None,
            expires=time(info.expires) if info.expires else None,
            conflict=self._station.desk.drivers.contradicted(id_tag),
        )

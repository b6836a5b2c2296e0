"""The methods of ``org.chargerd.Station`` that concern messages for the CSMS."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.core.authorization import masked
from chargerd.core.reasons import Why
from chargerd.ocpp16.ledger import DropWanted, RetryWanted
from chargerd.runtime.control_server import Method, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.permission import permit
from chargerd.runtime.views import Json, Views, known, time_of
from chargerd.steps import Happening
from chargerd.store.database import MOST_BYTES
from chargerd.store.packing import unpacked
from chargerd.store.reader import Reader

PIECE: Final = 100
"""How many messages one call tries again."""
DAYS: Final = 30
"""For how long without a CSMS ``MOST_BYTES`` are room."""


class QueueMethods:
    """Shows what waits for the CSMS and what was given up; brings that back."""

    def __init__(
        self,
        views: Views,
        charge_point: ChargePoint,
        reader: Reader,
        soon: Callable[[Happening], None],
        group: str,
    ) -> None:
        """Take what to look at.

        Args:
            views: Makes documents.
            charge_point: Has the queue.
            reader: Reads the store.
            soon: Lets something happen.
            group: The Unix group whose members may drop messages; "": root alone.
        """
        self._views = views
        self._charge_point = charge_point
        self._reader = reader
        self._soon = soon
        self._group = group

    @property
    def methods(self) -> Mapping[str, Method]:
        """Return them by name."""
        return {
            "ListMessages": self._list,
            "GetMessage": self._get,
            "RetryMessage": self._retry,
            "RetryMessages": self._retry_more,
            "DropMessage": self._drop,
        }

    def _list(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        limit = parameters.get("limit") or 50
        told = self._charge_point.commits.acknowledged
        rows = self._reader.messages(limit, but=told)
        if parameters.get("quarantine"):
            rows = [r for r in self._reader.quarantine(limit) if r["id"] not in told]
        outbox = self._charge_point.dialogue.ledger.outbox
        used_bytes, most_bytes = self._reader.used_bytes(), self._reader.most_bytes
        oldest = self._reader.messages(1, but=told)
        return known(
            messages=[self._views.message(row) for row in rows],
            total=outbox.waiting + outbox.quarantined,
            quarantined=outbox.quarantined,
            oldest=time_of(oldest[0]["at"]) if oldest else None,
            filled_percent=round(100 * used_bytes / most_bytes, 1),
            capacity_days=round(DAYS * most_bytes / MOST_BYTES, 1),
        )

    def _get(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        row = self._find(parameters["id"])
        payload = unpacked(row["payload"])
        if "idTag" in payload:
            payload["idTag"] = masked(payload["idTag"])
        text = json.dumps(payload, ensure_ascii=False)
        return {"message": self._views.message(row), "payload": text}

    def _retry(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        self._quarantined(parameters["id"])
        self._bring_back(parameters["id"])
        return {}

    def _retry_more(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        after = parameters.get("after") or 0
        ids = [row["id"] for row in self._reader.quarantine(PIECE, after)]
        for id_ in ids:
            self._bring_back(id_)
        return {"ids": ids}

    def _drop(self, parameters: Mapping[str, Any], peer: Peer) -> Json:
        permit(peer, self._group)
        self._quarantined(parameters["id"])
        self._soon(DropWanted(parameters["id"]))
        return {}

    def _find(self, id_: int) -> Mapping[str, Any]:
        row = self._reader.message(id_, self._charge_point.commits.acknowledged)
        if row is None:
            raise _failed("NoSuchMessage", id=id_)
        return row

    def _quarantined(self, id_: int) -> None:
        if self._find(id_)["state"] != 1:
            detail = f"message {id_} is not in quarantine; it is still being delivered"
            raise _failed("Refused", reason=str(Why.STILL_WAITING), detail=detail)

    def _bring_back(self, id_: int) -> None:
        found = self._reader.quarantined(id_)
        if found is not None:
            self._soon(RetryWanted(*found))


_failed = partial(failed, control.STATION)

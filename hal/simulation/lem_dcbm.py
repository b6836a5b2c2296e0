"""The twin of a LEM DCBM 400/600: a server on the loopback interface that signs."""

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hal.simulation.display import shown
from hal.simulation.http_server import HttpServer, Request, Response, garbled
from hal.simulation.mischief import Mischief
from hal.simulation.ocmf import Signer
from hal.wire import dcbm
from hal.world.site import World

_FRESH_S: Final = 48 * 3600.0
_LONGEST_S: Final = 48 * 3600.0
_LONGEST_CLIENT: Final = 37
_FINISHED: Final = 0b10001
_UNDER_WAY: Final = 0b10101
_NEEDED: Final = ("evseId", "transactionId", "clientId", "tariffId", "cableId")
_SETTABLE: Final = ("time", "ntp", "http", "ocmfId")


@dataclass(frozen=True, slots=True)
class _Deal:
    """A transaction as the meter keeps it."""

    told: Mapping[str, Any]
    since_s: float
    begin: Mapping[str, Any]
    record: bytes | None = None
    """Signed once, when it was closed."""


class LemDcbm:
    """Keeps its own transactions, by its own rules."""

    def __init__(
        self,
        world: World,
        connector: int,
        *,
        version: str = "0.1.7",
        settles_s: float = 120.0,
        shortest_s: float = 120.0,
        utc: datetime | None = None,
    ) -> None:
        """Switch it on.

        Args:
            world: Where its outlet is.
            connector: The number of its outlet.
            version: Of the firmware; from the second x.2 on its paths are others.
            settles_s: How long it takes no settings after this moment.
            shortest_s: How long no transaction can be closed.
            utc: What its clock says; ``None``: it was never set.
        """
        self._world = world
        self._connector = connector
        self.meter = f"1{connector:011d}"
        self._version = version
        self._root = dcbm.root(version)
        self._on_s = world.monotonic()
        self._settles_s = settles_s
        self._shortest_s = shortest_s
        self._signer = Signer(self.meter)
        self._set = None if utc is None else (self._on_s, utc)
        self.identification = 0
        """The type of the id tags, by its number."""
        self._deals: dict[str, _Deal] = {}
        self._open: str | None = None
        mischief = Mischief(world, "meter", connector, garble=garbled)
        self.server = HttpServer(self.answer, mischief)

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        """Listen on the loopback interface; return the port."""
        return await self.server.start(port=port, tls=tls)

    def answer(self, request: Request) -> Response:
        """Do what is asked."""
        self._expire()
        paths: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", dcbm.STATUS): self._status,
            ("GET", f"{self._root}/livemeasure"): self._live,
            ("GET", f"{self._root}/legal"): self._present,
            ("POST", f"{self._root}/legal"): self._begin,
            ("PUT", f"{self._root}/legal"): self._end,
            ("GET", f"{self._root}/ocmf"): self._record,
            ("PUT", dcbm.SETTINGS): self._settings,
        }
        act = paths.get((request.method, request.path))
        if act is None:
            return _refusal(404, "no such resource")
        try:
            return act(request)
        except (ValueError, TypeError, KeyError) as error:
            return _refusal(400, f"cannot be read: {error}")

    @property
    def _time(self) -> datetime | None:
        if self._set is None:
            return None
        at_s, utc = self._set
        return utc + timedelta(seconds=self._world.monotonic() - at_s)

    def _status(self, _: Request) -> Response:
        return _json(
            200,
            {
                "meterId": self.meter,
                "publicKeyOcmf": self._signer.public_key,
                "status": {"bits": {"transactionIsOnGoing": self._open is not None}},
                "version": {"applicationFirmwareVersion": self._version},
            },
        )

    def _live(self, _: Request) -> Response:
        now = shown(self._world, self._connector)
        moment = self._time
        return _json(
            200,
            {
                "voltage": round(now.voltage_v, 2),
                "current": round(now.current_a, 2),
                "power": round(now.power_w / 1000, 4),
                "temperatureH": self._world.settings.ambient_c,
                "temperatureL": self._world.settings.ambient_c,
                "energyImportTotal": now.energy_wh / 1000,
                "energyExportTotal": 0.0,
                "timestamp": moment.isoformat() if moment else None,
            },
        )

    def _present(self, _: Request) -> Response:
        if self._open is None:
            return _refusal(404, "no transaction")
        return _json(200, {**self._deals[self._open].told, "running": True})

    def _begin(self, request: Request) -> Response:
        told = json.loads(request.body)
        name = told["transactionId"]
        missing = [field for field in _NEEDED if field not in told]
        if missing or len(told["clientId"]) > _LONGEST_CLIENT:
            return _refusal(400, f"missing {missing}, or clientId too long")
        if self._open is not None or name in self._deals:
            return _refusal(409, "a transaction is under way, or had this name")
        if self._set is None or self._world.monotonic() - self._set[0] > _FRESH_S:
            return _refusal(409, "the time is not synchronized")
        if self._world.faults.has("meter-unsigned", self._connector):
            return _refusal(500, "signature module failure")
        self._deals[name] = _Deal(told, self._world.monotonic(), self._reading("B"))
        self._open = name
        return _json(dcbm.CREATED, {**told, "running": True})

    def _end(self, request: Request) -> Response:
        name = request.query["transactionId"]
        if json.loads(request.body) != {"running": False}:
            return _refusal(400, "nothing but running can be set, to false")
        if name not in self._deals:
            return _refusal(404, "no such transaction")
        deal = self._deals[name]
        if self._world.monotonic() >= deal.since_s + self._shortest_s:
            self._close(name)
        running = self._open == name
        status = _UNDER_WAY if running else _FINISHED
        value = {"meterId": self.meter, "transactionStatus": status}
        return _json(200, {**deal.told, "running": running, "meterValue": value})

    def _record(self, request: Request) -> Response:
        deal = self._deals.get(request.query["transactionId"])
        if deal is None or deal.record is None:
            return _refusal(404, "no such record")
        if self._world.faults.has("meter-unsigned", self._connector):
            return _refusal(500, "signature module failure")
        return Response(200, deal.record)

    def _settings(self, request: Request) -> Response:
        wanted = json.loads(request.body)
        settling = self._world.monotonic() < self._on_s + self._settles_s
        taken = not settling and self._open is None and set(wanted) <= set(_SETTABLE)
        if taken:
            self._take(wanted)
        return _json(200, {"meterId": self.meter, "result": int(taken)})

    def _take(self, wanted: Mapping[str, Any]) -> None:
        if "utc" in wanted.get("time", {}):
            utc = datetime.fromisoformat(wanted["time"]["utc"])
            self._set = self._world.monotonic(), utc
        if "IT" in wanted.get("ocmfId", {}):
            self.identification = wanted["ocmfId"]["IT"]

    def _expire(self) -> None:
        if self._open is not None:
            since_s = self._deals[self._open].since_s
            if self._world.monotonic() >= since_s + _LONGEST_S:
                self._close(self._open)

    def _close(self, name: str) -> None:
        if self._open == name:
            deal = self._deals[name]
            record = self._signer.signed(self._content(deal, len(self._deals)))
            self._deals[name] = replace(deal, record=record)
            self._open = None

    def _content(self, deal: _Deal, number: int) -> Mapping[str, Any]:
        kinds = {number: name for name, number in dcbm.IDENTIFICATION_TYPES.items()}
        return {
            "FV": "1.0",
            "GI": "LEM DCBM",
            "GS": self.meter,
            "PG": f"T{number}",
            "MV": "LEM",
            "MM": "DCBM",
            "MS": self.meter,
            "MF": self._version,
            "IS": True,
            "IT": kinds.get(self.identification, "UNDEFINED"),
            "ID": deal.told["clientId"],
            "CT": "EVSEID",
            "CI": deal.told["evseId"],
            "RD": [deal.begin, self._reading("E")],
        }

    def _reading(self, occasion: str) -> Mapping[str, Any]:
        moment = self._time
        assert moment is not None
        return {
            "TM": moment.strftime("%Y-%m-%dT%H:%M:%S,000+0000 S"),
            "TX": occasion,
            "RV": shown(self._world, self._connector).energy_wh / 1000,
            "RI": "1-0:1.8.0",
            "RU": "kWh",
            "ST": "G",
        }


def _json(status: int, content: Mapping[str, Any]) -> Response:
    return Response(status, json.dumps(content).encode())


def _refusal(status: int, reason: str) -> Response:
    return _json(status, {"error": reason})

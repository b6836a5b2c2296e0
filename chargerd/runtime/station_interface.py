"""``org.chargerd.Station``: what the control socket tells of the station."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from chargerd import control
from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.events import WHOLE_STATION
from chargerd.ocpp16 import keys
from chargerd.ocpp16.handlers.core import consider_here
from chargerd.ocpp16.keys import Outcome
from chargerd.ocpp16.status import report
from chargerd.runtime import (
    fault_views,
    meter_views,
    power_views,
    profile_views,
    views,
)
from chargerd.runtime.attachment_methods import AttachmentMethods
from chargerd.runtime.booking_interface import BookingInterface
from chargerd.runtime.certificate_methods import CertificateMethods
from chargerd.runtime.control_server import Interface, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.fault_methods import FaultMethods
from chargerd.runtime.guard import Guard
from chargerd.runtime.journal import Journal
from chargerd.runtime.log_methods import LogMethods
from chargerd.runtime.queue_methods import QueueMethods
from chargerd.runtime.senses import Senses
from chargerd.runtime.tag_methods import TagMethods
from chargerd.runtime.update_methods import MOST_BYTES, UpdateMethods
from chargerd.runtime.views import Json, Views
from chargerd.runtime.why import because
from chargerd.steps import Happening, KeyWanted
from chargerd.store.reader import Reader

OFTEN_S: Final = 0.1
SELDOM_S: Final = 1.0
"""A watcher is told at most so often, and at least so often."""

_EXCHANGES: Final = 10
"""How many exchanges of a meter are told."""


class StationInterface:
    """Answers from memory; the history comes from a reader of the store."""

    def __init__(
        self,
        views: Views,
        charge_point: ChargePoint,
        guard: Guard,
        senses: Senses,
        journal: Journal,
        reader: Reader,
        clock: Clock,
        soon: Callable[[Happening], None],
        steps: Callable[[], int],
        logs: LogMethods,
        group: str = "",
        firmware_folder: Path | None = None,
        firmware_most_bytes: int = MOST_BYTES,
        firmware_percent: Callable[[], int | None] = lambda: None,
        certificate_file: Path | None = None,
    ) -> None:
        self._views = views
        self._charge_point = charge_point
        self._guard = guard
        self._senses = senses
        self._journal = journal
        self._reader = reader
        self._clock = clock
        self._soon = soon
        self._steps = steps
        self._logs = logs
        self._queue = QueueMethods(views, charge_point, reader, soon, group)
        self._tags = TagMethods(charge_point, clock, soon)
        self._attachment = AttachmentMethods(charge_point, clock, soon, group)
        self._certificates = CertificateMethods(
            charge_point,
            clock,
            soon,
            lambda: views.link()["state"] != "offline",
            group,
            certificate_file,
        )
        self._fault_methods = FaultMethods(charge_point, reader, soon, group)
        self._updates = UpdateMethods(
            charge_point,
            clock,
            soon,
            group,
            firmware_folder,
            firmware_most_bytes,
            firmware_percent,
        )

    def interface(self, description: str) -> Interface:
        """Return the methods for the control server."""
        return Interface(
            control.STATION,
            description,
            {
                "GetStatus": lambda p, _: {"status": self._views.status()},
                "GetLink": lambda p, _: {"link": self._views.link()},
                "ListSessions": self._sessions,
                "GetSession": self._session,
                "ListKeys": self._keys,
                "GetKeys": self._some_keys,
                "SetKey": self._set_key,
                "ReadMeters": self._meters,
                "GetPowerLimits": lambda p, _: power_views.limits(
                    self._charge_point.station,
                    self._views.identity.names,
                    self._clock.now(),
                ),
                "ListProfiles": lambda p, _: profile_views.profiles(
                    self._charge_point.station, self._clock.now()
                ),
                "GetPower": lambda p, _: power_views.groups(self._charge_point.station),
                "ListDevices": self._devices,
                "ListFaults": self._faults,
                "Explain": self._explain,
                **self._queue.methods,
                **BookingInterface(self._charge_point, self._soon).methods,
                **self._tags.methods,
                **self._fault_methods.methods,
                **self._attachment.methods,
                **self._certificates.methods,
                **self._logs.methods,
                **self._updates.methods,
            },
            {"Watch": self._watch, **self._logs.streams, **self._updates.streams},
        )

    async def _watch(
        self, _: Mapping[str, Any], __: Peer
    ) -> AsyncGenerator[Json, None]:
        seen = self._journal.recent[-1][0] if self._journal.recent else 0
        steps = -1
        told_s = 0.0
        while True:
            now_s = self._clock.now().monotonic_s
            if steps != self._steps() or now_s - told_s >= SELDOM_S:
                steps, told_s = self._steps(), now_s
                lines = [line for number, line in self._journal.recent if number > seen]
                if lines:
                    seen = self._journal.recent[-1][0]
                happenings = [
                    {
                        "time": views.time(line.at),
                        "connector": line.connector,
                        "what": line.what,
                    }
                    for line in lines
                ]
                yield {"status": self._views.status(), "happenings": happenings}
            await asyncio.sleep(OFTEN_S)

    def _sessions(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        rows = self._reader.charges(
            parameters.get("limit") or 20, self._charge_point.commits.acknowledged
        )
        return {"sessions": [self._views.charge(row) for row in rows]}

    def _session(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        wanted = parameters["id"]
        rows = self._reader.charges_like(
            wanted, self._charge_point.commits.acknowledged
        )
        if not rows:
            raise _failed("NoSuchSession", id=wanted)
        if len(rows) > 1:
            found = [row["key"] for row in rows]
            raise _failed("AmbiguousSession", id=wanted, candidates=found)
        key = rows[0]["key"]
        messages = self._reader.messages(
            100, key, self._charge_point.commits.acknowledged
        )
        steps = [(note["at"], note["what"]) for note in self._reader.notes(key)]
        fresh = [
            (n.at.isoformat(), n.what) for n in self._charge_point.commits.story(key)
        ]
        return {
            "session": self._views.charge(rows[0]),
            "steps": [
                {"time": views.time_of(at), "what": what}
                for at, what in (*steps, *fresh)
            ],
            "messages": [self._views.message(row) for row in messages],
        }

    def _keys(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        listed = [self._views.key(key) for key in keys.KEYS.values()]
        if parameters.get("changed_only"):
            listed = [key for key in listed if key["origin"] != "default"]
        return {"keys": listed}

    def _some_keys(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        found = []
        for name in parameters["names"]:
            key = keys.KEYS.get(name.lower())
            if key is None:
                raise _failed("NoSuchKey", name=name)
            found.append(self._views.key(key))
        return {"keys": found}

    def _set_key(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        name, value = parameters["name"], parameters["value"]
        judged = consider_here(self._charge_point.picture, name, value)
        if judged.outcome is Outcome.NOT_SUPPORTED:
            raise _failed("NoSuchKey", name=name)
        if judged.why is not None:
            detail = judged.detail or f"{judged.name} cannot be changed"
            raise _failed("Refused", reason=str(judged.why), detail=detail)
        self._soon(KeyWanted(name, value, "cli"))
        return {"outcome": "Accepted"}

    def _meters(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        found = (
            meter_views.meter(
                self._charge_point.station,
                number,
                self._guard.facts[number].meter,
                self._reader.exchanges(number, _EXCHANGES),
                self._clock.now(),
            )
            for number in self._numbers(parameters)
        )
        return {"meters": [meter for meter in found if meter is not None]}

    def _devices(self, _: Mapping[str, Any], __: Peer) -> Json:
        now_s = self._clock.now().monotonic_s
        listed = []
        for (number, kind), driver in self._views.identity.drivers.items():
            health = self._senses.health.get((number, kind))
            seen_s = health.seen_s if health else None
            listed.append(
                views.known(
                    connector=number,
                    kind=kind,
                    driver=driver,
                    alive=health.alive if health else True,
                    age_s=round(now_s - seen_s, 3) if seen_s is not None else None,
                    error=health.error if health else None,
                )
            )
        return {"devices": listed}

    def _faults(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        station = self._charge_point.station
        dialect = station.policy.vendor_error_dialect
        counts = self._reader.fault_counts()
        if not parameters.get("history"):
            active = station.health.active
            return {"faults": fault_views.active(active, dialect, counts)}
        rows = self._reader.faults(100)
        return {"faults": fault_views.logged(rows, dialect, counts)}

    def _explain(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        station, now = self._charge_point.station, self._clock.now()
        numbers = self._numbers(parameters)
        causes = []
        for number in numbers:
            session = station.sessions[number]
            word = report(station, number, now.utc).status
            since = self._views.since(session)
            what = f"{self._views.identity.names[number]} is {word}"
            reasons = list(because(station, number))
            causes.append({"what": what, "since": since, "because": reasons})
        told = {*numbers, WHOLE_STATION}
        refusals = [
            {
                "time": views.time(at),
                "connector": refused.connector,
                "asked": refused.asked,
                "answer": "Rejected" if refused.asked != "token" else "refused",
                "reason": str(refused.why),
                "detail": refused.detail,
            }
            for at, refused in reversed(station.refusals)
            if refused.connector in told
        ]
        return {"causes": causes, "refusals": refusals[:10]}

    def _numbers(self, parameters: Mapping[str, Any]) -> Sequence[int]:
        connector = parameters.get("connector")
        known = self._charge_point.station.sessions
        if connector is None:
            return tuple(known)
        if connector not in known:
            raise _failed("NoSuchConnector", connector=connector)
        return (connector,)


_failed = partial(failed, control.STATION)

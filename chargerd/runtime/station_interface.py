"""``org.chargerd.Station``: what the control socket tells of the station."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chargerd import control
from chargerd.chargepoint import ChargePoint, Happening, KeyWanted
from chargerd.clock import Clock
from chargerd.core.events import WHOLE_STATION
from chargerd.core.faults import FAULTS, Fault
from chargerd.core.health import Active
from chargerd.core.session import BILLED, Session
from chargerd.ocpp16 import keys
from chargerd.ocpp16.handlers.core import consider
from chargerd.ocpp16.keys import Access, Outcome
from chargerd.ocpp16.records import Entry
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.status import report
from chargerd.ocpp16.wire import moment, timestamp
from chargerd.runtime.control_server import ControlFailed, Interface
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.csms import CsmsLink
from chargerd.runtime.guard import Guard
from chargerd.runtime.journal import Journal, masked
from chargerd.runtime.senses import Senses
from chargerd.runtime.why import because
from chargerd.store import Reader

Json = dict[str, Any]

OFTEN_S: Final = 0.1
SELDOM_S: Final = 1.0
"""A watcher is told at most so often, and at least so often."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change while the daemon runs."""

    station: str
    vendor: str
    model: str
    version: str
    hardware: str
    simulated: bool
    names: Mapping[int, str]
    drivers: Mapping[tuple[int, str], str]
    started_s: float


class StationInterface:
    """Answers from memory; the history comes from a reader of the store."""

    def __init__(
        self,
        identity: Identity,
        charge_point: ChargePoint,
        link: CsmsLink,
        guard: Guard,
        senses: Senses,
        journal: Journal,
        reader: Reader,
        clock: Clock,
        soon: Callable[[Happening], None],
        steps: Callable[[], int],
    ) -> None:
        self._identity = identity
        self._charge_point = charge_point
        self._link = link
        self._guard = guard
        self._senses = senses
        self._journal = journal
        self._reader = reader
        self._clock = clock
        self._soon = soon
        self._steps = steps

    def interface(self, description: str) -> Interface:
        """Return the methods for the control server."""
        return Interface(
            control.STATION,
            description,
            {
                "GetStatus": lambda p, _: {"status": self.status()},
                "GetLink": lambda p, _: {"link": self._link_now()},
                "ListSessions": self._sessions,
                "GetSession": self._session,
                "ListMessages": self._messages,
                "ListKeys": self._keys,
                "GetKeys": self._some_keys,
                "SetKey": self._set_key,
                "ReadMeters": self._meters,
                "ListDevices": self._devices,
                "ListFaults": self._faults,
                "Explain": self._explain,
            },
            {"Watch": self._watch},
        )

    def status(self) -> Json:
        """Return the whole station on one screen."""
        identity, now = self._identity, self._clock.now()
        station = self._charge_point.station
        outbox = self._charge_point.dialogue.ledger.outbox
        return {
            "station": identity.station,
            "vendor": identity.vendor,
            "model": identity.model,
            "version": identity.version,
            "hardware": identity.hardware,
            "uptime_s": round(now.monotonic_s - identity.started_s, 1),
            "time": _time(now.utc),
            "clock": self._clock_source(),
            "link": self._link_now(),
            "connectors": [self._connector(s) for s in station.sessions.values()],
            "faults": [_active(active) for active in station.health.active],
            "messages_waiting": outbox.waiting,
            "messages_quarantined": outbox.quarantined,
            "storage": "failing" if station.storage_failing else "ok",
            "simulated": identity.simulated,
        }

    def one_line(self) -> str:
        """Return what ``systemctl status`` shows."""
        station, now = self._charge_point.station, self._clock.now().utc
        words = [
            f"{self._identity.names[n]} {report(station, n, now).status}"
            for n in station.sessions
        ]
        waiting = self._charge_point.dialogue.ledger.outbox.waiting
        link = self._link_now()["state"]
        return f"{', '.join(words)}; link {link}; {waiting} messages waiting"

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
                        "time": _time(line.at),
                        "connector": line.connector,
                        "what": line.what,
                    }
                    for line in lines
                ]
                yield {"status": self.status(), "happenings": happenings}
            await asyncio.sleep(OFTEN_S)

    def _clock_source(self) -> str:
        offset_s = self._charge_point.dialogue.registration.clock_offset_s
        return "system" if offset_s is None else "ocpp"

    def _link_now(self) -> Json:
        state, settings = self._link.state, self._link.settings
        registration = self._charge_point.dialogue.registration
        now = self._clock.now()
        online = "online" if registration.accepted else "registering"
        ago_s = now.monotonic_s - state.since
        return _known(
            state=online if state.up else "offline",
            url=settings.url,
            identity=settings.identity,
            security_profile=settings.security_profile,
            registration=registration.standing.value,
            since=_time(_earlier(now.utc, ago_s)),
            rtt_ms=state.rtt_ms,
            failed_at=state.failed_at,
            failure=state.failure,
            next_try_s=_left(state.next_try_s, now.monotonic_s),
            last_heartbeat=_maybe_time(registration.last_heartbeat),
            clock_offset_s=registration.clock_offset_s,
        )

    def _connector(self, session: Session) -> Json:
        station, now = self._charge_point.station, self._clock.now()
        number, facts = session.connector, self._guard.facts[session.connector]
        told = report(station, number, now.utc)
        limit = station.limit(number)
        meter, vehicle = facts.meter, facts.vehicle
        billed = session.phase in BILLED
        return _known(
            number=number,
            name=self._identity.names[number],
            status=told.status,
            error_code=told.error_code,
            phase=session.phase.value,
            since=_time(_earlier(now.utc, now.monotonic_s - session.since_s)),
            plugged=session.plugged,
            session=session.key or None,
            tag=masked(session.id_tag) if session.id_tag else None,
            soc_percent=vehicle.soc_percent if vehicle and vehicle.plugged else None,
            power_w=meter.power_w if meter else None,
            voltage_v=meter.voltage_v if meter else None,
            current_a=meter.current_a if meter else None,
            energy_wh=meter.energy_wh if meter else None,
            session_energy_wh=session.energy_wh if session.key else None,
            limit={"power_w": limit.power_w, "set_by": str(limit.set_by)}
            if billed
            else None,
            plug_temperature_c=facts.temperature.temperature_c
            if facts.temperature
            else None,
            module_temperature_c=facts.power_module.temperature_c
            if facts.power_module
            else None,
            reason=because(station, number)[0],
        )

    def _sessions(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        rows = self._reader.charges(parameters.get("limit") or 20)
        return {"sessions": [self._charge(row) for row in rows]}

    def _session(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        wanted = parameters["id"]
        rows = self._reader.charges_like(wanted)
        if not rows:
            raise _failed("NoSuchSession", id=wanted)
        if len(rows) > 1:
            found = [row["key"] for row in rows]
            raise _failed("AmbiguousSession", id=wanted, candidates=found)
        key = rows[0]["key"]
        messages = self._reader.messages(100, key)
        return {
            "session": self._charge(rows[0]),
            "steps": [
                {"time": _time_of(note["at"]), "what": note["what"]}
                for note in self._reader.notes(key)
            ],
            "messages": [self._message(row) for row in messages],
        }

    def _charge(self, row: Mapping[str, Any]) -> Json:
        running = self._running(row["key"])
        stop_wh = row["stop_wh"]
        last_wh = running.meter_wh if running else stop_wh
        if last_wh is None:
            last_wh = row["last_wh"]
        return _known(
            id=row["key"],
            connector=row["connector"],
            state="running" if row["stop_at"] is None else "ended",
            transaction_id=row["number"],
            tag=masked(row["id_tag"]),
            started=_time_of(row["start_at"]),
            ended=_time_of(row["stop_at"]) if row["stop_at"] else None,
            meter_start_wh=row["start_wh"],
            meter_stop_wh=stop_wh,
            energy_wh=last_wh - row["start_wh"],
            stop_reason=row["cause"],
            messages_waiting=row["waiting"],
        )

    def _running(self, key: str) -> Session | None:
        billed = self._charge_point.station.billed()
        return next((s for s in billed if s.key == key), None)

    def _messages(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        rows = self._reader.messages(parameters.get("limit") or 50)
        outbox = self._charge_point.dialogue.ledger.outbox
        return {
            "messages": [self._message(row) for row in rows],
            "total": outbox.waiting + outbox.quarantined,
        }

    def _message(self, row: Mapping[str, Any]) -> Json:
        outbox = self._charge_point.dialogue.ledger.outbox
        entry = next((e for e in outbox.entries if e.id == row["id"]), None)
        if row["state"] == 1:
            state, waits_for = "quarantine", "hand"
        else:
            state, waits_for = self._progress(entry)
        now_s = self._clock.now().monotonic_s
        return _known(
            id=row["id"],
            state=state,
            action=row["action"],
            session=row["key"] or None,
            queued=_time_of(row["at"]),
            attempts=entry.attempts if entry else row["attempts"],
            waits_for=waits_for,
            next_try_s=_left(entry.due_s, now_s) if entry else None,
            last_error=entry.error if entry else row["error"],
        )

    def _progress(self, entry: Entry | None) -> tuple[str, str]:
        dialogue = self._charge_point.dialogue
        if not dialogue.rpc.is_open:
            return "waiting", "link"
        if dialogue.registration.standing is not Standing.ACCEPTED:
            return "waiting", "registration"
        if entry is None or entry is not dialogue.ledger.outbox.entries[0]:
            return "waiting", "turn"
        if entry.due_s is not None and entry.due_s > self._clock.now().monotonic_s:
            return "waiting", "retry"
        return "sent", "answer"

    def _keys(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        listed = [self._key(key) for key in keys.KEYS.values()]
        if parameters.get("changed_only"):
            listed = [key for key in listed if key["origin"] != "default"]
        return {"keys": listed}

    def _some_keys(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        found = []
        for name in parameters["names"]:
            key = keys.KEYS.get(name.lower())
            if key is None:
                raise _failed("NoSuchKey", name=name)
            found.append(self._key(key))
        return {"keys": found}

    def _key(self, key: keys.Key) -> Json:
        values = self._charge_point.values
        secret = key.access is Access.WRITE_ONLY
        return _known(
            name=key.name,
            value=None if secret else values.get(key.name, key.default),
            default=key.default,
            readonly=key.access is Access.READ_ONLY,
            origin=self._charge_point.origin(key.name),
            reboot_required=False,
            meaning=key.meaning,
        )

    def _set_key(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        name, value = parameters["name"], parameters["value"]
        judged = consider(self._charge_point.picture, name, value)
        if judged.outcome is Outcome.NOT_SUPPORTED:
            raise _failed("NoSuchKey", name=name)
        if judged.why is not None:
            detail = judged.detail or f"{judged.name} cannot be changed"
            raise _failed("Refused", reason=str(judged.why), detail=detail)
        self._soon(KeyWanted(name, value, "cli"))
        return {"outcome": "Accepted"}

    def _meters(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        now_s = self._clock.now().monotonic_s
        meters = []
        for number in self._numbers(parameters):
            meter = self._guard.facts[number].meter
            if meter is not None:
                meters.append(
                    _known(
                        connector=number,
                        energy_wh=meter.energy_wh,
                        energy_export_wh=meter.energy_export_wh,
                        power_w=meter.power_w,
                        voltage_v=meter.voltage_v,
                        current_a=meter.current_a,
                        quality=meter.quality.value,
                        age_s=round(meter.age_s(now_s), 3),
                    )
                )
        return {"meters": meters}

    def _devices(self, _: Mapping[str, Any], __: Peer) -> Json:
        now_s = self._clock.now().monotonic_s
        listed = []
        for (number, kind), driver in self._identity.drivers.items():
            health = self._senses.health.get((number, kind))
            seen_s = health.seen_s if health else None
            listed.append(
                _known(
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
        if not parameters.get("history"):
            active = self._charge_point.station.health.active
            return {"faults": [_active(each) for each in active]}
        rows = self._reader.faults(100)
        return {
            "faults": [
                _fault(
                    FAULTS[row["name"]],
                    row["id"],
                    row["connector"],
                    _time_of(row["since"]),
                    _time_of(row["until"]) if row["until"] else None,
                    row["value"],
                )
                for row in rows
                if row["name"] in FAULTS
            ]
        }

    def _explain(self, parameters: Mapping[str, Any], _: Peer) -> Json:
        station, now = self._charge_point.station, self._clock.now()
        numbers = self._numbers(parameters)
        causes = []
        for number in numbers:
            session = station.sessions[number]
            word = report(station, number, now.utc).status
            since = _time(_earlier(now.utc, now.monotonic_s - session.since_s))
            what = f"{self._identity.names[number]} is {word}"
            reasons = list(because(station, number))
            causes.append({"what": what, "since": since, "because": reasons})
        told = {*numbers, WHOLE_STATION}
        refusals = [
            {
                "time": _time(at),
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


def _failed(error: str, **parameters: Any) -> ControlFailed:
    return ControlFailed(f"{control.STATION}.{error}", parameters)


def _known(**values: Any) -> Json:
    """Leave out what is not known."""
    return {name: value for name, value in values.items() if value is not None}


def _active(active: Active) -> Json:
    since = _time(active.since)
    fault, value = active.fault, active.value
    return _fault(fault, active.id, active.connector, since, None, value)


def _fault(
    fault: Fault,
    id_: int,
    connector: int,
    since: str,
    until: str | None,
    value: str | None,
) -> Json:
    return _known(
        id=id_,
        name=fault.name,
        connector=connector,
        error_code=fault.error_code,
        vendor_code=fault.vendor_code,
        consequence=str(fault.consequence),
        since=since,
        until=until,
        value=value,
        means=fault.means,
        remedy=fault.remedy,
        recovers=fault.recovers,
    )


def _time(at: datetime) -> str:
    return timestamp(at)


def _time_of(text: str) -> str:
    return timestamp(moment(text))


def _maybe_time(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def _earlier(at: datetime, seconds: float) -> datetime:
    return at - timedelta(seconds=seconds)


def _left(at_s: float | None, now_s: float) -> float | None:
    return None if at_s is None or at_s <= now_s else round(at_s - now_s, 1)

"""The documents of ``org.chargerd.Station``: the present state as JSON objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.authorization import masked
from chargerd.core.firmware_job import AT_REST
from chargerd.core.session import BILLED, Session
from chargerd.ocpp16 import keys
from chargerd.ocpp16.keys import Access
from chargerd.ocpp16.records import Entry
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.status import report
from chargerd.ocpp16.wire import moment, timestamp
from chargerd.runtime import fault_views
from chargerd.runtime.csms import CsmsLink
from chargerd.runtime.guard import Guard
from chargerd.runtime.why import because

Json = dict[str, Any]


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


class Views:
    """Looks at the running station; changes nothing."""

    def __init__(
        self,
        identity: Identity,
        charge_point: ChargePoint,
        link: CsmsLink,
        guard: Guard,
        clock: Clock,
    ) -> None:
        self.identity = identity
        self._charge_point = charge_point
        self._link = link
        self._guard = guard
        self._clock = clock

    def status(self) -> Json:
        """Return the whole station on one screen."""
        identity, now = self.identity, self._clock.now()
        station = self._charge_point.station
        outbox = self._charge_point.dialogue.ledger.outbox
        return {
            "station": identity.station,
            "vendor": identity.vendor,
            "model": identity.model,
            "version": identity.version,
            "hardware": identity.hardware,
            "uptime_s": round(now.monotonic_s - identity.started_s, 1),
            "time": time(now.utc),
            "clock": self._clock_source(),
            "link": self.link(),
            "connectors": [self.connector(s) for s in station.sessions.values()],
            "faults": fault_views.active(
                station.health.active, station.policy.vendor_error_dialect
            ),
            "messages_waiting": outbox.waiting,
            "messages_quarantined": outbox.quarantined,
            "storage": "failing" if station.storage_failing else "ok",
            "simulated": identity.simulated,
            **known(update=self._update()),
        }

    def one_line(self) -> str:
        """Return what ``systemctl status`` shows."""
        station, now = self._charge_point.station, self._clock.now().utc
        words = [
            f"{self.identity.names[n]} {report(station, n, now).status}"
            for n in station.sessions
        ]
        waiting = self._charge_point.dialogue.ledger.outbox.waiting
        link = self.link()["state"]
        return f"{', '.join(words)}; link {link}; {waiting} messages waiting"

    def _update(self) -> str | None:
        """Return how a firmware job stands that is under way."""
        state = self._charge_point.upkeep.updates.job.state
        return None if state in AT_REST else state.value

    def _clock_source(self) -> str:
        offset_s = self._charge_point.dialogue.registration.clock_offset_s
        return "system" if offset_s is None else "ocpp"

    def link(self) -> Json:
        """Return the link to the CSMS."""
        state = self._link.state
        dialed = self._charge_point.upkeep.attachments.dialed
        registration = self._charge_point.dialogue.registration
        now = self._clock.now()
        online = "online" if registration.accepted else "registering"
        ago_s = now.monotonic_s - state.since
        return known(
            state=online if state.up else "offline",
            url=dialed.url,
            identity=dialed.identity,
            security_profile=dialed.profile,
            registration=registration.standing.value,
            since=time(earlier(now.utc, ago_s)),
            rtt_ms=state.rtt_ms,
            failed_at=state.failed_at,
            failure=state.failure,
            next_try_s=_left(state.next_try_s, now.monotonic_s),
            last_heartbeat=_maybe_time(registration.last_heartbeat),
            clock_offset_s=registration.clock_offset_s,
        )

    def connector(self, session: Session) -> Json:
        """Return one connector."""
        station, now = self._charge_point.station, self._clock.now()
        number, facts = session.connector, self._guard.facts[session.connector]
        register = station.registers.of(number)
        told = report(station, number, now.utc)
        limit = station.limit(number)
        meter, vehicle = facts.meter, facts.vehicle
        billed = session.phase in BILLED
        return known(
            number=number,
            name=self.identity.names[number],
            status=told.status,
            error_code=told.error_code,
            phase=session.phase.value,
            since=self.since(session),
            plugged=session.plugged,
            session=session.key or None,
            tag=masked(session.id_tag) if session.id_tag else None,
            soc_percent=vehicle.soc_percent if vehicle and vehicle.plugged else None,
            power_w=meter.power_w if meter else None,
            voltage_v=meter.voltage_v if meter else None,
            current_a=meter.current_a if meter else None,
            energy_wh=register.public_wh if register else None,
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

    def since(self, session: Session) -> str:
        """Return when a connector came to its phase, or the daemon began to look."""
        now = self._clock.now()
        began_s = max(session.since_s, self.identity.started_s)
        return time(earlier(now.utc, now.monotonic_s - began_s))

    def charge(self, row: Mapping[str, Any]) -> Json:
        """Return one transaction of the store."""
        running = self._running(row["key"])
        stop_wh = row["stop_wh"]
        last_wh = running.meter_wh if running else stop_wh
        if last_wh is None:
            last_wh = row["last_wh"]
        return known(
            id=row["key"],
            connector=row["connector"],
            state="running" if row["stop_at"] is None else "ended",
            transaction_id=row["number"],
            tag=masked(row["id_tag"]),
            started=time_of(row["start_at"]),
            ended=time_of(row["stop_at"]) if row["stop_at"] else None,
            meter_start_wh=row["start_wh"],
            meter_stop_wh=stop_wh,
            energy_wh=last_wh - row["start_wh"],
            stop_reason=row["cause"],
            messages_waiting=row["waiting"],
        )

    def _running(self, key: str) -> Session | None:
        billed = self._charge_point.station.billed()
        return next((s for s in billed if s.key == key), None)

    def message(self, row: Mapping[str, Any]) -> Json:
        """Return one message of the store, and what it waits for."""
        outbox = self._charge_point.dialogue.ledger.outbox
        entry = next((e for e in outbox.entries if e.id == row["id"]), None)
        if row["state"] == 1:
            state, waits_for = "quarantine", "hand"
        else:
            state, waits_for = self._progress(entry)
        now_s = self._clock.now().monotonic_s
        return known(
            id=row["id"],
            state=state,
            action=row["action"],
            session=row["key"] or None,
            queued=time_of(row["at"]),
            attempts=entry.attempts if entry else row["attempts"],
            waits_for=waits_for,
            next_try_s=_left(self._due_s(entry), now_s) if entry else None,
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
        due_s = self._due_s(entry)
        if due_s is not None and due_s > self._clock.now().monotonic_s:
            return "waiting", "retry"
        return "sent", "answer"

    def _due_s(self, entry: Entry) -> float | None:
        policy = self._charge_point.station.policy
        return self._charge_point.dialogue.ledger.outbox.due_s(entry, policy)

    def key(self, key: keys.Key) -> Json:
        """Return one configuration key."""
        values = self._charge_point.configuration.values
        secret = key.access is Access.WRITE_ONLY
        return known(
            name=key.name,
            value=None if secret else values.get(key.name, key.default),
            default=key.default,
            readonly=key.access is Access.READ_ONLY,
            origin=self._charge_point.configuration.origin(key.name),
            reboot_required=False,
            meaning=key.meaning,
        )


def known(**values: Any) -> Json:
    """Leave out what is not known."""
    return {name: value for name, value in values.items() if value is not None}


def time(at: datetime) -> str:
    """Return a time as the control socket tells it."""
    return timestamp(at)


def time_of(text: str) -> str:
    """Return a time of the store as the control socket tells it."""
    return timestamp(moment(text))


def _maybe_time(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def earlier(at: datetime, seconds: float) -> datetime:
    """Return the moment so many seconds before ``at``."""
    return at - timedelta(seconds=seconds)


def _left(at_s: float | None, now_s: float) -> float | None:
    return None if at_s is None or at_s <= now_s else round(at_s - now_s, 1)

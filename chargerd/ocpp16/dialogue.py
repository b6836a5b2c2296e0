"""The conversation with the CSMS: what to say next, and what its answers mean."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ocpp.v16.enums import GenericStatus

from chargerd.clock import Instant
from chargerd.core.effects import AuthorizationWanted, Effect, Noted
from chargerd.core.events import (
    WHOLE_STATION,
    Event,
    OnlineChanged,
    ServiceChanged,
    TagAnswered,
)
from chargerd.core.station import Station
from chargerd.ocpp16 import requests, triggered
from chargerd.ocpp16.advertisement import Advertisement
from chargerd.ocpp16.answer import Trigger
from chargerd.ocpp16.attachment_values import Attachment
from chargerd.ocpp16.errors import CallFailed, SecurityError
from chargerd.ocpp16.keyring_events import SigningAnswered, SigningUnanswered
from chargerd.ocpp16.ledger import Heard, Ledger, tag_info
from chargerd.ocpp16.notices import Notices, Waiting
from chargerd.ocpp16.postponed import Postponed
from chargerd.ocpp16.records import AcceptedOnce, Entry, Record, SecurityEventKept
from chargerd.ocpp16.registration import DAY_S, Registration, Standing
from chargerd.ocpp16.reporter import Pace, Reporter
from chargerd.ocpp16.requests import Nameplate
from chargerd.ocpp16.rpc import Answered, Asked, Failed, FailureKind, Rpc
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.security_log import SecurityLog
from chargerd.ocpp16.signing import Question
from chargerd.ocpp16.status import Report
from chargerd.ocpp16.timekeeping import Timekeeping
from chargerd.ocpp16.upkeep import Upkeep
from chargerd.ocpp16.wire import Json, decode_answer, moment


@dataclass(frozen=True, slots=True)
class _Boot:
    """A BootNotification is under way."""


@dataclass(frozen=True, slots=True)
class _Beat:
    """A Heartbeat is under way."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A message is under way whose answer changes nothing."""


@dataclass(frozen=True, slots=True)
class _Authorization:
    id_tag: str


class Dialogue:
    """One identity's conversation, over as many links as it takes."""

    def __init__(
        self,
        rpc: Rpc,
        ledger: Ledger,
        security: SecurityLog,
        notices: Notices,
        upkeep: Upkeep,
        nameplate: Nameplate,
        accepted_by: frozenset[str],
    ) -> None:
        """Start unregistered.

        Args:
            rpc: The framing.
            ledger: The transactions.
            security: The security events.
            notices: How jobs stand.
            upkeep: What these jobs are, and how the CSMS is reached.
            nameplate: Who we are.
            accepted_by: Every CSMS (URL and identity) that has ever accepted us.
        """
        self.rpc = rpc
        self.ledger = ledger
        self.security = security
        self.notices = notices
        self._upkeep = upkeep
        self.registration = Registration()
        self.reporter = Reporter()
        self.advertisement = Advertisement()
        self.postponed = Postponed()
        self.timekeeping = Timekeeping(ledger, security, self.reporter)
        self.clock_step_s: float | None = None
        self.boot_interval_s: int | None = None
        """HeartbeatInterval as the CSMS has just set it, until it is taken."""
        self._nameplate = nameplate
        self._accepted_by = accepted_by
        self._attached: Attachment | None = None
        """How the last link was made."""
        self._authorizing: deque[str] = deque()
        self._triggered: deque[Trigger] = deque()
        self._event_is_next = False
        self._booted_again = False

    @property
    def online(self) -> bool:
        """Whether the CSMS can be asked whether a driver may charge."""
        return self.rpc.is_open and self.registration.accepted

    @property
    def settled(self) -> bool:
        """Whether the CSMS has been told everything, as far as it can be told now."""
        if not self.online:
            return True
        waiting = self.ledger.outbox.waiting or self.notices.waiting
        return self.rpc.free and not waiting

    def frames(self) -> tuple[str, ...]:
        """Return what to send now; a station that was rejected answers nothing."""
        frames = self.rpc.frames()
        if self.registration.standing is Standing.REJECTED:
            return tuple(frame for frame in frames if frame.startswith("[2,"))
        return frames

    def link_up(self, now: Instant) -> Heard:
        """A link is there; go on where the last one was lost."""
        self.rpc.open()
        self._meet(now)
        self.ledger.outbox.reconnected()
        self.security.reconnected()
        self.notices.reconnected()
        if not self.registration.accepted:
            return Heard()
        self.reporter.listen(anew=False)
        return Heard((OnlineChanged(WHOLE_STATION, True),))

    def _meet(self, now: Instant) -> None:
        """See who is at the other end now."""
        attachments = self._upkeep.attachments
        before, linked = self._attached, attachments.linked
        if linked is None:
            return
        self._attached = linked
        if before is not None and before.peer != linked.peer:
            self.registration.moved(now)
        elif before not in (None, linked) and not self.registration.accepted:
            # The CSMS has given us other credentials (OCPP-J 1.6 section 6.2.2).
            self.registration.boot_now(now)
        if attachments.unproven and self.registration.accepted:
            self._triggered.append(Trigger("Heartbeat"))

    def link_down(self, station: Station, now: Instant) -> Heard:
        """The link is gone, and every question with it."""
        failed = self.rpc.close()
        heard = self.failed(failed, station, now) if failed else Heard()
        self.reporter.mute()
        self._triggered.clear()
        self.postponed.clear()
        # Offline first: whoever waited for the CSMS is decided without it.
        left = tuple(TagAnswered(WHOLE_STATION, tag, None) for tag in self._authorizing)
        self._authorizing.clear()
        gone = OnlineChanged(WHOLE_STATION, False)
        return Heard((gone, *heard.events, *left), heard.records)

    def tell(self, effect: Effect, station: Station) -> tuple[Record | Noted, ...]:
        """Take one thing that the core decided; return what must be kept of it."""
        if isinstance(effect, AuthorizationWanted):
            self._authorizing.append(effect.id_tag)
        return self.ledger.tell(effect, station.policy)

    def trigger(self, triggers: tuple[Trigger, ...], now: Instant) -> None:
        """Take messages that the CSMS wants to see."""
        for trigger in triggers:
            match trigger:
                case Trigger("BootNotification"):
                    self.registration.boot_now(now)
                case Trigger("StatusNotification", int(connector)):
                    self.reporter.show(connector)
                case _ if trigger not in self._triggered:
                    self._triggered.append(trigger)

    def ask_next(self, station: Station, now: Instant) -> None:
        """Ask the most urgent question, if none is under way."""
        if not self.rpc.free:
            return
        for source in _SOURCES:
            asked = source(self, station, now)
            if asked is not None:
                within_s = float(station.policy.message_timeout_s)
                self.rpc.ask(asked, now, within_s)
                if station.policy.messages_replace_heartbeats or asked.about == _Beat():
                    self.registration.spoken(asked.action, now)
                return

    def next_deadline_s(self, station: Station, now: Instant) -> float | None:
        """Return when something is due here by itself."""
        due = [self.security.next_deadline_s()]
        if self.rpc.is_open:
            due += self._due_online(station)
        return min((s for s in due if s is not None), default=None)

    def _due_online(self, station: Station) -> list[float | None]:
        policy = station.policy
        due = [self.rpc.next_deadline_s(), self.postponed.next_deadline_s()]
        if self.rpc.free:
            due.append(self.registration.next_deadline_s(policy.heartbeat_interval_s))
        if self.online:
            due.append(self.reporter.next_deadline_s(Pace.of(policy)))
        if self.online and self.rpc.free:
            due.append(self.security.told_again_s())
            due.append(self.notices.told_again_s())
            due.append(self._upkeep.keyring.certification.told_again_s())
        if self.online and self.rpc.free and not station.storage_failing:
            due.append(self.ledger.outbox.next_deadline_s(policy))
        return due

    def answered(self, answered: Answered, station: Station, now: Instant) -> Heard:
        """Take the answer to a question of ours."""
        try:
            match answered.asked.about:
                case _Boot():
                    return self._booted(answered.payload, now)
                case _Beat():
                    answer = decode_answer("Heartbeat", answered.payload)
                    self._clock(answer.current_time, now)
                    self.registration.last_heartbeat = now.utc
                case _Authorization(id_tag):
                    info = decode_answer("Authorize", answered.payload).id_tag_info
                    event = TagAnswered(WHOLE_STATION, id_tag, tag_info(info))
                    return Heard((event,))
                case Report() as told if not answered.late:
                    self.reporter.acknowledged(told)
                case Entry() as entry:
                    heard = self.ledger.delivered(entry, answered.payload)
                    self._booted_again = False
                    return heard
                case Waiting() | SecurityEventKept() | Question() as told:
                    return self._delivered(told, answered.payload)
        except CallFailed as error:
            return self._unreadable(answered, error, station, now)
        return Heard()

    def _delivered(
        self, told: Waiting | SecurityEventKept | Question, payload: Json
    ) -> Heard:
        match told:
            case Waiting():
                return Heard(records=self.notices.delivered(told))
            case SecurityEventKept():
                return Heard(later=self.security.delivered(told))
        answer = decode_answer("SignCertificate", payload)
        accepted = answer.status == GenericStatus.accepted
        return Heard(upkeep=(SigningAnswered(told.fingerprint, accepted),))

    def _unreadable(
        self, answered: Answered, error: CallFailed, station: Station, now: Instant
    ) -> Heard:
        failed = Failed(answered.asked, FailureKind.ERROR, error.code, str(error))
        heard = self.failed(failed, station, now)
        info = f"answer to {answered.asked.action}: {error.code}"
        told = self.concerns(SecurityEventType.INVALID_MESSAGES, info, station, now)
        return replace(heard, records=heard.records + told)

    def concerns(
        self, type_: SecurityEventType, info: str, station: Station, now: Instant
    ) -> tuple[Record, ...]:
        """Take what concerns security; return what must be kept of it."""
        every = station.policy.tell_all_security_events
        return self.security.take(type_, info, now, every=every)

    def sum_up(self, station: Station, now: Instant) -> tuple[Record, ...]:
        """Take the security events that were only counted for a while."""
        every = station.policy.tell_all_security_events
        return self.security.expire(now, every=every)

    def failed(self, failed: Failed, station: Station, now: Instant) -> Heard:
        """Take it that a question of ours was not answered as hoped."""
        match failed.asked.about:
            case _Boot():
                lost = failed.kind is FailureKind.LINK
                self.registration.unanswered(now, link_lost=lost)
            case _Authorization(id_tag):
                return Heard((TagAnswered(WHOLE_STATION, id_tag, None),))
            case Report() as told:
                self.reporter.failed(told, now.monotonic_s)
            case Entry() as entry:
                if self._forgotten(failed, now):
                    return Heard()
                records = self.ledger.failed(entry, failed, now, station.policy)
                return Heard(records=records)
            case Waiting() | SecurityEventKept() | Question() as told:
                return self._undelivered(told, failed, now)
        return Heard()

    def _undelivered(
        self, told: Waiting | SecurityEventKept | Question, failed: Failed, now: Instant
    ) -> Heard:
        match told:
            case Waiting():
                return Heard(records=self.notices.failed(told, failed, now))
            case SecurityEventKept():
                return Heard(records=self.security.failed(told, failed, now))
        if failed.kind is FailureKind.LINK:
            return Heard()
        return Heard(upkeep=(SigningUnanswered(told.fingerprint),))

    def _forgotten(self, failed: Failed, now: Instant) -> bool:
        """Tell whether the CSMS does not know that it has accepted us.

        It says so by SecurityError (whitepaper errata 3.10), which is no failure of
        the message: the station boots anew. Said again after that, it is one.
        """
        if failed.code != SecurityError.code or self._booted_again:
            return False
        self._booted_again = True
        self.registration.boot_now(now)
        return True

    def _booted(self, payload: Json, now: Instant) -> Heard:
        answer = decode_answer("BootNotification", payload)
        self._clock(answer.current_time, now)
        self.registration.answered(str(answer.status), answer.interval, now)
        if self.registration.standing is Standing.REJECTED:
            self._triggered.clear()
        if not self.registration.accepted:
            self.reporter.mute()
            return Heard((OnlineChanged(WHOLE_STATION, False),))
        if answer.interval > 0:
            self.boot_interval_s = min(answer.interval, DAY_S)
        self.reporter.listen(anew=True)
        self.advertisement.booted()
        news: tuple[Event, ...] = (
            ServiceChanged(WHOLE_STATION),
            OnlineChanged(WHOLE_STATION, True),
        )
        where = self._upkeep.attachments.dialed.where
        if where in self._accepted_by:
            return Heard(news)
        self._accepted_by |= {where}
        return Heard(news, (AcceptedOnce(where),))

    def _clock(self, told: str, now: Instant) -> None:
        step_s = self.registration.clock_step_s(moment(told), now)
        self.clock_step_s = step_s if step_s is not None else self.clock_step_s

    def _boot(self, _station: Station, now: Instant) -> Asked | None:
        if not self.registration.boot_due(now):
            return None
        self.registration.boot_sent()
        return Asked("BootNotification", requests.boot(self._nameplate), _Boot())

    def _authorize(self, _station: Station, _now: Instant) -> Asked | None:
        if not self._authorizing:
            return None
        id_tag = self._authorizing.popleft()
        about = _Authorization(id_tag)
        return Asked("Authorize", requests.authorize(id_tag), about)

    def _wanted(self, station: Station, now: Instant) -> Asked | None:
        while self._triggered:
            trigger = self._triggered.popleft()
            scene = triggered.Scene(station, self._upkeep, self.ledger.numbers, now)
            payload = triggered.payload(trigger, scene)
            if payload is not None:
                about = _Beat() if trigger.action == "Heartbeat" else _Shown()
                return Asked(trigger.action, payload, about)
        return None

    def _advertised(self, station: Station, _now: Instant) -> Asked | None:
        told = self.advertisement.next(station.policy) if self.online else None
        return Asked("DataTransfer", told, _Shown()) if told else None

    def _status(self, _station: Station, _now: Instant) -> Asked | None:
        told = self.reporter.next()
        if told is None:
            return None
        return Asked("StatusNotification", requests.status_notification(told), told)

    def _noticed(self, _station: Station, now: Instant) -> Asked | None:
        waiting = self.notices.next(now) if self.online else None
        if waiting is None:
            return None
        return Asked(waiting.notice.action, waiting.notice.payload, waiting)

    def _certified(self, _station: Station, now: Instant) -> Asked | None:
        # A CSMS may want a certificate before it accepts a station (A02.FR.02).
        standing = self.registration.standing
        if standing not in (Standing.ACCEPTED, Standing.PENDING):
            return None
        question = self._upkeep.keyring.certification.question(
            now, accepted=self.online
        )
        if question is None:
            return None
        return Asked("SignCertificate", {"csr": question.csr}, question)

    def _queued(self, station: Station, now: Instant) -> Asked | None:
        """Let the two queues take turns: neither waits for the end of the other."""
        message, event = Dialogue._message, Dialogue._event
        order = (event, message) if self._event_is_next else (message, event)
        for source in order:
            asked = source(self, station, now)
            if asked is not None:
                self._event_is_next = source is message
                return asked
        return None

    def _event(self, _station: Station, now: Instant) -> Asked | None:
        kept = self.security.next(now) if self.online else None
        if kept is None:
            return None
        payload = requests.security_event(kept.event)
        return Asked("SecurityEventNotification", payload, kept)

    def _message(self, station: Station, now: Instant) -> Asked | None:
        if not self.online or station.storage_failing:
            return None
        found = self.ledger.outgoing(now, station.policy)
        return Asked(found[0].action, found[1], found[0]) if found else None

    def _beat(self, station: Station, now: Instant) -> Asked | None:
        interval_s = station.policy.heartbeat_interval_s
        if not self.registration.heartbeat_due(now, interval_s):
            return None
        return Asked("Heartbeat", {}, _Beat())


Source = Callable[[Dialogue, Station, Instant], Asked | None]

_SOURCES: Final[tuple[Source, ...]] = (
    Dialogue._boot,
    Dialogue._authorize,
    Dialogue._advertised,
    Dialogue._status,
    Dialogue._wanted,
    Dialogue._noticed,
    Dialogue._certified,
    Dialogue._queued,
    Dialogue._beat,
)
"""Most urgent first: a driver waits for Authorize, people for a fault."""

"""How the station gets certificates of its own, and which of them it shows.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from chargerd.clock import EARLIEST, Instant
from chargerd.core.effects import Noted, Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.policy import Policy
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16 import keyring_events as events
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.jobs import Redial
from chargerd.ocpp16.keyring_events import Origin
from chargerd.ocpp16.own_certificates import Own, OwnCertificates
from chargerd.ocpp16.pki import chains, own_keys, reading
from chargerd.ocpp16.pki.periods import renew_at
from chargerd.ocpp16.pki.values import (
    BadCertificate,
    Certificate,
    KeyKind,
    KeyPair,
    Subject,
)
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetKept
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.signing import AGAIN, Question, Request, Signing, subject_of

REFUSED: Final = "refused"
"""Under which name it is kept that the CSMS does not renew that of the station file."""

_INTRODUCES: Final = 3
"""The security profile under which the station shows its certificate."""


class Certification:
    """Asks for certificates of the station, judges them, and renews them."""

    def __init__(
        self,
        certificates: Mapping[str, Sheet],
        keys: Mapping[str, Sheet],
        serial_number: str | None,
        policy: Callable[[], Policy],
        filed: Certificate | None = None,
    ) -> None:
        """Go on with what the disk knows.

        Args:
            certificates: Of the station, with what stands between them and a root.
            keys: Theirs, that which waits for a certificate, and the open request.
            serial_number: Of the station, as BootNotification tells it.
            policy: Tells what the operator wants now.
            filed: The certificate of the station file, if another key may follow it.
        """
        self._owns = OwnCertificates(certificates, keys)
        self._signing = Signing(keys)
        self._serial_number = serial_number
        self._policy = policy
        self._filed = filed
        refused = keys.get(REFUSED, {}).get("fingerprint")
        self.filed_refused = filed is not None and filed.fingerprint == refused
        """The CSMS does not want to renew it."""
        self._used: Certificate | None = None
        self._renew_from: datetime = EARLIEST

    @property
    def every(self) -> tuple[Own, ...]:
        """The certificates of the station that may still be of use."""
        return tuple(self._owns)

    @property
    def request(self) -> Request | None:
        """The request for another one that is open."""
        return self._signing.request

    @property
    def wanted(self) -> int:
        """How many requests were begun since the process was started."""
        return self._signing.wanted

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Why something of it is lost."""
        return tuple(self._owns.unreadable)

    def own(self, now: Instant) -> Own | None:
        """Return the installed certificate that is valid, and begins last."""
        return self._owns.in_use(now.utc)

    def fallback(self, now: Instant) -> Own | None:
        """Return the one before, for the month in which it may be needed."""
        return self._owns.fallback(now.utc)

    def offered(self, now: Instant) -> Own | None:
        """Return what a handshake may be tried with: one that is not valid at worst."""
        return self._owns.offered(now.utc)

    def subject(self) -> Subject:
        """Return whom its certificates are for; raise ``BadCertificate`` if nobody."""
        return subject_of(self._serial_number, self._policy().cpo_name)

    def question(self, now: Instant, *, accepted: bool) -> Question | None:
        """Return what is to be asked of a CSMS, which has accepted us or not yet."""
        request = self._signing.request
        if request is None or request.origin is Origin.HAND:
            return None
        if not (accepted or request.origin is Origin.CSMS):
            return None
        return self._signing.question(self._serial_number, self._policy().cpo_name, now)

    def csr(self) -> str | None:
        """Return what people may sign, in PEM, if a key waits for its certificate.

        Raises:
            BadCertificate: For ``WRONG_SUBJECT``: it cannot be asked for.
        """
        key = self._signing.pending
        return own_keys.signing_request(key, self.subject()) if key else None

    def told_again_s(self) -> float | None:
        """Return when the CSMS is asked again that has not answered."""
        return self._signing.told_again_s()

    def judged(
        self,
        text: str,
        roots: Iterable[Certificate],
        now: Instant,
        key: KeyPair | None = None,
    ) -> Own | Objection:
        """Return what the CSMS had certified, or why it is refused (A02.FR.06 to 08).

        What is here already is returned as it is: the CSMS has missed the answer.

        Args:
            text: The chain, in PEM.
            roots: Who may vouch for it.
            now: The present moment.
            key: What was certified; without it, the key that waits for that.
        """
        key = key or self._signing.pending
        try:
            chain = reading.read_chain(text, self._policy().most_chain_characters)
            return self._owns.among(chain) or self._certified(chain, roots, key, now)
        except BadCertificate as error:
            return Objection(Why.BAD_CERTIFICATE, str(error))

    def knows(self, own: Own) -> bool:
        """Return whether it is installed."""
        return own in self._owns

    def kept(self, own: Own) -> Record:
        """Return what makes a certified key the station's own, once on the disk."""
        return self._owns.keep(own)[0]

    def begin(self, now: Instant) -> Consequences:
        """Go on with the request that a restart broke off."""
        self._used = _certificate(self.own(now))
        pending = self._signing.pending
        cut_off = self._owns.of_key(pending) if pending else None
        return (
            self._installed(cut_off) if cut_off else self._signing.begin(self._kind())
        )

    def take(self, event: Any, now: Instant) -> Consequences:
        """Let one thing happen."""
        return _TAKEN[type(event)](self, event, now)

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""
        dropped = Consequences(records=self._owns.expire(now.utc))
        return self._switched(now) + dropped + self._renewed(now)

    def next(self, now: datetime) -> datetime | None:
        """Return when ``expire`` has something to do."""
        moments = (self._owns.next_change(now), self._renewal())
        return min((at for at in moments if at is not None), default=None)

    def _certified(
        self,
        chain: tuple[Certificate, ...],
        roots: Iterable[Certificate],
        key: KeyPair | None,
        now: Instant,
    ) -> Own:
        wanted = key.fingerprint if key else ""
        path = chains.check_station_chain(chain, wanted, self.subject(), roots, now.utc)
        assert key is not None  # or no certificate would have its fingerprint
        return Own(path.certificates, key, now.utc)

    def _switched(self, now: Instant) -> Consequences:
        """Dial anew if another certificate is in use (A02.FR.08)."""
        used = _certificate(self.own(now))
        if used is None or used == self._used:
            return Consequences()
        self._used = used
        told = Noted(WHOLE_STATION, f"certificate {used.name} in use")
        redials = self._policy().security_profile == _INTRODUCES
        return Consequences(jobs=(Redial(),) if redials else (), told=(told,))

    def _renewal(self) -> datetime | None:
        """Return when the station asks for a new certificate by itself (A03.FR.02)."""
        certificate, request = self._renewable(), self._signing.request
        if certificate is None:
            return None
        at = max(renew_at(certificate), self._renew_from)
        if request is None or request.origin is Origin.HAND:
            return at
        return max(at, request.accepted + AGAIN) if request.accepted else None

    def _renewable(self) -> Certificate | None:
        newest = self._owns.newest
        if newest is None:
            return None if self.filed_refused else self._filed
        return None if newest.refused else newest.certificate

    def _refuse_renewal(self) -> tuple[Record, ...]:
        newest = self._owns.newest
        if newest is not None:
            return self._owns.refuse_renewal(newest)
        assert self._filed is not None
        self.filed_refused = True
        sheet: Sheet = {"fingerprint": self._filed.fingerprint}
        return (SheetKept(Drawer.KEY, REFUSED, sheet),)

    def _renewed(self, now: Instant) -> Consequences:
        at = self._renewal()
        if at is None or now.utc < at:
            return Consequences()
        if self._signing.request is not None:
            return Consequences(records=self._signing.ask_again())
        wanted = self._want(events.SigningWanted(Origin.RENEWAL), now)
        if self._signing.request is None:
            self._renew_from = now.utc + AGAIN
        return wanted

    def _kind(self) -> KeyKind:
        return KeyKind(self._policy().certificate_key_kind)

    def _want(self, event: events.SigningWanted, _now: Instant) -> Consequences:
        try:
            self.subject()
        except BadCertificate as error:
            refused = Refused(
                WHOLE_STATION, "SignCertificate", Why.NO_SUBJECT, str(error)
            )
            return Consequences(told=(refused,))
        told = Noted(WHOLE_STATION, f"certificate wanted by {event.origin}")
        wanted = self._signing.want(event.origin, self._kind())
        return wanted + Consequences(told=(told,))

    def _made(self, event: events.KeyMade, _now: Instant) -> Consequences:
        return self._signing.made(event.key)

    def _answered(self, event: events.SigningAnswered, now: Instant) -> Consequences:
        if event.accepted:
            return Consequences(self._signing.accepted(event.fingerprint, now))
        records = self._signing.rejected(event.fingerprint)
        if not records:
            return Consequences()
        certificate = self._renewable()
        if certificate and renew_at(certificate) <= now.utc:
            records += self._refuse_renewal()
        what = "the CSMS refused to have a certificate made; the old one stays in use"
        return Consequences(records, told=(Noted(WHOLE_STATION, what),))

    def _unanswered(
        self, event: events.SigningUnanswered, now: Instant
    ) -> Consequences:
        self._signing.unanswered(event.fingerprint, now)
        return Consequences()

    def _own_installed(self, event: events.OwnInstalled, _now: Instant) -> Consequences:
        return self._installed(event.own)

    def _installed(self, own: Own) -> Consequences:
        records = self._owns.install(own)
        if self._signing.pending == own.key:
            records += self._signing.signed()
        what = f"certificate {own.certificate.name} installed"
        concern = Concern(SecurityEventType.RECONFIGURATION, what)
        told = Noted(WHOLE_STATION, what)
        return Consequences(records, concerns=(concern,), told=(told,))


def _certificate(own: Own | None) -> Certificate | None:
    return own.certificate if own else None


_TAKEN: Final[Mapping[type, Callable[[Certification, Any, Instant], Consequences]]] = {
    events.SigningWanted: Certification._want,
    events.KeyMade: Certification._made,
    events.SigningAnswered: Certification._answered,
    events.SigningUnanswered: Certification._unanswered,
    events.OwnInstalled: Certification._own_installed,
}

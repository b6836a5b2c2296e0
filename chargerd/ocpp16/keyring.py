"""The keyring: which roots are believed, who the station is, and how that changes.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, get_args

from ocpp.v16.datatypes import CertificateHashData
from ocpp.v16.enums import CertificateUse

from chargerd.clock import EARLIEST, Instant
from chargerd.core.effects import Noted, Refused
from chargerd.core.events import WHOLE_STATION
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why
from chargerd.ocpp16 import keyring_events as events
from chargerd.ocpp16.certificate_chains import check_station_chain, renew_at
from chargerd.ocpp16.certificates import (
    BadCertificate,
    Certificate,
    Subject,
    read_chain,
)
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.expiry import Expiry
from chargerd.ocpp16.jobs import Redial
from chargerd.ocpp16.keyring_events import (
    KeyringEvent,
    Objection,
    Origin,
    Root,
)
from chargerd.ocpp16.link_news import LinkTrusted
from chargerd.ocpp16.own_certificates import Own, OwnCertificates
from chargerd.ocpp16.records import Drawer, Record, Sheet
from chargerd.ocpp16.root_store import CSMS, RootStore
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.signing import AGAIN, Question, Signing, subject_of
from chargerd.ocpp16.signing_requests import KeyKind

HEARD: Final = get_args(KeyringEvent)

_INTRODUCES: Final = 3
"""The security profile under which the station shows its certificate."""


class Keyring:
    """Knows every certificate of the station and of those whom it believes."""

    def __init__(
        self,
        drawers: Mapping[Drawer, Mapping[str, Sheet]],
        serial_number: str | None,
        file_roots: Iterable[str],
        policy: Callable[[], Policy],
    ) -> None:
        """Go on with what the disk knows.

        Args:
            drawers: What the disk knows.
            serial_number: Of the station, as BootNotification tells it.
            file_roots: The files of roots that the station file names, in PEM.
            policy: Tells what the operator wants now.
        """
        keys = drawers.get(Drawer.KEY, {})
        self.store = RootStore(drawers.get(Drawer.ROOT, {}), file_roots)
        self._owns = OwnCertificates(drawers.get(Drawer.CERTIFICATE, {}), keys)
        self._signing = Signing(keys)
        self._expiry = Expiry(drawers.get(Drawer.EXPIRY, {}))
        self._serial_number = serial_number
        self._policy = policy
        self._begun = False
        self._used: Certificate | None = None
        self._renew_from: datetime = EARLIEST
        self._due: datetime | None = None

    # --- what others read -------------------------------------------------------

    def roots(self, use: CertificateUse) -> tuple[Certificate, ...]:
        """Return who may vouch for others."""
        return self.store.certificates(use)

    def own(self, now: Instant) -> Own | None:
        """Return the installed certificate that is valid, and begins last."""
        return self._owns.in_use(now.utc)

    def fallback(self, now: Instant) -> Own | None:
        """Return the one before, for the month in which it may be needed."""
        return self._owns.fallback(now.utc)

    def offered(self, now: Instant) -> Own | None:
        """Return what a handshake may be tried with: one that is not valid at worst."""
        return self._owns.offered(now.utc)

    def in_use(self, now: Instant) -> tuple[Certificate, ...]:
        """Return every certificate whose end would be felt."""
        own = self.offered(now)
        roots = (root for use in CertificateUse for root in self.roots(use))
        return (*((own.certificate,) if own else ()), *roots)

    def subject(self) -> Subject:
        """Return whom its certificates are for; raise ``BadCertificate`` if nobody."""
        return subject_of(self._serial_number, self._policy().cpo_name)

    def question(self, now: Instant, *, accepted: bool) -> Question | None:
        """Return what is to be asked of a CSMS, which has accepted us or not yet."""
        request = self._signing.request
        if request is None or not (accepted or request.origin is Origin.CSMS):
            return None
        return self._signing.question(self._serial_number, self._policy().cpo_name, now)

    def told_again_s(self) -> float | None:
        """Return when the CSMS is asked again that has not answered."""
        return self._signing.told_again_s()

    def judged_chain(self, text: str, now: Instant) -> Own | Objection:
        """Return what the CSMS had certified, or why it is refused (A02.FR.06 to 08).

        What is here already is returned as it is: the CSMS has missed the answer.
        """
        try:
            chain = read_chain(text, self._policy().most_chain_characters)
            known = self._owns.among(chain)
            return known or self._certified(chain, now)
        except BadCertificate as error:
            return Objection(Why.BAD_CERTIFICATE, str(error))

    def knows(self, own: Own) -> bool:
        """Return whether it is installed."""
        return own in self._owns

    def judged_root(
        self, use: CertificateUse, pem: str, now: Instant
    ) -> Root | Objection:
        """Return the root that shall be installed, or why it is not."""
        return self.store.judged(use, pem, self._policy(), now)

    def named_root(self, wanted: CertificateHashData) -> Root | Objection:
        """Return the root that shall be deleted, or why it is not."""
        return self.store.named(wanted, self._policy())

    def kept(self, own: Own) -> Record:
        """Return what makes a certified key the station's own, once on the disk."""
        return self._owns.keep(own)[0]

    # --- what happens -----------------------------------------------------------

    def begin(self, now: Instant) -> Consequences:
        """Go on with what a restart broke off; nothing the second time."""
        if self._begun:
            return Consequences()
        self._begun = True
        self._used = _certificate(self.own(now))
        wrong = (*self.store.unreadable, *self._owns.unreadable)
        noted = Consequences(told=tuple(Noted(WHOLE_STATION, each) for each in wrong))
        pending = self._signing.pending
        cut_off = self._owns.of_key(pending) if pending else None
        resumed = (
            self._installed(cut_off) if cut_off else self._signing.begin(self._kind())
        )
        return noted + resumed + self._go_on(now)

    def take(self, event: KeyringEvent, now: Instant) -> Consequences:
        """Let one thing happen."""
        return _TAKEN[type(event)](self, event, now) + self._go_on(now)

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""
        due = self._due is not None and self._due <= now.utc
        return self._go_on(now) if due else Consequences()

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""
        if self._due is None:
            return None
        return now.monotonic_s + max((self._due - now.utc).total_seconds(), 0.0)

    # --- inside -----------------------------------------------------------------

    def _certified(self, chain: tuple[Certificate, ...], now: Instant) -> Own:
        key, roots = self._signing.pending, self.roots(CSMS)
        wanted = key.fingerprint if key else ""
        path = check_station_chain(chain, wanted, self.subject(), roots, now.utc)
        assert key is not None  # or no certificate would have its fingerprint
        return Own(path.certificates, key, now.utc)

    def _go_on(self, now: Instant) -> Consequences:
        following = Consequences.of(
            (
                self._switched(now),
                Consequences(records=self._owns.expire(now.utc)),
                self._expiry.follow(self.in_use(now), now.utc),
                self._renewed(now),
            )
        )
        moments = (
            self._owns.next_change(now.utc),
            self._expiry.next(self.in_use(now), now.utc),
            self._renewal(),
        )
        self._due = min((at for at in moments if at is not None), default=None)
        return following

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
        newest, request = self._owns.newest, self._signing.request
        if newest is None or newest.refused:
            return None
        at = max(renew_at(newest.certificate), self._renew_from)
        if request is None:
            return at
        return max(at, request.accepted + AGAIN) if request.accepted else None

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
        newest = self._owns.newest
        if newest and renew_at(newest.certificate) <= now.utc:
            records += self._owns.refuse_renewal(newest)
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
        return _changed(f"certificate {own.certificate.name} installed", records)

    def _root_installed(
        self, event: events.RootInstalled, _now: Instant
    ) -> Consequences:
        root = event.root
        kept = self.store.install(root)
        return _changed(f"{root.use} {root.certificate.name} installed", (kept,))

    def _root_deleted(self, event: events.RootDeleted, _now: Instant) -> Consequences:
        root = event.root
        dropped = self.store.delete(root)
        return _changed(f"{root.use} {root.certificate.name} deleted", (dropped,))

    def _refused(self, event: events.CertificateRefused, _now: Instant) -> Consequences:
        return Consequences(concerns=(Concern(event.type, event.detail),))

    def _trusted(self, event: LinkTrusted, now: Instant) -> Consequences:
        self.store.trusted = frozenset(event.fingerprints)
        if not self._policy().roots_signed_by_last:
            return Consequences()
        outlived = (events.RootDeleted(root) for root in self.store.outlived())
        return Consequences.of(self._root_deleted(each, now) for each in outlived)


def _certificate(own: Own | None) -> Certificate | None:
    return own.certificate if own else None


def _changed(what: str, records: tuple[Record, ...]) -> Consequences:
    concern = Concern(SecurityEventType.RECONFIGURATION, what)
    return Consequences(
        records, concerns=(concern,), told=(Noted(WHOLE_STATION, what),)
    )


_TAKEN: Final[
    Mapping[type[KeyringEvent], Callable[[Keyring, Any, Instant], Consequences]]
] = {
    events.SigningWanted: Keyring._want,
    events.KeyMade: Keyring._made,
    events.SigningAnswered: Keyring._answered,
    events.SigningUnanswered: Keyring._unanswered,
    events.OwnInstalled: Keyring._own_installed,
    events.RootInstalled: Keyring._root_installed,
    events.RootDeleted: Keyring._root_deleted,
    events.CertificateRefused: Keyring._refused,
    LinkTrusted: Keyring._trusted,
}

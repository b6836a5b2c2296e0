"""The keyring: which roots are believed, who the station is, and how that changes.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

from ocpp.v16.datatypes import CertificateHashData
from ocpp.v16.enums import CertificateUse

from chargerd.clock import Instant
from chargerd.core.effects import Noted
from chargerd.core.events import WHOLE_STATION
from chargerd.core.policy import Policy
from chargerd.core.reasons import Objection
from chargerd.ocpp16 import keyring_events as events
from chargerd.ocpp16.attachment_values import Filed
from chargerd.ocpp16.certification import Certification
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.expiry import Expiry
from chargerd.ocpp16.jobs import Redial
from chargerd.ocpp16.keyring_events import KeyringEvent, Root
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.pki import reading
from chargerd.ocpp16.pki.values import (
    LONGEST_FILE,
    BadCertificate,
    Certificate,
    KeyPair,
)
from chargerd.ocpp16.records import Drawer, Record, Sheet
from chargerd.ocpp16.root_store import CSMS, RootStore
from chargerd.ocpp16.security import SecurityEventType

HEARD: Final = (*get_args(KeyringEvent), LinkTried)

_REFUSED: Final = "tls-refused"
"""The layer at which a CSMS does not take our certificate."""
_NO_TRUST: Final = "tls-trust"
"""The layer at which no root vouches for the CSMS."""


class Keyring:
    """Knows every certificate of the station and of those whom it believes."""

    def __init__(
        self,
        drawers: Mapping[Drawer, Mapping[str, Sheet]],
        serial_number: str | None,
        file_roots: Iterable[str],
        policy: Callable[[], Policy],
        filed: Filed,
    ) -> None:
        """Go on with what the disk knows.

        Args:
            drawers: What the disk knows.
            serial_number: Of the station, as BootNotification tells it.
            file_roots: The files of roots that the station file names, in PEM.
            policy: Tells what the operator wants now.
            filed: What the station file says of our own certificate.
        """
        self._unreadable: list[str] = []
        self.filed = self._read(filed.certificate)
        """Our certificate of the station file."""
        self.store = RootStore(drawers.get(Drawer.ROOT, {}), file_roots)
        self.certification = Certification(
            drawers.get(Drawer.CERTIFICATE, {}),
            drawers.get(Drawer.KEY, {}),
            serial_number,
            policy,
            None if filed.in_hardware else self.filed,
        )
        self._expiry = Expiry(drawers.get(Drawer.EXPIRY, {}))
        self._policy = policy
        self._spurned: tuple[Own | None, ...] = ()
        """What we prefer to show, if the CSMS has refused just that."""
        self._believed = False
        """Nothing is known against the roots of the CSMS: a dial got past them."""
        self._begun = False
        self._due: datetime | None = None

    def roots(self, use: CertificateUse) -> tuple[Certificate, ...]:
        """Return who may vouch for others."""
        return self.store.certificates(use)

    def own(self, now: Instant) -> Own | None:
        """Return the installed certificate that is valid, and begins last."""
        return self.certification.own(now)

    def fallback(self, now: Instant) -> Own | None:
        """Return the one before, for the month in which it may be needed."""
        return self.certification.fallback(now)

    def offered(self, now: Instant) -> Own | None:
        """Return what a handshake may be tried with: one that is not valid at worst."""
        return self.certification.offered(now)

    def preferred(self, now: Instant) -> Own | None:
        """Return what a handshake is tried with first; ``None``: that of the file."""
        return self._choices(now)[0]

    def shown(self, now: Instant) -> Own | None:
        """Return what the next one is tried with (A02.FR.10); ``None``: the same."""
        first, *others = self._choices(now)
        return others[0] if others and first in self._spurned else first

    def in_use(self, now: Instant) -> tuple[Certificate, ...]:
        """Return every certificate whose end would be felt."""
        own = self.preferred(now)
        certificate = own.certificate if own else self.filed
        roots = (root for use in CertificateUse for root in self.roots(use))
        return (*((certificate,) if certificate else ()), *roots)

    def judged_chain(
        self, text: str, now: Instant, key: KeyPair | None = None
    ) -> Own | Objection:
        """Return what the CSMS had certified, or why it is refused (A02.FR.06).

        Args:
            text: The chain, in PEM.
            now: The present moment.
            key: What was certified; without it, the key that waits for that.
        """
        return self.certification.judged(text, self.roots(CSMS), now, key)

    def judged_root(
        self, use: CertificateUse, pem: str, now: Instant, *, by_link: bool = True
    ) -> Root | Objection:
        """Return the root that shall be installed, or why it is not.

        Args:
            use: For what it vouches.
            pem: The root alone.
            now: The present moment.
            by_link: The CSMS has sent it, and not somebody on the spot.
        """
        policy = self._policy()
        return self.store.judged(use, pem, policy, now, by_link=by_link)

    def named_root(self, wanted: CertificateHashData) -> Root | Objection:
        """Return the root that shall be deleted, or why it is not."""
        return self.store.named(wanted, self._policy())

    def beginning_root(self, prefix: str) -> Root | Objection:
        """Return the root that shall be deleted, by its fingerprint, or why not."""
        return self.store.beginning(prefix, self._policy())

    def begin(self, now: Instant) -> Consequences:
        """Go on with what a restart broke off; nothing the second time."""
        if self._begun:
            return Consequences()
        self._begun = True
        wrong = [*self.store.unreadable, *self.certification.unreadable]
        wrong += self._unreadable
        noted = Consequences(told=tuple(Noted(WHOLE_STATION, each) for each in wrong))
        return noted + self.certification.begin(now) + self._go_on(now)

    def take(self, event: KeyringEvent | LinkTried, now: Instant) -> Consequences:
        """Let one thing happen."""
        taken = _TAKEN.get(type(event))
        if taken is None:
            return self.certification.take(event, now) + self._go_on(now)
        return taken(self, event, now) + self._go_on(now)

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""
        due = self._due is not None and self._due <= now.utc
        return self._go_on(now) if due else Consequences()

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""
        if self._due is None:
            return None
        return now.monotonic_s + max((self._due - now.utc).total_seconds(), 0.0)

    def _choices(self, now: Instant) -> Sequence[Own | None]:
        """Return what may be shown, the best first; ``None``: that of the file.

        What was installed goes before, unless it alone is not valid now.
        """
        installed = [each for each in (self.offered(now), self.fallback(now)) if each]
        if self.filed is None:
            return installed or [None]
        if self.own(now) is None and self.filed.valid(now.utc):
            return [None, *installed]
        return [*installed, None]

    def _read(self, chain: str) -> Certificate | None:
        try:
            return reading.read_chain(chain, LONGEST_FILE)[0] if chain else None
        except BadCertificate as error:
            self._unreadable.append(f"csms.certificate_file: {error}")
            return None

    def _go_on(self, now: Instant) -> Consequences:
        following = self.certification.expire(now)
        watched = self.in_use(now)
        following += self._expiry.follow(watched, now.utc)
        moments = (
            self.certification.next(now.utc),
            self._expiry.next(watched, now.utc),
        )
        self._due = min((at for at in moments if at is not None), default=None)
        return following

    def _root_installed(
        self, event: events.RootInstalled, _now: Instant
    ) -> Consequences:
        root = event.root
        kept = self.store.install(root)
        changed = _changed(f"{root.use} {root.certificate.name} installed", kept)
        # Without trust there was little hope, so that the next dial may be far.
        redials = root.use == CSMS and not self._believed
        return changed + Consequences(jobs=(Redial(),) if redials else ())

    def _root_deleted(self, event: events.RootDeleted, _now: Instant) -> Consequences:
        root = event.root
        dropped = self.store.delete(root)
        return _changed(f"{root.use} {root.certificate.name} deleted", dropped)

    def _refused(self, event: events.CertificateRefused, _now: Instant) -> Consequences:
        return Consequences(concerns=(Concern(event.type, event.detail),))

    def _tried(self, event: LinkTried, now: Instant) -> Consequences:
        self._believed = event.ok or (self._believed and event.layer != _NO_TRUST)
        first, *others = self._choices(now)
        if event.ok or event.layer != _REFUSED or not others:
            return Consequences()
        # They take turns: whatever the CSMS takes, the station is reachable. The other
        # one is tried at once; if that is refused too, there is no hurry.
        self._spurned = () if first in self._spurned else (first,)
        told = "the CSMS refuses our certificate; another one of ours is tried"
        return Consequences(
            jobs=(Redial(),) if self._spurned else (),
            told=(Noted(WHOLE_STATION, told),),
        )

    def _trusted(self, event: LinkTrusted, now: Instant) -> Consequences:
        self.store.trusted = frozenset(event.fingerprints)
        if not self._policy().roots_signed_by_last:
            return Consequences()
        outlived = (events.RootDeleted(root) for root in self.store.outlived())
        return Consequences.of(self._root_deleted(each, now) for each in outlived)


def _changed(what: str, record: Record) -> Consequences:
    concern = Concern(SecurityEventType.RECONFIGURATION, what)
    told = Noted(WHOLE_STATION, what)
    return Consequences((record,), concerns=(concern,), told=(told,))


_TAKEN: Final[Mapping[type, Callable[[Keyring, Any, Instant], Consequences]]] = {
    events.RootInstalled: Keyring._root_installed,
    events.RootDeleted: Keyring._root_deleted,
    events.CertificateRefused: Keyring._refused,
    LinkTried: Keyring._tried,
    LinkTrusted: Keyring._trusted,
}
"""What does not concern the station's own certificates."""

"""The one request for a certificate of the station that is open, over restarts.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from chargerd.clock import Instant
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.jobs import MakeKey
from chargerd.ocpp16.keyring_events import Origin
from chargerd.ocpp16.pki import own_keys
from chargerd.ocpp16.pki.values import (
    BadCertificate,
    KeyKind,
    KeyPair,
    Subject,
    check_subject,
)
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped, SheetKept

AGAIN: Final = timedelta(days=1)
"""After so long an unanswered request is made again."""

REQUEST: Final = "request"
"""The sheet among those of keys that is none."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, and how far it is."""

    origin: Origin
    key: KeyPair | None = None
    """``None``: it is being made."""
    accepted: datetime | None = None
    """When the CSMS said that it will have the certificate made."""


@dataclass(frozen=True, slots=True)
class Question:
    """A SignCertificate that is due."""

    fingerprint: str
    """Of the key."""
    csr: str


class Signing:
    """Walks the open request to its certificate."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        """Go on with what the disk knows: every key, and the request."""
        self.request: Request | None = None
        sheet = sheets.get(REQUEST)
        if sheet is not None:
            self.request = _read(sheet, sheets)
        self._again_s: float | None = None
        self.wanted = 0
        """How many requests were begun since the process was started."""

    @property
    def pending(self) -> KeyPair | None:
        """The key that waits for its certificate."""
        return self.request.key if self.request else None

    def begin(self, kind: KeyKind) -> Consequences:
        """Go on with the key that the restart broke off."""
        if self.request is None or self.request.key is not None:
            return Consequences()
        return Consequences(jobs=(MakeKey(kind),))

    def want(self, origin: Origin, kind: KeyKind) -> Consequences:
        """Begin anew, with a new key (A02.FR.02)."""
        self.wanted += 1
        dropped = self._dropped_key()
        kept = self._changed(Request(origin))
        return Consequences(records=(*dropped, kept), jobs=(MakeKey(kind),))

    def made(self, key: KeyPair) -> Consequences:
        """Take the key that was made; one that comes too late is not needed."""
        if self.request is None or self.request.key is not None:
            return Consequences()
        kept = SheetKept(Drawer.KEY, key.fingerprint, {"pem": key.private_pem.decode()})
        return Consequences(
            records=(kept, self._changed(replace(self.request, key=key)))
        )

    def question(
        self, serial_number: str | None, cpo_name: str, now: Instant
    ) -> Question | None:
        """Return what to ask the CSMS now, if there is something."""
        key = self.pending
        if key is None or self.request is None or self.request.accepted is not None:
            return None
        if self._again_s is not None and now.monotonic_s < self._again_s:
            return None
        try:
            subject = subject_of(serial_number, cpo_name)
        except BadCertificate:  # CpoName was taken away; it may come again
            self.unanswered(key.fingerprint, now)
            return None
        return Question(key.fingerprint, own_keys.signing_request(key, subject))

    def told_again_s(self) -> float | None:
        """Return when an unanswered question is asked again."""
        return self._again_s if self.pending else None

    def unanswered(self, fingerprint: str, now: Instant) -> None:
        """Take it that the CSMS has no answer; a lost link counts for nothing."""
        if self._is_about(fingerprint):
            self._again_s = now.monotonic_s + AGAIN.total_seconds()

    def accepted(self, fingerprint: str, now: Instant) -> tuple[Record, ...]:
        """The CSMS will have the certificate made."""
        if self.request is None or not self._is_about(fingerprint):
            return ()
        return (self._changed(replace(self.request, accepted=now.utc)),)

    def rejected(self, fingerprint: str) -> tuple[Record, ...]:
        """The CSMS will not; return nothing if it was not asked."""
        return self.end() if self._is_about(fingerprint) else ()

    def ask_again(self) -> tuple[Record, ...]:
        """Ask the CSMS for the certificate that it, or people, did not bring."""
        request = self.request
        assert request is not None
        by_hand = request.origin is Origin.HAND
        origin = Origin.RENEWAL if by_hand else request.origin
        return (self._changed(replace(request, origin=origin, accepted=None)),)

    def end(self) -> tuple[Record, ...]:
        """Forget the request, and its key."""
        return (*self._dropped_key(), *self.signed())

    def signed(self) -> tuple[Record, ...]:
        """Forget the request: its key has its certificate."""
        self.request, self._again_s = None, None
        return (SheetDropped(Drawer.KEY, REQUEST),)

    def _is_about(self, fingerprint: str) -> bool:
        return self.pending is not None and self.pending.fingerprint == fingerprint

    def _dropped_key(self) -> tuple[Record, ...]:
        key = self.pending
        return (SheetDropped(Drawer.KEY, key.fingerprint),) if key else ()

    def _changed(self, request: Request) -> SheetKept:
        self.request, self._again_s = request, None
        sheet: Sheet = {
            "origin": str(request.origin),
            "key": request.key.fingerprint if request.key else None,
            "accepted": request.accepted.isoformat() if request.accepted else None,
        }
        return SheetKept(Drawer.KEY, REQUEST, sheet)


def subject_of(serial_number: str | None, cpo_name: str) -> Subject:
    """Return whom a certificate of the station is for (A00.FR.511).

    Raises:
        BadCertificate: For ``WRONG_SUBJECT``: it cannot be asked for.
    """
    subject = Subject(serial_number or "", cpo_name)
    check_subject(subject)
    return subject


def _read(sheet: Sheet, keys: Mapping[str, Sheet]) -> Request:
    origin, name, accepted = (
        Origin(str(sheet["origin"])),
        sheet["key"],
        sheet["accepted"],
    )
    try:
        pem = None if name is None else str(keys[str(name)]["pem"])
        key = None if pem is None else own_keys.read_key(pem.encode())
    except (BadCertificate, KeyError):  # without its key a request is made anew
        return Request(origin)
    at = None if accepted is None else datetime.fromisoformat(str(accepted))
    return Request(origin, key, at)

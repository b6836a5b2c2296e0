"""The station's own upkeep: its firmware, its logs, its certificates, its link.

Each part is a state machine of its own; here they have one door.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from chargerd.clock import Instant
from chargerd.core.firmware_events import FirmwareEvent, Rebooted
from chargerd.core.policy import Policy
from chargerd.ocpp16 import attachment, keyring, updates, uploads
from chargerd.ocpp16.attachment import Attachments
from chargerd.ocpp16.attachment_values import AttachmentEvent, Filed
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.keyring import Keyring
from chargerd.ocpp16.keyring_events import KeyringEvent
from chargerd.ocpp16.pki import chains, reading
from chargerd.ocpp16.pki.values import Certificate
from chargerd.ocpp16.records import Drawer, Sheet
from chargerd.ocpp16.root_store import CSMS, MANUFACTURER
from chargerd.ocpp16.updates import Updates
from chargerd.ocpp16.upload_events import UploadEvent
from chargerd.ocpp16.uploads import Uploads

UpkeepEvent = FirmwareEvent | UploadEvent | KeyringEvent | AttachmentEvent
"""What can happen to the upkeep."""


class Part(Protocol):
    """What every part of the upkeep can do."""

    def begin(self, now: Instant) -> Consequences:
        """Go on with what a restart broke off; nothing the second time."""

    def take(self, event: Any, now: Instant) -> Consequences:
        """Let one thing happen."""

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the parts are told once, when the process starts."""

    started: Rebooted
    """What runs now."""
    new_id: Callable[[], str]
    """Makes an id that no other ever had."""
    policy: Callable[[], Policy]
    """Tells what the operator wants now."""
    filed: Filed = field(default_factory=Filed)
    """What the station file says of the link."""
    older_key: str = field(default="", repr=False)
    """An AuthorizationKey that an older version has kept."""
    serial_number: str | None = None
    """Of the station, as BootNotification tells it."""
    file_roots: tuple[str, ...] = ()
    """The files of roots that the station file names, in PEM."""


class Vouchers:
    """What certificates there are: those of the station file, and the installed."""

    def __init__(self, filed: Filed, keyring: Keyring) -> None:
        self._filed = filed
        self._keyring = keyring

    def has_root(self) -> bool:
        """Whether anybody is believed who may vouch for the CSMS."""
        return self._filed.has_root() or bool(self._keyring.roots(CSMS))

    def has_own(self, now: Instant) -> bool:
        """Whether we have a certificate of our own that is valid now."""
        if self._keyring.own(now) is not None:
            return True
        filed = self._keyring.filed
        return self._filed.has_own(now) and (filed is None or filed.valid(now.utc))


class Upkeep:
    """Gives each event to the part that it is meant for."""

    def __init__(
        self, drawers: Mapping[Drawer, Mapping[str, Sheet]], given: Given
    ) -> None:
        """Go on with what the disk knows."""
        self.keyring = Keyring(
            drawers, given.serial_number, given.file_roots, given.policy, given.filed
        )
        jobs = drawers.get(Drawer.FIRMWARE, {})
        self.updates = Updates(jobs, given.started, given.new_id, given.policy)
        tasks = drawers.get(Drawer.UPLOAD, {})
        self.attachments = Attachments(
            drawers.get(Drawer.LINK, {}),
            given.filed,
            Vouchers(given.filed, self.keyring),
            given.older_key,
        )
        identity = given.filed.attachment.identity
        self.uploads = Uploads(tasks, identity, given.new_id)
        hearing: tuple[tuple[Part, tuple[type, ...]], ...] = (
            (self.keyring, keyring.HEARD),
            (self.updates, updates.HEARD),
            (self.uploads, uploads.HEARD),
            (self.attachments, attachment.HEARD),
        )
        self._parts = tuple(part for part, _ in hearing)
        self._hearing: dict[type, tuple[Part, ...]] = {}
        for part, heard in hearing:
            for kind in heard:
                self._hearing[kind] = (*self._hearing.get(kind, ()), part)

    def signer(self, pem: str, now: Instant) -> Certificate:
        """Return who signed firmware, if the manufacturer vouches for that now.

        Raises:
            BadCertificate: For what cannot be believed.
        """
        signer = reading.read(pem)
        chains.check_firmware_signer(signer, self.keyring.roots(MANUFACTURER), now.utc)
        return signer

    def begin(self, now: Instant) -> Consequences:
        """Go on with what a restart broke off; nothing the second time."""
        return Consequences.of(part.begin(now) for part in self._parts)

    def take(self, event: UpkeepEvent, now: Instant) -> Consequences:
        """Let one thing happen."""
        parts = self._hearing[type(event)]
        return Consequences.of(part.take(event, now) for part in parts)

    def follow(self, now: Instant, *, busy: bool) -> Consequences:
        """Take it whether a transaction runs."""
        return self.updates.follow(now, busy=busy)

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""
        return Consequences.of(part.expire(now) for part in self._parts)

    def next_deadline_s(self, now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""
        due = (part.next_deadline_s(now) for part in self._parts)
        return min((s for s in due if s is not None), default=None)

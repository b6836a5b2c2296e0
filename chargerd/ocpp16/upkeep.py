"""The station's own upkeep: its firmware, its logs, its certificates, its link.

Each part is a state machine of its own; here they have one door.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from chargerd.clock import Instant
from chargerd.core.firmware_events import FirmwareEvent, Rebooted
from chargerd.core.policy import Policy
from chargerd.ocpp16 import keyring, updates, uploads
from chargerd.ocpp16.certificate_chains import check_firmware_signer
from chargerd.ocpp16.certificates import Certificate, read
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.keyring import Keyring
from chargerd.ocpp16.keyring_events import KeyringEvent
from chargerd.ocpp16.records import Drawer, Sheet
from chargerd.ocpp16.updates import Updates
from chargerd.ocpp16.upload_events import UploadEvent
from chargerd.ocpp16.uploads import Uploads

UpkeepEvent = FirmwareEvent | UploadEvent | KeyringEvent
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


class Upkeep:
    """Gives each event to the part that it is meant for."""

    def __init__(
        self,
        drawers: Mapping[Drawer, Mapping[str, Sheet]],
        started: Rebooted,
        new_id: Callable[[], str],
        identity: str,
        serial_number: str | None,
        file_roots: Iterable[str],
        policy: Callable[[], Policy],
    ) -> None:
        """Go on with what the disk knows.

        Args:
            drawers: What the disk knows.
            started: What runs now.
            new_id: Makes an id that no other ever had.
            identity: What the CSMS calls this station.
            serial_number: Of the station, as BootNotification tells it.
            file_roots: The files of roots that the station file names, in PEM.
            policy: Tells what the operator wants now.
        """
        self.keyring = Keyring(drawers, serial_number, file_roots, policy)
        self.updates = Updates(drawers.get(Drawer.FIRMWARE, {}), started, new_id)
        self.uploads = Uploads(drawers.get(Drawer.UPLOAD, {}), identity, new_id)
        hearing: tuple[tuple[Part, tuple[type, ...]], ...] = (
            (self.keyring, keyring.HEARD),
            (self.updates, updates.HEARD),
            (self.uploads, uploads.HEARD),
        )
        self._parts = tuple(part for part, _ in hearing)
        self._of = {kind: part for part, heard in hearing for kind in heard}

    def signer(self, pem: str, now: Instant) -> Certificate:
        """Return who signed firmware, if the manufacturer vouches for that now.

        Raises:
            BadCertificate: For what cannot be believed.
        """
        signer = read(pem)
        check_firmware_signer(signer, (), now.utc)
        return signer

    def obey(self, policy: Policy) -> None:
        """Keep to what the operator wants from now on."""
        self.updates.obey(policy)

    def begin(self, now: Instant) -> Consequences:
        """Go on with what a restart broke off; nothing the second time."""
        return Consequences.of(part.begin(now) for part in self._parts)

    def take(self, event: UpkeepEvent, now: Instant) -> Consequences:
        """Let one thing happen."""
        return self._of[type(event)].take(event, now)

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

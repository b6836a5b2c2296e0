"""BootNotification until it is accepted, then heartbeats, and the clock."""

from datetime import datetime
from enum import Enum
from typing import Final

from chargerd.clock import EARLIEST, Instant

RETRY_S: Final = 60.0
"""Wait after a boot that was not answered, or was answered without an interval."""
LONGEST_RETRY_S: Final = 3600.0
CLOCK_TOLERANCE_S: Final = 2.0
"""The CSMS's clock is as good as the network; smaller differences are its noise."""
DAY_S: Final = 86_400


class Standing(Enum):
    """What the CSMS has said to our BootNotification."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


class Registration:
    """Decides when to boot and when to beat (OCPP 1.6 sections 4.2 and 4.6)."""

    def __init__(self) -> None:
        self.standing = Standing.UNKNOWN
        self.last_heartbeat: datetime | None = None
        self.clock_offset_s: float | None = None
        self.synchronized = False
        """Whether a CSMS has told a time that can be right since the start."""
        self._boot_due_s: float | None = 0.0
        self._beat_from_s = 0.0
        self._beaten_s = 0.0
        self._retry_s = RETRY_S

    @property
    def accepted(self) -> bool:
        """Whether the CSMS has accepted us since the process started."""
        return self.standing is Standing.ACCEPTED

    def boot_due(self, now: Instant) -> bool:
        """Tell whether a BootNotification shall go out."""
        return self._boot_due_s is not None and self._boot_due_s <= now.monotonic_s

    def heartbeat_due(self, now: Instant, interval_s: float) -> bool:
        """Tell whether a Heartbeat shall go out."""
        return self.accepted and self._beat_due_s(interval_s) <= now.monotonic_s

    def boot_sent(self) -> None:
        """A BootNotification is under way."""
        self._boot_due_s = None

    def boot_now(self, now: Instant) -> None:
        """The CSMS wants a BootNotification before its time."""
        self._boot_due_s = now.monotonic_s

    def moved(self, now: Instant) -> None:
        """Another CSMS is there, or we have another name: it has said nothing yet."""
        self.standing = Standing.UNKNOWN
        self.boot_now(now)

    def answered(self, word: str, interval_s: int, now: Instant) -> None:
        """The CSMS has answered a BootNotification."""
        self.standing = Standing(word.lower())
        self._beat_from_s = self._beaten_s = now.monotonic_s
        if self.accepted:
            self._boot_due_s, self._retry_s = None, RETRY_S
            return
        if interval_s <= 0:
            interval_s = int(self._retry_s)
            self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)
        self._boot_due_s = now.monotonic_s + interval_s

    def unanswered(self, now: Instant, *, link_lost: bool) -> None:
        """A BootNotification has failed; a new link tries at once."""
        wait_s = 0.0 if link_lost else RETRY_S
        if not self.accepted:
            self._boot_due_s = now.monotonic_s + wait_s

    def spoken(self, action: str, now: Instant) -> None:
        """Something of ours was sent, so the CSMS knows that we live."""
        self._beat_from_s = now.monotonic_s
        if action == "Heartbeat":
            self._beaten_s = now.monotonic_s

    def clock_step_s(self, told: datetime, now: Instant) -> float | None:
        """Return by how much to step the wall clock, if at all.

        Args:
            told: ``currentTime`` of a Boot or Heartbeat answer.
            now: The moment when it came.
        """
        offset_s = (told - now.utc).total_seconds()
        self.clock_offset_s = offset_s
        if told < EARLIEST:
            return None
        self.synchronized = True
        return offset_s if abs(offset_s) > CLOCK_TOLERANCE_S else None

    def next_deadline_s(self, interval_s: float) -> float | None:
        """Return when a boot or a heartbeat is due next."""
        if self._boot_due_s is not None:
            return self._boot_due_s
        return self._beat_due_s(interval_s) if self.accepted else None

    def _beat_due_s(self, interval_s: float) -> float:
        # Other messages replace heartbeats, but not for longer than a day.
        return min(self._beat_from_s + interval_s, self._beaten_s + DAY_S)

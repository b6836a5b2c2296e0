"""What the station may take while the CSMS is away, if the operator wants it so."""

from math import inf

from chargerd.clock import Instant
from chargerd.core.policy import Policy


class Fallback:
    """Knows since when the CSMS has been away; at the start it has not come yet."""

    def __init__(self) -> None:
        self._away_since_s: float | None = None

    def follow(self, *, online: bool, now: Instant) -> None:
        """Take note of whether the CSMS can be asked."""
        if online:
            self._away_since_s = None
        elif self._away_since_s is None:
            self._away_since_s = now.monotonic_s

    def limit_w(self, policy: Policy, now: Instant) -> float:
        """Return what all connectors may take together; infinite: no such limit."""
        due_s = self.due_s(policy)
        holds = due_s is not None and now.monotonic_s >= due_s
        return float(policy.offline_limit_w) if holds else inf

    def due_s(self, policy: Policy) -> float | None:
        """Return when the limit begins to hold, or began; ``None``: it does not."""
        if self._away_since_s is None or not policy.offline_limit_w:
            return None
        return self._away_since_s + policy.offline_delay_s

"""Tells systemd that the daemon is ready and alive, while it truly is.

A proof of life is a question with an age for an answer. WATCHDOG=1 goes out only
while every proof is fresh; the loss of the CSMS is no reason to be restarted.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

FRESH_WITHIN_S: Final = 2.0
"""A proof of life that is older is none, unless it says otherwise."""
DEFAULT_PERIOD_S: Final = 5.0
AGAIN_S: Final = 0.5
"""After proofs that were too old, so soon they are looked at again."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A sign of life."""

    age_s: Callable[[], float]
    within_s: float = FRESH_WITHIN_S
    """It is too old when it is older."""


def notify(message: str) -> bool:
    """Send a line to systemd; tell whether it was taken.

    systemd's own library waits while nobody reads; a charging station may not.
    """
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(message.encode(), address)
        except OSError:
            return False
    return True


def period_s() -> float:
    """Return how often systemd wants to hear of us: half of what it allows."""
    allowed_us = os.environ.get("WATCHDOG_USEC", "").lstrip("0")
    return int(allowed_us) / 2e6 if allowed_us.isdigit() else DEFAULT_PERIOD_S


class Watchdog:
    """Feeds systemd's watchdog while all proofs of life hold."""

    def __init__(
        self,
        proofs: Mapping[str, Proof],
        status: Callable[[], str],
        complain: Callable[[str], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._proofs = proofs
        self._status = status
        self._complain = complain
        self._monotonic = monotonic
        self._told = ""

    def stale(self) -> tuple[str, ...]:
        """Return the names of the proofs that are too old."""
        return tuple(
            name
            for name, proof in self._proofs.items()
            if proof.age_s() > proof.within_s
        )

    def feed(self) -> bool:
        """Tell systemd that we live, if we do; tell whether it was told."""
        stale = self.stale()
        if stale:
            self._complain(f"watchdog not fed: no sign of life of {', '.join(stale)}")
            return False
        status = self._status()
        news = f"\nSTATUS={status}" if status != self._told else ""
        if notify(f"WATCHDOG=1{news}"):
            self._told = status
        return True

    async def run(self) -> None:
        """Feed for ever, and watch how late the loop lets us."""
        usual_s = min(period_s(), DEFAULT_PERIOD_S)
        wait_s = usual_s
        while True:
            before_s = self._monotonic()
            await asyncio.sleep(wait_s)
            late_s = self._monotonic() - before_s - wait_s
            if late_s > FRESH_WITHIN_S:
                self._complain(f"the loop stood still for {late_s:.1f} s")
                continue
            wait_s = usual_s if self.feed() else min(AGAIN_S, usual_s)

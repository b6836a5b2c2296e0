"""Whether a version that runs for the first time is sound: its health gate.

Hardware answers, the store takes records, and the CSMS was dialed. The CSMS need not
have answered: its outage is no reason to go back to an older version. Nor is a device
that was silent before the update.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from chargerd.core.permissive import FIELDS, Facts
from chargerd.core.station import Station
from chargerd.runtime.csms import LinkState

WITHIN_S: Final = 120.0
STEADY_S: Final = 5.0
"""All must be well for so long without a break."""
LOOKS_EVERY_S: Final = 1.0


class Gate:
    """Judges the version that runs."""

    def __init__(
        self,
        station: Station,
        link: LinkState,
        monotonic: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._station = station
        self._link = link
        self._monotonic = monotonic
        self._pause = pause

    async def note(self, file: Path) -> None:
        """Write down which devices are silent before another version runs."""
        text = json.dumps(sorted(self._silent()))
        await asyncio.to_thread(file.write_text, text)

    async def judge(self, file: Path) -> str:
        """Return why what runs is not sound; nothing: it is.

        Args:
            file: Where ``note`` has written.
        """
        excused = await asyncio.to_thread(_noted, file)
        begun_s = well_since_s = self._monotonic()
        while True:
            now_s = self._monotonic()
            wrong = self._wrong(excused)
            well_since_s = now_s if wrong else well_since_s
            if now_s - well_since_s >= STEADY_S:
                return ""
            if now_s - begun_s >= WITHIN_S + STEADY_S:
                return "; ".join(wrong) or "well, but never for long"
            await self._pause(LOOKS_EVERY_S)

    def _wrong(self, excused: set[str]) -> list[str]:
        wrong = [f"no answer from {each}" for each in sorted(self._silent() - excused)]
        if self._station.storage_failing:
            wrong.append("the store takes no records")
        if not self._link.up and self._link.failed_at is None:
            wrong.append("the CSMS was not dialed")
        return wrong

    def _silent(self) -> set[str]:
        return {
            f"the {kind} of connector {number}"
            for number, session in self._station.sessions.items()
            for kind in FIELDS.values()
            if _is_silent(session.facts, kind)
        }


def _noted(file: Path) -> set[str]:
    return set(json.loads(file.read_text())) if file.exists() else set()


def _is_silent(facts: Facts, kind: str) -> bool:
    fitted = kind in facts.fitted
    return fitted and (kind in facts.lost or getattr(facts, kind) is None)

"""How fast charging profiles act, and how fast they are told."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench_stand import CONNECTOR, BenchFailed, Daemon, Stand, open_stand, running
from benchcsms.dialogue import SENT

LIMITS_W: Final = (30_000.0, 45_000.0) * 15
_SETTLED_S: Final = 1.0
"""Until the current has followed a new limit, so that the next one can be seen."""


async def set_limit() -> AsyncIterator[float]:
    """From sending SetChargingProfile until the modules' set-point has its limit."""
    witness = (sys.executable, Path(__file__).with_name("bench_limit.py"))
    async with open_stand() as stand, stand.daemon(witness) as daemon:
        await stand.charge(daemon)
        await daemon.mock("SetRate", factor=1.0)
        async for limit_w, sent_s in limits(stand):
            yield (await _told_s(daemon, limit_w) - sent_s) * 1000


async def limits(stand: Stand) -> AsyncIterator[tuple[float, float]]:
    """Give a transaction limit after limit; tell each, and when it was sent."""
    for limit_w in LIMITS_W:
        await asyncio.sleep(_SETTLED_S)
        since = stand.seq
        await stand.ask(
            "SetChargingProfile",
            connectorId=CONNECTOR,
            csChargingProfiles=profile("TxProfile", {0: limit_w}),
        )
        sent = await stand.csms.wait_for(
            "SetChargingProfile", direction=SENT, since=since
        )
        yield limit_w, stand.at_s(sent)


async def composite() -> AsyncIterator[float]:
    """From sending GetCompositeSchedule until the answer: a day of 20 profiles."""
    async with running() as (stand, _):
        hours = {hour * 3600: 20_000.0 + 1_000 * (hour % 7) for hour in range(24)}
        for level in range(20):
            start = datetime.now(UTC) - timedelta(minutes=3 * level)
            await stand.ask(
                "SetChargingProfile",
                connectorId=0,
                csChargingProfiles=profile(
                    "TxDefaultProfile",
                    hours,
                    level,
                    start=start,
                    # each is silent for a while longer than the one above it
                    duration_s=86_400 - 1_800 * level,
                ),
            )
        day = {"connectorId": CONNECTOR, "duration": 86_400}
        for _ in range(1000):
            answer = await stand.csms.call(stand.identity, "GetCompositeSchedule", day)
            if answer.payload is None or answer.payload["status"] != "Accepted":
                raise BenchFailed(f"GetCompositeSchedule: {answer.code}")
            yield answer.took_ms


async def _told_s(daemon: Daemon, limit_w: float) -> float:
    """Return when the modules were told a limit."""
    while True:
        at_s, power_w = (await daemon.says("told")).split()
        if abs(float(power_w) - limit_w) < 0.05 * limit_w:
            return float(at_s)


def profile(
    purpose: str,
    limits_w: Mapping[int, float],
    level: int = 0,
    *,
    start: datetime | None = None,
    duration_s: int | None = None,
) -> dict[str, Any]:
    """Return a charging profile with these limits from so many seconds on."""
    schedule: dict[str, Any] = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [
            {"startPeriod": at_s, "limit": limit_w}
            for at_s, limit_w in limits_w.items()
        ],
    }
    profile: dict[str, Any] = {
        "chargingProfileId": level,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    if start is not None:
        schedule |= {"startSchedule": f"{start:%FT%TZ}", "duration": duration_s}
        profile |= {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    return profile

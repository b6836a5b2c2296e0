"""Who warns of certificates that will end, so that nobody is surprised by it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from chargerd.core.effects import Noted
from chargerd.core.events import WHOLE_STATION
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.pki.values import Certificate
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped, SheetKept
from chargerd.ocpp16.security import SecurityEventType

THRESHOLDS_DAYS: Final = (90, 30, 7, 0)
"""So long before the end people are told; at zero, that it has come."""

_DAY: Final = timedelta(days=1)
_SHORT: Final = 90 * _DAY
"""Of shorter lives only warnings in their second half count."""


class Expiry:
    """Warns of each certificate once for each threshold, over restarts."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        """Go on with what the disk knows."""
        self._told = {name: int(sheet["days"] or 0) for name, sheet in sheets.items()}

    def follow(self, watched: Iterable[Certificate], now: datetime) -> Consequences:
        """Warn of what is due among the certificates that are in use."""
        every = {each.fingerprint: each for each in watched}
        gone = [name for name in self._told if name not in every]
        for name in gone:
            del self._told[name]
        dropped = Consequences(
            records=tuple(SheetDropped(Drawer.EXPIRY, name) for name in gone)
        )
        return Consequences.of(
            (dropped, *(self._warned(each, now) for each in every.values()))
        )

    def next(self, watched: Iterable[Certificate], now: datetime) -> datetime | None:
        """Return when the next warning is due."""
        moments = (
            each.not_after - days * _DAY for each in watched for days in _counting(each)
        )
        return min((moment for moment in moments if moment > now), default=None)

    def _warned(self, certificate: Certificate, now: datetime) -> Consequences:
        left = certificate.not_after - now
        reached = min(
            (days for days in _counting(certificate) if left <= days * _DAY),
            default=None,
        )
        told = self._told.get(certificate.fingerprint)
        if reached == told:
            return Consequences()
        kept = Consequences(records=(self._keep(certificate.fingerprint, reached),))
        if told is not None and (reached is None or reached > told):
            return kept  # the clock was ahead, and has been set back
        words = (
            f"{certificate.name} {_words(left)}, on {certificate.not_after:%Y-%m-%d}"
        )
        # The types that speak of invalid certificates are alarms of an attack; what a
        # certificate that ends asks for is that somebody configures another one.
        concern = Concern(SecurityEventType.RECONFIGURATION, f"due: {words}")
        noted = Noted(WHOLE_STATION, f"certificate {words}")
        return kept + Consequences(concerns=(concern,), told=(noted,))

    def _keep(self, name: str, days: int | None) -> Record:
        if days is None:
            del self._told[name]
            return SheetDropped(Drawer.EXPIRY, name)
        self._told[name] = days
        return SheetKept(Drawer.EXPIRY, name, {"days": days})


def _counting(certificate: Certificate) -> tuple[int, ...]:
    life = certificate.not_after - certificate.not_before
    if life >= _SHORT:
        return THRESHOLDS_DAYS
    return tuple(days for days in THRESHOLDS_DAYS if days * _DAY < life / 2)


def _words(left: timedelta) -> str:
    if left <= timedelta():
        return "has ended"
    days = max(round(left / _DAY), 1)
    return f"ends in {days} day{'s' if days > 1 else ''}"

"""When certificates are used and renewed, of those that are believed.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from chargerd.ocpp16.pki.values import Certificate

MONTH: Final = timedelta(days=30)
"""Before its end a certificate is renewed (A03.FR.02)."""


def renew_at(certificate: Certificate) -> datetime:
    """Return when a new certificate is asked for: after two thirds of its life.

    It is a month before the end where that comes first (A03.FR.02), but never in the
    first third, or a certificate for a month would be renewed without end.
    """
    begin = certificate.not_before
    life = certificate.not_after - begin
    wanted = min(begin + life * 2 / 3, certificate.not_after - MONTH)
    return max(wanted, begin + life / 3)


def in_use(certificates: Iterable[Certificate], now: datetime) -> Certificate | None:
    """Return the valid one that begins last (A02.FR.09), or ``None`` without any."""
    valid = (c for c in certificates if c.valid(now))
    return max(valid, key=lambda c: (c.not_before, c.not_after), default=None)

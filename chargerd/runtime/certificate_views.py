"""The documents of the control socket that concern certificates."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from chargerd.clock import Instant
from chargerd.ocpp16.keyring_events import Root
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.pki.values import Certificate
from chargerd.ocpp16.root_store import CSMS, MANUFACTURER
from chargerd.ocpp16.signing import Request
from chargerd.ocpp16.upkeep import Upkeep
from chargerd.runtime.views import Json, known, time

USES: Final = {"csms": CSMS, "manufacturer": MANUFACTURER}
"""What a root can vouch for, in the words of the control socket."""

_INTRODUCES: Final = 3
"""The security profile under which the station shows its certificate."""
_DAY: Final = timedelta(days=1)
_INSTALLED, _FILED = "installed", "station file"


def certificates(
    upkeep: Upkeep, filed: Certificate | None, now: Instant, *, linked: bool
) -> Iterator[Json]:
    """Yield every certificate: roots of the CSMS, of the manufacturer, our own.

    Args:
        upkeep: Has what was installed, and the roots of the station file.
        filed: Our own that the station file names.
        now: The present moment.
        linked: There is a link to the CSMS.
    """
    store = upkeep.keyring.store
    trusted = store.trusted if linked else frozenset()
    for word, use in USES.items():
        for root in store.of(use):
            rests = use == CSMS and root.certificate.fingerprint in trusted
            yield _root(root, word, now, rests=rests)
    yield from _owns(upkeep, filed, now)


def request(of: Request) -> Json:
    """Return the request for a certificate of the station that is open."""
    return known(
        origin=str(of.origin),
        key=of.key.fingerprint if of.key else None,
        accepted=time(of.accepted) if of.accepted else None,
    )


def _root(root: Root, use: str, now: Instant, *, rests: bool) -> Json:
    source = _FILED if root.in_file else _INSTALLED
    about = _certificate(root.certificate, use, source, now)
    return {**about, "in_use": True, "link": rests}


def _owns(upkeep: Upkeep, filed: Certificate | None, now: Instant) -> Iterator[Json]:
    keyring = upkeep.keyring
    introduces = upkeep.attachments.dialed.profile == _INTRODUCES
    preferred, shown = keyring.preferred(now), keyring.shown(now)
    for own in keyring.certification.every:
        yield {
            **_own(own, now),
            "in_use": own == preferred,
            "link": introduces and own == shown,
        }
    if filed is not None:
        refused = keyring.certification.filed_refused
        yield {
            **_certificate(filed, "station", _FILED, now),
            **known(renewal_refused=refused or None),
            "in_use": preferred is None,
            "link": introduces and shown is None,
        }


def _own(own: Own, now: Instant) -> Json:
    about = _certificate(own.certificate, "station", _INSTALLED, now)
    return {**about, **known(renewal_refused=own.refused or None)}


def _certificate(of: Certificate, use: str, source: str, now: Instant) -> Json:
    return {
        "fingerprint": of.fingerprint,
        "use": use,
        "subject": of.subject,
        "issuer": of.issuer,
        "serial": of.serial,
        "key": of.key,
        "begins": time(of.not_before),
        "ends": time(of.not_after),
        "days_left": (of.not_after - now.utc) // _DAY,
        "source": source,
    }

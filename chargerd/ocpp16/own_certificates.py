"""The certificates of the station itself: which one is in use, and when another is.

Sections are those of the OCPP 1.6 security whitepaper.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chargerd.ocpp16.pki import own_keys, reading
from chargerd.ocpp16.pki.periods import MONTH, in_use
from chargerd.ocpp16.pki.values import BadCertificate, Certificate, KeyPair
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped, SheetKept


@dataclass(frozen=True, slots=True)
class Own:
    """A certificate of the station, and what it takes to use it."""

    chain: tuple[Certificate, ...]
    """The leaf, then those between it and the root."""
    key: KeyPair
    installed: datetime
    refused: bool = False
    """The CSMS does not want to renew it."""

    @property
    def certificate(self) -> Certificate:
        """The leaf."""
        return self.chain[0]

    @property
    def chain_pem(self) -> str:
        """What is shown in a handshake."""
        return "".join(each.pem for each in self.chain)

    @property
    def key_pem(self) -> str:
        """The private key; for the handshake and nobody else."""
        return self.key.private_pem.decode()

    @property
    def begins(self) -> datetime:
        """From when on it could be used."""
        return max(self.installed, self.certificate.not_before)


class OwnCertificates:
    """Knows every certificate of the station that may still be of use."""

    def __init__(
        self, certificates: Mapping[str, Sheet], keys: Mapping[str, Sheet]
    ) -> None:
        """Go on with what the disk knows."""
        self.unreadable: list[str] = []
        self._owns: dict[str, Own] = {}
        for name, sheet in certificates.items():
            try:
                self._owns[name] = _read(sheet, keys.get(name, {}))
            except BadCertificate as error:
                self.unreadable.append(f"certificate of the station: {error}")

    def __iter__(self) -> Iterator[Own]:
        """Yield them as they came."""
        return iter(self._owns.values())

    @property
    def newest(self) -> Own | None:
        """The one that begins last, even if it has not begun."""
        every = reversed(self._owns.values())
        return max(every, key=lambda own: own.certificate.not_before, default=None)

    def in_use(self, now: datetime) -> Own | None:
        """Return the valid one that begins last (A02.FR.09)."""
        return _in_use(self, now)

    def fallback(self, now: datetime) -> Own | None:
        """Return the valid one before, for a month (A02.FR.10)."""
        used = self.in_use(now)
        if used is None or now >= used.begins + MONTH:
            return None
        return _in_use((own for own in self if own is not used), now)

    def offered(self, now: datetime) -> Own | None:
        """Return the one in use, or what comes next to it.

        The CSMS may let a station in whose certificate has just ended, or whose clock
        is wrong; without a certificate it cannot.
        """
        begun = (own for own in self if own.certificate.not_before <= now)
        return (
            self.in_use(now)
            or max(begun, key=lambda own: own.certificate.not_after, default=None)
            or min(self, key=lambda own: own.certificate.not_before, default=None)
        )

    def among(self, chain: tuple[Certificate, ...]) -> Own | None:
        """Return the one whose certificate is in a chain."""
        return next((own for own in self if own.certificate in chain), None)

    def of_key(self, key: KeyPair) -> Own | None:
        """Return the one with this key."""
        return self._owns.get(key.fingerprint)

    def keep(self, own: Own) -> tuple[SheetKept, SheetKept]:
        """Return what must be kept of one: its certificate, and its key."""
        sheet: Sheet = {
            "chain": own.chain_pem,
            "installed": own.installed.isoformat(),
            "refused": int(own.refused),
        }
        key: Sheet = {"pem": own.key_pem}
        name = own.key.fingerprint
        return (
            SheetKept(Drawer.CERTIFICATE, name, sheet),
            SheetKept(Drawer.KEY, name, key),
        )

    def install(self, own: Own) -> tuple[Record, ...]:
        """Take one, or the news of one; return what must be kept of it."""
        self._owns[own.key.fingerprint] = own
        return self.keep(own)

    def refuse_renewal(self, own: Own) -> tuple[Record, ...]:
        """Take it that the CSMS does not want to renew one."""
        return self.install(replace(own, refused=True))

    def expire(self, now: datetime) -> tuple[Record, ...]:
        """Drop those that will not be used any more.

        As long as none is valid nothing goes: the clock may be far ahead.
        """
        used = self.in_use(now)
        if used is None:
            return ()
        wanted = (used, self.fallback(now))
        gone = [
            name
            for name, own in self._owns.items()
            if own not in wanted and own.certificate.not_before <= now
        ]
        for name in gone:
            del self._owns[name]
        drawers = (Drawer.CERTIFICATE, Drawer.KEY)
        return tuple(SheetDropped(drawer, name) for name in gone for drawer in drawers)

    def next_change(self, now: datetime) -> datetime | None:
        """Return when another one may be in use, or one is not needed any more."""
        moments = (
            moment
            for own in self
            for moment in (own.certificate.not_before, own.begins + MONTH)
        )
        return min((moment for moment in moments if moment > now), default=None)


def _in_use(owns: Iterable[Own], now: datetime) -> Own | None:
    # of two that begin together the one that came last is meant
    every = {own.certificate.fingerprint: own for own in reversed([*owns])}
    found = in_use((own.certificate for own in every.values()), now)
    return every[found.fingerprint] if found else None


def _read(sheet: Sheet, key: Sheet) -> Own:
    return Own(
        reading.read_chain(str(sheet["chain"])),
        own_keys.read_key(str(key.get("pem")).encode()),
        datetime.fromisoformat(str(sheet["installed"])),
        bool(sheet["refused"]),
    )

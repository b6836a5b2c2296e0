"""Which certificates are believed: roots, the station's own, firmware signers.

Sections are those of the OCPP 1.6 security whitepaper. Each check returns when it is
content, and raises ``BadCertificate`` otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from chargerd.ocpp16.pki.checks import (
    check_extensions,
    check_is_ca,
    check_period,
    check_strength,
    check_usage,
)
from chargerd.ocpp16.pki.reading import extension, is_for, issued
from chargerd.ocpp16.pki.values import BadCertificate, Certificate, Flaw, Subject


@dataclass(frozen=True, slots=True)
class Path:
    """A certificate that is believed, and by what."""

    certificates: tuple[Certificate, ...]
    """The leaf, then what leads to the anchor, which is not among them."""
    anchor: Certificate
    """The installed certificate that signed the last of them."""
    not_yet_valid: bool
    """Whether the leaf can only be used later, from its ``not_before`` on."""

    @property
    def leaf(self) -> Certificate:
        """The certificate that this is all about."""
        return self.certificates[0]


def check_root(root: Certificate, now: datetime) -> None:
    """Check a root that shall be installed (M05.FR.02 to 06)."""
    check_period(root, now)
    check_strength(root)
    check_extensions(root)
    check_is_ca(root)


def check_successor(root: Certificate, before: Certificate) -> None:
    """Check that a root was signed by the one before it (M05.FR.08 to 10).

    Raises:
        BadCertificate: For ``UNTRUSTED``. AdditionalRootCertificateCheck wants it.
    """
    if not issued(before, root):
        raise BadCertificate(
            Flaw.UNTRUSTED,
            f"{root.name}: not signed by the installed root {before.name}; "
            "have it signed with the key of that one",
        )


def check_station_chain(
    chain: Sequence[Certificate],
    pending: str,
    wanted: Subject,
    roots: Iterable[Certificate],
    now: datetime,
) -> Path:
    """Check a certificate that the station has asked for (A02.FR.06).

    A leaf that is not valid yet is accepted (A02.FR.08); the rest of its path is then
    judged at the moment from which it is.

    Args:
        chain: The certificates in any order; what does not help is passed over.
        pending: The fingerprint of the key that waits for its certificate.
        wanted: Whom the certificate must be for.
        roots: What may sign it; an intermediate among them will do (section 7.1).
        now: The present moment.
    """
    leaf = next((c for c in chain if c.key_fingerprint == pending), None)
    if leaf is None:
        raise BadCertificate(
            Flaw.WRONG_KEY,
            "chain: no certificate for the key of the last signing request; "
            "sign that request",
        )
    begin = max(now, leaf.not_before)
    check_period(leaf, begin)
    check_strength(leaf)
    _check_station(leaf, wanted)
    certificates, anchor = _path(leaf, chain, tuple(roots), begin)
    return Path(certificates, anchor, not_yet_valid=begin > now)


def check_firmware_signer(
    signer: Certificate, roots: Iterable[Certificate], now: datetime
) -> Certificate:
    """Check who signs firmware; return the manufacturer's root (L01.FR.02, 23 to 25).

    The root itself must have issued it, and is no signer (remarks of L01). An extended
    key usage, where there is one, must allow code signing.
    """
    check_period(signer, now)
    check_strength(signer)
    check_extensions(signer)
    check_usage(signer)
    below = tuple(root for root in roots if root.fingerprint != signer.fingerprint)
    _, root = _path(signer, (), below, now)
    return root


def _path(
    leaf: Certificate,
    chain: Sequence[Certificate],
    roots: Sequence[Certificate],
    at: datetime,
) -> tuple[tuple[Certificate, ...], Certificate]:
    """Return the shortest way from a leaf to a root.

    Each certificate is tried once, at its least depth, so that a chain made to branch
    costs no more than another one.
    """
    trusted = {root.fingerprint for root in roots}
    left = [c for c in chain if c is not leaf and c.fingerprint not in trusted]
    refused: list[BadCertificate] = []
    ways: list[tuple[Certificate, ...]] = [(leaf,)]
    while ways:
        for way in ways:
            for root in _signers(way, roots, at, refused):
                return way, root
        longer: list[tuple[Certificate, ...]] = []
        for way in ways:
            signers = _signers(way, left, at, refused)
            longer += [(*way, signer) for signer in signers]
            left = [c for c in left if c not in signers]
        ways = longer
    if refused:
        raise refused[0]
    raise BadCertificate(
        Flaw.UNTRUSTED,
        f"{leaf.name}: no installed root has signed it; install the root of "
        f"{leaf.issuer}, and send what stands between them",
    )


def _signers(
    way: tuple[Certificate, ...],
    candidates: Sequence[Certificate],
    at: datetime,
    refused: list[BadCertificate],
) -> list[Certificate]:
    """Return who signed the end of a way and may; tell why the others may not."""
    found = []
    for candidate in candidates:
        if not issued(candidate, way[-1]):
            continue
        try:
            _check_signer(candidate, way, at)
        except BadCertificate as error:
            refused.append(error)
        else:
            found.append(candidate)
    return found


def _check_signer(
    signer: Certificate, way: tuple[Certificate, ...], at: datetime
) -> None:
    check_root(signer, at)
    constraints = extension(signer.parsed, x509.BasicConstraints)
    # RFC 5280, section 4.2.1.9: neither the leaf nor what is self-issued counts
    between = sum(not c.self_issued for c in way[1:])
    most = constraints.path_length if constraints else None
    if most is not None and between > most:
        raise BadCertificate(
            Flaw.NOT_A_CA,
            f"{signer.name}: {between} certificates between it and the leaf, "
            f"and it allows {most}; have the leaf issued higher up",
        )


def _check_station(leaf: Certificate, wanted: Subject) -> None:
    if leaf.serial == "0":
        raise BadCertificate(
            Flaw.NO_SERIAL_NUMBER,
            f"{leaf.name}: no serial number; issue it with one above zero",
        )
    if not is_for(leaf, wanted):
        raise BadCertificate(
            Flaw.WRONG_SUBJECT,
            f"{leaf.name}: not for this station; issue it for "
            f"CN={wanted.serial_number} and O={wanted.organization}",
        )

"""A throw-away authority for the bench: the directory of its roots and leaves."""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from benchcsms import issuer
from benchcsms.issuer import Issuer, Private
from benchcsms.settings import NotDone, utc_now

_LIFE: Final = timedelta(days=3650)

ROOT, BENCH, STATION = "root", "bench", "station"
FIRMWARE_ROOT, FIRMWARE = "firmware-root", "firmware"
"""The names of the files: ``.pem`` a certificate, ``.key`` its private key.

The firmware root is the manufacturer's; it certifies who signs firmware.
"""

_NAMES: Final = (ROOT, BENCH, STATION, FIRMWARE_ROOT, FIRMWARE)


def make(
    folder: Path, host: str, serial: str, cpo: str, *, force: bool = False
) -> tuple[Path, ...]:
    """Write both roots, and the certificates of a bench, a station and a signer.

    Args:
        folder: Where they go; it is made if it is not there.
        host: Where the bench is, a name or an address.
        serial: The serial number of the station.
        cpo: Who operates both.
        force: Replace the authority that is there.

    Returns:
        The files.

    Raises:
        NotDone: The folder cannot be written, or an authority is there already.
    """
    files = tuple(path for name in _NAMES for path in _paths(folder, name))
    there = [path for path in files if path.exists()]
    if there and not force:
        raise NotDone(
            f"{there[0]}: is there already; name another directory, or replace the "
            "authority and all that it issued with --force"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make(folder, host, serial, cpo)
    except OSError as error:
        raise NotDone(f"{folder}: {error.strerror}; name another directory") from None
    return files


def root(folder: Path) -> Issuer:
    """Return who certifies stations; ``NotDone`` if no authority is there."""
    return Issuer.load(*_paths(folder, ROOT))


def firmware_signer(folder: Path) -> tuple[Path, Private]:
    """Return the certificate of who signs firmware, and the key."""
    certificate, secret = _paths(folder, FIRMWARE)
    return certificate, Issuer.load(certificate, secret).key


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.pem", folder / f"{name}.key"


def _make(folder: Path, host: str, serial: str, cpo: str) -> None:
    period = issuer.valid(utc_now(), _LIFE)
    above = Issuer.new(f"{cpo} root", cpo, period)
    manufacturer = Issuer.new(f"{cpo} firmware root", cpo, period)
    for file, own in ((ROOT, above), (FIRMWARE_ROOT, manufacturer)):
        _write(folder, file, own.certificate, own.key)
    more: Sequence[x509.ExtensionType]
    for file, by, whose, purpose, more in (
        (BENCH, above, host, ExtendedKeyUsageOID.SERVER_AUTH, [_alternative(host)]),
        (STATION, above, serial, ExtendedKeyUsageOID.CLIENT_AUTH, []),
        (
            FIRMWARE,
            manufacturer,
            f"{cpo} firmware",
            ExtendedKeyUsageOID.CODE_SIGNING,
            [],
        ),
    ):
        key, subject = issuer.new_key(), issuer.name(whose, cpo)
        issued = by.issue(subject, key.public_key(), purpose, period, more)
        _write(folder, file, issued, key)


def _alternative(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    except ValueError:
        return x509.SubjectAlternativeName([x509.DNSName(host)])


def _write(folder: Path, name: str, issued: x509.Certificate, key: Private) -> None:
    certificate, secret = _paths(folder, name)
    certificate.write_text(issuer.pem(issued))
    secret.unlink(missing_ok=True)  # its mode may be another
    secret.touch(mode=0o600)
    secret.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

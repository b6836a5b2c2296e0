"""A throw-away authority for the bench: a root, and what it issues."""

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from benchcsms.settings import NotDone, utc_now

_LIFE: Final = timedelta(days=3650)
_AGO: Final = timedelta(days=1)  # clocks differ

ROOT, BENCH, STATION = "root", "bench", "station"
"""The names of the files: ``.pem`` a certificate, ``.key`` its private key."""


def make(folder: Path, host: str, serial: str, cpo: str) -> tuple[Path, ...]:
    """Write the root, and the certificates of a bench and of a station.

    Args:
        folder: Where they go; it is made if it is not there.
        host: Where the bench is, a name or an address.
        serial: The serial number of the station.
        cpo: Who operates both.

    Returns:
        The files.

    Raises:
        NotDone: The folder cannot be written.
    """
    try:
        return _made(folder, host, serial, cpo)
    except OSError as error:
        raise NotDone(f"{folder}: {error.strerror}; name another directory") from None


def _made(folder: Path, host: str, serial: str, cpo: str) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    root_key, root_name = _key(), _name(f"{cpo} root", cpo)
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    root = _builder(root_name, root_name, root_key).add_extension(
        constraints, critical=True
    )
    files: tuple[Path, ...] = _write(folder, ROOT, root, root_key, root_key)
    for file, name, extension in (
        (BENCH, host, _alternative(host)),
        (STATION, serial, None),
    ):
        key = _key()
        leaf = _builder(_name(name, cpo), root_name, key)
        if extension is not None:
            leaf = leaf.add_extension(extension, critical=False)
        files += _write(folder, file, leaf, key, root_key)
    return files


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _alternative(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    except ValueError:
        return x509.SubjectAlternativeName([x509.DNSName(host)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - _AGO)
        .not_valid_after(utc_now() + _LIFE)
    )


def _write(
    folder: Path,
    name: str,
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signs: ec.EllipticCurvePrivateKey,
) -> tuple[Path, Path]:
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    signed = builder.sign(signs, hashes.SHA256())
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    secret.touch(mode=0o600)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    secret.write_bytes(pem)
    return certificate, secret

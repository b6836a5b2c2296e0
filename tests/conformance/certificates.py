"""Certificates that the cases of security send, and what names them."""

from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from benchcsms.issuer import Issuer, Period, name, new_key, pem, valid
from benchcsms.settings import utc_now
from tests.conformance.order import Json
from tests.conformance.secured import OPERATOR, SERIAL

DAY: Final = timedelta(days=1)


def root(called: str, period: Period | None = None) -> str:
    """Make a root of somebody."""
    return pem(
        Issuer.new(called, OPERATOR, period or valid(utc_now(), DAY)).certificate
    )


def over() -> Period:
    """Return a time that is over."""
    return utc_now() - 9 * DAY, utc_now() - DAY


FLAWS: Final = (
    "its time is over",
    "somebody else's key",
    "somebody else's name",
    "somebody else's root",
)


def bad_certificate(
    flaw: str, request: x509.CertificateSigningRequest, above: Issuer
) -> str:
    """Return what answers a request and must not be taken."""
    if flaw == "somebody else's root":
        above = Issuer.new("Strange root", OPERATOR, valid(utc_now(), DAY))
    foreign = flaw == "somebody else's key"
    key = new_key().public_key() if foreign else request.public_key()
    serial = "SN-2" if flaw == "somebody else's name" else SERIAL
    period = over() if flaw == "its time is over" else valid(utc_now(), DAY)
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    return pem(above.issue(name(serial, OPERATOR), key, purpose, period))


def hash_data(certificate: str) -> Json:
    """Return what names a root, by a program that is no part of the station."""
    made = x509.load_pem_x509_certificate(certificate.encode())
    builder = ocsp.OCSPRequestBuilder().add_certificate(made, made, hashes.SHA256())
    request = builder.build()
    return plain(
        {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": request.issuer_name_hash.hex(),
            "issuerKeyHash": request.issuer_key_hash.hex(),
            "serialNumber": f"{request.serial_number:x}",
        }
    )


def plain(told: Json) -> Json:
    """Return hash data without what means nothing in it: case, and leading zeros."""
    told = {key: value.lower() for key, value in told.items()}
    return {**told, "serialNumber": told["serialNumber"].lstrip("0")}

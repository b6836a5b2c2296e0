"""The names by which the CSMS means installed certificates, as OCSP has them."""

from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.x509.ocsp import OCSPRequestBuilder
from ocpp.v16.datatypes import CertificateHashData
from ocpp.v16.enums import HashAlgorithm

from chargerd.ocpp16.pki.values import Certificate


def hash_data(
    certificate: Certificate,
    issuer: Certificate,
    algorithm: HashAlgorithm = HashAlgorithm.sha256,
) -> CertificateHashData:
    """Return by what the CSMS names a certificate (section 6.1, RFC 6960).

    Args:
        certificate: Whose name is wanted.
        issuer: Who signed it; a self-signed certificate is its own issuer.
        algorithm: With what the issuer's name and key are hashed.
    """
    builder = OCSPRequestBuilder().add_certificate(
        certificate.parsed, issuer.parsed, _HASHES[algorithm]()
    )
    request = builder.build()
    return CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash=request.issuer_name_hash.hex(),
        issuer_key_hash=request.issuer_key_hash.hex(),
        serial_number=certificate.serial,
    )


def is_named(
    certificate: Certificate, issuer: Certificate, wanted: CertificateHashData
) -> bool:
    """Return whether hash data means this certificate; case does not matter."""
    own = hash_data(certificate, issuer, HashAlgorithm(wanted.hash_algorithm))
    return _comparable(own) == _comparable(wanted)


_HASHES: Final[Mapping[HashAlgorithm, Callable[[], hashes.HashAlgorithm]]] = {
    HashAlgorithm.sha256: hashes.SHA256,
    HashAlgorithm.sha384: hashes.SHA384,
    HashAlgorithm.sha512: hashes.SHA512,
}


def _comparable(named: CertificateHashData) -> tuple[str, str, str]:
    return (
        named.issuer_name_hash.lower(),
        named.issuer_key_hash.lower(),
        named.serial_number.lower().lstrip("0"),
    )

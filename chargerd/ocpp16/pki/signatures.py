"""Signatures of firmware, checked while it passes by (L01.FR.04 of the whitepaper)."""

import base64
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from chargerd.ocpp16.pki.values import (
    LONGEST_SIGNATURE,
    BadCertificate,
    BadSignature,
    Certificate,
    Flaw,
    SignatureFlaw,
)


class Scheme(StrEnum):
    """How a signature is made, always over SHA-256."""

    RSA_PSS = "RSA-PSS"
    RSA_PKCS1 = "RSA-PKCS1"
    ECDSA = "ECDSA"


class Verifier:
    """Takes a file piece by piece, then says whether its signature is right."""

    def __init__(
        self, signer: Certificate, schemes: Collection[Scheme] = frozenset(Scheme)
    ) -> None:
        """Begin with an empty file.

        Args:
            signer: Whose key has signed; ``check_firmware_signer`` was content.
            schemes: What is accepted. The whitepaper wants RSA-PSS; tools sign with
                PKCS #1 v1.5, and EC keys mean ECDSA.

        Raises:
            BadCertificate: For ``WRONG_KEY``, when no scheme fits the signer's key.
        """
        key = signer.parsed.public_key()
        if not (
            (isinstance(key, rsa.RSAPublicKey) and not _RSA.keys().isdisjoint(schemes))
            or (isinstance(key, ec.EllipticCurvePublicKey) and Scheme.ECDSA in schemes)
        ):
            raise BadCertificate(
                Flaw.WRONG_KEY,
                f"{signer.name}: its key is {signer.key}; sign with a key for "
                f"{' or '.join(sorted(schemes)) or 'what will be accepted'}",
            )
        self._key: _Public = key
        self._paddings = tuple(_RSA[s] for s in sorted(_RSA) if s in schemes)
        self._digest = hashes.Hash(_SHA256)

    def update(self, piece: bytes) -> None:
        """Take the next bytes of the file."""
        self._digest.update(piece)

    def verify(self, signature: str) -> None:
        """Compare with all bytes so far; raise ``BadSignature`` when it is not theirs.

        Args:
            signature: In Base64, as SignedUpdateFirmware.req has it.
        """
        octets = _decoded(signature)
        digest = self._digest.copy().finalize()
        if not any(_holds(check) for check in self._checks(octets, digest)):
            raise BadSignature(
                SignatureFlaw.WRONG,
                "signature: not of this file by this certificate; sign the whole file "
                "with SHA-256 and the key of the signing certificate",
            )

    def _checks(self, signature: bytes, digest: bytes) -> list[Callable[[], None]]:
        """Return the ways in which a signature may be right."""
        if isinstance(self._key, ec.EllipticCurvePublicKey):
            return [partial(self._key.verify, signature, digest, ec.ECDSA(_HASHED))]
        verify = self._key.verify
        return [partial(verify, signature, digest, p, _HASHED) for p in self._paddings]


_Public: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_SHA256: Final = hashes.SHA256()
_HASHED: Final = Prehashed(_SHA256)

_RSA: Final[Mapping[Scheme, padding.AsymmetricPadding]] = {
    Scheme.RSA_PSS: padding.PSS(padding.MGF1(_SHA256), padding.PSS.AUTO),
    Scheme.RSA_PKCS1: padding.PKCS1v15(),
}


def _decoded(signature: str) -> bytes:
    try:
        # tools break Base64 into lines
        octets = base64.b64decode("".join(signature.split()), validate=True)
    except ValueError:
        octets = b""
    if not octets or len(signature) > LONGEST_SIGNATURE:
        raise BadSignature(
            SignatureFlaw.UNREADABLE,
            f"signature: {len(signature)} characters, too many or not Base64; send "
            f"Base64 of 1 to {LONGEST_SIGNATURE} characters",
        )
    return octets


def _holds(check: Callable[[], None]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True

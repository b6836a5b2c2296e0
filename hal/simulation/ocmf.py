"""Signed records of simulated meters, as OCMF 1.0 lays them out.

The only module of the hardware layer that opens cryptography.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM: Final = "ECDSA-secp256r1-SHA256"


class Signer:
    """Holds the key of one meter, which is the same in every life of it."""

    def __init__(self, meter: str) -> None:
        digest = hashlib.sha512(f"simulated meter {meter}".encode()).digest()
        order = ec.SECP256R1().group_order
        secret = int.from_bytes(digest, "big") % (order - 1) + 1
        self._key = ec.derive_private_key(secret, ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """The key that proves the records, in DER as hex digits."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.DER,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
            .hex()
        )

    def signed(self, content: Mapping[str, Any]) -> bytes:
        """Return the record of ``content``."""
        text = json.dumps(content, separators=(",", ":"))
        signature = self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        proof = json.dumps(
            {"SA": ALGORITHM, "SD": signature.hex()}, separators=(",", ":")
        )
        return f"OCMF|{text}|{proof}".encode()

"""Signatures of firmware, as a manufacturer makes them."""

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from benchcsms.issuer import Private
from benchcsms.settings import NotDone


def sign(file: Path, key: Private) -> str:
    """Return the signature of a file in base64, as SignedUpdateFirmware takes it.

    It is over SHA-256: ECDSA by an EC key, RSA-PSS by an RSA key.

    Raises:
        NotDone: The file cannot be read.
    """
    try:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").digest()
    except OSError as error:
        raise NotDone(f"{file}: {error.strerror}; name another file") from None
    sha256 = Prehashed(hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(digest, ec.ECDSA(sha256))
    else:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        signature = key.sign(digest, pss, sha256)
    return base64.b64encode(signature).decode()

"""The bench's side of security profiles 2 and 3."""

import ssl
from typing import Final

from benchcsms.settings import NotDone, Tls

_SUITES: Final = "ECDHE+AESGCM:AES128-GCM-SHA256:AES256-GCM-SHA384"


def context(tls: Tls, verify: ssl.VerifyMode = ssl.CERT_REQUIRED) -> ssl.SSLContext:
    """Return what the bench listens with.

    Args:
        tls: The files.
        verify: Whether clients need a certificate, if there are roots for them.

    Raises:
        NotDone: A file cannot be read, or key and certificate do not belong together.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(_SUITES)
    try:
        made.load_cert_chain(tls.certificate, tls.key)
        if tls.clients is not None:
            made.verify_mode = verify
            made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            made.load_verify_locations(tls.clients)
    except OSError as error:
        files = ", ".join(str(path) for path in (tls.certificate, tls.key, tls.clients))
        why = getattr(error, "reason", None) or error.strerror or str(error)
        raise NotDone(f"TLS with {files}: {why}; benchcsms ca makes a set") from None
    return made

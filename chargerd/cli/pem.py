"""Reads certificates and keys of a technician's files."""

import re
import sys
from typing import Final

from chargerd.cli import problems
from chargerd.cli.problems import Problem

_MOST: Final = 25_000
"""Characters; two of them fit into one request, and no chain is so long."""
_CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)


def certificates(file: str) -> str:
    """Return the certificates of a file, without what stands around them."""
    found = _CERTIFICATE.findall(_text(file))
    if not found:
        raise Problem(
            problems.FAILED,
            "NO_CERTIFICATE",
            f"{file}: no certificate in PEM; convert it: openssl x509 -inform DER -in "
            f"{file}",
            file=file,
        )
    return _short("\n".join(found) + "\n", file)


def private_key(file: str) -> str:
    """Return a private key; whether it is one the station says."""
    return _short(_text(file), file)


def _text(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read()
        with open(file, encoding="ascii", errors="replace") as opened:
            return opened.read()
    except OSError as error:
        text = f"{file}: {error.strerror}; name a file in PEM, or - for stdin"
        raise Problem(problems.USAGE, "USAGE", text) from None


def _short(text: str, file: str) -> str:
    if len(text) > _MOST:
        text = f"{file}: too large; name a file of one certificate and its issuers"
        raise Problem(problems.FAILED, "TOO_LARGE", text, file=file)
    return text

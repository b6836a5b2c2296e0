"""What the station file, and the files that it names, say of the link to the CSMS."""

import os
from pathlib import Path
from typing import Final

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Instant
from chargerd.ocpp16.attachment_values import Attachment, Filed
from chargerd.ocpp16.keys import BadValue, secret_key
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.root_store import CSMS
from chargerd.ocpp16.upkeep import Upkeep
from chargerd.runtime import tls
from chargerd.runtime.link_settings import LinkSettings
from chargerd.sections import Settings

CREDENTIAL: Final = "ocpp-auth-key"
"""Name of the systemd credential that holds the AuthorizationKey."""


def mistakes(settings: Settings) -> list[str]:
    """Return what is wrong with these files, a line for each."""
    return [*_bad_password(settings), *_bad_tls(settings)]


def filed(settings: Settings) -> Filed:
    """Return what the station file says of the link."""
    csms = settings.csms
    key = authorization_key(settings)
    return Filed(
        Attachment(
            csms.url,
            settings.station.identity,
            csms.security_profile,
            key.hex() if key is not None else "",
        ),
        roots=_makes_tls(settings, 2),
        own=_makes_tls(settings, 3),
        certificate=_certificate(csms.certificate_file),
        in_hardware=tls.in_hardware(Path(csms.private_key_file)),
    )


def _certificate(name: str) -> str:
    """Return what the file of our certificate says; a dial tells what is wrong."""
    try:
        return Path(name).read_text() if name else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _makes_tls(settings: Settings, profile: int) -> bool:
    """Tell whether the files are there that a security profile needs."""
    try:
        tls.context(_tls(settings, profile))
    except tls.Unusable:
        return False
    return True


def link_settings(settings: Settings, upkeep: Upkeep, now: Instant) -> LinkSettings:
    """Return what is dialed now; files are read anew.

    Raises:
        Unusable: A file of the certificates cannot be read.
    """
    attachments, keyring = upkeep.attachments, upkeep.keyring
    dialed = attachments.dialed
    trusted = None
    if dialed.profile >= 2:
        shown = keyring.shown(now) if dialed.profile == 3 else None
        roots = "".join(root.pem for root in keyring.roots(CSMS))
        trusted = _tls(settings, dialed.profile, roots, shown)
    return LinkSettings(
        dialed.url,
        dialed.identity,
        dialed.profile,
        trusted,
        bytes.fromhex(dialed.key) or None,
        attachments.turn,
        attachments.trial is not None,
        settings.csms.settle_s,
    )


def _tls(
    settings: Settings, profile: int, installed: str = "", shown: Own | None = None
) -> tls.TlsSettings:
    """Return whom a link of security profile 2 or 3 believes, and who we are there.

    Args:
        settings: The files of the station, which count beside what was installed.
        profile: The security profile.
        installed: The roots that were installed, in PEM.
        shown: A certificate that was; it goes before the file's.
    """
    csms = settings.csms
    own: tls.OwnCertificate | tls.OwnPem | None = None
    if profile == 3:
        chain, key = Path(csms.certificate_file), Path(csms.private_key_file)
        of_file = tls.OwnCertificate(chain, key)
        own = tls.OwnPem(shown.chain_pem, shown.key_pem) if shown else of_file
    return tls.TlsSettings(
        "".join(_root_files(settings)) + installed,
        own,
        csms.check_name,
        csms.rsa_key_exchange,
    )


def _root_files(settings: Settings) -> tuple[str, ...]:
    """Return what stands in the files of roots.

    Raises:
        Unusable: One cannot be read.
    """
    try:
        return tuple(Path(name).read_text() for name in settings.csms.root_files)
    except OSError as error:
        wrong = f"{error.filename}: {error.strerror}; name files in PEM"
        raise tls.Unusable(f"root_files: {wrong}") from None
    except UnicodeDecodeError as error:
        raise tls.Unusable(f"root_files: {error}; name files in PEM") from None


def _bad_tls(settings: Settings) -> list[str]:
    if not settings.csms.secure:
        return []
    try:
        tls.context(_tls(settings, settings.csms.security_profile))
    except tls.NotReached:
        return []  # A token that is pulled keeps no station from charging off line.
    except tls.Unusable as error:
        text = str(error)
        place = "csms." if text.startswith("root_files") else "csms: "
        return [f"{settings.path}: {place}{text}"]
    return []


def roots_there(settings: Settings) -> tuple[str, ...]:
    """Return the roots of the station file; a dial says what is wrong with them."""
    try:
        return _root_files(settings)
    except tls.Unusable:
        return ()


def authorization_key(settings: Settings) -> bytes | None:
    """Return the first password; what it was changed to since is in the store."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [settings.csms.authorization_key_file]
    places += [f"{folder}/{CREDENTIAL}"] if folder else []
    for place in places:
        if place and Path(place).is_file():
            return read_key(Path(place).read_bytes().strip())
    return None


def secrets_of(settings: Settings, charge_point: ChargePoint) -> tuple[str, ...]:
    """Return the passwords that there are now, so that no log repeats them."""
    first = authorization_key(settings)
    keys = charge_point.upkeep.attachments.keys | ({first.hex()} if first else set())
    # As text it may be shorter than what of any text looks like a password.
    return (*keys, *(bytes.fromhex(key).decode("latin-1") for key in keys))


def read_key(text: bytes) -> bytes:
    """Return the bytes of an AuthorizationKey: hex digits mean bytes."""
    try:
        return secret_key(text.decode())
    except (BadValue, UnicodeDecodeError):
        return text


def _bad_password(settings: Settings) -> list[str]:
    name = settings.csms.authorization_key_file
    if not name:
        return []
    where = f"{settings.path}: csms.authorization_key_file"
    try:
        key = read_key(Path(name).read_bytes().strip())
    except OSError as error:
        return [f"{where}: {name}: {error.strerror}; name a file that can be read"]
    if 16 <= len(key) <= 20:
        return []
    wanted = "32 to 40 hex digits or 16 to 20 plain characters"
    return [f"{where}: {name} holds {len(key)} bytes; write {wanted} into it"]

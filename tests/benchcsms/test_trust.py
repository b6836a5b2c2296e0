"""What the bench issues and signs is what a station takes."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from benchcsms import authority, firmware, issuer
from chargerd.ocpp16.pki.chains import (
    check_firmware_signer,
    check_root,
    check_station_chain,
)
from chargerd.ocpp16.pki.own_keys import new_key, signing_request
from chargerd.ocpp16.pki.reading import read, read_chain
from chargerd.ocpp16.pki.signatures import Verifier
from chargerd.ocpp16.pki.values import BadSignature, Certificate, KeyKind, Subject


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority.make(tmp_path / "ca", "127.0.0.1", "SN-1", "Acme")
    return tmp_path / "ca"


def certificate(folder: Path, name: str) -> Certificate:
    return read((folder / f"{name}.pem").read_text())


@pytest.fixture
def now(folder: Path) -> datetime:
    """Be as late as the authority was made, but for a second."""
    begin = certificate(folder, "root").not_before
    return begin + timedelta(days=1, seconds=1)


@pytest.mark.parametrize("kind", [KeyKind.EC_P256, KeyKind.RSA_2048])
def test_a_station_takes_the_certificate_that_it_asked_for(
    folder: Path, now: datetime, kind: KeyKind
) -> None:
    key, subject = new_key(kind), Subject("SN-1", "Acme")
    request = issuer.read_request(signing_request(key, subject))
    issued = authority.root(folder).issue(
        request.subject,
        request.public_key(),
        ExtendedKeyUsageOID.CLIENT_AUTH,
        issuer.valid(now, timedelta(days=1)),
    )
    chain, root = read_chain(issuer.pem(issued)), certificate(folder, "root")
    path = check_station_chain(chain, key.fingerprint, subject, [root], now)
    assert path.leaf == chain[0]


@pytest.mark.parametrize("name", ["root", "firmware-root"])
def test_a_station_installs_both_roots(folder: Path, now: datetime, name: str) -> None:
    check_root(certificate(folder, name), now)


def test_a_station_believes_signed_firmware(
    folder: Path, now: datetime, tmp_path: Path
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(b"firmware")
    _, key = authority.firmware_signer(folder)
    signature = firmware.sign(image, key)
    signer = certificate(folder, "firmware")
    root = certificate(folder, "firmware-root")
    assert check_firmware_signer(signer, [root], now) == root
    verifier = Verifier(signer)
    verifier.update(b"firmware")
    verifier.verify(signature)
    verifier.update(b"!")
    with pytest.raises(BadSignature):
        verifier.verify(signature)

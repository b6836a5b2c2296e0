"""The throw-away authority, by the command line."""

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from benchcsms import firmware
from benchcsms.cli import main

NAMES = ("root", "bench", "station", "firmware-root", "firmware")


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def common_name(name: x509.Name) -> str:
    (found,) = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found.value)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "made" / "authority"
    words = ("--host", "127.0.0.1", "--serial", "SN-7", "--cpo", "Acme")
    assert main(["ca", str(folder), *words]) == 0
    assert capsys.readouterr().out.split() == [
        f"{folder}/{name}.{kind}" for name in NAMES for kind in ("pem", "key")
    ]
    return folder


@pytest.mark.parametrize(
    ("name", "whose", "purpose", "root"),
    [
        ("bench", "127.0.0.1", ExtendedKeyUsageOID.SERVER_AUTH, "root"),
        ("station", "SN-7", ExtendedKeyUsageOID.CLIENT_AUTH, "root"),
        ("firmware", "Acme firmware", ExtendedKeyUsageOID.CODE_SIGNING, NAMES[3]),
    ],
)
def test_each_leaf_is_for_one_purpose_and_of_its_root(
    folder: Path, name: str, whose: str, purpose: x509.ObjectIdentifier, root: str
) -> None:
    leaf = certificate(folder, name)
    leaf.verify_directly_issued_by(certificate(folder, root))
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [purpose]
    assert common_name(leaf.subject) == whose


def test_nobody_else_reads_a_key(folder: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in folder.glob("*.key")}
    assert modes == {0o600}


def test_an_authority_is_not_overwritten_unless_that_is_wanted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "root.key").read_bytes()
    (folder / "root.key").chmod(0o644)
    assert main(["ca", str(folder)]) == 1
    assert capsys.readouterr().err == (
        f"benchcsms: {folder}/root.pem: is there already; name another directory, or "
        "replace the authority and all that it issued with --force\n"
    )
    assert (folder / "root.key").read_bytes() == before
    assert main(["ca", str(folder), "--force"]) == 0
    assert (folder / "root.key").read_bytes() != before
    assert (folder / "root.key").stat().st_mode & 0o777 == 0o600


def test_a_directory_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["ca", str(tmp_path / "file" / "below")]) == 1
    assert "below: Not a directory; name another" in capsys.readouterr().err


def test_firmware_is_signed_by_the_key_of_the_named_certificate(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(b"firmware" * 100_000)
    assert main(["sign-firmware", str(image), "--authority", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.err == f"benchcsms: signed for {folder}/firmware.pem\n"
    key = certificate(folder, "firmware").public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(said.out.strip(), validate=True)
    key.verify(signature, image.read_bytes(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature, b"other", ec.ECDSA(hashes.SHA256()))


def test_an_rsa_key_signs_with_pss(tmp_path: Path) -> None:
    image, key = tmp_path / "image.bin", rsa.generate_private_key(65_537, 2048)
    image.write_bytes(b"firmware")
    signature = base64.b64decode(firmware.sign(image, key))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    key.public_key().verify(signature, b"firmware", pss, hashes.SHA256())


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ("firmware.key", "firmware.key: no such file; benchcsms ca makes an author"),
        ("image.bin", "image.bin: No such file or directory; name another file"),
    ],
)
def test_what_is_missing_to_sign_is_named(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoilt: str,
    words: str,
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(b"firmware")
    for path in (image, folder / "firmware.key"):
        if path.name == spoilt:
            path.unlink()
    assert main(["sign-firmware", str(image), "--authority", str(folder)]) == 1
    assert words in capsys.readouterr().err

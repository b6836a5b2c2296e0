"""SignCertificate, and the CertificateSigned that follows it."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from benchcsms import authority
from benchcsms.server import Csms
from benchcsms.settings import NotDone, Settings, Signing
from tests.benchcsms.conftest import NOW, Station, connecting

SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
        x509.NameAttribute(NameOID.COMMON_NAME, "SN-1"),
    ]
)
KEY = ec.generate_private_key(ec.SECP256R1())


def request() -> x509.CertificateSigningRequest:
    return x509.CertificateSigningRequestBuilder(SUBJECT).sign(KEY, hashes.SHA256())


def csr() -> str:
    return request().public_bytes(Encoding.PEM).decode()


def forged() -> str:
    """Return a request with another signature under it."""
    der = bytearray(request().public_bytes(Encoding.DER))
    der[der.index(b"SN-1")] = ord("X")
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority.make(tmp_path / "ca", "127.0.0.1", "SN-1", "Acme")
    return tmp_path / "ca"


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(signing=Signing(folder, days=2))


async def test_a_station_that_asks_gets_a_certificate(
    csms: Csms, station: Station, folder: Path
) -> None:
    answer = await station.told("SignCertificate", {"csr": csr()})
    assert answer == {"status": "Accepted"}
    type_, id_, action, asked = await station.receive()
    assert (type_, action) == (2, "CertificateSigned")
    await station.send(3, id_, {"status": "Accepted"})
    (leaf,) = x509.load_pem_x509_certificates(asked["certificateChain"].encode())
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    leaf.verify_directly_issued_by(root)
    assert (leaf.subject, leaf.public_key()) == (SUBJECT, KEY.public_key())
    assert leaf.not_valid_after_utc == NOW + timedelta(days=2)
    await csms.wait_for("CertificateSigned")
    (told,) = [entry for entry in csms.log("CP1") if entry.kind == "certificate"]
    assert told.payload["subject"] == "CN=SN-1,O=Acme"
    assert csms.violations("CP1") == []


@pytest.mark.parametrize("spoilt", ["no request at all", forged()])
async def test_a_bad_request_is_refused_and_told(
    csms: Csms, station: Station, spoilt: str
) -> None:
    answer = await station.told("SignCertificate", {"csr": spoilt})
    assert answer == {"status": "Rejected"}
    told = await csms.wait_for(kind="certificate")
    assert told.payload["refused"].startswith("csr: ")


class TestWithoutAuthority:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings()

    async def test_every_request_is_refused(self, csms: Csms, station: Station) -> None:
        answer = await station.told("SignCertificate", {"csr": csr()})
        assert answer == {"status": "Rejected"}
        told = await csms.wait_for(kind="certificate")
        assert told.payload["refused"].startswith("no authority to sign it")


class TestLater:
    @pytest.fixture
    def settings(self, folder: Path) -> Settings:
        return Settings(signing=Signing(folder, after_s=0.5))

    async def test_the_certificate_finds_the_next_connection(
        self, csms: Csms, station: Station
    ) -> None:
        await station.told("SignCertificate", {"csr": csr()})
        async with connecting(csms) as socket:
            _, _, action, _ = await Station(socket).receive()
            assert action == "CertificateSigned"

    async def test_a_station_that_is_away_by_then_is_told_of(
        self, csms: Csms, station: Station
    ) -> None:
        await station.told("SignCertificate", {"csr": csr()})
        await station.socket.close()
        await csms.wait_for(kind="close")
        issued, lost = [
            await csms.wait_for(kind="certificate", count=n) for n in (1, 2)
        ]
        assert issued.payload["subject"] == "CN=SN-1,O=Acme"
        assert "'CP1': not connected" in lost.payload["failed"]


async def test_a_script_may_refuse(csms: Csms, station: Station) -> None:
    csms.script("SignCertificate", [{"change": {"status": "Rejected"}}])
    assert await station.told("SignCertificate", {"csr": csr()}) == {
        "status": "Rejected"
    }
    assert "currentTime" in await station.told("Heartbeat")
    assert not [e for e in csms.log() if e.kind == "certificate"]


async def test_a_script_cannot_have_nonsense_certified(
    csms: Csms, station: Station
) -> None:
    csms.script("SignCertificate", [{"result": {"status": "Accepted"}}])
    assert await station.told("SignCertificate", {"csr": "?"}) == {"status": "Accepted"}
    told = await csms.wait_for(kind="certificate")
    assert told.payload["failed"].startswith("csr: not a PKCS #10 request")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("root.key", None, "root.key: no such file; benchcsms ca makes an authority"),
        ("root.pem", "?", "root.pem: not a certificate in PEM; name another"),
        ("root.key", "?", "root.key: not an EC or RSA key in PEM without password"),
        ("root.key", "bench.key", "root.key: not the key of "),
    ],
)
def test_an_authority_that_is_damaged_is_told_at_once(
    folder: Path, file: str, content: str | None, words: str
) -> None:
    if content is None:
        (folder / file).unlink()
    elif (folder / content).exists():
        (folder / file).write_bytes((folder / content).read_bytes())
    else:
        (folder / file).write_text(content)
    with pytest.raises(NotDone, match=words):
        Csms(Settings(signing=Signing(folder)))

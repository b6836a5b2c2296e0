"""What the security extension needs, by the command line of a bench of its own."""

import json
import re
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from cryptography import x509
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchcsms.cli import main
from benchcsms.client import Client
from benchcsms.options import parser, settings
from benchcsms.settings import Files, Signing
from tests.benchcsms.test_certifier import csr
from tests.benchcsms.test_program import PATIENCE_S, line_of, started, told


class Bench:
    """A bench of all security profiles, its authority and its files."""

    def __init__(self, folder: Path) -> None:
        self.control = folder / "bench.sock"
        self.ca = folder / "ca"
        self.files = folder / "files"
        self.urls: list[str] = []

    def words(self) -> tuple[str, ...]:
        return (
            *("--port=0", "--tls-port=0", f"--control={self.control}"),
            *(f"--authority={self.ca}", f"--files={self.files}"),
            *(f"--certificate={self.ca}/bench.pem", "--certificate-days=7"),
            *(
                f"--private-key={self.ca}/bench.key",
                f"--client-roots={self.ca}/root.pem",
            ),
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    assert main(["ca", str(bench.ca), "--host", "127.0.0.1"]) == 0
    with started(*bench.words()) as process:
        for words in (
            rf"listening on (ws://127\.0\.0\.1:\d+/ocpp) control {bench.control}",
            r"listening on (wss://127\.0\.0\.1:\d+/ocpp)",
            r"files on (http://127\.0\.0\.1:\d+)",
        ):
            found = re.fullmatch(f"benchcsms: {words}", line_of(process))
            assert found is not None
            bench.urls.append(found[1])
        yield bench
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0


@pytest.fixture
def station(bench: Bench) -> Iterator[ClientConnection]:
    """Be a station of profile 3."""
    context = ssl.create_default_context(cafile=bench.ca / "root.pem")
    context.load_cert_chain(bench.ca / "station.pem", bench.ca / "station.key")
    offered, url = [Subprotocol("ocpp1.6")], f"{bench.urls[1]}/CP1"
    with connect(url, subprotocols=offered, proxy=None, ssl=context) as station:
        told(station, "Heartbeat", {})
        yield station


def test_the_control_socket_tells_every_address(bench: Bench) -> None:
    plain, secure, files = bench.urls
    with Client(bench.control) as client:
        said = client.ask("addresses")
    assert said == {"stations": [plain, secure], "files": files}


def test_a_station_of_profile_3_gets_a_new_certificate(
    bench: Bench, station: ClientConnection
) -> None:
    assert told(station, "SignCertificate", {"csr": csr()}) == {"status": "Accepted"}
    _, id_, action, asked = json.loads(station.recv(PATIENCE_S))
    station.send(json.dumps([3, id_, {"status": "Accepted"}]))
    assert action == "CertificateSigned"
    leaf = x509.load_pem_x509_certificate(asked["certificateChain"].encode())
    root = x509.load_pem_x509_certificate((bench.ca / "root.pem").read_bytes())
    leaf.verify_directly_issued_by(root)
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 8


def test_firmware_is_signed_served_and_told_of(
    bench: Bench,
    station: ClientConnection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image, signature = bench.files / "firmware" / "image.bin", tmp_path / "image.sig"
    image.write_bytes(b"firmware")
    assert main(["sign-firmware", str(image), "--authority", str(bench.ca)]) == 0
    signature.write_text(capsys.readouterr().out)
    firmware = {
        "location": f"{bench.urls[2]}/firmware/image.bin",
        "retrieveDateTime": "2026-03-02T08:00:00Z",
        "signingCertificate": f"@{bench.ca}/firmware.pem",
        "signature": f"@{signature}",
    }
    payload = json.dumps({"requestId": 1, "firmware": firmware})
    words = ("call", f"--control={bench.control}", "CP1", "SignedUpdateFirmware")
    with started(*words, payload) as process:
        _, id_, _, asked = json.loads(station.recv(PATIENCE_S))
        station.send(json.dumps([3, id_, {"status": "Accepted"}]))
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    told_of = asked["firmware"]
    assert told_of["signature"] == signature.read_text().strip()
    certificate = (bench.ca / "firmware.pem").read_text().strip()
    assert told_of["signingCertificate"] == certificate
    with urlopen(told_of["location"], timeout=PATIENCE_S) as answer:
        assert answer.read() == b"firmware"


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (["call", "A", "X", '{"a": "@none"}'], "@none: No such file or directory; wri"),
        (["--files-user", "secret"], "argument --files-user: not NAME:PASSWORD"),
        (["--common-name", "CP1="], "argument --common-name: 'CP1='; write ID=NAME"),
        (["--certificate-days", "0"], "'0'; write a number above 0"),
        (["--certificate-days", "1e9"], "'1e9'; write a number from 0"),
        (["--sign-after", "soon"], "'soon'; write a number from 0"),
        (["--files-limit", "0"], "'0'; write a whole number from 1"),
    ],
)
def test_a_mistake_in_an_option_is_named(
    capsys: pytest.CaptureFixture[str], words: list[str], mistake: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert mistake in said
    assert "secret" not in said


def test_a_file_that_is_no_text_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "image").write_bytes(b"\xff\xfe")
    with pytest.raises(SystemExit):
        main(["call", "A", "X", json.dumps({"a": [f"@{tmp_path}/image"]})])
    assert f"@{tmp_path}/image: not a text in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--tls-port=0", "--files-tls"])
def test_tls_needs_a_certificate(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main([option]) == 2
    assert capsys.readouterr().err == (
        "benchcsms: TLS: no certificate; name one with --certificate\n"
    )


def test_a_bench_without_its_authority_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port=0", f"--authority={tmp_path}"]) == 2
    assert capsys.readouterr().err == (
        f"benchcsms: {tmp_path}/root.pem: no such file; benchcsms ca makes an "
        "authority\n"
    )


def test_options_become_settings() -> None:
    words = (
        *("serve", "--files=F", "--files-port=8", "--files-limit=2"),
        *("--files-user=a:b:c", "--authority=D", "--sign-after=1.5"),
        "--common-name=CP1=SN-1",
    )
    found = settings(parser().parse_args(words))
    assert found.files == Files(Path("F"), 8, user="a:b:c", largest_bytes=2 << 20)
    assert found.signing == Signing(Path("D"), days=365, after_s=1.5)
    assert found.common_names == {"CP1": "SN-1"}
    assert settings(parser().parse_args(["serve"])).files is None

"""``chargerctl csms cert``: what people are told of certificates, and of their ends."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Chargerctl
from tests.cli.station import (
    ACCEPTED,
    BY_HAND,
    CERTIFICATES,
    CSR,
    NEW_CERTIFICATE,
    ONLINE,
    REQUEST,
    Station,
)

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"
BEING_MADE = {"origin": "chargerctl"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file as openssl writes it, with words around the certificate."""
    path = tmp_path / "root.pem"
    path.write_text(f"Certificate:\n    Issuer: Ä\n{PEM}more")
    return path


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chargerd.cli.certificate_requests.LOOKS_EVERY_S", 0.0)


@pytest.mark.parametrize("whose", ["csms", "manufacturer"])
def test_a_root_is_sent_without_what_stands_around_it(
    ask: Chargerctl, station: Station, file: Path, whose: str
) -> None:
    told = ask("csms", "cert", "import", "--root", whose, str(file))
    assert told.code == 0
    wanted = {"use": whose, "certificate": PEM}
    assert station.done == [("InstallCertificate", wanted)]
    assert "chargerctl csms cert remove 3f9a01c2" in told.out
    station.knows = True
    told = ask("csms", "cert", "import", "--root", whose, str(file))
    assert "is here already" in told.out


def test_a_certificate_of_ours_comes_with_its_key_or_without(
    ask: Chargerctl, station: Station, file: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    command = ("csms", "cert", "import", "--own", str(file))
    told = ask(*command)
    assert "is the station's certificate" in told.out
    station.knows = True
    told = ask(*command, "--key-file", str(key))
    assert "is here already" in told.out
    assert station.done == [
        ("InstallOwnCertificate", {"chain": PEM}),
        ("InstallOwnCertificate", {"chain": PEM, "key": KEY}),
    ]
    assert "secret" not in told.out + told.err


def test_a_certificate_can_come_from_stdin(
    ask: Chargerctl, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PEM * 2))
    assert ask("csms", "cert", "import", "--own", "-").code == 0
    assert station.done == [("InstallOwnCertificate", {"chain": PEM * 2})]


def test_a_file_in_another_form_is_told_how_to_convert(
    ask: Chargerctl, tmp_path: Path
) -> None:
    file = tmp_path / "root.der"
    file.write_bytes(b"\x30\x82\xff")
    told = ask("csms", "cert", "import", "--root", "csms", str(file))
    assert told.code == 1
    assert f"openssl x509 -inform DER -in {file}" in told.err


def test_a_file_that_is_too_large_is_not_sent(
    ask: Chargerctl, station: Station, tmp_path: Path
) -> None:
    file = tmp_path / "bundle.pem"
    file.write_text(PEM * 1000)
    told = ask("csms", "cert", "import", "--root", "csms", str(file))
    assert (told.code, station.done) == (1, [])
    assert "too large" in told.err


def test_monitoring_is_told_of_an_end_by_the_exit_code(
    ask: Chargerctl, station: Station
) -> None:
    assert ask("csms", "cert", "--check", "--quiet").code == 1
    told = ask("csms", "cert", "list", "--check", "--json")
    assert (told.code, json.loads(told.out)["certificates"]) == (1, CERTIFICATES)
    assert ask("csms", "cert").code == 0
    station.certificates = CERTIFICATES[2:]
    assert ask("csms", "cert", "--check").code == 0


def test_a_station_without_certificates_says_so(
    ask: Chargerctl, station: Station
) -> None:
    station.certificates = []
    assert ask("csms", "cert").out == "○ there is no certificate\n"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (BEING_MADE, "a key is being made"),
        (REQUEST, "the CSMS is asked for a new certificate"),
        (ACCEPTED, "made since 2026-03-02 14:20"),
        (BY_HAND, "chargerctl csms cert import --own FILE"),
    ],
)
def test_an_open_request_is_shown(
    ask: Chargerctl, station: Station, request_: dict[str, Any], words: str
) -> None:
    station.request = request_
    assert words in ask("csms", "cert").out.replace("\n  ", " ")


def test_the_link_says_which_certificate_ends_first_and_what_helps(
    ask: Chargerctl, station: Station
) -> None:
    station.status["link"] = ONLINE
    station.certificates = CERTIFICATES[:1]
    assert ask("link").out.splitlines()[-1] == (
        "▲ the csms root certificate CN=Example Root,O=Example ends in 11 days. "
        "Do: ask the operator of the CSMS for the next one, then: "
        "chargerctl csms cert import --root csms FILE"
    )
    own = {**CERTIFICATES[3], "in_use": True}
    station.certificates = [own]
    assert "Do: the CSMS does not renew it" in ask("link").out
    del own["renewal_refused"]
    assert "Do: chargerctl csms cert renew" in ask("link").out
    own["days_left"] = 0
    assert "ends today" in ask("link").out
    station.certificates = CERTIFICATES[2:]
    assert "certificate" not in ask("link").out
    assert "certificate" not in ask("link", "--quiet").out


@pytest.mark.parametrize("layer", ["tls-trust", "tls-refused"])
def test_a_link_without_trust_names_the_command_that_helps(
    ask: Chargerctl, station: Station, layer: str
) -> None:
    station.status["link"]["failed_at"] = layer
    assert "chargerctl csms cert " in ask("link").out


def test_a_request_is_written_to_a_file_once(
    ask: Chargerctl, station: Station, tmp_path: Path
) -> None:
    file = tmp_path / "station.csr"
    command = ("csms", "cert", "csr", "-o", str(file))
    told = ask(*command)
    assert (told.code, file.read_text()) == (0, CSR)
    assert "When it is signed: chargerctl csms cert import --own FILE" in told.out
    told = ask(*command)
    assert told.code == 6
    assert "is there already" in told.err
    told = ask("csms", "cert", "csr", "-o", str(tmp_path / "none" / "file"))
    assert told.code == 1
    station.request = ACCEPTED
    told = ask("csms", "cert", "csr", "-o", str(tmp_path / "other"))
    assert "the CSMS is asked for this certificate, too" in told.out
    assert ask("csms", "cert", "csr", "-o", str(tmp_path / "q"), "-q").out == ""


def test_who_waits_long_for_a_key_is_told_to_ask_again(
    ask: Chargerctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargerd.cli.certificate_requests.WAITS_S", 0.0)
    assert ask("csms", "cert", "csr").code == 7


def test_a_renewal_is_followed_to_its_certificate(
    ask: Chargerctl, station: Station
) -> None:
    station.course_of_request = [
        BEING_MADE,
        REQUEST,
        ACCEPTED,
        ACCEPTED,
        NEW_CERTIFICATE,
    ]
    told = ask("csms", "cert", "renew")
    assert (told.code, told.out.splitlines()) == (
        0,
        [
            "▲ a key is being made for a new certificate of the station",
            "▲ the CSMS is asked for a new certificate of the station",
            "▲ the CSMS has a new certificate made since 2026-03-02 14:20",
            "● CN=SN-0042,O=Example is certified until 2026-08-30 00:00",
        ],
    )


def test_a_renewal_ends_in_one_json_document(ask: Chargerctl, station: Station) -> None:
    station.course_of_request = [REQUEST, NEW_CERTIFICATE]
    told = ask("csms", "cert", "renew", "--json")
    assert json.loads(told.out)["certificate"] == NEW_CERTIFICATE


def test_a_renewal_that_the_csms_refuses_fails(
    ask: Chargerctl, station: Station
) -> None:
    station.course_of_request = [REQUEST, None]
    told = ask("csms", "cert", "renew", "--quiet")
    assert told.code == 1
    assert "chargerctl csms cert csr" in told.err


def test_a_renewal_that_takes_long_goes_on_by_itself(
    ask: Chargerctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargerd.cli.certificate_requests.WAITS_S", 0.0)
    told = ask("csms", "cert", "renew", "--json")
    assert told.code == 7
    assert json.loads(told.out)["error"]["pending"] is True


def test_a_root_is_removed_once_somebody_says_yes(
    ask: Chargerctl, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    told = ask("csms", "cert", "remove", "3F9A")
    assert (told.code, station.done) == (6, [])
    assert "CN=Example Root,O=Example. Believe it no more? [y/N]" in told.out

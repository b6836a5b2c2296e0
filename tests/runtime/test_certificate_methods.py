"""Certificates by hand: what the control socket shows, takes and refuses."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chargerd.ocpp16.link_news import LinkTried
from chargerd.runtime.certificate_methods import CertificateMethods
from chargerd.runtime.control_server import ControlFailed
from chargerd.runtime.control_socket import Peer
from chargerd.steps import Happening
from tests.authority import DAY, Issued, Wish, distinguished, pem_of, root
from tests.runtime.test_station_interface import DESCRIPTION, PEER
from tests.scenarios.keyring_bench import ROOT, SERIAL_NUMBER, KeyringBench

OTHER = root("Other")
Refusal = tuple[str, str]


class Desk(KeyringBench):
    """A station with an authority, and a technician at its control socket."""

    def __init__(self, own_file: Path | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.up = True
        self.asked: list[Happening] = []
        self.methods = CertificateMethods(
            self.charge_point,
            self.clock,
            self.asked.append,
            lambda: self.up,
            "technicians",
            own_file,
        ).methods

    def ask(self, method: str, **given: Any) -> Any:
        """Ask as the socket does, and let happen what follows."""
        description = DESCRIPTION.methods[method]
        DESCRIPTION.check(description.takes, given)
        answer = json.loads(json.dumps(self.methods[method](given, PEER)))
        DESCRIPTION.check(description.gives, answer)
        while self.asked:
            self.happens(self.asked.pop(0))
        return answer

    def refusal(self, method: str, **given: Any) -> Refusal:
        with pytest.raises(ControlFailed, match="Refused") as raised:
            self.ask(method, **given)
        told = raised.value.parameters
        return told["reason"], told["detail"]

    def listed(self, use: str) -> list[dict[str, Any]]:
        every = self.ask("ListCertificates")["certificates"]
        return [one for one in every if one["use"] == use]

    def believes(self, issued: Issued, use: str = "csms") -> Any:
        return self.ask("InstallCertificate", use=use, certificate=issued.pem)

    def has_signed(self, csr: str) -> str:
        now = self.clock.now().utc
        return ROOT.certify(csr, not_before=now, not_after=now + 180 * DAY)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The certificate of the station that the station file names."""
    file = tmp_path / "station.pem"
    file.write_text(ROOT.issue(Wish(name=distinguished("Filed"))).pem)
    return file


def test_everything_that_is_believed_is_listed_with_its_end() -> None:
    desk = Desk()
    desk.believes(OTHER)
    desk.believes(OTHER, "manufacturer")
    desk.trusts(ROOT)
    first, second = desk.listed("csms")
    assert first["subject"] == first["issuer"] == "CN=CPO,O=Example"
    assert (first["source"], first["link"]) == ("station file", True)
    assert (second["source"], second["link"]) == ("installed", False)
    assert second["ends"] == "2026-09-23T00:00:00.000Z"
    assert second["days_left"] == 204
    (maker,) = desk.listed("manufacturer")
    assert maker["in_use"]
    desk.up = False
    assert not desk.listed("csms")[0]["link"]
    desk.waits_days(205)
    assert desk.listed("csms")[0]["days_left"] == -1


def test_the_certificate_that_is_shown_is_told_from_the_spare_one() -> None:
    desk = Desk(profile=3)
    desk.gets_certificate()
    desk.waits_days(1)
    desk.gets_certificate()
    spare, used = desk.listed("station")
    assert (spare["link"], spare["in_use"]) == (False, False)
    assert (used["link"], used["in_use"]) == (True, True)
    assert "renewal_refused" not in used
    desk.happens(LinkTried(False, 0, "tls-refused", ""))
    assert [one["link"] for one in desk.listed("station")] == [True, False]


def test_a_certificate_of_the_station_file_takes_turns_and_may_be_refused(
    made: Path,
) -> None:
    desk = Desk(made, profile=3, file_own=made.read_text())
    desk.csms.always("SignCertificate", {"status": "Rejected"})
    desk.waits_days(100)
    (filed,) = desk.listed("station")
    assert filed["renewal_refused"]
    desk.csms.always("SignCertificate", {"status": "Accepted"})
    desk.gets_certificate()
    desk.happens(LinkTried(False, 0, "tls-refused", ""))
    assert [one["link"] for one in desk.listed("station")] == [False, True]


def test_the_certificate_of_the_station_file_is_shown_until_one_is_installed(
    made: Path,
) -> None:
    desk = Desk(made, profile=3)
    (filed,) = desk.listed("station")
    assert (filed["subject"], filed["source"]) == (
        "CN=Filed,O=Example",
        "station file",
    )
    assert (filed["in_use"], filed["link"]) == (True, True)
    desk.gets_certificate()
    _, filed = desk.listed("station")
    assert (filed["in_use"], filed["link"]) == (False, False)
    made.write_text("damaged")
    assert len(desk.listed("station")) == 1
    made.unlink()
    assert len(desk.listed("station")) == 1


@pytest.mark.parametrize("use", ["csms", "manufacturer"])
def test_a_root_is_taken_by_hand_and_taken_back(use: str) -> None:
    desk = Desk()
    answer = desk.believes(OTHER, use)
    assert not answer["known"]
    assert desk.believes(OTHER, use)["known"]
    prefix = answer["fingerprint"][:8]
    with_colons = f"{prefix[:2]}:{prefix[2:]}".upper()
    removed = desk.ask("RemoveCertificate", fingerprint=with_colons)
    assert removed["subject"] == "CN=Other,O=Example"
    assert "CN=Other,O=Example" not in [one["subject"] for one in desk.listed(use)]


def test_a_bad_root_is_refused_as_over_ocpp_and_alarms_nobody() -> None:
    desk = Desk()
    ended = root("Ended", not_after=desk.clock.now().utc - DAY)
    asked = {"use": "csms", "certificate": ended.pem}
    reason, detail = desk.refusal("InstallCertificate", **asked)
    assert reason == "BAD_CERTIFICATE"
    assert "CN=Ended" in detail
    assert desk.alarms("InvalidCentralSystemCertificate") == []
    asked = {"use": "vehicle", "certificate": OTHER.pem}
    reason, detail = desk.refusal("InstallCertificate", **asked)
    assert (reason, detail) == (
        "BAD_VALUE",
        "use: 'vehicle'; write csms or manufacturer",
    )


@pytest.mark.key("InstallCertificateInsecurely")
def test_somebody_on_the_spot_needs_no_secure_link_to_install_a_root() -> None:
    desk = Desk(keys={"InstallCertificateInsecurely": "false"})
    assert desk.installs(OTHER.pem) == "Rejected"
    assert not desk.believes(OTHER)["known"]


@pytest.mark.requirement("CERT-29")
def test_what_cannot_be_removed_says_why() -> None:
    desk = Desk()
    listed = desk.listed("csms")
    in_file = desk.refusal("RemoveCertificate", fingerprint=listed[0]["fingerprint"])
    assert in_file[0] == "ROOT_OF_FILE"
    other = desk.believes(OTHER)["fingerprint"]
    desk.trusts(OTHER)
    assert desk.refusal("RemoveCertificate", fingerprint=other)[0] == "ROOT_IN_USE"
    for nothing in ("", "xyz"):
        reason, detail = desk.refusal("RemoveCertificate", fingerprint=nothing)
        assert reason == "NO_SUCH_CERTIFICATE"
        assert "chargerctl csms cert" in detail


def test_a_beginning_that_two_roots_have_names_both() -> None:
    desk = Desk()
    found: dict[str, Issued] = {}
    for issued in (root(f"Root {n}") for n in range(17)):  # one digit has 16 values
        first = desk.believes(issued)["fingerprint"][0]
        if first in found:
            break
        found[first] = issued
    reason, detail = desk.refusal("RemoveCertificate", fingerprint=first)
    assert reason == "AMBIGUOUS_CERTIFICATE"
    assert "CN=Root" in detail
    assert detail.endswith("add a digit")


def test_a_request_for_hands_is_repeated_and_the_csms_is_not_asked() -> None:
    desk = Desk()
    assert desk.ask("MakeSigningRequest") == {"request": {"origin": "hand"}}
    desk.waits_days(2)
    told = desk.ask("MakeSigningRequest")
    again = desk.ask("MakeSigningRequest")
    assert (
        again["request"] == told["request"] == desk.ask("ListCertificates")["request"]
    )
    assert desk.csrs == []
    own = desk.ask("InstallOwnCertificate", chain=desk.has_signed(again["csr"]))
    assert own["subject"] == f"CN={SERIAL_NUMBER},O=Example"
    assert desk.own is not None
    assert desk.ask("ListCertificates").keys() == {"certificates", "requests"}
    known = desk.ask("InstallOwnCertificate", chain=desk.own.chain_pem)
    assert known["known"]


def test_a_request_for_hands_is_that_of_the_csms_if_there_is_one() -> None:
    desk = Desk()
    desk.triggers()
    told = desk.ask("MakeSigningRequest")
    assert told["request"]["origin"] == "csms"
    assert "accepted" in told["request"]
    assert desk.delivers(desk.has_signed(told["csr"])) == "Accepted"


def test_a_renewal_is_asked_of_the_csms_and_numbered() -> None:
    desk = Desk()
    assert desk.ask("RenewCertificate") == {"number": 1}
    assert len(desk.csrs) == 1
    assert desk.ask("RenewCertificate") == {"number": 2}
    listed = desk.ask("ListCertificates")
    assert listed["requests"] == 2
    assert listed["request"]["origin"] == "chargerctl"


def test_a_key_that_was_made_elsewhere_comes_with_its_certificate() -> None:
    desk = Desk()
    desk.ask("MakeSigningRequest")
    waiting = desk.ask("MakeSigningRequest")["request"]
    leaf = ROOT.issue(Wish(name=distinguished(SERIAL_NUMBER)))
    reason, detail = desk.refusal("InstallOwnCertificate", chain=leaf.pem)
    assert reason == "BAD_CERTIFICATE"
    assert "sign that request" in detail
    key = pem_of(leaf.key).decode()
    desk.ask("InstallOwnCertificate", chain=leaf.pem, key=key)
    assert desk.own is not None
    assert desk.own.key_pem == key
    assert desk.ask("ListCertificates")["request"] == waiting
    asked = {"chain": leaf.pem, "key": "secret"}
    reason, detail = desk.refusal("InstallOwnCertificate", **asked)
    assert reason == "BAD_CERTIFICATE"
    assert "secret" not in detail


def test_a_station_without_an_operator_can_ask_for_nothing() -> None:
    desk = Desk(keys={"CpoName": ""})
    for method in ("MakeSigningRequest", "RenewCertificate"):
        reason, detail = desk.refusal(method)
        assert reason == "NO_SUBJECT"
        assert "CpoName" in detail


def test_only_who_may_act_can_change_certificates() -> None:
    desk = Desk()
    stranger = Peer(1, os.geteuid() + 1, 4711, frozenset())
    assert desk.methods["ListCertificates"]({}, stranger)["certificates"]
    for method in desk.methods.keys() - {"ListCertificates"}:
        with pytest.raises(ControlFailed, match="NotPermitted") as raised:
            desk.methods[method]({}, stranger)
        assert raised.value.parameters == {"group": "technicians"}

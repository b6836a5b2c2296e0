"""``chargerctl csms``: a change is followed to its end, and no key is ever shown."""

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Chargerctl
from tests.cli.station import ATTACHMENT, FELL_BACK, Station

KEY = "0f" * 16


def test_a_key_comes_from_a_file_and_not_from_the_command_line(
    ask: Chargerctl, station: Station, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    told = ask("csms", "key", "--key-file", str(file))
    assert told.code == 0
    assert station.done == [("SetAttachment", {"key": KEY})]
    assert KEY not in told.out + told.err


def test_a_key_can_come_from_stdin(
    ask: Chargerctl, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\nmore\n"))
    assert ask("csms", "set", "--profile", "2", "--key-file", "-").code == 0
    wanted = {"security_profile": 2, "key": KEY}
    assert station.done == [("SetAttachment", wanted)]


def test_a_key_file_that_is_no_text_is_told_with_a_remedy(
    ask: Chargerctl, station: Station, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe")
    told = ask("csms", "key", "--key-file", str(file))
    assert told.code == 2
    assert "holds no text; name a file" in told.err
    assert station.done == []


def test_a_change_that_falls_back_fails_and_says_why(
    ask: Chargerctl, station: Station
) -> None:
    station.outcome = FELL_BACK
    told = ask("csms", "set", "wss://new.example/ocpp")
    assert told.code == 1
    assert told.out.splitlines() == [
        "▲ trying: tls-trust: unable to get local issuer certificate",
        "✗ fell back: tls-trust: no such root",
    ]
    station.looks = 0
    told = ask("csms", "set", "wss://new.example/ocpp", "--json")
    assert (told.code, json.loads(told.out)["outcome"]) == (1, FELL_BACK)


def test_a_trial_that_is_given_up_by_hand_has_succeeded_in_that(
    ask: Chargerctl, station: Station
) -> None:
    station.outcome = FELL_BACK
    assert ask("csms", "rollback").code == 0


def test_who_does_not_wait_for_ever_is_told_that_it_goes_on(
    ask: Chargerctl, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.outcome = None
    monkeypatch.setattr("chargerd.cli.csms.WAITS_S", 0.0)
    told = ask("csms", "set", "wss://new.example/ocpp", "--json")
    assert told.code == 7
    assert json.loads(told.out)["error"]["pending"] is True


def test_quiet_shows_no_course(ask: Chargerctl) -> None:
    told = ask("csms", "set", "wss://new.example/ocpp", "--quiet")
    assert (told.code, told.out) == (0, "")


def test_a_key_that_is_tried_until_it_is_decided_is_shown_as_such(
    ask: Chargerctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = {"linked": True, "refusals": 0}

    attachment = ATTACHMENT["trial"]["attachment"]
    monkeypatch.setitem(ATTACHMENT, "trial", {**trial, "attachment": attachment})
    out = ask("csms", "show").out
    assert "on trial, until the CSMS has taken one of both keys" in out
    assert "linked; waits for an answer of the CSMS" in out
    monkeypatch.setitem(ATTACHMENT["trial"], "linked", False)
    assert "dialing" in ask("csms").out


@pytest.mark.requirement("SEC-05")
@pytest.mark.parametrize("profile", [0, 1, 2, 3])
def test_where_a_profile_protects_nothing_a_trusted_network_is_asked_for(
    ask: Chargerctl, monkeypatch: pytest.MonkeyPatch, profile: int
) -> None:
    for part in ("settled", "before"):
        monkeypatch.setitem(ATTACHMENT[part], "security_profile", profile)
    out = ask("csms", "show").out
    warned = "only in a trusted network such as a VPN" in out
    assert warned == (profile < 2)

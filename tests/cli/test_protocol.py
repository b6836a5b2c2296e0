"""What scripts rely on: exit codes, JSON documents, and what the daemon is asked."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from chargerd import control
from tests.cli.conftest import Chargerctl
from tests.cli.station import CAUSES, FIRST, HAPPENINGS, KEYS, STATUS, Station

READS = {
    "": "status",
    "status": "status",
    "link": "link",
    "why": "why",
    "why 1": "why",
    "why last": "why",
    "session": "session-list",
    "session show a3f2c": "session",
    "tag": "tag-list",
    "tag show 04A1": "tag",
    "tag cache show": "tag-cache",
    "tag cache clear": "tag-cache-clear",
    "queue": "queue",
    "queue quarantine": "queue",
    "queue show 401": "message",
    "queue retry 401": "retry",
    "queue drop 401 --yes": "drop",
    "config": "config-list",
    "config get HeartbeatInterval": "config",
    "config set HeartbeatInterval=60": "config-set",
    "connector": "connector-list",
    "connector show 2": "connector",
    "connector enable 2": "connector-set",
    "reserve": "reservation-list",
    "reserve cancel 6": "reservation-cancel",
    "fault": "fault-list",
    "fault show 17": "fault",
    "fault clear 17 --yes": "fault-clear",
    "fault causes": "fault-causes",
    "meter": "meter",
    "power": "power",
    "power show": "power",
    "power limits": "power-limits",
    "power profiles": "power-profiles",
    "device": "device-list",
    "update": "update",
    "update status": "update",
    "update history": "update-list",
    "update install ftp://files.example/a": "update-install",
    "update cancel": "update-cancel",
    "csms": "csms",
    "csms set wss://new.example/": "csms-set",
    "csms cert": "certificate-list",
    "csms cert list": "certificate-list",
    "csms cert csr": "certificate-request",
    "csms cert remove 3f9a --yes": "certificate-remove",
    "top": "top",
    "mock fault list": "mock-fault-list",
    "mock tag 04A1B29C": "mock",
}
ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "mock plug ccs1": ("Plug", {"connector": 1}),
    "mock plug 2 --soc 20 --capacity-kwh 77 --max-kw 150 --max-voltage-v 800 "
    "--evccid 02AB00CD00EF": (
        "Plug",
        {
            "connector": 2,
            "soc_percent": 20.0,
            "capacity_wh": 77_000.0,
            "max_power_w": 150_000.0,
            "max_voltage_v": 800.0,
            "evccid": "02AB00CD00EF",
        },
    ),
    "mock unplug 1": ("Unplug", {"connector": 1}),
    "mock tag 04A1B29C": ("PresentTag", {"uid": "04A1B29C"}),
    "mock tag 04A1B29C --connector ccs2": (
        "PresentTag",
        {"uid": "04A1B29C", "connector": 2},
    ),
    "connector enable ccs2": (
        "SetAvailability",
        {"connector": 2, "operative": True},
    ),
    "connector disable station --until-idle": (
        "SetAvailability",
        {"connector": 0, "operative": False, "until_idle": True},
    ),
    "reserve cancel 5": ("CancelReservation", {"id": 5}),
    "csms set wss://new.example/ocpp --id DC-9 --profile 3": (
        "SetAttachment",
        {
            "url": "wss://new.example/ocpp",
            "identity": "DC-9",
            "security_profile": 3,
        },
    ),
    "csms set --profile 0 --no-wait": ("SetAttachment", {"security_profile": 0}),
    "csms cert remove 3f:9A --yes": ("RemoveCertificate", {"fingerprint": "3f:9A"}),
    "csms cert renew --no-wait": ("RenewCertificate", {}),
    "csms rollback": ("RollBackAttachment", {}),
    "mock pause 1": ("Pause", {"connector": 1}),
    "mock resume ccs1": ("Resume", {"connector": 1}),
    "mock fault contactor-weld on": (
        "SetFault",
        {"name": "contactor-weld", "on": True},
    ),
    "mock fault contactor-weld off --connector 2 --error-code OtherError": (
        "SetFault",
        {
            "name": "contactor-weld",
            "on": False,
            "connector": 2,
            "error_code": "OtherError",
        },
    ),
    "mock link down": ("SetLink", {"mode": "down"}),
    "mock link blackhole": ("SetLink", {"mode": "blackhole"}),
    "mock rate 60": ("SetRate", {"factor": 60.0}),
    "mock meter 1 --energy-wh 5000": ("SetMeter", {"connector": 1, "energy_wh": 5000}),
    "mock meter 1 --power-w 0": ("SetMeter", {"connector": 1, "power_w": 0.0}),
    "mock meter 1": ("SetMeter", {"connector": 1}),
    "queue retry 401": ("RetryMessage", {"id": 401}),
    "fault clear contactor-weld --yes": ("ClearFault", {"id": 17}),
    "queue drop 401 --yes": ("DropMessage", {"id": 401}),
    "update install ftp://files.example/a": (
        "InstallUpdate",
        {"location": "ftp://files.example/a"},
    ),
    "update install ftp://files.example/a --replace": (
        "InstallUpdate",
        {"location": "ftp://files.example/a", "replace": True},
    ),
    "update cancel": ("CancelUpdate", {}),
    "config set HeartbeatInterval=a=b": (
        "SetKey",
        {"name": "HeartbeatInterval", "value": "a=b"},
    ),
}
FAILURES = {
    "mock plug 3": (5, "NO_SUCH_CONNECTOR"),
    "mock plug ccs9": (5, "NO_SUCH_CONNECTOR"),
    "meter show 9": (5, "NO_SUCH_CONNECTOR"),
    "why 9": (5, "NO_SUCH_CONNECTOR"),
    "why ffff": (5, "NO_SUCH_SESSION"),
    "session show ffff": (5, "NO_SUCH_SESSION"),
    "session show a3f2": (5, "AMBIGUOUS_SESSION"),
    "queue show 99": (5, "NO_SUCH_MESSAGE"),
    "queue drop 99 --yes": (5, "NO_SUCH_MESSAGE"),
    "queue retry 402": (6, "REFUSED"),
    "queue retry": (2, "USAGE"),
    "queue retry 401 --all": (2, "USAGE"),
    "fault show 99": (5, "NO_SUCH_FAULT"),
    "fault clear 11 --yes": (5, "NO_SUCH_FAULT"),
    "connector show 9": (5, "NO_SUCH_CONNECTOR"),
    "connector enable 9": (5, "NO_SUCH_CONNECTOR"),
    "connector disable 1": (6, "REFUSED"),
    "reserve cancel 9": (5, "NO_SUCH_RESERVATION"),
    "config get Nonsense": (5, "NO_SUCH_KEY"),
    "config set Nonsense=1": (5, "NO_SUCH_KEY"),
    "config set NumberOfConnectors=3": (6, "REFUSED"),
    "config set AuthorizationKey=secret": (4, "NOT_PERMITTED"),
    "config set HeartbeatInterval": (2, "USAGE"),
    "update install http://busy.example/": (6, "REFUSED"),
    "update install /nonexistent": (1, "FILE_UNREADABLE"),
    "update install /dev/null": (1, "EMPTY_FILE"),
    "csms set": (2, "USAGE"),
    "csms key": (2, "USAGE"),
    "csms key --key-file /does/not/exist": (2, "USAGE"),
    "csms cert import --own /does/not/exist": (2, "USAGE"),
    "csms cert import --root csms /dev/null": (1, "NO_CERTIFICATE"),
    "csms cert import --root csms --key-file a b": (2, "USAGE"),
    "csms cert remove zz": (6, "REFUSED"),
    "csms cert remove c0": (6, "REFUSED"),
    "csms set --profile 1": (6, "REFUSED"),
    "mock fault nonsense on": (2, "BAD_VALUE"),
    "mock fault contactor-weld": (2, "USAGE"),
}


@pytest.mark.parametrize(("command", "schema"), READS.items())
def test_json_is_one_short_line_that_names_its_schema(
    ask: Chargerctl, command: str, schema: str
) -> None:
    result = ask(*command.split(), "--json")
    assert (result.code, result.err) == (0, "")
    assert result.out.count("\n") == 1
    assert json.loads(result.out)["schema"] == f"chargerctl/{schema}/1"


def test_json_carries_what_the_daemon_said_and_nothing_else(ask: Chargerctl) -> None:
    answers = {
        "status": {"status": STATUS},
        "config": {"keys": KEYS},
        "top": {"status": STATUS, "happenings": HAPPENINGS},
    }
    for command, answer in answers.items():
        document = json.loads(ask(command, "--json").out)
        del document["schema"]
        assert document == answer


def test_pretty_json_is_the_same_document_in_many_lines(ask: Chargerctl) -> None:
    short, pretty = ask("--json", "link"), ask("link", "--json=pretty")
    assert pretty.out.count("\n") > 5
    assert json.loads(short.out) == json.loads(pretty.out)


@pytest.mark.parametrize("words", ["--history fault list", "fault list --history"])
def test_an_option_holds_wherever_it_stands(ask: Chargerctl, words: str) -> None:
    first, *rest = words.split()
    command = [rest[0], first, *rest[1:]] if first == "--history" else words.split()
    assert len(json.loads(ask("--json", *command).out)["faults"]) == 2


@pytest.mark.parametrize(("command", "asked"), ACTIONS.items())
def test_an_action_asks_exactly_this(
    ask: Chargerctl, station: Station, command: str, asked: tuple[str, dict[str, Any]]
) -> None:
    assert ask(*command.split()).code == 0
    assert station.done == [asked]


@pytest.mark.parametrize(("command", "failure"), FAILURES.items())
def test_a_failure_has_an_exit_code_a_reason_and_a_code(
    ask: Chargerctl, command: str, failure: tuple[int, str]
) -> None:
    text, document = ask(*command.split()), ask(*command.split(), "--json")
    assert (text.code, text.out) == (failure[0], "")
    assert text.err.startswith("chargerctl: ")
    assert text.err.count("\n") == 1
    assert document.code == failure[0]
    assert json.loads(document.out)["error"]["code"] == failure[1]


def test_a_refusal_is_told_with_its_reason(ask: Chargerctl) -> None:
    result = ask("config", "set", "NumberOfConnectors=3", "--json")
    assert json.loads(result.out)["error"]["reason"] == "READ_ONLY"
    assert result.err == "chargerctl: refused: NumberOfConnectors is read-only\n"


def test_who_is_not_permitted_hears_which_group_is(ask: Chargerctl) -> None:
    assert "chargerd-admin" in ask("config", "set", "AuthorizationKey=x").err


@pytest.mark.parametrize(
    ("said", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 6), ("\n", 6), ("", 6)]
)
def test_nothing_is_dropped_unless_somebody_says_yes(
    ask: Chargerctl,
    station: Station,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    code: int,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    result = ask("queue", "drop", "401")
    assert result.code == code
    assert "StopTransaction of a3f27700. Drop it? [y/N]" in result.out
    assert station.done == ([("DropMessage", {"id": 401})] if code == 0 else [])


def test_one_bad_assignment_changes_no_key(ask: Chargerctl, station: Station) -> None:
    assert ask("config", "set", "HeartbeatInterval=60", "nonsense").code == 2
    assert station.done == []


@pytest.mark.parametrize(
    "command",
    [
        "nonsense",
        "mock",
        "mock link sideways",
        "mock rate 0",
        "mock rate nan",
        "session -n 0",
        "--timeout -1",
        "session show",
        "config get",
        "update install",
        "status --jso",
    ],
)
def test_a_wrong_command_line_is_a_matter_of_usage(
    chargerctl: Chargerctl, command: str
) -> None:
    result = chargerctl(*command.split())
    assert result.code == 2
    assert "usage: chargerctl" in result.err


def test_without_a_daemon_one_line_says_what_to_do(
    chargerctl: Chargerctl, tmp_path: Path
) -> None:
    path = str(tmp_path / "control.sock")
    result = chargerctl("status", "--socket", path, "--json")
    assert result.code == 3
    assert result.err.count("\n") == 1
    assert path in result.err
    assert "systemctl start chargerd" in result.err
    assert json.loads(result.out)["error"]["socket"] == path


def test_help_needs_no_daemon(chargerctl: Chargerctl, tmp_path: Path) -> None:
    result = chargerctl("--help", CHARGERD_SOCKET=str(tmp_path / "none"))
    assert result.code == 0
    assert "exit codes" in result.out


def test_the_hands_of_a_real_station_are_not_simulated(
    chargerctl: Chargerctl, station: Station, request: pytest.FixtureRequest
) -> None:
    station.simulated = False
    path = request.getfixturevalue("socket_path")
    result = chargerctl("mock", "unplug", "1", "--socket", path)
    assert result.code == 6
    assert "real" in result.err


def test_a_session_is_explained_by_its_connector(ask: Chargerctl) -> None:
    document = json.loads(ask("why", "a3f2c", "--json").out)
    assert document["session"]["id"] == FIRST
    assert document["causes"] == [CAUSES[1]]


@pytest.mark.parametrize(
    ("option", "environment", "user_id", "path"),
    [
        ("/a", {"CHARGERD_SOCKET": "/b"}, 0, "/a"),
        (None, {"CHARGERD_SOCKET": "/b"}, 1000, "/b"),
        (None, {"XDG_RUNTIME_DIR": "/run/user/0"}, 0, control.SYSTEM_SOCKET),
        (None, {}, 1000, control.SYSTEM_SOCKET),
        (
            None,
            {"XDG_RUNTIME_DIR": "/run/user/1000"},
            1000,
            "/run/user/1000/chargerd/control.sock",
        ),
    ],
)
def test_the_socket_is_found_in_a_fixed_order(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    option: str | None,
    environment: dict[str, str],
    user_id: int,
    path: str,
) -> None:
    if path.startswith("/run/user"):
        monkeypatch.setattr(control, "SYSTEM_SOCKET", str(tmp_path / "missing"))
    assert control.socket_path(option, environment, user_id) == path


def test_an_ordinary_user_prefers_the_socket_of_the_system_if_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control, "SYSTEM_SOCKET", str(tmp_path))
    environment = {"XDG_RUNTIME_DIR": "/run/user/1000"}
    assert control.socket_path(None, environment, 1000) == str(tmp_path)

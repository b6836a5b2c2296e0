"""What people see. Set UPDATE_GOLDEN=1 to write the golden files anew."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Chargerctl
from tests.cli.station import CERTIFICATES, WELL, Station

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = (
    "",
    "status --quiet",
    "status --no-legend",
    "link",
    "why",
    "why ccs1",
    "why a3f2c",
    "why last",
    "session",
    "session list -n 1",
    "session show a3f27",
    "session show a3f2c",
    "tag",
    "tag list -n 2",
    "tag show 04A1B29C",
    "tag show 0B770001",
    "tag cache",
    "tag cache clear",
    "queue",
    "queue -n 1",
    "queue quarantine",
    "queue show 401",
    "queue retry 401",
    "queue retry --all",
    "queue drop 401 --yes",
    "connector",
    "connector show ccs1",
    "connector show 2",
    "connector show station",
    "connector enable ccs1",
    "connector disable 2",
    "connector disable station --until-idle",
    "reserve",
    "reserve cancel 5",
    "config",
    "config --changed",
    "config get HeartbeatInterval AuthorizationKey",
    "config set HeartbeatInterval=120 WebSocketPingInterval=30",
    "fault",
    "fault --history",
    "fault show 17",
    "fault show reader-silent",
    "fault clear 17 --yes",
    "fault causes",
    "meter",
    "meter show 2",
    "power",
    "power limits",
    "power profiles",
    "device",
    "security-log",
    "security-log list -n 1",
    "security-log clear --yes",
    "update",
    "update history",
    "update history -n 1",
    "update cancel",
    "top --once",
    "csms",
    "csms set --profile 3",
    "csms set --id DC-9 --no-wait",
    "csms rollback",
    "csms cert",
    "csms cert csr",
    "csms cert remove 3f9a --yes",
    "csms cert renew --no-wait",
    "mock fault list",
)


def golden(name: str, text: str) -> str:
    """Return what the golden file says; write it first when told to."""
    path = GOLDEN / f"{'-'.join(name.replace('--', '').split()) or 'default'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    return path.read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_what_its_golden_file_shows(
    ask: Chargerctl, command: str
) -> None:
    result = ask(*command.split())
    assert (result.code, result.err) == (0, "")
    assert result.out == golden(command, result.out)


@pytest.mark.parametrize("command", ["status", "top --once", "session", "fault", "why"])
def test_an_ascii_terminal_gets_ascii(ask: Chargerctl, command: str) -> None:
    result = ask(*command.split(), TERM="dumb", COLUMNS="80")
    assert result.out.isascii()
    assert max(map(len, result.out.splitlines())) <= 80
    name = f"ascii {command}"
    assert result.out == golden(name, result.out)


def test_a_list_that_is_not_in_use_says_so(ask: Chargerctl, station: Station) -> None:
    station.lists = False
    assert "LocalAuthListEnabled is false" in ask("tag").out
    assert "AuthorizationCacheEnabled is false" in ask("tag", "cache").out
    assert ask("tag", "--no-legend").out == ask("tag", "cache", "--no-legend").out == ""


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_locale_that_says_c_gets_ascii(ask: Chargerctl, locale: str) -> None:
    assert ask(LC_ALL=locale).out.isascii()
    assert not ask(LC_ALL="", LANG="de_DE.UTF-8").out.isascii()


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100])
@pytest.mark.parametrize(
    "command",
    ["", "session", "queue", "config", "fault", "meter", "power", "top --once"],
)
def test_no_line_is_wider_than_the_terminal(
    ask: Chargerctl, command: str, columns: int
) -> None:
    result = ask(*command.split(), COLUMNS=str(columns))
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= columns


def test_a_narrow_table_keeps_what_matters(ask: Chargerctl) -> None:
    header = next(
        line for line in ask(COLUMNS="80").out.splitlines() if line[:4] == "CONN"
    )
    assert {"STATUS", "SOC", "POWER", "ENERGY", "LIMIT"} <= set(header.split())
    assert "TAG" not in header


def test_a_station_in_order_says_so_without_hints(
    ask: Chargerctl, station: Station
) -> None:
    station.status = WELL
    station.faults = []
    station.messages = []
    station.certificates = CERTIFICATES[2:]
    station.reservations = []
    words = ("status", "link", "fault", "queue", "reserve")
    texts = [ask(word).out for word in words]
    assert "".join(texts) == golden("well", "".join(texts))


def test_what_the_csms_wrote_cannot_steer_the_terminal(ask: Chargerctl) -> None:
    out = ask("queue").out
    assert "\x1b" not in out
    assert '"FK violation?[31m"' in out


def test_no_legend_leaves_out_headers_and_totals(ask: Chargerctl) -> None:
    assert len(ask("session", "--no-legend").out.splitlines()) == 2
    assert len(ask("queue", "--no-legend").out.splitlines()) == 3


def test_a_quiet_action_prints_nothing(ask: Chargerctl, station: Station) -> None:
    result = ask("-q", "mock", "unplug", "1")
    assert result == (0, "", "")
    assert station.done == [("Unplug", {"connector": 1})]

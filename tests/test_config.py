"""The station file: every mistake is named with its place and what to write instead."""

import dataclasses
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chargerd import config
from chargerd.assembly import plan
from chargerd.config import CONNECTOR_KINDS, NEEDED, STATION_KINDS
from chargerd.forms import ConfigError, bounded, fill
from chargerd.sections import ConnectorSection, Settings

ETC = Path(__file__).parents[1] / "etc"
DEFAULT = ETC / "chargerd.toml"
GOOD = """
[station]
identity = "DC-1"
vendor = "v"
model = "m"
[csms]
url = "ws://127.0.0.1:9/ocpp"
[safety]
driver = "mock"
[[connector]]
driver = "mock"
"""


def load(folder: Path, text: str | bytes) -> Settings:
    file = folder / "station.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = config.load(file)
    plan(settings)
    return settings


def mistakes(folder: Path, text: str | bytes) -> list[str]:
    """Return what is wrong with a file, without its name."""
    with pytest.raises(ConfigError) as raised:
        load(folder, text)
    told = raised.value.mistakes
    start = f"{folder / 'station.toml'}: "
    assert all(mistake.startswith(start) for mistake in told)
    return [mistake.removeprefix(start) for mistake in told]


def with_line(section: str, line: str) -> str:
    return GOOD.replace(f"[{section}]\n", f"[{section}]\n{line}\n")


def test_a_good_file_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    assert settings.station.identity == "DC-1"
    assert settings.connectors == (ConnectorSection(),)
    kinds = {(spec.connector, spec.kind) for spec in settings.devices}
    assert kinds == {
        (0, "safety"),
        *((1, k) for k in (*NEEDED, "temperature", "light")),
    }


MISTAKES = {
    # what is added to [station]
    ("station", "colour = 1"): (
        "station.colour: unknown key; known: identity, vendor, model, "
        "serial_number, firmware_version, iccid, imsi, meter_type, "
        "meter_serial_number, reboot_command, unlock_on_disconnect"
    ),
    ("station", "iccid = 1"): 'station.iccid: 1 is not a string; write it like "…"',
    ("station", 'reboot_command = "reboot"'): (
        "station.reboot_command: 'reboot' is not a list of strings; write it like"
        ' ["…"]'
    ),
    ("station", "reboot_command = [1]"): (
        'station.reboot_command: [1] is not a list of strings; write it like ["…"]'
    ),
    ("station", f'iccid = "{"8" * 21}"'): (
        f"station.iccid: '{'8' * 21}' is too long; write 20 characters at the most"
    ),
    # to [csms]
    ("csms", "security_profile = 4"): (
        "csms.security_profile: 4 is out of bounds; write 0 to 3"
    ),
    ("csms", "security_profile = true"): (
        "csms.security_profile: True is not a whole number; write it like 12"
    ),
    ("csms", "settle_s = nan"): "csms.settle_s: nan is out of bounds; write 0 to 3600",
    ("csms", "settle_s = '1'"): "csms.settle_s: '1' is not a number; write it like 0.5",
    # to [safety] and [[connector]]
    ("safety", "pin = 4"): "safety.pin: unknown key; known: none",
    ("[connector]", 'cable = "loose"'): (
        "connector 1.cable: 'loose' is unknown; write one of fixed, socket"
    ),
    ("[connector]", "max_power_w = -1"): (
        "connector 1.max_power_w: -1 is out of bounds; write 0 to 5e+06"
    ),
    ("[connector]", "watts = 1"): (
        "connector 1.watts: unknown key; known: name, cable, max_power_w, max_current_a"
    ),
    ("[connector]", "meter = 1"): (
        "connector 1.meter: 1 is not a section; write [meter]"
    ),
}
MORE = {
    "[stations]": (
        "stations: unknown section; known: station, csms, storage, control, log, "
        "power, supervision, firmware, files, ocpp, connector, safety, supply, "
        "reader, bridge, simulation"
    ),
    '[log]\nlevel = "loud"': (
        "log.level: 'loud' is unknown; write one of warning, info, debug"
    ),
    '[control]\nmode = "rw"': (
        "control.mode: 'rw' is no file mode; write it like \"0660\""
    ),
    '[firmware]\ninstaller = "apt"': (
        "firmware.installer: 'apt' is unknown; write one of slots, rauc, command"
    ),
    '[firmware]\nrauc_bus = "unix:path=/run/bus"': (
        'firmware.rauc_bus: is for another installer; write installer = "rauc"'
    ),
    '[firmware]\nmark_command = ["mark"]': (
        'firmware.mark_command: is for another installer; write installer = "command"'
    ),
    '[firmware]\ninstaller = "rauc"\nrauc_bus = "session"': (
        'firmware.rauc_bus: \'session\' is no bus; write "system" or "unix:path=…"'
    ),
    '[firmware]\ninstaller = "command"\n'
    'install_command = ["a"]\nstatus_command = ["b"]': (
        'firmware.mark_command: is missing; name a program: ["/usr/libexec/mark"]'
    ),
    "[supply]\nport = 1": 'supply.driver: missing; add a string like "mock"',
    '[bridge]\ndriver = "mock"\nconnectors = [1, 1]': (
        "bridge.connectors: [1, 1] is not two connectors of this station; write [1, 2]"
    ),
    '[bridge]\ndriver = "mock"\nconnectors = [1, 2]': (
        "bridge.connectors: [1, 2] is not two connectors of this station; write [1, 2]"
    ),
    '[bridge]\ndriver = "mock"': (
        "bridge.connectors: None is not two connectors of this station; write [1, 2]"
    ),
    '[reader]\ndriver = "mook"': (
        'reader: no reader driver "mook"; installed: em4100, mock, pcsc, pn532'
    ),
    "[ocpp]\nkeys = 1": "ocpp.keys: unknown key; known: configuration",
    "[ocpp]\nconfiguration = 1": (
        "ocpp.configuration: is not a section; write [ocpp.configuration] on a "
        "line of its own"
    ),
    "[ocpp.configuration]\nColour = 1": (
        "ocpp.configuration.Colour: unknown key; docs/keys.md lists them"
    ),
    "[ocpp.configuration]\nNumberOfConnectors = 2": (
        "ocpp.configuration.NumberOfConnectors: cannot be set here; leave it out"
    ),
    '[ocpp.configuration]\nChargingScheduleAllowedChargingRateUnit = "W"': (
        "ocpp.configuration.ChargingScheduleAllowedChargingRateUnit: "
        "must be Current, Power or both"
    ),
    '[ocpp.configuration]\nAuthorizationKey = "x"': (
        "ocpp.configuration.AuthorizationKey: cannot be set here; leave it out"
    ),
    "[ocpp.configuration]\nheartbeatinterval = 9": (
        "ocpp.configuration.heartbeatinterval: is written HeartbeatInterval"
    ),
    "[ocpp.configuration]\nHeartbeatInterval = -1": (
        "ocpp.configuration.HeartbeatInterval: must be a whole number from 1 to 86400"
    ),
    "[ocpp.configuration]\nHeartbeatInterval = 0.5": (
        'ocpp.configuration.HeartbeatInterval: 0.5 is not a string; write it like "…"'
    ),
    '[simulation]\ndriver = "mock"\nrate = 0.0': (
        "simulation: rate: 0.0 is out of bounds; write 0.0001 to 10000"
    ),
    "[connector.meter]\nport = 1": (
        "connector 1.meter.port: unknown key; known: serial, signing"
    ),
    "[connector.power_module]\nmodules = 0": (
        "connector 1.power_module: modules: 0 is too few; write 1 or more"
    ),
}
INSTEAD = {
    # of
    ('identity = "DC-1"', ""): 'station.identity: missing; add a string like "…"',
    ('identity = "DC-1"', 'identity = ""'): (
        'station.identity: is empty; write it like "…"'
    ),
    ("ws://127.0.0.1:9/ocpp", "http://csms"): (
        "csms.url: 'http://csms' is no WebSocket; write ws://host/path"
    ),
    ("ws://127.0.0.1:9/ocpp", "ws://"): (
        "csms.url: 'ws://' is no WebSocket; write ws://host/path"
    ),
    ("ws://127.0.0.1:9/ocpp", "ws://[::1"): (
        "csms.url: 'ws://[::1' is no WebSocket; write ws://host/path"
    ),
    ("ws://127.0.0.1:9/ocpp", "ws://h:99999"): (
        "csms.url: 'ws://h:99999' is no WebSocket; write ws://host/path"
    ),
    ('[csms]\nurl = "ws://127.0.0.1:9/ocpp"', ""): (
        'csms: missing; add [csms] with url = "ws://…"'
    ),
    ('[safety]\ndriver = "mock"', ""): (
        'safety: missing; add [safety] with driver = "…"'
    ),
    ('[[connector]]\ndriver = "mock"', ""): (
        "connector: missing; add a [[connector]] block for each plug"
    ),
    ('[[connector]]\ndriver = "mock"', "[connector]\nname = 'a'"): (
        "connector: missing; add a [[connector]] block for each plug"
    ),
}


@pytest.mark.parametrize(("section", "line"), MISTAKES)
def test_a_wrong_line_is_named_with_its_remedy(
    tmp_path: Path, section: str, line: str
) -> None:
    told = mistakes(tmp_path, with_line(section, line))
    assert told == [MISTAKES[section, line]]


@pytest.mark.parametrize("addition", MORE)
def test_a_wrong_section_is_named_with_its_remedy(
    tmp_path: Path, addition: str
) -> None:
    assert mistakes(tmp_path, GOOD + addition) == [MORE[addition]]


@pytest.mark.parametrize("change", INSTEAD)
def test_what_is_missing_or_senseless_is_named_with_its_remedy(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    assert mistakes(tmp_path, GOOD.replace(*change)) == [INSTEAD[change]]


def test_a_section_that_is_a_value_is_told_as_such(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path, "log = 1\nocpp = 2\nconnector = [3]\n" + GOOD[: GOOD.index("[[")]
    )
    assert told == [
        "log: is not a section; write [log] on a line of its own",
        "connector: missing; add a [[connector]] block for each plug",
        "ocpp: is not a section; write [ocpp] on a line of its own",
    ]


def test_a_connector_needs_all_that_charging_needs(tmp_path: Path) -> None:
    bare = '[[connector]]\ncable = "socket"\n'
    told = mistakes(tmp_path, GOOD + bare)
    assert told == [
        f'connector 2.{kind}: missing; add [connector.{kind}] with driver = "…"'
        for kind in (*NEEDED, "lock")
    ]


def test_a_colon_in_the_identity_goes_with_no_password(tmp_path: Path) -> None:
    colon = GOOD.replace('"DC-1"', '"DC:1"')
    assert load(tmp_path, colon).station.identity == "DC:1"
    secured = colon.replace("[csms]\n", "[csms]\nsecurity_profile = 1\n")
    assert mistakes(tmp_path, secured) == [
        "station.identity: has a colon; profile 1 allows none"
    ]


def test_all_mistakes_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        'colour = 1\n[station]\nvendor = 1\n[log]\nlevel = "loud"\n[[connector]]\n',
    )
    assert [mistake.split(":")[0] for mistake in told] == [
        "colour",
        "station.vendor",
        "station.identity",
        "station.model",
        "csms",
        "log.level",
        *(f"connector 1.{kind}" for kind in NEEDED),
        "safety",
    ]


def test_all_mistakes_of_the_drivers_are_told_at_once(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        GOOD.replace('[safety]\ndriver = "mock"', '[safety]\ndriver = "a"\npin = 1')
        + '[simulation]\ndriver = "mock"\nrate = 0.0\nseeds = 2\n'
        + "[ocpp.configuration]\nColour = 1\n",
    )
    assert [mistake.split(";")[0] for mistake in told] == [
        "ocpp.configuration.Colour: unknown key",
        "simulation.seeds: unknown key",
        "simulation: rate: 0.0 is out of bounds",
        'safety: no safety driver "a"',
    ]


def test_a_file_that_is_no_toml_is_told_with_the_line(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "[station]\nidentity = DC-1\n")
    assert told == "Invalid value (at line 2, column 12); mend this line"


def test_a_file_that_is_no_utf_8_is_told_as_such(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, GOOD.encode().replace(b"DC-1", b"\xe4"))
    assert told.endswith("invalid continuation byte; save it as UTF-8")


def test_a_file_that_cannot_be_read_is_told_with_the_option(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "missing.toml", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ConfigError) as raised:
            config.load(path)
        assert str(raised.value) == (
            f"{path}: {words}; name the station file with --config"
        )


def test_values_of_ocpp_keys_may_be_written_as_toml_has_them(tmp_path: Path) -> None:
    keys = (
        "[ocpp.configuration]\nHeartbeatInterval = 60\nLocalPreAuthorize = true\n"
        'StopTxnSampledData = "SoC"\n'
    )
    assert load(tmp_path, GOOD + keys).configuration == {
        "HeartbeatInterval": "60",
        "LocalPreAuthorize": "true",
        "StopTxnSampledData": "SoC",
    }


def test_a_device_may_have_another_driver_than_its_block(tmp_path: Path) -> None:
    bare = GOOD.replace('[[connector]]\ndriver = "mock"', "[[connector]]")
    named = "".join(f'[connector.{kind}]\ndriver = "mock"\n' for kind in NEEDED)
    settings = load(tmp_path, bare + named)
    assert [s.kind for s in settings.devices if s.connector == 1] == list(NEEDED)


@dataclasses.dataclass(frozen=True)
class Modbus:
    """A driver's settings."""

    port: str
    lines: tuple[str, ...]
    unit: int = bounded(1, 1, 247)
    timeout_s: float = 0.3
    modules: tuple[int, ...] = (1,)
    group: int | None = None


def test_the_settings_of_a_driver_are_checked_like_our_own() -> None:
    table = {"port": "/dev/ttyS1", "lines": ["a"], "unit": 7, "modules": [1, 2]}
    table |= {"group": 3}
    made, wrong = fill(Modbus, table, "x")
    assert wrong == []
    assert made == Modbus("/dev/ttyS1", ("a",), 7, modules=(1, 2), group=3)
    _, wrong = fill(
        Modbus, {"unit": 0, "timeout_s": "1", "modules": [True], "group": ""}, "x"
    )
    assert wrong == [
        "x.unit: 0 is out of bounds; write 1 to 247",
        "x.timeout_s: '1' is not a number; write it like 0.5",
        "x.modules: [True] is not a list of whole numbers; write it like [1, 2]",
        "x.group: '' is not a whole number; write it like 12",
        'x.port: missing; add a string like "…"',
        'x.lines: missing; add a list of strings like ["…"]',
    ]


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
        ({}, "/var/lib/chargerd"),
    ],
)
def test_the_state_is_kept_where_systemd_or_the_system_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    directory: str,
) -> None:
    settings = load(tmp_path, GOOD)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(settings.state_directory) == directory


def test_the_state_of_a_user_is_kept_in_the_users_own_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(tmp_path, GOOD)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/me/state")
    assert str(settings.state_directory) == "/home/me/state/chargerd"
    named = load(tmp_path, GOOD + '[storage]\ndirectory = "/data"\n')
    assert str(named.state_directory) == "/data"


# the files that come along


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=\w+ = |\[)", "", text, flags=re.MULTILINE)


def filled(text: str) -> str:
    text = text.replace('driver = ""', 'driver = "mock"')
    text = text.replace('url = ""', 'url = "ws://127.0.0.1/ocpp"')
    return re.sub('^(identity|vendor|model) = ""', r'\1 = "x"', text, flags=re.M)


def test_what_a_security_profile_needs_is_asked_for(tmp_path: Path) -> None:
    def told(profile: int, more: str = "") -> list[str]:
        chosen = f"[csms]\nsecurity_profile = {profile}\n{more}"
        return [
            mistake.split(":")[0]
            for mistake in mistakes(tmp_path, GOOD.replace("[csms]\n", chosen))
        ]

    assert told(2) == ["csms.root_files", "csms.url"]
    missing = ["csms.certificate_file", "csms.private_key_file", "csms.url"]
    assert told(3) == ["csms.root_files", *missing]
    assert told(3, 'root_files = ["root.pem"]\n') == missing


def test_the_default_file_names_every_section_and_key_there_is() -> None:
    table: dict[str, Any] = tomllib.loads(uncommented(DEFAULT.read_text()))
    sections = config._SECTIONS
    known = {*sections, "ocpp", "connector", *STATION_KINDS, "simulation"}
    assert set(table) == known
    assert set(table["bridge"]) == {"driver", "connectors"}
    for name, section in sections.items():
        assert set(table[name]) == {f.name for f in dataclasses.fields(section)}, name
    (connector,) = table["connector"]
    keys = {f.name for f in dataclasses.fields(ConnectorSection)}
    assert set(connector) == {*keys, "driver", *CONNECTOR_KINDS}


def test_the_default_file_needs_only_what_is_empty_in_it(tmp_path: Path) -> None:
    told = mistakes(tmp_path, DEFAULT.read_text())
    assert told == [
        f'{key}: is empty; write it like "…"'
        for key in ("station.identity", "station.vendor", "station.model", "csms.url")
    ]
    load(tmp_path, filled(DEFAULT.read_text()))


def test_the_default_file_tells_the_defaults(tmp_path: Path) -> None:
    plain = load(tmp_path, filled(DEFAULT.read_text()))
    # A bridge joins two connectors, and the default file has a block for one.
    text = uncommented(DEFAULT.read_text()) + "[[connector]]\n" + 'driver = ""\n'
    told = load(tmp_path, filled(text))
    assert told.joins == (1, 2)
    assert told.connectors[0] == plain.connectors[0]
    for name in ("station", "csms", "storage", "control", "log", "power"):
        assert getattr(told, name) == getattr(plain, name), name


@pytest.mark.parametrize("file", sorted(ETC.glob("*.toml")), ids=lambda f: f.name)
def test_every_file_that_comes_along_is_good(file: Path, tmp_path: Path) -> None:
    assert load(tmp_path, filled(file.read_text())).connectors


# the program


def check(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chargerd", "--check", "--config", file],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_checks_a_good_file_and_ends_with_0() -> None:
    checked = check(ETC / "mock.toml")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"{ETC / 'mock.toml'}: connector 2.meter: mock\n" in checked.stdout


def test_the_program_lists_all_mistakes_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    file.write_text(GOOD.replace('"DC-1"', "1") + "[logs]\n")
    checked = check(file)
    assert (checked.returncode, checked.stdout) == (2, "")
    assert len(checked.stderr.splitlines()) == 2

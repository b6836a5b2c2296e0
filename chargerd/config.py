"""The station file, checked once at start and frozen from then on.

Every mistake in it is listed as ``file: section.key: what is wrong; what to write
instead``; none of them is found only later.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chargerd.forms import ConfigError, Table, fill
from chargerd.ocpp16.attachment_values import is_websocket
from chargerd.sections import (
    ConnectorSection,
    ControlSection,
    CsmsSection,
    DeviceSpec,
    FilesSection,
    FirmwareSection,
    LogSection,
    PowerSection,
    Settings,
    StationSection,
    StorageSection,
    SupervisionSection,
)

_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "station": StationSection,
    "csms": CsmsSection,
    "storage": StorageSection,
    "control": ControlSection,
    "log": LogSection,
    "power": PowerSection,
    "supervision": SupervisionSection,
    "firmware": FirmwareSection,
    "files": FilesSection,
}
CONNECTOR_KINDS: Final = (
    "power_module",
    "contactor",
    "meter",
    "isolation",
    "vehicle",
    "lock",
    "temperature",
    "reader",
    "light",
)
STATION_KINDS: Final = ("safety", "supply", "reader", "bridge")
NEEDED: Final = ("power_module", "contactor", "meter", "isolation", "vehicle")
"""Without these a connector cannot charge."""
_ENDS: Final = 2
"""A bridge has so many."""
_NEEDS: Final[Mapping[str, str]] = {
    "station": 'add [station] with identity = "…", vendor = "…", model = "…"',
    "csms": 'add [csms] with url = "ws://…"',
}


def load(path: Path) -> Settings:
    """Read and check the station file.

    Raises:
        ConfigError: It cannot be read, or says something wrong.
    """
    reader = _Reader(path, _parse(path))
    settings = reader.settings()
    if reader.mistakes:
        raise ConfigError(reader.mistakes)
    return settings


def _parse(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: {error}; mend this line"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: {error}; save it as UTF-8"]) from error
    except OSError as error:
        text = f"{path}: {error.strerror}; name the station file with --config"
        raise ConfigError([text]) from error


class _Reader:
    """Takes one parsed file apart and collects what is wrong with it."""

    def __init__(self, path: Path, table: Table) -> None:
        self.mistakes: list[str] = []
        self._path = path
        self._table = table

    def settings(self) -> Settings:
        self._unknown_sections()
        sections = {name: self._section(name) for name in _SECTIONS}
        self._check_together(**sections)
        connectors, devices = self._connectors()
        joins = self._joins(len(connectors))
        return Settings(
            self._path,
            **sections,
            configuration=self._configuration(),
            connectors=connectors,
            devices=(*self._station_devices(joins), *devices),
            simulation=self._simulation(),
            joins=joins,
        )

    def _check_together(
        self,
        station: StationSection,
        csms: CsmsSection,
        control: ControlSection,
        firmware: FirmwareSection,
        **_: Any,
    ) -> None:
        if csms.url and not is_websocket(csms.url):
            self._wrong(
                "csms.url", f"{csms.url!r} is no WebSocket; write ws://host/path"
            )
        # HTTP parts the name from the password by a colon.
        if csms.secret and ":" in station.identity:
            profile = csms.security_profile
            self._wrong(
                "station.identity", f"has a colon; profile {profile} allows none"
            )
        for profile, key, remedy in _NEEDED:
            if csms.security_profile >= profile and not getattr(csms, key):
                self._wrong(f"csms.{key}", f"is missing; {remedy}")
        if csms.secure and urlsplit(csms.url).scheme == "ws":
            self._wrong("csms.url", "is not secure; write wss://host/path")
        if not re.fullmatch("0?[0-7]{3}", control.mode):
            self._wrong(
                "control.mode",
                f'{control.mode!r} is no file mode; write it like "0660"',
            )
        self._check_firmware(firmware)

    def _check_firmware(self, firmware: FirmwareSection) -> None:
        for key, installer, remedy in _OF_INSTALLER:
            given = getattr(firmware, key) != _FIRMWARE_DEFAULTS[key]
            chosen = firmware.installer == installer
            if given and not chosen:
                text = f'is for another installer; write installer = "{installer}"'
                self._wrong(f"firmware.{key}", text)
            elif remedy and chosen and not given:
                self._wrong(f"firmware.{key}", f"is missing; {remedy}")
        if firmware.rauc_bus != "system" and ":" not in firmware.rauc_bus:
            text = f'{firmware.rauc_bus!r} is no bus; write "system" or "unix:path=…"'
            self._wrong("firmware.rauc_bus", text)

    def _wrong(self, where: str, text: str) -> None:
        self.mistakes.append(f"{self._path}: {where}: {text}")

    def _unknown_sections(self) -> None:
        known = (*_SECTIONS, "ocpp", "connector", *STATION_KINDS, "simulation")
        for name in self._table:
            if name not in known:
                self._wrong(name, f"unknown section; known: {', '.join(known)}")

    def _section(self, name: str) -> Any:
        table = self._table.get(name)
        if table is None and name in _NEEDS:
            self._wrong(name, f"missing; {_NEEDS[name]}")
        good = self._section_table(self._table, name, name)
        filled, mistakes = fill(_SECTIONS[name], good, f"{self._path}: {name}")
        if isinstance(table, dict) or name not in _NEEDS:
            self.mistakes += mistakes
        return filled

    def _section_table(self, table: Table, name: str, where: str) -> Table:
        found = table.get(name, {})
        if isinstance(found, dict):
            return found
        self._wrong(where, f"is not a section; write [{where}] on a line of its own")
        return {}

    def _configuration(self) -> Mapping[str, str]:
        ocpp = self._section_table(self._table, "ocpp", "ocpp")
        for name in ocpp:
            if name != "configuration":
                self._wrong(f"ocpp.{name}", "unknown key; known: configuration")
        table = self._section_table(ocpp, "configuration", "ocpp.configuration")
        words: dict[str, str] = {}
        for name, value in table.items():
            if isinstance(value, bool):
                words[name] = str(value).lower()
            elif isinstance(value, str | int):
                words[name] = str(value)
            else:
                self._wrong(
                    f"ocpp.configuration.{name}",
                    f'{value!r} is not a string; write it like "…"',
                )
        return words

    def _connectors(self) -> tuple[tuple[ConnectorSection, ...], list[DeviceSpec]]:
        blocks = self._table.get("connector", [])
        tables = isinstance(blocks, list) and all(isinstance(b, dict) for b in blocks)
        if not tables or not blocks:
            self._wrong("connector", "missing; add a [[connector]] block for each plug")
            return (), []
        sections: list[ConnectorSection] = []
        devices: list[DeviceSpec] = []
        for number, block in enumerate(blocks, start=1):
            where = f"connector {number}"
            plain = {
                name: value
                for name, value in block.items()
                if name not in CONNECTOR_KINDS and name != "driver"
            }
            section, mistakes = fill(ConnectorSection, plain, f"{self._path}: {where}")
            self.mistakes += mistakes
            sections.append(section)
            devices += self._devices(number, block, where, section)
        return tuple(sections), devices

    def _devices(
        self, number: int, block: Table, where: str, section: ConnectorSection
    ) -> list[DeviceSpec]:
        default = block.get("driver")
        found: list[DeviceSpec] = []
        for kind in CONNECTOR_KINDS:
            if kind in block:
                found += self._device(number, kind, block[kind], where, default)
            elif default is not None and _comes_along(kind, section):
                place = f"{self._path}: {where}.{kind}"
                found.append(DeviceSpec(number, kind, str(default), {}, place))
        fitted = {spec.kind for spec in found} | block.keys()
        needed = (*NEEDED, "lock") if section.cable == "socket" else NEEDED
        for kind in needed:
            if kind not in fitted:
                text = f'missing; add [connector.{kind}] with driver = "…"'
                self._wrong(f"{where}.{kind}", text)
        return found

    def _device(
        self, number: int, kind: str, table: Any, where: str, default: Any
    ) -> list[DeviceSpec]:
        place = f"{where}.{kind}" if where else kind
        if not isinstance(table, dict):
            self._wrong(place, f"{table!r} is not a section; write [{kind}]")
            return []
        driver = table.get("driver", default)
        if not isinstance(driver, str):
            self._wrong(f"{place}.driver", 'missing; add a string like "mock"')
            return []
        own = {name: value for name, value in table.items() if name != "driver"}
        return [DeviceSpec(number, kind, driver, own, f"{self._path}: {place}")]

    def _joins(self, count: int) -> tuple[int, ...]:
        """Return the two connectors that a bridge stands between."""
        bridge = self._table.get("bridge")
        if not isinstance(bridge, dict):
            return ()
        joins = bridge.get("connectors")
        known = range(1, count + 1)
        if (
            isinstance(joins, list)
            and all(type(number) is int and number in known for number in joins)
            and len(joins) == len({*joins}) == _ENDS
        ):
            return tuple(joins)
        text = f"{joins!r} is not two connectors of this station; write [1, 2]"
        self._wrong("bridge.connectors", text)
        return ()

    def _station_devices(self, joins: tuple[int, ...]) -> list[DeviceSpec]:
        found: list[DeviceSpec] = []
        for kind in STATION_KINDS:
            if kind in self._table:
                found += self._device(0, kind, self._table[kind], "", None)
        found = [
            _bridge(spec, joins) if spec.kind == "bridge" else spec for spec in found
        ]
        if not any(spec.kind == "safety" for spec in found):
            self._wrong("safety", 'missing; add [safety] with driver = "…"')
        return found

    def _simulation(self) -> DeviceSpec | None:
        if "simulation" not in self._table:
            return None
        found = self._device(0, "simulation", self._table["simulation"], "", None)
        return found[0] if found else None


def _bridge(spec: DeviceSpec, joins: tuple[int, ...]) -> DeviceSpec:
    own = {name: value for name, value in spec.table.items() if name != "connectors"}
    return replace(spec, table=own, joins=joins)


_NEEDED: Final = (
    (2, "root_files", 'name the roots of the CSMS: ["/etc/chargerd/csms-root.pem"]'),
    (3, "certificate_file", "name the certificate of this station, in PEM"),
    (3, "private_key_file", "name the private key of this station, in PEM"),
)
"""From which security profile on a key is needed."""

_OF_INSTALLER: Final = (
    ("install_command", "command", 'name a program: ["/usr/libexec/install"]'),
    ("status_command", "command", 'name a program: ["/usr/libexec/status"]'),
    ("mark_command", "command", 'name a program: ["/usr/libexec/mark"]'),
    ("rauc_bus", "rauc", ""),
)
"""Which keys are an installer's own, and how one is given that it needs."""
_FIRMWARE_DEFAULTS: Final = {f.name: f.default for f in fields(FirmwareSection)}


def _comes_along(kind: str, section: ConnectorSection) -> bool:
    """Tell whether a block's default driver gives it this kind of device."""
    if kind == "lock":
        return section.cable == "socket"
    return kind != "reader"

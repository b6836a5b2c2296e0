"""What the station file says, as frozen dataclasses: one for each section."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargerd.core.fitting import PLUG_FROM_C, Knees
from chargerd.core.supervision import (
    POWER_SPREAD_W,
    SPREAD_S,
    VOLTAGE_SPREAD_V,
    Tolerances,
)
from chargerd.forms import bounded, chosen, text
from chargerd.places import cache_directory, state_directory


@dataclass(frozen=True, slots=True)
class StationSection:
    """``[station]``: who this station is."""

    # The lengths are those of BootNotification (OCPP 1.6 section 6.7).
    identity: str = text(48)
    vendor: str = text(20)
    model: str = text(20)
    serial_number: str = text(25, "")
    firmware_version: str = text(50, "")
    iccid: str = text(20, "")
    imsi: str = text(20, "")
    meter_type: str = text(25, "")
    meter_serial_number: str = text(25, "")
    reboot_command: tuple[str, ...] = ()
    """What a hard reset runs; empty: the devices and the daemon start anew."""
    unlock_on_disconnect: bool = False
    """Whether a socket frees its cable when the plug is pulled at the vehicle."""


@dataclass(frozen=True, slots=True)
class CsmsSection:
    """``[csms]``: the management system and the link to it."""

    url: str
    security_profile: int = bounded(0, 0, 3)
    authorization_key_file: str = ""
    """A file with 32 to 40 hex digits or 16 to 20 plain characters."""
    root_files: tuple[str, ...] = ()
    """Whom profiles 2 and 3 believe; nobody else."""
    certificate_file: str = ""
    """Who we are in profile 3, and whoever issued that, but for the root."""
    private_key_file: str = ""
    check_name: bool = True
    rsa_key_exchange: bool = True
    """Whether cipher suites without forward secrecy are offered too."""
    settle_s: float = bounded(10.0, 0.0, 3600.0)

    @property
    def secret(self) -> bool:
        """Whether a password says who we are: security profiles 1 and 2."""
        return self.security_profile in (1, 2)

    @property
    def secure(self) -> bool:
        """Whether the link needs TLS, and roots to believe."""
        return self.security_profile >= 2

    @property
    def introduces(self) -> bool:
        """Whether a certificate says who we are."""
        return self.security_profile == 3


@dataclass(frozen=True, slots=True)
class StorageSection:
    """``[storage]``: where the state is kept."""

    directory: str = ""
    """Empty: ``$STATE_DIRECTORY``, /var/lib/chargerd, or the user's own."""
    max_mib: int = bounded(192, 4, 65_536)
    """How large the store may grow before meter values have to go."""


@dataclass(frozen=True, slots=True)
class FilesSection:
    """``[files]``: servers of firmware and logs, and what a transfer may take."""

    root_files: tuple[str, ...] = ()
    """Whom https and ftps are believed; empty: the roots of the system."""
    known_hosts: str = ""
    """Host keys for sftp, in the form of OpenSSH."""
    any_host_key: bool = False
    """Take whatever host key an sftp server shows."""
    ftp_tls: bool = False
    """Ask for TLS on ftp:// too, and go no further without it."""
    post: bool = False
    """Upload to a web server by POST, as a form's field ``file``; else by PUT."""
    max_mib: int = bounded(2048, 1, 65_536)
    """The largest file that is fetched."""
    most_kib_s: int = bounded(0, 0, 1_048_576)
    """The most that a transfer takes of the line; 0: all there is."""


@dataclass(frozen=True, slots=True)
class ControlSection:
    """``[control]``: the socket of chargerctl."""

    socket: str = ""
    """Empty: /run/chargerd/control.sock, or the user's own."""
    mode: str = "0660"
    group: str = ""


@dataclass(frozen=True, slots=True)
class LogSection:
    """``[log]``: what the journal is told."""

    level: str = chosen("info", "warning", "info", "debug")


@dataclass(frozen=True, slots=True)
class PowerSection:
    """``[power]``: what all connectors may take together."""

    max_power_w: float = bounded(0.0, 0.0, 5e6)
    """0: whatever their power modules can do."""


@dataclass(frozen=True, slots=True)
class SupervisionSection:
    """``[supervision]``: what measurements may be apart, and what heat may be."""

    voltage_spread_v: float = bounded(VOLTAGE_SPREAD_V, 5.0, 200.0)
    power_spread_w: float = bounded(POWER_SPREAD_W, 500.0, 100_000.0)
    spread_s: float = bounded(SPREAD_S, 1.0, 60.0)

    derate_plug_from_c: float = bounded(PLUG_FROM_C, 40.0, 89.0)
    derate_module_from_c: float = bounded(0.0, 0.0, 120.0)
    """0: the power modules look after their own temperature."""

    @property
    def knees(self) -> Knees:
        """Return from which temperatures on a connector gives less."""
        return Knees(self.derate_plug_from_c, self.derate_module_from_c)

    @property
    def tolerances(self) -> Tolerances:
        """Return what the core makes of it."""
        return Tolerances(self.voltage_spread_v, self.power_spread_w, self.spread_s)


@dataclass(frozen=True, slots=True)
class FirmwareSection:
    """``[firmware]``: who installs new firmware, and how."""

    installer: str = chosen("slots", "slots", "rauc", "command")
    install_command: tuple[str, ...] = ()
    """Given the file and the job. docs/installers.md says what all three have to do."""
    status_command: tuple[str, ...] = ()
    mark_command: tuple[str, ...] = ()
    """Given ``good`` or ``bad``."""
    rauc_bus: str = "system"
    """The D-Bus on which RAUC is; or the address of another one."""
    cache_directory: str = ""
    """Empty: ``$CACHE_DIRECTORY``, /var/cache/chargerd, or the user's own."""


@dataclass(frozen=True, slots=True)
class ConnectorSection:
    """The plain keys of one ``[[connector]]`` block."""

    name: str = ""
    cable: str = chosen("fixed", "fixed", "socket")
    max_power_w: float = bounded(0.0, 0.0, 5e6)
    """0: whatever the power modules can do."""
    max_current_a: float = bounded(0.0, 0.0, 5000.0)
    """What its cable and contactors carry; 0: what its own modules can do."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device: which driver, and its own settings as they stand in the file."""

    connector: int
    kind: str
    driver: str
    table: Mapping[str, Any]
    where: str
    joins: tuple[int, ...] = ()
    """The connectors that it stands between, if it is a bridge."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole station file."""

    path: Path
    station: StationSection
    csms: CsmsSection
    storage: StorageSection
    files: FilesSection
    control: ControlSection
    log: LogSection
    power: PowerSection
    supervision: SupervisionSection
    firmware: FirmwareSection
    configuration: Mapping[str, str]
    """Initial values of OCPP configuration keys."""
    connectors: tuple[ConnectorSection, ...]
    devices: tuple[DeviceSpec, ...]
    simulation: DeviceSpec | None
    joins: tuple[int, ...] = ()
    """The two connectors whose DC buses a bridge can join; empty: no bridge."""

    @property
    def state_directory(self) -> Path:
        """Where the store is."""
        return Path(self.storage.directory or state_directory())

    @property
    def cache_directory(self) -> Path:
        """Where downloads go."""
        return Path(self.firmware.cache_directory or cache_directory())

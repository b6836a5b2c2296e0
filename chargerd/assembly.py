"""The parts of the daemon, made from the station file. Only this opens devices."""

import os
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock, Instant
from chargerd.core.events import WHOLE_STATION
from chargerd.core.firmware_events import Rebooted
from chargerd.core.fitting import Fitting
from chargerd.core.reasons import Cause
from chargerd.forms import ConfigError, fill
from chargerd.ocpp16.attachment_values import Attachment, Filed
from chargerd.ocpp16.keys import (
    KEYS,
    LINK_KEYS,
    Access,
    BadValue,
    misfit,
    secret_key,
)
from chargerd.ocpp16.own_certificates import Own
from chargerd.ocpp16.requests import Nameplate
from chargerd.ocpp16.root_store import CSMS
from chargerd.ocpp16.upkeep import Upkeep
from chargerd.runtime import tls
from chargerd.runtime.devices import ConnectorDevices, Devices, StationDevices
from chargerd.runtime.files import Files
from chargerd.runtime.link_settings import LinkSettings
from chargerd.runtime.views import Identity
from chargerd.sections import DeviceSpec, Settings
from chargerd.store.database import Store
from hal import discovery
from hal.discovery import UnknownDriver
from hal.interfaces import SigningMeter
from hal.resources import Place, Resources

CREDENTIAL: Final = "ocpp-auth-key"
"""Name of the systemd credential that holds the AuthorizationKey."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Planned:
    """A device that is to be opened."""

    spec: DeviceSpec
    driver: Any
    settings: Any


def plan(settings: Settings) -> tuple[Planned, ...]:
    """Find the drivers of the station file and check their settings.

    Raises:
        ConfigError: A driver is not installed, or its settings are wrong.
    """
    planned: list[Planned] = []
    mistakes: list[str] = [
        *_bad_keys(settings),
        *_bad_password(settings),
        *_bad_tls(settings),
        *_bad_files(settings),
    ]
    specs = settings.devices
    if settings.simulation is not None:
        specs = (settings.simulation, *specs)
    for spec in specs:
        try:
            driver = discovery.load(spec.kind, spec.driver)
            filled, wrong = fill(driver.Config, spec.table, spec.where)
        except UnknownDriver as error:
            mistakes.append(f"{spec.where}: {error}")
            continue
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        mistakes += wrong
        planned.append(Planned(spec, driver, filled))
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(planned)


def charge_point_of(
    settings: Settings,
    disk: Store,
    clock: Clock,
    fittings: Mapping[int, Fitting],
    started: Rebooted,
) -> ChargePoint:
    """Wake the charge point up as the disk remembers it."""
    boot_id = os.environ.get("CHARGERD_BOOT_ID") or BOOT_ID.read_text().strip()
    same_boot = disk.boot(boot_id) == boot_id
    station = settings.station
    nameplate = Nameplate(
        station.vendor,
        station.model,
        station.serial_number or None,
        station.firmware_version or started.version,
        station.iccid or None,
        station.imsi or None,
        station.meter_type or None,
        station.meter_serial_number or None,
    )
    return ChargePoint(
        fittings,
        nameplate,
        lambda: str(uuid.uuid4()),
        filed=filed(settings),
        configured=settings.configuration,
        facts=_facts(settings),
        snapshot=disk.restore(clock.now().utc),
        interruption=Cause.RESTART if same_boot else Cause.POWER_LOSS,
        site_w=settings.power.max_power_w or inf,
        started=started,
        file_roots=_roots_there(settings),
    )


def _roots_there(settings: Settings) -> tuple[str, ...]:
    """Return the roots of the station file; a dial says what is wrong with them."""
    try:
        return _root_files(settings)
    except tls.Unusable:
        return ()


def _facts(settings: Settings) -> dict[str, str]:
    """Return the read-only keys that the station file decides."""
    # A fixed cable is never freed (OCPP 1.6 errata 3.84).
    socket = any(section.cable == "socket" for section in settings.connectors)
    frees = socket and settings.station.unlock_on_disconnect
    return {
        "UnlockConnectorOnEVSideDisconnect": "true" if frees else "false",
    }


@asynccontextmanager
async def opened(
    planned: Sequence[Planned], shared: Resources
) -> AsyncIterator[Devices]:
    """Open every device; close them in the opposite order."""
    found: dict[int, dict[str, Any]] = {}
    drivers: dict[tuple[int, str], str] = {}
    async with shared, AsyncExitStack() as stack:
        for each in planned:
            spec = each.spec
            place = Place(spec.connector, shared, spec.joins)
            device = await stack.enter_async_context(
                each.driver.connect(each.settings, place)
            )
            found.setdefault(spec.connector, {})[spec.kind] = device
            drivers[(spec.connector, spec.kind)] = spec.driver
        of_station = found.pop(WHOLE_STATION)
        simulation = of_station.pop("simulation", None)
        drivers.pop((WHOLE_STATION, "simulation"), None)
        yield Devices(
            StationDevices(**of_station),
            {number: ConnectorDevices(**kinds) for number, kinds in found.items()},
            drivers,
            simulation,
        )


def fittings_of(settings: Settings, devices: Devices) -> dict[int, Fitting]:
    """Return what each connector is made of."""
    of_station = frozenset(
        kind for number, kind in devices.drivers if number == WHOLE_STATION
    )
    beyond = dict(zip(settings.joins, reversed(settings.joins), strict=True))
    return {
        number: Fitting(
            each.power_module.rating,
            of_station | {k for n, k in devices.drivers if n == number},
            settings.connectors[number - 1].max_power_w or None,
            each.reader is not None,
            beyond.get(number),
            settings.connectors[number - 1].max_current_a or None,
            settings.supervision.knees,
            isinstance(each.meter, SigningMeter),
        )
        for number, each in devices.connectors.items()
    }


def filed(settings: Settings) -> Filed:
    """Return what the station file says of the link."""
    csms = settings.csms
    key = authorization_key(settings)
    return Filed(
        Attachment(
            csms.url,
            settings.station.identity,
            csms.security_profile,
            key.hex() if key is not None else "",
        ),
        roots=_makes_tls(settings, 2),
        own=_makes_tls(settings, 3),
    )


def _makes_tls(settings: Settings, profile: int) -> bool:
    """Tell whether the files are there that a security profile needs."""
    try:
        tls.context(_tls(settings, profile))
    except tls.Unusable:
        return False
    return True


def link_settings(settings: Settings, upkeep: Upkeep, now: Instant) -> LinkSettings:
    """Return what is dialed now; files are read anew.

    Raises:
        Unusable: A file of the certificates cannot be read.
    """
    attachments, keyring = upkeep.attachments, upkeep.keyring
    dialed = attachments.dialed
    trusted = None
    if dialed.profile >= 2:
        shown = keyring.shown(now) if dialed.profile == 3 else None
        roots = "".join(root.pem for root in keyring.roots(CSMS))
        trusted = _tls(settings, dialed.profile, roots, shown)
    return LinkSettings(
        dialed.url,
        dialed.identity,
        dialed.profile,
        trusted,
        bytes.fromhex(dialed.key) or None,
        attachments.turn,
        attachments.trial is not None,
        settings.csms.settle_s,
    )


def _tls(
    settings: Settings, profile: int, installed: str = "", shown: Own | None = None
) -> tls.TlsSettings:
    """Return whom a link of security profile 2 or 3 believes, and who we are there.

    Args:
        settings: The files of the station, which count beside what was installed.
        profile: The security profile.
        installed: The roots that were installed, in PEM.
        shown: A certificate that was; it goes before the file's.
    """
    csms = settings.csms
    own: tls.OwnCertificate | tls.OwnPem | None = None
    if profile == 3:
        chain, key = Path(csms.certificate_file), Path(csms.private_key_file)
        of_file = tls.OwnCertificate(chain, key)
        own = tls.OwnPem(shown.chain_pem, shown.key_pem) if shown else of_file
    return tls.TlsSettings(
        "".join(_root_files(settings)) + installed,
        own,
        csms.check_name,
        csms.rsa_key_exchange,
    )


def _root_files(settings: Settings) -> tuple[str, ...]:
    """Return what stands in the files of roots.

    Raises:
        Unusable: One cannot be read.
    """
    try:
        return tuple(Path(name).read_text() for name in settings.csms.root_files)
    except OSError as error:
        wrong = f"{error.filename}: {error.strerror}; name files in PEM"
        raise tls.Unusable(f"root_files: {wrong}") from None
    except UnicodeDecodeError as error:
        raise tls.Unusable(f"root_files: {error}; name files in PEM") from None


def _bad_tls(settings: Settings) -> list[str]:
    if not settings.csms.secure:
        return []
    try:
        tls.context(_tls(settings, settings.csms.security_profile))
    except tls.NotReached:
        return []  # A token that is pulled keeps no station from charging off line.
    except tls.Unusable as error:
        text = str(error)
        place = "csms." if text.startswith("root_files") else "csms: "
        return [f"{settings.path}: {place}{text}"]
    return []


def _bad_files(settings: Settings) -> list[str]:
    where = f"{settings.path}: files.root_files"
    try:
        Files(settings.files)
    except OSError as error:
        return [f"{where}: {error.filename}: {error.strerror}; name files in PEM"]
    except UnicodeDecodeError as error:
        return [f"{where}: {error}; name files in PEM"]
    return []


def authorization_key(settings: Settings) -> bytes | None:
    """Return the first password; what it was changed to since is in the store."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [settings.csms.authorization_key_file]
    places += [f"{folder}/{CREDENTIAL}"] if folder else []
    for place in places:
        if place and Path(place).is_file():
            return read_key(Path(place).read_bytes().strip())
    return None


def secrets_of(settings: Settings, charge_point: ChargePoint) -> tuple[str, ...]:
    """Return the passwords that there are now, so that no log repeats them."""
    first = authorization_key(settings)
    keys = charge_point.upkeep.attachments.keys | ({first.hex()} if first else set())
    # As text it may be shorter than what of any text looks like a password.
    return (*keys, *(bytes.fromhex(key).decode("latin-1") for key in keys))


def read_key(text: bytes) -> bytes:
    """Return the bytes of an AuthorizationKey: hex digits mean bytes."""
    try:
        return secret_key(text.decode())
    except (BadValue, UnicodeDecodeError):
        return text


def _bad_password(settings: Settings) -> list[str]:
    name = settings.csms.authorization_key_file
    if not name:
        return []
    where = f"{settings.path}: csms.authorization_key_file"
    try:
        key = read_key(Path(name).read_bytes().strip())
    except OSError as error:
        return [f"{where}: {name}: {error.strerror}; name a file that can be read"]
    if 16 <= len(key) <= 20:
        return []
    wanted = "32 to 40 hex digits or 16 to 20 plain characters"
    return [f"{where}: {name} holds {len(key)} bytes; write {wanted} into it"]


def _bad_keys(settings: Settings) -> list[str]:
    where = f"{settings.path}: ocpp.configuration"
    wrong: list[str] = []
    for name, value in settings.configuration.items():
        key = KEYS.get(name.lower())
        if key is None:
            wrong.append(f"{where}.{name}: unknown key; docs/keys.md lists them")
        elif key.name in LINK_KEYS or (
            key.access is not Access.READ_WRITE and not key.in_file
        ):
            wrong.append(f"{where}.{name}: cannot be set here; leave it out")
        elif name != key.name:
            wrong.append(f"{where}.{name}: is written {key.name}")
        elif detail := misfit(key, value):
            wrong.append(f"{where}.{detail}")
    return wrong


def identity_of(
    settings: Settings, devices: Devices, version: str, clock: Clock
) -> Identity:
    """Return what does not change while the daemon runs."""
    names = {
        number: section.name or f"ccs{number}"
        for number, section in enumerate(settings.connectors, start=1)
    }
    used = list(devices.drivers.values())
    return Identity(
        settings.station.identity,
        settings.station.vendor,
        settings.station.model,
        version,
        max(set(used), key=used.count),
        devices.simulation is not None,
        names,
        devices.drivers,
        clock.now().monotonic_s,
    )

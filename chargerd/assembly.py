"""The parts of the daemon, made from the station file. Only this opens devices."""

import os
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from chargerd import link_files
from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.events import WHOLE_STATION
from chargerd.core.firmware_events import Rebooted
from chargerd.core.fitting import Fitting
from chargerd.core.reasons import Cause
from chargerd.forms import ConfigError, fill
from chargerd.ocpp16.keys import (
    KEYS,
    LINK_KEYS,
    Access,
    misfit,
)
from chargerd.ocpp16.requests import Nameplate
from chargerd.runtime.devices import ConnectorDevices, Devices, StationDevices
from chargerd.runtime.files import Files
from chargerd.runtime.views import Identity
from chargerd.sections import DeviceSpec, Settings
from chargerd.store.database import Store
from hal import discovery
from hal.discovery import UnknownDriver
from hal.interfaces import SigningMeter
from hal.resources import Place, Resources

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
        *link_files.mistakes(settings),
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
        filed=link_files.filed(settings),
        configured=settings.configuration,
        facts=_facts(settings),
        snapshot=disk.restore(clock.now().utc),
        interruption=Cause.RESTART if same_boot else Cause.POWER_LOSS,
        site_w=settings.power.max_power_w or inf,
        started=started,
        file_roots=link_files.roots_there(settings),
    )


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


def _bad_files(settings: Settings) -> list[str]:
    where = f"{settings.path}: files.root_files"
    try:
        Files(settings.files)
    except OSError as error:
        return [f"{where}: {error.filename}: {error.strerror}; name files in PEM"]
    except UnicodeDecodeError as error:
        return [f"{where}: {error}; name files in PEM"]
    return []


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

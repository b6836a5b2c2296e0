"""Put the daemon together. The only module that knows every other one."""

import argparse
import asyncio
import faulthandler
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

from chargerd import config, control, store
from chargerd.chargepoint import ChargePoint
from chargerd.config import ConfigError, DeviceSpec, Settings, fill
from chargerd.core.events import WHOLE_STATION, RestartRequested
from chargerd.core.reasons import Cause
from chargerd.core.station import Fitting
from chargerd.ocpp16.keys import KEYS, Access, BadValue, judge, secret_key
from chargerd.ocpp16.requests import Nameplate
from chargerd.runtime import journal as journals
from chargerd.runtime.actuators import Hand, Hands
from chargerd.runtime.aftermath import Aftermath
from chargerd.runtime.control_server import ControlServer, Interface
from chargerd.runtime.control_socket import SocketUnusableError
from chargerd.runtime.csms import CsmsLink, LinkSettings
from chargerd.runtime.devices import ConnectorDevices, Devices, StationDevices
from chargerd.runtime.engine import Engine
from chargerd.runtime.guard import Guard
from chargerd.runtime.journal import Journal
from chargerd.runtime.lights import Lights
from chargerd.runtime.mock_interface import MockInterface
from chargerd.runtime.senses import Senses
from chargerd.runtime.station_interface import Identity, StationInterface
from chargerd.runtime.system_clock import SystemClock
from chargerd.runtime.watchdog import Watchdog, notify
from chargerd.store import Store, StoreFailed
from hal import discovery
from hal.discovery import UnknownDriver
from hal.errors import HardwareError
from hal.resources import Place, Resources

OK, FAILED, BAD_CONFIG = 0, 1, 2
"""Exit codes."""

CREDENTIAL: Final = "ocpp-auth-key"
"""Name of the systemd credential that holds the AuthorizationKey."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Planned:
    """A device that is to be opened."""

    spec: DeviceSpec
    driver: Any
    settings: Any


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program ``chargerd``."""
    options = _options(arguments)
    faulthandler.enable(all_threads=True)
    try:
        settings = config.load(options.config)
        planned = plan(settings)
    except ConfigError as error:
        sys.stderr.write("".join(f"{line}\n" for line in error.mistakes))
        sys.exit(BAD_CONFIG)
    if options.check:
        lines = (f"{p.spec.where}: {p.spec.driver}\n" for p in planned)
        sys.stdout.write("".join(lines))
        sys.exit(OK)
    try:
        cause = asyncio.run(serve(settings, planned))
    except (StoreFailed, SocketUnusableError, HardwareError) as error:
        sys.stderr.write(f"chargerd: {error}\n")
        sys.exit(FAILED)
    if cause in (Cause.SOFT_RESET, Cause.HARD_RESET):
        # The same process, started anew: systemd sees no end, a laptop no prompt.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def plan(settings: Settings) -> tuple[Planned, ...]:
    """Find the drivers of the station file and check their settings.

    Raises:
        ConfigError: A driver is not installed, or its settings are wrong.
    """
    planned: list[Planned] = []
    mistakes: list[str] = [*_bad_keys(settings)]
    specs = settings.devices
    if settings.simulation is not None:
        specs = (settings.simulation, *specs)
    for spec in specs:
        try:
            driver = discovery.load(spec.kind, spec.driver)
            filled, wrong = fill(driver.Config, spec.table, spec.where)
        except (UnknownDriver, ValueError) as error:
            mistakes.append(f"{spec.where}: {error}")
            continue
        mistakes += wrong
        planned.append(Planned(spec, driver, filled))
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(planned)


async def serve(settings: Settings, planned: Sequence[Planned]) -> Cause:
    """Run the station until it shall end; return why."""
    clock = SystemClock()
    level = journals.LEVELS[settings.log.level]
    journal = Journal(journals.sink(), level, clock)
    path = settings.state_directory / "chargerd.db"
    async with AsyncExitStack() as stack:
        disk, damage = store.open_or_replace(path, clock.now().utc)
        stack.callback(disk.close)
        if damage:
            journal.say(journals.ERROR, damage, REASON="STORE_DAMAGED")
        resources_ = Resources(clock.monotonic)
        devices = await stack.enter_async_context(_opened(planned, resources_))
        return await _run(settings, clock, journal, disk, devices)


async def _run(
    settings: Settings,
    clock: SystemClock,
    journal: Journal,
    disk: Store,
    devices: Devices,
) -> Cause:
    version = metadata.version("chargerd")
    fittings = _fittings(settings, devices)
    charge_point = _charge_point(settings, disk, clock, fittings, version)
    fitted = {number: fitting.fitted for number, fitting in fittings.items()}
    link_settings = _link_settings(settings)
    engine: Engine
    guard = Guard(fitted, clock.monotonic, lambda event: engine.soon(event))
    senses = Senses(devices, guard, lambda event: engine.soon(event), clock.monotonic)
    hands = Hands(
        {
            number: Hand(
                number, each, guard, lambda event: engine.soon(event), senses.sensed
            )
            for number, each in devices.connectors.items()
        }
    )
    guard.hold(hands)
    link = CsmsLink(
        link_settings,
        lambda event: engine.soon(event),
        clock.monotonic,
        _authorization_key(settings, charge_point),
        charge_point.station.policy.ping_interval_s,
    )
    lights = Lights(
        {n: each.light for n, each in devices.connectors.items() if each.light}
    )
    aftermath = Aftermath(charge_point, journal, link, senses, lights, clock.step)
    engine = Engine(charge_point, disk, clock, hands, link, aftermath)
    reader = disk.reader()
    station = StationInterface(
        _identity(settings, devices, version, clock),
        charge_point,
        link,
        guard,
        senses,
        journal,
        reader,
        clock,
        engine.soon,
        lambda: aftermath.steps,
    )
    interfaces = [station.interface(_description(control.STATION))]
    if devices.simulation is not None:
        numbers = tuple(devices.connectors)
        mock = MockInterface(devices.simulation, link, numbers, engine.soon)
        interfaces.append(mock.interface(_description(control.MOCK)))
    watchdog = Watchdog(
        {
            "engine and store": lambda: _since(engine.busy_since_s, clock),
            "guard": lambda: clock.monotonic() - guard.ticked_s,
        },
        station.one_line,
        lambda text: journal.say(journals.ERROR, text),
        clock.monotonic,
    )
    async with (
        _control(settings, interfaces, version),
        asyncio.TaskGroup() as tasks,
    ):
        background = [
            tasks.create_task(part.run(), name=type(part).__name__)
            for part in (guard, hands, senses, link, lights, watchdog)
        ]
        _obey_signals(engine)
        notify(f"READY=1\nSTATUS={station.one_line()}")
        journal.say(journals.INFO, f"chargerd {version} serves {settings.path}")
        cause = await engine.run()
        notify("STOPPING=1")
        for task in background:
            task.cancel()
    reader.close()
    if cause is Cause.HARD_RESET and settings.station.reboot_command:
        await _reboot(settings.station.reboot_command, charge_point, journal)
    return cause


def _charge_point(
    settings: Settings,
    disk: Store,
    clock: SystemClock,
    fittings: Mapping[int, Fitting],
    version: str,
) -> ChargePoint:
    boot_id = os.environ.get("CHARGERD_BOOT_ID") or BOOT_ID.read_text().strip()
    same_boot = disk.boot(boot_id) == boot_id
    station = settings.station
    nameplate = Nameplate(
        station.vendor,
        station.model,
        station.serial_number or None,
        station.firmware_version or version,
        station.iccid or None,
        station.imsi or None,
        station.meter_type or None,
        station.meter_serial_number or None,
    )
    return ChargePoint(
        fittings,
        nameplate,
        lambda: str(uuid.uuid4()),
        where=_link_settings(settings).address,
        configured=settings.configuration,
        facts={"SecurityProfile": str(settings.csms.security_profile)},
        snapshot=disk.restore(clock.now().utc),
        interruption=Cause.RESTART if same_boot else Cause.POWER_LOSS,
    )


@asynccontextmanager
async def _opened(
    planned: Sequence[Planned], shared: Resources
) -> AsyncIterator[Devices]:
    """Open every device; close them in the opposite order."""
    found: dict[int, dict[str, Any]] = {}
    drivers: dict[tuple[int, str], str] = {}
    async with shared, AsyncExitStack() as stack:
        for each in planned:
            spec = each.spec
            place = Place(spec.connector, shared)
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


def _fittings(settings: Settings, devices: Devices) -> dict[int, Fitting]:
    of_station = frozenset(
        kind for number, kind in devices.drivers if number == WHOLE_STATION
    )
    return {
        number: Fitting(
            each.power_module.rating,
            of_station | {k for n, k in devices.drivers if n == number},
            settings.connectors[number - 1].max_power_w or None,
            each.reader is not None,
        )
        for number, each in devices.connectors.items()
    }


def _link_settings(settings: Settings) -> LinkSettings:
    csms = settings.csms
    return LinkSettings(
        csms.url,
        settings.station.identity,
        csms.security_profile,
        csms.backoff_first_s,
        csms.backoff_longest_s,
        csms.settle_s,
    )


def _authorization_key(settings: Settings, charge_point: ChargePoint) -> bytes | None:
    """Return the password of profile 1: the CSMS's own choice wins over a file."""
    kept = charge_point.values.get("AuthorizationKey")
    if kept:
        return secret_key(kept)
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [settings.csms.authorization_key_file]
    places += [f"{folder}/{CREDENTIAL}"] if folder else []
    for place in places:
        if place and Path(place).is_file():
            return read_key(Path(place).read_bytes().strip())
    return None


def read_key(text: bytes) -> bytes:
    """Return the bytes of an AuthorizationKey: hex digits mean bytes."""
    try:
        return secret_key(text.decode())
    except (BadValue, UnicodeDecodeError):
        return text


def _bad_keys(settings: Settings) -> list[str]:
    where = f"{settings.path}: ocpp.configuration"
    wrong: list[str] = []
    for name, value in settings.configuration.items():
        key = KEYS.get(name.lower())
        if key is None:
            wrong.append(f"{where}.{name}: unknown key; docs/keys.md lists them")
        elif key.access is not Access.READ_WRITE:
            wrong.append(f"{where}.{name}: cannot be set here; leave it out")
        elif name != key.name:
            wrong.append(f"{where}.{name}: is written {key.name}")
        elif detail := judge(name, value).detail:
            wrong.append(f"{where}.{detail}")
    return wrong


def _identity(
    settings: Settings, devices: Devices, version: str, clock: SystemClock
) -> Identity:
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
        clock.monotonic(),
    )


def _control(
    settings: Settings, interfaces: Sequence[Interface], version: str
) -> ControlServer:
    path = settings.control.socket or control.socket_path(
        None, os.environ, os.geteuid()
    )
    return ControlServer(
        path,
        tuple(interfaces),
        mode=int(settings.control.mode, 8),
        group=settings.control.group or None,
        vendor="chargerd",
        product="chargerd",
        version=version,
        url="https://github.com/chargerd/chargerd",
    )


def _description(interface: str) -> str:
    return (resources.files("chargerd") / f"{interface}.varlink").read_text("utf-8")


def _obey_signals(engine: Engine) -> None:
    loop = asyncio.get_running_loop()
    wanted = RestartRequested(WHOLE_STATION, Cause.RESTART)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.soon, wanted)


async def _reboot(
    command: Sequence[str], charge_point: ChargePoint, journal: Journal
) -> None:
    """Run the operator's reboot command; try again as ResetRetries says."""
    for _ in range(charge_point.station.policy.reset_retries + 1):
        process = await asyncio.create_subprocess_exec(*command)
        if await process.wait() == 0:
            # The board goes down now; whoever runs on would only be in its way.
            await asyncio.Event().wait()
        text = f"hard reset: {command[0]} failed with {process.returncode}"
        journal.say(journals.ERROR, text, REASON="RESET_FAILED")


def _since(busy_since_s: float | None, clock: SystemClock) -> float:
    return 0.0 if busy_since_s is None else clock.monotonic() - busy_since_s


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chargerd", description="The open charge controller."
    )
    parser.add_argument(
        "--config", type=Path, default=Path("/etc/chargerd/chargerd.toml")
    )
    parser.add_argument("--check", action="store_true", help="check the file and exit")
    parser.add_argument(
        "--version", action="version", version=metadata.version("chargerd")
    )
    return parser.parse_args(arguments)

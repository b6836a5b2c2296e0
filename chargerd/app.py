"""Put the daemon together. The only module that knows every other one."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from importlib import metadata
from pathlib import Path
from typing import Any

from chargerd import config, control
from chargerd.assembly import (
    Planned,
    charge_point_of,
    fittings_of,
    identity_of,
    opened,
    plan,
)
from chargerd.clock import EARLIEST
from chargerd.core.events import WHOLE_STATION, RestartFailed, RestartRequested
from chargerd.core.firmware_events import Rebooted
from chargerd.core.reasons import Cause
from chargerd.forms import ConfigError
from chargerd.link_files import link_settings, secrets_of
from chargerd.places import STATION_FILE
from chargerd.runtime import crash, varlink
from chargerd.runtime import journal as journals
from chargerd.runtime.actuators import hands_of
from chargerd.runtime.aftermath import Aftermath
from chargerd.runtime.control_server import ControlServer
from chargerd.runtime.control_socket import SocketUnusableError
from chargerd.runtime.csms import CsmsLink
from chargerd.runtime.devices import Devices
from chargerd.runtime.engine import Engine
from chargerd.runtime.files import Files
from chargerd.runtime.firmware_worker import FirmwareWorker, Surroundings
from chargerd.runtime.gate import Gate
from chargerd.runtime.guard import Guard
from chargerd.runtime.installers.choice import installer_of
from chargerd.runtime.installers.interface import Installer, InstallError
from chargerd.runtime.journal import Journal
from chargerd.runtime.lights import Lights
from chargerd.runtime.link_settings import Pace
from chargerd.runtime.log_methods import LogMethods
from chargerd.runtime.logs.archive import Archive, Places
from chargerd.runtime.logs.present import Present
from chargerd.runtime.mock_interface import MockInterface
from chargerd.runtime.senses import Senses
from chargerd.runtime.station_interface import StationInterface
from chargerd.runtime.system_clock import SystemClock
from chargerd.runtime.transfer.reasons import TransferFailed
from chargerd.runtime.upload_worker import UploadWorker
from chargerd.runtime.views import Views
from chargerd.runtime.watchdog import Proof, Watchdog, notify
from chargerd.runtime.worker import Worker
from chargerd.sections import Settings
from chargerd.steps import Happening
from chargerd.store.database import Store, StoreFailed
from chargerd.store.reader import Reader
from chargerd.store.repair import open_or_replace
from hal.errors import HardwareError
from hal.resources import Resources

GUARD_WITHIN_S, HANDS_WITHIN_S = 0.5, 1.0
"""The watchdog is not fed while the guard, or a hand in use, is later."""

OK, FAILED, BAD_CONFIG = 0, 1, 2
"""Exit codes."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program ``chargerd``."""
    options = _options(arguments)
    crash.prepare()
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
    if cause in (Cause.SOFT_RESET, Cause.HARD_RESET, Cause.FIRMWARE):
        # The same process, started anew: systemd sees no end, a laptop no prompt.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


async def serve(settings: Settings, planned: Sequence[Planned]) -> Cause:
    """Run the station until it shall end; return why."""
    clock = SystemClock()
    level = journals.LEVELS[settings.log.level]
    journal = Journal(journals.sink(), level, clock)
    path = settings.state_directory / "chargerd.db"
    async with AsyncExitStack() as stack:
        most_bytes = settings.storage.max_mib * 1024 * 1024
        disk, damage = open_or_replace(path, clock.now().utc, most_bytes)
        stack.callback(disk.close)
        if damage:
            journal.say(journals.ERROR, damage, REASON="STORE_DAMAGED")
        resources_ = Resources(clock.monotonic, lambda: clock.now().utc)
        clock.not_before(disk.last_moment() or EARLIEST)
        devices = await stack.enter_async_context(opened(planned, resources_))
        daemon = await daemon_of(settings, clock, journal, disk, devices)
        return await daemon.run()


async def daemon_of(
    settings: Settings,
    clock: SystemClock,
    journal: Journal,
    disk: Store,
    devices: Devices,
) -> "Daemon":
    """Join the parts, with the updater that the station file names."""
    installer = installer_of(settings.firmware, settings.state_directory)
    started = await _started(installer, journal)
    return Daemon(settings, clock, journal, disk, devices, installer, started)


async def _started(installer: Installer, journal: Journal) -> Rebooted:
    """Return what runs; a station whose updater is in trouble charges all the same."""
    try:
        running = await installer.running()
    except InstallError as error:
        journal.say(journals.ERROR, f"firmware: {error}", REASON="UPDATER_FAILED")
        return Rebooted(metadata.version("chargerd"), slot_marked=True)
    version = running.version or metadata.version("chargerd")
    return Rebooted(version, running.good)


class Daemon:
    """The running parts, joined."""

    def __init__(
        self,
        settings: Settings,
        clock: SystemClock,
        journal: Journal,
        disk: Store,
        devices: Devices,
        installer: Installer,
        started: Rebooted,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        version = metadata.version("chargerd")
        fittings = fittings_of(settings, devices)
        self.charge_point = charge_point_of(settings, disk, clock, fittings, started)
        fitted = {number: fitting.fitted for number, fitting in fittings.items()}
        joins = settings.joins
        tolerances = settings.supervision.tolerances
        self.guard = Guard(fitted, clock.monotonic, self.soon, joins, tolerances)
        self.senses = Senses(devices, self.guard, self.soon, clock.monotonic, joins)
        self.hands = hands_of(
            devices, fittings, self.guard, self.soon, self.senses.sensed
        )
        self.guard.hold(self.hands)
        self.link = CsmsLink(
            lambda: link_settings(settings, self.charge_point.upkeep, clock.now()),
            self.soon,
            clock.monotonic,
            Pace.of(self.charge_point.station.policy),
        )
        self.lights = Lights(
            {n: each.light for n, each in devices.connectors.items() if each.light}
        )
        self._aftermath = Aftermath(
            self.charge_point, journal, self.link, self.senses, self.lights, clock.step
        )
        identity = identity_of(settings, devices, version, clock)
        self.views = Views(identity, self.charge_point, self.link, self.guard, clock)
        self._version = version
        self._devices = devices
        self._disk = disk
        self.archive = Archive(
            Places(disk.path, settings.path),
            Present(
                self.views, self.charge_point, self.guard, self.senses, journal, clock
            ),
            clock,
            lambda: secrets_of(settings, self.charge_point),
        )
        self.worker = self._worker(installer)
        self.engine = Engine(
            self.charge_point,
            disk,
            clock,
            self.hands,
            self.link,
            self.worker,
            self._aftermath,
        )

    def soon(self, happening: Happening) -> None:
        """Let something happen when its turn comes."""
        self.engine.soon(happening)

    async def run(self) -> Cause:
        """Run until everything is done that a restart waits for; return its cause."""
        with (
            closing(Reader(self._disk.path, self._disk.most_bytes)) as reader,
            closing(self.engine),
            closing(self.archive),
        ):
            async with self._control(reader), asyncio.TaskGroup() as tasks:
                parts = (
                    self.guard,
                    self.hands,
                    self.senses,
                    self.link,
                    self.worker,
                    self.lights,
                    self._watchdog(),
                )
                background = [
                    tasks.create_task(part.run(), name=type(part).__name__)
                    for part in parts
                ]
                self._obey_signals()
                notify(f"READY=1\nSTATUS={self.views.one_line()}")
                text = f"chargerd {self._version} serves {self._settings.path}"
                self._journal.say(journals.INFO, text)
                # What is here by now stays for good. To look through it again for
                # garbage, with 10,000 id tags in it, would hold up the loop.
                gc.freeze()
                gc.enable()
                cause = await self._served()
                notify("STOPPING=1")
                for task in background:
                    task.cancel()
        return cause

    async def _served(self) -> Cause:
        """Return why the process shall end; a reboot that fails is no reason."""
        command = self._settings.station.reboot_command
        while True:
            cause = await self.engine.run()
            if not command or cause not in self._reboots:
                return cause
            # A board that goes down ends us at once, for nobody is in its way then.
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
            error = await self._reboot(command)
            self._obey_signals()
            await self.engine.step(RestartFailed(WHOLE_STATION, error))

    @property
    def _firmware_folder(self) -> Path:
        """Where firmware is until it is installed."""
        return self._settings.cache_directory / "firmware"

    @property
    def _reboots(self) -> tuple[Cause, ...]:
        """For what the whole board restarts; else this process does."""
        within = self._settings.firmware.installer == "slots"
        return (Cause.HARD_RESET,) if within else (Cause.HARD_RESET, Cause.FIRMWARE)

    def _watchdog(self) -> Watchdog:
        now_s = self._clock.monotonic

        def step_age_s() -> float:
            since_s = self.engine.busy_since_s
            return 0.0 if since_s is None else now_s() - since_s

        return Watchdog(
            {
                "engine and store": Proof(step_age_s),
                "guard": Proof(lambda: now_s() - self.guard.ticked_s, GUARD_WITHIN_S),
                "hands": Proof(self.hands.late_s, HANDS_WITHIN_S),
            },
            self.views.one_line,
            lambda text: self._journal.say(journals.ERROR, text),
            now_s,
        )

    def _worker(self, installer: Installer) -> Worker:
        upkeep, clock = self.charge_point.upkeep, self._clock
        files = Files(self._settings.files)
        surroundings = Surroundings(
            files.fetch,
            lambda pem: upkeep.signer(pem, clock.now()),
            Gate(self.charge_point.station, self.link.state, clock.monotonic),
            self.soon,
            lambda text: self._journal.say(journals.ERROR, text),
        )
        cache = self._settings.cache_directory
        firmware = FirmwareWorker(installer, self._firmware_folder, surroundings)
        uploads = UploadWorker(
            cache / "uploads", self.archive.make, files.deliver, TransferFailed
        )
        return Worker(firmware, uploads, self.link.redial, self.soon)

    def _control(self, reader: Reader) -> ControlServer:
        group = self._settings.control.group
        name = self._settings.csms.certificate_file
        logs = LogMethods(
            self.archive,
            self._settings.cache_directory,
            reader,
            self._clock,
            self.soon,
            group,
        )
        station = StationInterface(
            self.views,
            self.charge_point,
            self.guard,
            self.senses,
            self._journal,
            reader,
            self._clock,
            self.soon,
            lambda: self._aftermath.steps,
            logs,
            group,
            firmware_folder=self._firmware_folder,
            firmware_most_bytes=self._settings.files.max_mib * 1024 * 1024,
            firmware_percent=lambda: self.worker.percent,
            certificate_file=Path(name) if name else None,
        )
        interfaces = [station.interface(varlink.shipped(control.STATION))]
        if self._devices.simulation is not None:
            numbers = tuple(self._devices.connectors)
            simulation = self._devices.simulation
            mock = MockInterface(simulation, self.link, numbers, self.soon)
            interfaces.append(mock.interface(varlink.shipped(control.MOCK)))
        section = self._settings.control
        return ControlServer(
            control.socket_path(section.socket, os.environ, os.geteuid()),
            tuple(interfaces),
            mode=int(section.mode, 8),
            group=section.group or None,
            vendor="chargerd",
            product="chargerd",
            version=self._version,
            url="https://github.com/chargerd/chargerd",
        )

    def _obey_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._bug)
        wanted = RestartRequested(WHOLE_STATION, Cause.RESTART)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.soon, wanted)

    def _bug(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = f"{context['message']}: {error!r}" if error else context["message"]
        self._journal.say(journals.ERROR, text, REASON="BUG")

    async def _reboot(self, command: Sequence[str]) -> str:
        """Run the operator's reboot command; return why it failed at last."""
        error = ""
        for _ in range(self.charge_point.station.policy.reset_retries + 1):
            error = await _failure(command)
            if not error:
                await asyncio.Event().wait()  # the board goes down now
            text = f"hard reset: {error}"
            self._journal.say(journals.ERROR, text, REASON="RESET_FAILED")
        return error


async def _failure(command: Sequence[str]) -> str:
    """Run a command; return what went wrong, or nothing."""
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    code = await process.wait()
    return f"{command[0]} failed with {code}" if code else ""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chargerd", description="The open charge controller."
    )
    parser.add_argument("--config", type=Path, default=STATION_FILE)
    parser.add_argument("--check", action="store_true", help="check the file and exit")
    parser.add_argument(
        "--version", action="version", version=metadata.version("chargerd")
    )
    return parser.parse_args(arguments)

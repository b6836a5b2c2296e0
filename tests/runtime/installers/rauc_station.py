"""The real RAUC on a bus of its own, with two slots and a boot loader of shell."""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from chargerd.runtime.installers.interface import InstallError, Running
from chargerd.runtime.installers.rauc import RaucInstaller
from tests.authority import DAY, NOW, pem_of, root

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
BOOT_LOADER = """\
#!/bin/sh
cd {directory}
case $1 in
get-primary) cat primary ;;
set-primary) [ ! -p gate ] || read -r _ <gate; echo "$2" >primary ;;
get-state) cat "state.$2" ;;
set-state) echo "$3" >"state.$2" ;;
get-current) cat current ;;
esac
"""
SYSTEM = """\
[system]
compatible=dc-station
bootloader=custom
bundle-formats=plain
statusfile={directory}/status
mountprefix={directory}/mnt
[handlers]
bootloader-custom-backend={directory}/boot-loader
[keyring]
path={directory}/maker.pem
[slot.rootfs.0]
device={directory}/slot.A
type=raw
bootname=A
[slot.rootfs.1]
device={directory}/slot.B
type=raw
bootname=B
"""
MANIFEST = """\
[update]
compatible={compatible}
version={version}
[bundle]
format=plain
[image.rootfs]
filename=rootfs.img
"""


IS_ROOT = os.geteuid() == 0
_APART = ("unshare", "--mount") if IS_ROOT else ()
"""What RAUC mounts goes with it, also when it is killed."""
AGE = 20_000 * DAY
"""RAUC goes by the clock of the machine, whatever that says."""


class Gate:
    """Where the boot loader waits before it takes another system, while it is shut."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def shut(self) -> None:
        os.mkfifo(self._path)
        # For reading too: to open it waits for nobody then.
        self._handle = os.open(self._path, os.O_RDWR)

    def open(self) -> None:
        if self._handle is not None:
            os.write(self._handle, b"\n")
            self._path.unlink()
            os.close(self._handle)
            self._handle = None


class RaucStation:
    """A board with RAUC; slot A is booted at first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.address = ""
        self.service: Process | None = None
        self.gate = Gate(directory / "gate")
        for name in ("A", "B"):
            (directory / f"slot.{name}").write_bytes(bytes(65_536))
            (directory / f"state.{name}").write_text("good\n")
        (directory / "primary").write_text("A\n")
        (directory / "mnt").mkdir()
        (directory / "bus.conf").write_text(BUS)
        (directory / "system.conf").write_text(SYSTEM.format(directory=directory))
        script = directory / "boot-loader"
        script.write_text(BOOT_LOADER.format(directory=directory))
        script.chmod(0o755)
        for name in ("maker", "other"):
            authority = root(name, not_before=NOW - AGE, not_after=NOW + AGE)
            (directory / f"{name}.pem").write_text(authority.pem)
            (directory / f"{name}.key").write_bytes(pem_of(authority.key))

    @property
    def installer(self) -> RaucInstaller:
        return RaucInstaller(self.address, self.directory / "state")

    def read(self, name: str) -> str:
        return (self.directory / name).read_text().strip()

    async def bundle(
        self, version: str, signer: str = "maker", compatible: str = "dc-station"
    ) -> Path:
        content = self.directory / f"content-{version}"
        content.mkdir()
        (content / "rootfs.img").write_bytes(version.encode() * 1024)
        manifest = MANIFEST.format(compatible=compatible, version=version)
        (content / "manifest.raucm").write_text(manifest)
        file = self.directory / f"{version}.raucb"
        process = await asyncio.create_subprocess_exec(
            "rauc",
            f"--cert={self.directory / signer}.pem",
            f"--key={self.directory / signer}.key",
            "bundle",
            content,
            file,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        assert await process.wait() == 0
        return file

    async def boot(self, slot: str) -> Running:
        """Start this slot's system: RAUC's service, once it answers."""
        await self.end()
        self.service = await asyncio.create_subprocess_exec(
            *_APART,
            "rauc",
            f"--conf={self.directory / 'system.conf'}",
            "service",
            f"--override-boot-slot={slot}",
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address},
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(20):
            while True:
                # It takes its name on the bus when it is ready, and not before.
                with suppress(InstallError):
                    return await self.installer.running()
                assert self.service.returncode is None

    async def end(self) -> None:
        """Stop RAUC's service."""
        if self.service is not None and self.service.returncode is None:
            self.service.kill()
            await self.service.wait()


@asynccontextmanager
async def rauc_station(directory: Path) -> AsyncIterator[RaucStation]:
    station = RaucStation(directory)
    bus = await asyncio.create_subprocess_exec(
        "dbus-daemon",
        f"--config-file={directory / 'bus.conf'}",
        "--nofork",
        "--print-address",
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert bus.stdout is not None
    station.address = (await bus.stdout.readline()).decode().strip()
    try:
        yield station
    finally:
        await station.end()
        station.gate.open()
        bus.terminate()
        await bus.wait()

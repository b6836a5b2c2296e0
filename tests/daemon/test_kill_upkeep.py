"""SIGKILL at every commit of a change of link, trust or version: nothing is half done."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchcsms import authority, firmware, issuer
from benchcsms.server import Csms
from benchcsms.settings import Files, Settings, Signing, Tls
from chargerd.runtime.installers import slot_state
from tests.daemon.cutting import (
    AFTER,
    BEFORE,
    Story,
    answers,
    asked,
    calm,
    cut_everywhere,
)
from tests.daemon.process import Daemon
from tests.daemon.release import release

OLD_KEY, NEW_KEY = bytes(range(16)), bytes(range(32, 52))
NEW = "9.1"
CSMS_ROOT = "CentralSystemRootCertificate"


class Bench:
    """A folder with an authority, and stations that know the bench by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = folder / "authority"
        authority.make(self.made, "127.0.0.1", "SN-1", "Bench")
        key = folder / "key"
        key.write_text(OLD_KEY.hex())
        self.lines = f'authorization_key_file = "{key}"\n'
        self.tls_lines = (
            f'{self.lines}root_files = ["{self.made}/root.pem"]\n'
            f'certificate_file = "{self.made}/station.pem"\n'
            f'private_key_file = "{self.made}/station.key"\n'
        )
        self._daemons: list[Daemon] = []

    def tls(self) -> Tls:
        root = self.made / "root.pem"
        return Tls(self.made / "bench.pem", self.made / "bench.key", root)

    def station(self, csms: Csms, identity: str, **more: Any) -> Daemon:
        daemon = Daemon(csms, self.folder / identity, identity, **more)
        self._daemons.append(daemon)
        return daemon

    async def close(self) -> None:
        for daemon in self._daemons:
            if daemon.process is not None:
                await daemon.kill()
            daemon.manager.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    one = Bench(tmp_path)
    yield one
    await one.close()


async def attachment(daemon: Daemon) -> dict[str, Any]:
    now = await daemon.call("Station.GetAttachment")
    settled: dict[str, Any] = now["settled"]
    return settled


def accepted(csms: Csms, daemon: Daemon, action: str) -> bool:
    """Tell whether the CSMS was told that something is done."""
    told = answers(csms, daemon, action)
    return any(entry.payload["status"] == "Accepted" for entry in told)


async def says_how_it_is_reached(daemon: Daemon, csms: Csms) -> int:
    """Prove that the CSMS is told the profile that the link has; return it."""
    settled = await attachment(daemon)
    link = (await daemon.call("Station.GetLink"))["link"]
    assert link["url"] == settled["url"]
    profile: int = settled["security_profile"]
    assert settled["url"].startswith("wss:" if profile >= 2 else "ws:")
    told = await asked(daemon, csms, "GetConfiguration", key=["SecurityProfile"])
    assert told["configurationKey"][0]["value"] == str(profile)
    assert csms.violations(daemon.identity) == []
    return profile

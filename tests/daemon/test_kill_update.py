"""SIGKILL at every commit of an update: what runs is what the CSMS was told."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchcsms import authority, firmware
from benchcsms.server import Csms
from benchcsms.settings import Files, Settings
from chargerd.runtime.installers import slot_state
from tests.daemon.cutting import (
    AFTER,
    BEFORE,
    WITHIN_S,
    Bench,
    Story,
    answers,
    asked,
    calm,
    cut_everywhere,
)
from tests.daemon.process import Daemon
from tests.daemon.release import release

NEW = "9.1"
MANUFACTURER_ROOT = "ManufacturerRootCertificate"
TOLD_AGAIN = 2
ENDS = ("Installed", "InstallationFailed")


@dataclass(frozen=True)
class Update:
    """How an update is wanted, and what is told of it."""

    action: str
    notification: str
    whole: tuple[str, ...]
    whens: tuple[str, ...]
    first: int
    """The first commit that is cut at, then every fifth: an update has many, each
    costs two restarts, and tests/scenarios/test_firmware.py cuts at all of them."""


PLAIN = Update(
    "UpdateFirmware",
    "FirmwareStatusNotification",
    ("Downloading", "Downloaded", "Installing", "Installed"),
    (BEFORE,),
    1,
)
SIGNED = Update(
    "SignedUpdateFirmware",
    "SignedFirmwareStatusNotification",
    (
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "InstallRebooting",
        "Installed",
    ),
    (AFTER,),
    2,
)


def request(update: Update, bench: Bench, csms: Csms, file: Path) -> dict[str, Any]:
    """Return how the CSMS asks for a file to be installed."""
    location = f"{csms.files_url}/firmware/{file.name}"
    at = "2020-01-01T00:00:00Z"
    if update is PLAIN:
        return {"location": location, "retrieveDate": at, "retries": 0}
    signer, key = authority.firmware_signer(bench.made)
    wanted = {
        "location": location,
        "retrieveDateTime": at,
        "signingCertificate": signer.read_text(),
        "signature": firmware.sign(file, key),
    }
    return {"requestId": 7, "firmware": wanted, "retries": 0}


def told_once(csms: Csms, daemon: Daemon, action: str) -> list[str]:
    """Return the statuses that were told; what was told again in a row counts once.

    Whoever dies between an answer and its record can only tell it once more.
    """
    calls = [e for e in csms.log(daemon.identity) if e.action == action]
    words = [e.payload["status"] for e in calls if e.kind == "call"]
    assert sum(word in ENDS for word in words) <= TOLD_AGAIN, words
    return [w for n, w in enumerate(words) if n == 0 or words[n - 1] != w]


async def tidied_up(daemon: Daemon) -> None:
    """Wait until a version is kept for good, and nothing else of its update."""
    slots = slot_state.slots_directory(daemon.directory / "state")
    folder = daemon.directory / "cache" / "firmware"
    async with asyncio.timeout(WITHIN_S):
        while not slot_state.read(slots).good or list(folder.glob("*")):
            await asyncio.sleep(0.05)


@pytest.mark.requirement("FW-09")
@pytest.mark.parametrize("update", [PLAIN, SIGNED], ids=["plain", "signed"])
async def test_a_kill_during_an_update_leaves_the_version_that_was_told(
    update: Update, bench: Bench
) -> None:
    served = bench.folder / "server"
    file = release(served / "firmware" / "next.whl", NEW)
    async with Csms(Settings(files=Files(served))) as csms:
        wanted = request(update, bench, csms, file)

        async def prepare(daemon: Daemon) -> None:
            pem = (bench.made / "firmware-root.pem").read_text()
            root = {"certificateType": MANUFACTURER_ROOT, "certificate": pem}
            assert await asked(daemon, csms, "InstallCertificate", **root)

        async def ended(daemon: Daemon) -> list[str]:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    told = told_once(csms, daemon, update.notification)
                    if told and told[-1] in ENDS:
                        break
                    await asyncio.sleep(0.05)
            await calm(daemon)
            await tidied_up(daemon)
            return told_once(csms, daemon, update.notification)

        async def change(daemon: Daemon) -> None:
            await asked(daemon, csms, update.action, **wanted)
            await ended(daemon)

        async def proof(daemon: Daemon) -> None:
            begun = "job" in await daemon.call("Station.GetUpdate")
            assert begun or not answers(csms, daemon, update.action)
            told = await ended(daemon) if begun else []
            assert told[:-1] == list(update.whole[: len(told[:-1])])
            installed = "Installed" in told
            assert not installed or told == list(update.whole)
            running = (await daemon.call("Station.GetUpdate"))["version"]
            assert (running == NEW) is installed
            assert csms.violations(daemon.identity) == []

        def make(identity: str) -> Daemon:
            return bench.station(csms, identity)

        story = Story(make, change, proof, prepare, update.whens, update.first, 5)
        assert await cut_everywhere(story) >= len(update.whole)

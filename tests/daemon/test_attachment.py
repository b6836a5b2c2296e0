"""The way to the CSMS is changed under a daemon that runs, or is killed meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchcsms import authority
from benchcsms.dialogue import BOTH
from benchcsms.server import Csms
from benchcsms.settings import Settings, Tls
from tests.daemon.process import Daemon

OLD_KEY, NEW_KEY = bytes(range(16)), bytes(range(32, 52))


async def attachment(daemon: Daemon) -> dict[str, Any]:
    return await daemon.call("Station.GetAttachment")


async def settled(daemon: Daemon, number: int) -> dict[str, Any]:
    """Wait for the end of a trial; return how it ended."""
    async with asyncio.timeout(30):
        while True:
            now = await attachment(daemon)
            if now.get("outcome", {}).get("number", 0) >= number:
                outcome: dict[str, Any] = now["outcome"]
                return outcome
            await asyncio.sleep(0.05)


async def linked(daemon: Daemon, csms: Csms | None = None, since: int = 0) -> None:
    await (csms or daemon.csms).wait_for(
        station=daemon.identity,
        direction=BOTH,
        kind="open",
        since=since,
        timeout_s=20,
    )


def last(csms: Csms) -> int:
    log = csms.log()
    return log[-1].seq if log else 0


@asynccontextmanager
async def station(csms: Csms, folder: Path, lines: str) -> AsyncIterator[Daemon]:
    daemon = Daemon(csms, folder, csms_lines=lines)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.kill()
        daemon.manager.close()


def with_key(folder: Path, profile: int = 1) -> str:
    file = folder / "first-key"
    file.write_text(OLD_KEY.hex())
    return f'security_profile = {profile}\nauthorization_key_file = "{file}"\n'


@pytest.mark.requirement("SEC-20", "SEC-22", "SEC-23", "SEC-27")
async def test_a_key_is_changed_and_a_csms_that_is_late_still_finds_the_old_one(
    tmp_path: Path,
) -> None:
    keys = {"DC1": OLD_KEY}
    async with (
        Csms(Settings(keys=keys, learns_keys=False)) as csms,
        station(csms, tmp_path / "one", with_key(tmp_path)) as daemon,
    ):
        await daemon.status_is("Available", connector=2)
        change = {"key": "AuthorizationKey", "value": NEW_KEY.hex()}
        since = last(csms)
        answer = await csms.call("DC1", "ChangeConfiguration", change)
        assert answer.payload == {"status": "Accepted"}
        refused = await csms.wait_for(
            kind="refused", direction=BOTH, since=since, timeout_s=20
        )
        # The old key is let in meanwhile; then the CSMS takes the new one.
        await linked(daemon, since=refused.seq)
        keys["DC1"] = NEW_KEY
        csms.drop("DC1")
        assert (await settled(daemon, 1))["committed"]
        assert NEW_KEY.hex() not in daemon.log.read_text()

        await daemon.kill()
        await daemon.start()
        await linked(daemon, since=last(csms))
        assert (await attachment(daemon))["settled"]["source"] == "csms"


async def test_a_key_of_the_trial_survives_a_power_cut(tmp_path: Path) -> None:
    keys = {"DC1": OLD_KEY}
    async with (
        Csms(Settings(keys=keys, learns_keys=False)) as csms,
        station(csms, tmp_path / "one", with_key(tmp_path)) as daemon,
    ):
        await daemon.status_is("Available", connector=2)
        change = {"key": "AuthorizationKey", "value": NEW_KEY.hex()}
        answer = await csms.call("DC1", "ChangeConfiguration", change)
        assert answer.payload == {"status": "Accepted"}
        await daemon.kill()
        keys["DC1"] = NEW_KEY
        since = last(csms)
        await daemon.start()
        await linked(daemon, since=since)
        assert (await settled(daemon, 1))["committed"]


async def test_another_csms_is_tried_and_rolled_back(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    async with Csms() as other:
        await daemon.start()
        await daemon.status_is("Available", connector=2)
        asked = await daemon.call("Station.SetAttachment", url=other.url)
        outcome = await settled(daemon, asked["number"])
        assert outcome["committed"]
        await other.wait_for("BootNotification", station="DC1", timeout_s=20)
        link = (await daemon.call("Station.GetLink"))["link"]
        assert link["url"] == other.url

        await daemon.kill()
        since = last(other)
        await daemon.start()
        await linked(daemon, other, since=since)

        asked = await daemon.call("Station.RollBackAttachment")
        assert not asked["given_up"]
        assert (await settled(daemon, asked["number"]))["committed"]
        assert (await attachment(daemon))["settled"]["url"] == daemon.csms.url


@pytest.mark.requirement("SEC-36")
@pytest.mark.parametrize("cut", [False, True], ids=["at once", "after a power cut"])
async def test_a_csms_that_does_not_know_the_station_is_left_again(
    make_daemon: Callable[..., Daemon], cut: bool
) -> None:
    daemon = make_daemon()
    async with Csms() as other:
        other.refuse("404")
        await daemon.start()
        await daemon.status_is("Available", connector=2)
        since = last(daemon.csms)
        await daemon.call("Station.SetAttachment", url=other.url)
        await other.wait_for(kind="refused", direction=BOTH, timeout_s=20)
        if cut:
            await daemon.kill()
            since = last(daemon.csms)
            await daemon.start()
        await linked(daemon, since=since)
        outcome = await settled(daemon, 1)
        assert not outcome["committed"]
        assert "does not know this URL or identity" in outcome["what"]
        assert (await attachment(daemon))["settled"]["url"] == daemon.csms.url


@pytest.mark.requirement("SEC-33", "SEC-35", "SEC-38")
async def test_a_profile_climbs_to_tls_and_falls_back_from_where_there_is_none(
    tmp_path: Path,
) -> None:
    made = tmp_path / "authority"
    authority.make(made, "127.0.0.1", "SN-1", "Bench")
    lines = with_key(tmp_path)
    async with Csms(Settings(key=OLD_KEY)) as plain:
        async with station(plain, tmp_path / "bare", lines) as daemon:
            await daemon.status_is("Available", connector=2)
            change = {"key": "SecurityProfile", "value": "2"}
            answer = await plain.call("DC1", "ChangeConfiguration", change)
            assert answer.payload == {"status": "Rejected"}
        lines += f'root_files = ["{made}/root.pem"]\n'
        tls = Tls(made / "bench.pem", made / "bench.key", None)
        since = last(plain)
        async with (
            Csms(Settings(key=OLD_KEY, tls=tls)) as secure,
            station(plain, tmp_path / "rooted", lines) as daemon,
        ):
            await daemon.status_is("Available", 2, since)
            answer = await plain.call("DC1", "ChangeConfiguration", change)
            assert answer.payload == {"status": "Accepted"}
            # At the port of the plain bench nobody speaks TLS.
            trial = (await attachment(daemon)).get("trial")
            assert trial is None or trial["attachment"]["url"].startswith("wss://")
            await daemon.watch_until(lambda s: "failed_at" in s["link"])
            await daemon.call("Station.RollBackAttachment")
            assert not (await settled(daemon, 1))["committed"]
            await daemon.watch_until(lambda s: s["link"]["state"] == "online")
            wish = {"url": secure.url.replace("wss:", "ws:"), "security_profile": 2}
            asked = await daemon.call("Station.SetAttachment", **wish)
            assert (await settled(daemon, asked["number"]))["committed"]
            now = (await attachment(daemon))["settled"]
            assert now["url"] == secure.url
            assert now["security_profile"] == 2

"""SIGKILL around the commits of a change of link or of trust: nothing is half done."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from benchcsms import authority
from benchcsms.dialogue import BOTH
from benchcsms.server import Csms
from benchcsms.settings import Settings, Signing
from tests.daemon.cutting import (
    AFTER,
    BEFORE,
    OLD_KEY,
    WITHIN_S,
    Bench,
    Story,
    answers,
    asked,
    cut_everywhere,
    decided,
)
from tests.daemon.one_port import one_port
from tests.daemon.process import Daemon

NEW_KEY = bytes(range(32, 52))
CSMS_ROOT = "CentralSystemRootCertificate"
FILE_ROOTS = 1
SIGN = {"requestedMessage": "SignChargePointCertificate"}


def accepted(csms: Csms, daemon: Daemon, action: str) -> bool:
    """Tell whether the CSMS was told that something is done."""
    told = answers(csms, daemon, action)
    return any(entry.payload["status"] == "Accepted" for entry in told)


async def says_how_it_is_reached(daemon: Daemon, csms: Csms) -> int:
    """Prove that the CSMS is told the profile that the link has; return it."""
    settled = (await daemon.call("Station.GetAttachment"))["settled"]
    link = (await daemon.call("Station.GetLink"))["link"]
    assert link["url"] == settled["url"]
    profile: int = settled["security_profile"]
    assert settled["url"].startswith("wss:" if profile >= 2 else "ws:")
    told = await asked(daemon, csms, "GetConfiguration", key=["SecurityProfile"])
    assert told["configurationKey"][0]["value"] == str(profile)
    assert csms.violations(daemon.identity) == []
    return profile


@pytest.mark.requirement("SEC-23")
async def test_a_kill_while_the_key_changes_locks_nobody_out(bench: Bench) -> None:
    async with Csms(Settings(key=OLD_KEY)) as csms:

        async def change(daemon: Daemon) -> None:
            wish = {"key": "AuthorizationKey", "value": NEW_KEY.hex()}
            await asked(daemon, csms, "ChangeConfiguration", **wish)
            await daemon.csms.wait_for(
                kind="open", station=daemon.identity, direction=BOTH, count=2
            )

        async def proof(daemon: Daemon) -> None:
            assert await says_how_it_is_reached(daemon, csms) == 1
            if accepted(csms, daemon, "ChangeConfiguration"):
                assert (await decided(daemon))["source"] == "csms"

        def make(identity: str) -> Daemon:
            lines = f"security_profile = 1\n{bench.lines}"
            return bench.station(csms, identity, csms_lines=lines)

        assert await cut_everywhere(Story(make, change, proof)) >= 2


@pytest.mark.requirement("SEC-38")
@pytest.mark.parametrize("profile", [2, 3])
async def test_a_kill_while_the_profile_climbs_leaves_one_of_both(
    profile: int, bench: Bench
) -> None:
    settings = Settings(key=OLD_KEY, tls=bench.tls(), tls_port=0)
    async with Csms(settings) as csms, one_port(csms) as place:

        async def change(daemon: Daemon) -> None:
            wish = {"key": "SecurityProfile", "value": str(profile)}
            await asked(daemon, csms, "ChangeConfiguration", **wish)
            await csms.wait_for(
                kind="open", station=daemon.identity, direction=BOTH, count=2
            )

        async def proof(daemon: Daemon) -> None:
            await decided(daemon)
            now = await says_how_it_is_reached(daemon, csms)
            assert now in (profile - 1, profile)
            if accepted(csms, daemon, "ChangeConfiguration"):
                assert now == profile

        def make(identity: str) -> Daemon:
            scheme = "wss" if profile == 3 else "ws"
            lines = f"security_profile = {profile - 1}\n{bench.tls_lines}"
            url = f"{scheme}://{place}/ocpp"
            return bench.station(csms, identity, url=url, csms_lines=lines)

        when = BEFORE if profile == 2 else AFTER
        story = Story(make, change, proof, whens=(when,))
        assert await cut_everywhere(story) >= 2


async def daemon_told(daemon: Daemon, ears: tuple[Csms, ...], event: Any) -> None:
    """Wait until one of these has heard of a security event."""
    hearing = [
        asyncio.create_task(
            ear.wait_for(
                "SecurityEventNotification",
                station=daemon.identity,
                match=event,
                timeout_s=WITHIN_S,
            )
        )
        for ear in ears
    ]
    done, late = await asyncio.wait(hearing, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    await asyncio.wait(hearing)
    done.pop().result()


async def test_a_kill_on_the_way_to_another_csms_leaves_one_of_both(
    bench: Bench,
) -> None:
    async with Csms() as csms, Csms() as other:

        async def change(daemon: Daemon) -> None:
            await daemon.call("Station.SetAttachment", url=other.url)
            await other.wait_for("BootNotification", station=daemon.identity)

        async def proof(daemon: Daemon) -> None:
            url = (await decided(daemon))["url"]
            (there,) = (each for each in (csms, other) if each.url == url)
            assert await says_how_it_is_reached(daemon, there) == 0
            alarm = {"type": "ReconfigurationOfSecurityParameters"}
            if there is other:
                await daemon_told(daemon, (csms, other), alarm)
            else:
                told = (e.payload.get("type") for e in csms.log(daemon.identity))
                assert alarm["type"] not in told

        def make(identity: str) -> Daemon:
            return bench.station(csms, identity)

        story = Story(make, change, proof, whens=(AFTER,))
        assert await cut_everywhere(story) >= 2


async def test_a_kill_among_roots_leaves_those_that_the_csms_knows_of(
    bench: Bench,
) -> None:
    others = []
    for name in ("One", "Two"):
        authority.make(bench.folder / name, "127.0.0.1", "SN-1", name)
        others.append((bench.folder / name / "root.pem").read_text())
    hashes: dict[str, Any] = {}
    async with Csms(Settings(key=OLD_KEY, tls=bench.tls())) as csms:

        async def install(daemon: Daemon, pem: str) -> None:
            wish = {"certificateType": CSMS_ROOT, "certificate": pem}
            await asked(daemon, csms, "InstallCertificate", **wish)

        async def listed(daemon: Daemon) -> list[dict[str, Any]]:
            said = await asked(
                daemon, csms, "GetInstalledCertificateIds", certificateType=CSMS_ROOT
            )
            found: list[dict[str, Any]] = said.get("certificateHashData", [])
            return found

        async def prepare(daemon: Daemon) -> None:
            before = await listed(daemon)
            await install(daemon, others[0])
            (hashes[daemon.identity],) = (
                each for each in await listed(daemon) if each not in before
            )

        async def change(daemon: Daemon) -> None:
            await install(daemon, others[1])
            old = hashes[daemon.identity]
            await asked(daemon, csms, "DeleteCertificate", certificateHashData=old)

        async def proof(daemon: Daemon) -> None:
            assert await says_how_it_is_reached(daemon, csms) == 2
            found = await listed(daemon)
            installed = len(answers(csms, daemon, "InstallCertificate")) == 2
            deleted = accepted(csms, daemon, "DeleteCertificate")
            old_is_there = hashes[daemon.identity] in found
            new_is_there = len(found) - old_is_there > FILE_ROOTS
            assert new_is_there or not installed
            assert not (deleted and old_is_there)
            assert new_is_there or old_is_there

        def make(identity: str) -> Daemon:
            lines = f"security_profile = 2\n{bench.tls_lines}"
            return bench.station(csms, identity, csms_lines=lines)

        story = Story(make, change, proof, prepare, whens=(AFTER,))
        assert await cut_everywhere(story) >= 2


async def test_a_kill_while_a_certificate_is_renewed_leaves_one_that_is_taken(
    bench: Bench,
) -> None:
    """The old certificate is of an authority that the strict bench does not know."""
    old = bench.folder / "old"
    authority.make(old, "127.0.0.1", "SN-1", "Old")
    roots = bench.folder / "roots.pem"
    roots.write_text(
        (old / "root.pem").read_text() + (bench.made / "root.pem").read_text()
    )
    both = replace(bench.tls(), clients=roots)
    signing = Signing(bench.made)
    async with (
        Csms(Settings(tls=both, signing=signing)) as csms,
        Csms(Settings(tls=bench.tls())) as strict,
    ):

        async def change(daemon: Daemon) -> None:
            await asked(daemon, csms, "ExtendedTriggerMessage", **SIGN)
            await signed(daemon)
            await csms.wait_for(
                kind="open", station=daemon.identity, direction=BOTH, count=2
            )

        async def signed(daemon: Daemon) -> None:
            await csms.wait_for(
                "CertificateSigned",
                station=daemon.identity,
                kind="result",
                match={"status": "Accepted"},
                timeout_s=20,
            )

        async def proof(daemon: Daemon) -> None:
            assert await says_how_it_is_reached(daemon, csms) == 3
            if not accepted(csms, daemon, "CertificateSigned"):
                # Nothing that was begun is in the way of another.
                await asked(daemon, csms, "ExtendedTriggerMessage", **SIGN)
                await signed(daemon)
            tried = await daemon.call("Station.SetAttachment", url=strict.url)
            assert (await decided(daemon, tried["number"]))["url"] == strict.url

        def make(identity: str) -> Daemon:
            lines = (
                f'security_profile = 3\nroot_files = ["{bench.made}/root.pem"]\n'
                f'certificate_file = "{old}/station.pem"\n'
                f'private_key_file = "{old}/station.key"\n'
            )
            return bench.station(
                csms,
                identity,
                csms_lines=lines,
                station_lines='serial_number = "SN-1"',
                configuration='CpoName = "Bench"',
            )

        # One life more is lived with each; half of them is enough.
        assert await cut_everywhere(Story(make, change, proof, whens=(BEFORE,))) >= 3

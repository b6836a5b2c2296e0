"""Certificates that a technician brings, at a daemon that runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from benchcsms import authority
from benchcsms.settings import utc_now
from tests.authority import DAY, Issued
from tests.daemon.process import Daemon, NotAnswered
from tests.daemon.test_attachment import settled
from tests.daemon.test_secure import FILES, bench, station

OURS: dict[str, Any] = {
    "station_lines": 'serial_number = "SN-1"\n',
    "configuration": 'CpoName = "Bench"\n',
}
"""Who the station is in its certificates."""


def issuer(folder: Path) -> Issued:
    certificate = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    key = load_pem_private_key((folder / "root.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Issued(certificate, key)


async def listed(daemon: Daemon, use: str) -> list[dict[str, Any]]:
    every = (await daemon.call("Station.ListCertificates"))["certificates"]
    return [one for one in every if one["use"] == use]


async def signing_request(daemon: Daemon) -> str:
    async with asyncio.timeout(20):
        while "csr" not in (told := await daemon.call("Station.MakeSigningRequest")):
            await asyncio.sleep(0.05)
    return str(told["csr"])


@pytest.mark.requirement("CERT-29")
async def test_a_technician_brings_the_missing_root_and_then_a_certificate_of_ours(
    tmp_path: Path,
) -> None:
    made, other = tmp_path / "made", tmp_path / "other"
    authority.make(made, "127.0.0.1", "SN-1", "Bench")
    authority.make(other, "127.0.0.1", "SN-1", "Other")
    above = issuer(made)
    lines = f'security_profile = 2\nroot_files = ["{other}/root.pem"]\n'
    async with (
        bench(made, clients=False) as csms,
        bench(made, clients=True) as strict,
        station(csms, tmp_path / "station", lines, **OURS) as daemon,
    ):
        await daemon.manager.told("READY=1")
        await daemon.watch_until(
            lambda status: status["link"].get("failed_at") == "tls-trust"
        )
        # Such a failure is dialed again after half a minute; a root changes that.
        root = await daemon.call(
            "Station.InstallCertificate", use="csms", certificate=above.pem
        )
        await daemon.watch_until(
            lambda status: status["link"]["state"] == "online", 15.0
        )
        links = {
            one["fingerprint"]: one["link"] for one in await listed(daemon, "csms")
        }
        assert links.pop(root["fingerprint"])
        assert list(links.values()) == [False]
        prefix = root["fingerprint"][:8]
        with pytest.raises(NotAnswered, match="ROOT_IN_USE"):
            await daemon.call("Station.RemoveCertificate", fingerprint=prefix)

        csr = await signing_request(daemon)
        await daemon.kill()
        await daemon.start()
        await daemon.manager.told("READY=1")
        now = utc_now()
        leaf = above.certify(csr, not_before=now, not_after=now + 90 * DAY)
        await daemon.call("Station.InstallOwnCertificate", chain=leaf)
        asked = await daemon.call(
            "Station.SetAttachment", url=strict.url, security_profile=3
        )
        assert (await settled(daemon, asked["number"]))["committed"]
        (own,) = await listed(daemon, "station")
        assert own["link"]
        assert csms.log()
        assert not [e for e in csms.log() if e.action == "SignCertificate"]


@pytest.mark.requirement("CERT-13")
async def test_a_new_certificate_that_the_csms_refuses_cuts_nobody_off(
    tmp_path: Path,
) -> None:
    made, other = tmp_path / "made", tmp_path / "other"
    for folder in (made, other):
        authority.make(folder, "127.0.0.1", "SN-1", "Bench")
    lines = "security_profile = 3\n" + FILES.format(made)
    async with (
        bench(made, clients=True) as csms,
        station(csms, tmp_path / "station", lines, **OURS) as daemon,
    ):
        await daemon.heard("BootNotification")
        believed = (other / "root.pem").read_text()
        await daemon.call(
            "Station.InstallCertificate", use="csms", certificate=believed
        )
        csr = await signing_request(daemon)
        now = utc_now()
        leaf = issuer(other).certify(csr, not_before=now, not_after=now + 90 * DAY)
        await daemon.call("Station.InstallOwnCertificate", chain=leaf)
        # It comes back with the other one, and tells what has happened.
        refused = {"type": "FailedToAuthenticateAtCentralSystem"}
        await daemon.heard("SecurityEventNotification", match=refused)
        shown = {one["source"]: one["link"] for one in await listed(daemon, "station")}
        assert shown == {"installed": False, "station file": True}

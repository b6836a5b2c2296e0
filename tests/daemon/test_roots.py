"""A root of the CSMS is followed by the next one, under the daemon that runs."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from benchcsms.dialogue import BOTH
from benchcsms.server import Csms
from benchcsms.settings import Settings, Tls
from tests import authority
from tests.authority import DAY, Issued, Wish, distinguished, pem_of
from tests.daemon.process import Daemon

KEY = bytes(range(16))
NOW = datetime.now(UTC)
LIFE: dict[str, Any] = {"not_before": NOW - DAY, "not_after": NOW + 300 * DAY}
HERE = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
HOST = Wish(name=distinguished("127.0.0.1"), extensions=(HERE,), critical=False, **LIFE)
OF_FILE = authority.root("Of the file", **LIFE)
FIRST = OF_FILE.issue(authority.wish_for_ca("First", **LIFE))
NEXT = FIRST.issue(authority.wish_for_ca("Next", **LIFE))


@asynccontextmanager
async def bench(folder: Path, issuer: Issued, port: int = 0) -> AsyncIterator[Csms]:
    """Be a CSMS of profile 2, certified by ``issuer``."""
    own = issuer.issue(HOST)
    chain, key = folder / "bench.pem", folder / "bench.key"
    chain.write_text(own.pem)
    key.write_bytes(pem_of(own.key))
    async with Csms(Settings(port=port, key=KEY, tls=Tls(chain, key))) as csms:
        yield csms


@asynccontextmanager
async def station(csms: Csms, folder: Path) -> AsyncIterator[Daemon]:
    """Be a station that wants each root signed by the one before."""
    password, file = folder / "password", folder / "root.pem"
    password.write_text(KEY.hex())
    file.write_text(OF_FILE.pem)
    lines = (
        "security_profile = 2\n"
        f'authorization_key_file = "{password}"\nroot_files = ["{file}"]\n'
    )
    check = "AdditionalRootCertificateCheck = true"
    daemon = Daemon(csms, folder / "one", csms_lines=lines, configuration=check)
    await daemon.start()
    try:
        yield daemon
    finally:
        await daemon.kill()
        daemon.manager.close()


async def linked(csms: Csms) -> None:
    await csms.wait_for(station="DC1", direction=BOTH, kind="open", timeout_s=20)


async def booted(csms: Csms, since: int = 0) -> None:
    await csms.wait_for("BootNotification", station="DC1", since=since, timeout_s=20)


async def installs(csms: Csms, root: Issued) -> str:
    wish = {
        "certificateType": "CentralSystemRootCertificate",
        "certificate": root.pem,
    }
    answer = await csms.call("DC1", "InstallCertificate", wish)
    return str((answer.payload or {})["status"])


async def serials(csms: Csms) -> list[str]:
    """Return the serial numbers of the roots that the station believes."""
    wish = {"certificateType": "CentralSystemRootCertificate"}
    answer = await csms.call("DC1", "GetInstalledCertificateIds", wish)
    listed = (answer.payload or {})["certificateHashData"]
    return [each["serialNumber"] for each in listed]


def serial(root: Issued) -> str:
    return f"{root.certificate.serial_number:x}"


@pytest.mark.requirement("CERT-31", "CERT-32", "CERT-33")
async def test_the_root_before_counts_until_the_next_one_has_vouched(
    tmp_path: Path,
) -> None:
    of_file, first, next_ = map(serial, (OF_FILE, FIRST, NEXT))
    async with AsyncExitStack() as ended:
        async with bench(tmp_path, OF_FILE) as csms:
            port = urlsplit(csms.url).port or 0
            daemon = await ended.enter_async_context(station(csms, tmp_path))
            await booted(csms)
            assert await installs(csms, NEXT) == "Rejected"
            assert await installs(csms, FIRST) == "Accepted"
        async with bench(tmp_path, FIRST, port) as csms:
            await linked(csms)
            assert await installs(csms, NEXT) == "Accepted"
            assert await serials(csms) == [of_file, first, next_]
        async with bench(tmp_path, FIRST, port) as csms:
            await linked(csms)
            assert await serials(csms) == [of_file, first, next_]
        async with bench(tmp_path, NEXT, port) as csms:
            await linked(csms)
            assert await serials(csms) == [of_file, next_]
            await daemon.kill()
            since = csms.log()[-1].seq
            await daemon.start()
            await booted(csms, since)
            assert await serials(csms) == [of_file, next_]

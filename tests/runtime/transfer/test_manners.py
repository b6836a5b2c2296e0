"""How a transfer treats disk, link and loop."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from chargerd.runtime.transfer.download import download
from chargerd.runtime.transfer.places import Place
from chargerd.runtime.transfer.reasons import Why
from chargerd.runtime.transfer.upload import upload
from chargerd.runtime.transfer.values import Limits, Progress
from tests.runtime.transfer.served import (
    BODY,
    LIMITS,
    OPEN,
    failure,
    left,
    serving,
    sha256,
)
from tests.servers.ftp import Ftp, ftp_server
from tests.servers.login import LOGIN
from tests.servers.web import Web, web_server


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_leaves_nothing(
    announced: bool, to: Path
) -> None:
    with web_server(Web(files={"/a": BODY}, announced=announced)) as web:
        limits = replace(LIMITS, max_bytes=len(BODY) - 1)
        error = await failure(f"http://127.0.0.1:{web.port}/a", to, limits)
    assert error.why is Why.TOO_LARGE
    assert left(to) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_would_fill_the_disk(announced: bool, to: Path) -> None:
    with web_server(Web(files={"/a": BODY}, announced=announced)) as web:
        limits = replace(LIMITS, reserve_bytes=10**18)
        error = await failure(f"http://127.0.0.1:{web.port}/a", to, limits)
    assert error.why is Why.NO_ROOM
    assert left(to) == []


@pytest.mark.requirement("FW-12")
async def test_an_ftp_url_without_user_or_port_is_whole(to: Path, there: Path) -> None:
    (there / "fw").mkdir()
    (there / "fw" / "a").write_bytes(BODY)
    with ftp_server(Ftp(there)) as ftp:
        url = f"ftp://127.0.0.1:{ftp.port}/fw/a"
        assert (await download(url, to, LIMITS, OPEN)).sha256 == sha256(BODY)
    assert "USER anonymous" in ftp.commands
    place = Place.of("ftp://anna@host/a")
    assert (place.address, place.user, place.password) == ("ftp://host/a", "anna", None)


@pytest.mark.requirement("FW-12")
async def test_ftp_is_passive_and_falls_back_to_pasv(to: Path, there: Path) -> None:
    (there / "a").write_bytes(BODY)
    with ftp_server(Ftp(there, lacks=("EPSV", "SIZE", "MDTM"))) as ftp:
        url = f"ftp://{LOGIN}@127.0.0.1:{ftp.port}"
        received = await download(f"{url}/a", to, LIMITS, OPEN)
        assert received.sha256 == sha256(BODY)
        await upload(to, url, LIMITS, OPEN)
        assert (there / to.name).read_bytes() == BODY
    assert {"EPSV", "PASV"} <= set(ftp.commands)
    assert not any(line.startswith(("PORT", "EPRT")) for line in ftp.commands)


@pytest.mark.parametrize("way", ["silent", "download", "upload"])
async def test_a_cancelled_transfer_leaves_nothing_running(
    way: str, to: Path, there: Path
) -> None:
    (there / "log").write_bytes(BODY)
    web = Web(files={"/a": BODY}, stall_after=10, silent=way == "silent")
    with web_server(web):
        url = f"http://127.0.0.1:{web.port}"
        what: Coroutine[None, None, object] = (
            upload(there / "log", url, LIMITS, OPEN)
            if way == "upload"
            else download(f"{url}/a", to, LIMITS, OPEN)
        )
        task = asyncio.create_task(what)
        await asyncio.to_thread(web.reached.wait, 30.0)
        # Whoever is impatient cancels twice; the thread still ends first.
        asyncio.get_running_loop().call_later(0.05, task.cancel)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(20.0):
                await task
        names = [thread.name for thread in threading.enumerate()]
        assert not any(name.startswith("transfer") for name in names)
        assert not to.exists()


async def test_progress_is_told_once_a_second(to: Path, there: Path) -> None:
    (there / "a").write_bytes(BODY)
    told: list[Progress] = []
    loop = asyncio.get_running_loop()
    begun_at_s = loop.time()
    with ftp_server(Ftp(there, bytes_s=120_000)) as ftp:
        url = f"ftp://{LOGIN}@127.0.0.1:{ftp.port}/a"
        await download(url, to, LIMITS, OPEN, told.append)
    assert 2 <= len(told) <= 1 + loop.time() - begun_at_s
    amounts = [progress.done_bytes for progress in told]
    assert amounts == sorted(amounts)
    assert told[-1].size_bytes == len(BODY)


@pytest.mark.parametrize("way", ["download", "upload"])
@pytest.mark.parametrize("scheme", ["http", "ftp", "sftp"])
async def test_a_speed_limit_leaves_the_link_to_others(
    scheme: str, way: str, to: Path, there: Path
) -> None:
    limits = replace(LIMITS, most_bytes_s=200_000)
    begun_at_s = asyncio.get_running_loop().time()
    async with serving(scheme, there) as server:
        server.put("fw.bin", BODY)
        to.write_bytes(BODY)
        if way == "download":
            await download(f"{server.url}/fw.bin", to, limits, server.access)
        else:
            await upload(to, server.url, limits, server.access)
    # At first libcurl lets the amount of one second pass at once.
    least_s = (len(BODY) - limits.most_bytes_s) / limits.most_bytes_s
    assert asyncio.get_running_loop().time() - begun_at_s >= 0.8 * least_s


def test_a_speed_limit_is_not_taken_for_a_stall() -> None:
    with pytest.raises(ValueError, match="most_bytes_s: 100 is not above"):
        Limits(most_bytes_s=100)
    assert Limits(most_bytes_s=101).most_bytes_s == 101

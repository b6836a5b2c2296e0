"""A file comes whole, in one piece or in two."""

import asyncio
from pathlib import Path

import pytest

from chargerd.runtime.transfer.download import download
from chargerd.runtime.transfer.reasons import Why
from chargerd.runtime.transfer.values import Progress
from tests.runtime.transfer.served import (
    ALL,
    BODY,
    ENCRYPTED,
    LIMITS,
    OPEN,
    OTHER,
    Server,
    failure,
    left,
    part,
    serving,
    sha256,
)
from tests.servers.web import Web, web_server


@pytest.mark.requirement("FW-12")
@pytest.mark.parametrize("scheme", ["http", "ftp"])
async def test_a_file_comes_whole(scheme: str, to: Path, there: Path) -> None:
    assert await fetched(scheme, to, there) == BODY


@pytest.mark.requirement("FW-12", "SFW-18")
@pytest.mark.parametrize("scheme", ENCRYPTED)
async def test_a_file_comes_whole_where_nobody_can_read_along(
    scheme: str, to: Path, there: Path
) -> None:
    assert await fetched(scheme, to, there) == BODY


async def fetched(scheme: str, to: Path, there: Path) -> bytes:
    """Return what came, and is as it was told."""
    async with serving(scheme, there) as server:
        server.put("fw.bin", BODY)
        received = await download(f"{server.url}/fw.bin", to, LIMITS, server.access)
    body = to.read_bytes()
    assert (received.size_bytes, received.sha256) == (len(body), sha256(body))
    assert left(to) == ["image.bin"]
    return body


@ALL
@pytest.mark.requirement("FW-06")
async def test_a_part_is_gone_on_with(scheme: str, to: Path, there: Path) -> None:
    async with serving(scheme, there) as server:
        server.put("fw.bin", BODY)
        url = f"{server.url}/fw.bin"
        kept_bytes = await broken_off(server, to)
        received = await download(url, to, LIMITS, server.access)
        assert server.asked_from() == kept_bytes
    assert received.sha256 == sha256(BODY)
    assert to.read_bytes() == BODY
    assert left(to) == ["image.bin"]


@ALL
async def test_another_file_is_fetched_anew(scheme: str, to: Path, there: Path) -> None:
    async with serving(scheme, there) as server:
        server.put("fw.bin", BODY)
        url = f"{server.url}/fw.bin"
        await broken_off(server, to)
        server.put("fw.bin", OTHER[:200_000])
        received = await download(url, to, LIMITS, server.access)
    assert received.sha256 == sha256(OTHER[:200_000])
    assert to.read_bytes() == OTHER[:200_000]


async def broken_off(server: Server, to: Path) -> int:
    """Cancel a transfer when a part of it has come; return how many bytes have."""
    server.hold_back(True)
    came = asyncio.Event()

    def look(progress: Progress) -> None:
        if progress.done_bytes:
            came.set()

    url = f"{server.url}/fw.bin"
    task = asyncio.create_task(download(url, to, LIMITS, server.access, look))
    async with asyncio.timeout(30.0):
        await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.hold_back(False)
    kept_bytes = part(to).stat().st_size
    assert 0 < kept_bytes < len(BODY)
    assert not to.exists()
    return kept_bytes


async def kept_of(web: Web, to: Path) -> str:
    """Leave a part of 100 000 bytes by http, and return its URL."""
    url = f"http://127.0.0.1:{web.port}/fw.bin"
    web.files["/fw.bin"] = BODY
    web.cut_after = 100_000
    assert (await failure(url, to)).why is Why.CUT_OFF
    assert part(to).stat().st_size == 100_000
    web.cut_after = None
    web.seen.clear()
    return url


def asked_for(web: Web) -> list[str | None]:
    return [headers.get("Range") for _, _, headers in web.seen]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"1"'},
        {"ETag": 'W/"1"', "Last-Modified": "Sat, 21 Nov 2026 08:00:00 GMT"},
        {},
    ],
)
@pytest.mark.requirement("FW-06")
async def test_only_the_rest_is_asked_for(headers: dict[str, str], to: Path) -> None:
    with web_server(Web(headers=headers)) as web:
        url = await kept_of(web, to)
        received = await download(url, to, LIMITS, OPEN)
        assert asked_for(web) == ["bytes=100000-"]
    assert received.sha256 == sha256(BODY)


async def test_a_server_without_ranges_sends_all_again(to: Path) -> None:
    with web_server(Web(ranges=False)) as web:
        url = await kept_of(web, to)
        received = await download(url, to, LIMITS, OPEN)
        assert asked_for(web) == ["bytes=100000-"]
    assert received.sha256 == sha256(BODY)


@pytest.mark.parametrize("believes", [False, True])
async def test_a_new_version_is_never_mixed_with_an_old_part(
    believes: bool, to: Path
) -> None:
    with web_server(Web(headers={"ETag": '"1"'})) as web:
        url = await kept_of(web, to)
        web.headers["ETag"], web.files["/fw.bin"] = '"2"', OTHER
        web.believes_anything = believes
        received = await download(url, to, LIMITS, OPEN)
    assert received.sha256 == sha256(OTHER)


async def test_a_file_that_grew_or_shrank_is_fetched_anew(to: Path) -> None:
    with web_server() as web:
        for body in (BODY + OTHER, OTHER[:50_000]):
            url = await kept_of(web, to)
            web.files["/fw.bin"] = body
            received = await download(url, to, LIMITS, OPEN)
            assert received.sha256 == sha256(body)
            to.unlink()


async def test_a_part_of_another_url_is_not_gone_on_with(to: Path) -> None:
    with web_server() as web:
        url = await kept_of(web, to)
        web.files["/other.bin"] = OTHER
        received = await download(url.replace("fw", "other"), to, LIMITS, OPEN)
        assert asked_for(web) == [None]
    assert received.sha256 == sha256(OTHER)


async def test_a_spoilt_note_costs_the_part_and_no_more(to: Path) -> None:
    with web_server() as web:
        url = await kept_of(web, to)
        to.with_name("image.bin.part.json").write_text("[1, ")
        received = await download(url, to, LIMITS, OPEN)
        assert asked_for(web) == [None]
    assert received.sha256 == sha256(BODY)


async def test_a_part_that_nobody_asked_for_is_the_servers_mistake(to: Path) -> None:
    with web_server(Web(answers={"/a": (206, "")})) as web:
        error = await failure(f"http://127.0.0.1:{web.port}/a", to)
        assert error.why is Why.SERVER_ERROR
        assert asked_for(web) == [None, None]
    assert left(to) == []

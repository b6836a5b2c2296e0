"""A file that was cut off on its way goes on where it stopped, if it is the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chargerd.runtime.transfer.reasons import TransferFailed, Why
from chargerd.runtime.transfer.upload import upload
from chargerd.runtime.transfer.values import Access, Progress
from tests.runtime.transfer.served import BODY, LIMITS, OPEN, OTHER
from tests.servers.ftp import Ftp, ftp_server
from tests.servers.login import LOGIN
from tests.servers.papers import Papers
from tests.servers.sftp import Sftp, sftp_server
from tests.servers.web import Web, web_server

CUT_AFTER = 100_000
RESUMING = pytest.mark.parametrize("scheme", ["ftp", "ftp+tls", "ftps", "sftp"])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.zip"
    path.write_bytes(BODY)
    return path


@asynccontextmanager
async def serving(
    scheme: str, folder: Path
) -> AsyncIterator[tuple[Ftp | Sftp, str, Access]]:
    if scheme == "sftp":
        async with sftp_server(Sftp(folder)) as sftp:
            access = Access(host_key_sha256=sftp.fingerprint)
            yield sftp, f"sftp://{LOGIN}@127.0.0.1:{sftp.port}", access
        return
    papers = None if scheme == "ftp" else Papers.made(folder.parent)
    with ftp_server(Ftp(folder), papers, implicit=scheme == "ftps") as ftp:
        roots = papers.root_pem if papers else None
        access = Access(roots, ftp_tls=scheme == "ftp+tls")
        url = f"{scheme.removesuffix('+tls')}://{LOGIN}@127.0.0.1:{ftp.port}"
        yield ftp, url, access


async def cut_off(server: Ftp | Sftp, log: Path, url: str, access: Access) -> int:
    """Let the link break in the middle of a file; return how much of it is there."""
    server.cut_after = CUT_AFTER
    error = await failure(log, url, access)
    assert error.resumable
    server.cut_after, server.came_bytes = None, 0
    if isinstance(server, Ftp):
        server.commands.clear()
    there = server.folder / log.name
    assert BODY.startswith(there.read_bytes())
    assert 0 < there.stat().st_size < len(BODY)
    return there.stat().st_size


async def failure(
    log: Path, url: str, access: Access, *, resume: bool = False
) -> TransferFailed:
    with pytest.raises(TransferFailed) as caught:
        await upload(log, url, LIMITS, access, resume=resume)
    return caught.value


@RESUMING
@pytest.mark.requirement("LOG-11")
async def test_only_the_rest_is_sent(scheme: str, log: Path, there: Path) -> None:
    told: list[Progress] = []
    async with serving(scheme, there) as (server, url, access):
        kept_bytes = await cut_off(server, log, url, access)
        await upload(log, url, LIMITS, access, told.append, resume=True)
        assert server.came_bytes == len(BODY) - kept_bytes
    assert (there / log.name).read_bytes() == BODY
    assert all(kept_bytes <= each.done_bytes <= len(BODY) for each in told)


@RESUMING
async def test_a_file_that_is_there_already_is_not_sent_again(
    scheme: str, log: Path, there: Path
) -> None:
    (there / log.name).write_bytes(BODY)
    async with serving(scheme, there) as (server, url, access):
        await upload(log, url, LIMITS, access, resume=True)
        assert server.came_bytes == 0
    assert (there / log.name).read_bytes() == BODY


@RESUMING
@pytest.mark.parametrize("left", [None, b"", BODY + OTHER])
async def test_what_is_no_beginning_of_the_file_is_written_over(
    left: bytes | None, scheme: str, log: Path, there: Path
) -> None:
    if left is not None:
        (there / log.name).write_bytes(left)
    async with serving(scheme, there) as (server, url, access):
        await upload(log, url, LIMITS, access, resume=True)
        assert server.came_bytes == len(BODY)
    assert (there / log.name).read_bytes() == BODY


@RESUMING
async def test_another_file_of_that_name_is_written_over_unless_told_otherwise(
    scheme: str, log: Path, there: Path
) -> None:
    (there / log.name).write_bytes(OTHER[:CUT_AFTER])
    async with serving(scheme, there) as (server, url, access):
        await upload(log, url, LIMITS, access)
        assert server.came_bytes == len(BODY)
    assert (there / log.name).read_bytes() == BODY


@pytest.mark.requirement("LOG-11")
async def test_an_ftp_server_that_tells_no_sizes_gets_all_again_and_passively(
    log: Path, there: Path
) -> None:
    async with serving("ftp", there) as (server, url, access):
        assert isinstance(server, Ftp)
        await cut_off(server, log, url, access)
        server.lacks = ("SIZE", "EPSV")
        await upload(log, url, LIMITS, access, resume=True)
        assert server.came_bytes == len(BODY)
        assert "PASV" in server.commands
        assert not any(line.startswith(("PORT", "EPRT")) for line in server.commands)
    assert (there / log.name).read_bytes() == BODY


async def test_what_came_late_of_the_broken_link_costs_another_sending(
    log: Path, there: Path
) -> None:
    async with serving("ftp", there) as (server, url, access):
        assert isinstance(server, Ftp)
        await cut_off(server, log, url, access)
        server.late = OTHER[:1000]
        await upload(log, url, LIMITS, access, resume=True)
        stored = [line[:4] for line in server.commands if line[:4] in ("APPE", "STOR")]
        assert stored == ["APPE", "STOR"]
    assert (there / log.name).read_bytes() == BODY


async def test_http_sends_all_again(log: Path) -> None:
    with web_server() as web:
        url = f"http://127.0.0.1:{web.port}"
        await upload(log, url, LIMITS, OPEN, resume=True)
        assert [command for command, _, _ in web.seen] == ["PUT"]
        assert web.put["/log.zip"] == BODY
    with web_server(Web(answers={"/log.zip": (500, "")})) as web:
        error = await failure(log, f"http://127.0.0.1:{web.port}", OPEN, resume=True)
    assert (error.why, error.resumable) == (Why.SERVER_ERROR, False)


async def test_a_server_that_was_never_reached_has_no_beginning(
    log: Path, there: Path
) -> None:
    async with serving("ftp", there) as (server, url, access):
        pass
    first = await failure(log, url, access)
    assert (first.why, first.resumable) == (Why.REFUSED, False)
    again = await failure(log, url, access, resume=True)
    assert (again.why, again.resumable) == (Why.REFUSED, True)

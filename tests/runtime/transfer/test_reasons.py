"""Each failure has its reason, and no text holds a secret."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from chargerd.runtime.transfer.places import redacted
from chargerd.runtime.transfer.reasons import TransferFailed, Why
from chargerd.runtime.transfer.upload import upload
from chargerd.runtime.transfer.values import Access
from tests.runtime.transfer.served import (
    ALL,
    BODY,
    LIMITS,
    OPEN,
    failure,
    left,
    part,
    serving,
)
from tests.servers.login import LOGIN, USER
from tests.servers.web import Web, web_server

HASTY = replace(LIMITS, answer_within_s=1, stall_s=1)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", Why.UNSUPPORTED_SCHEME),
        ("scp://host/a", Why.UNSUPPORTED_SCHEME),
        ("", Why.BAD_URL),
        ("host/a", Why.BAD_URL),
        ("http:///a", Why.BAD_URL),
        ("http://host:port/a", Why.BAD_URL),
        ("ftp://anna:12#34@host/a", Why.BAD_URL),
        ("ftp://anna:a%0d%0aDELE%20x@host/a", Why.BAD_URL),
        ("http://host/a\r\nX: y", Why.BAD_URL),
        ("http://[::1/a", Why.BAD_URL),
        (f"http://{'a' * 70}.example/a", Why.BAD_URL),
    ],
)
async def test_what_is_no_place_of_a_file_is_not_dialed(
    url: str, why: Why, to: Path
) -> None:
    error = await failure(url, to)
    assert error.why is why
    assert "34" not in str(error)
    assert left(to) == []


def test_what_people_read_has_no_secrets() -> None:
    assert redacted(f"ftp://{LOGIN}@host:21/a/b") == "ftp://***@host:21/a/b"
    assert redacted("https://host/a?token=abc#x") == "https://host/a?***"
    assert redacted("ftp://anna:p@ss/wo?rd#@host/a") == "ftp://***@host/a"
    assert redacted("anna:secret@host") == "***"


async def test_a_host_that_nobody_knows(to: Path) -> None:
    assert (await failure("http://host.invalid/a", to)).why is Why.NO_HOST


@pytest.mark.parametrize("scheme", ["http", "ftp", "sftp"])
async def test_a_port_at_which_nobody_listens(scheme: str, to: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    access = Access(any_host_key=True)
    url = f"{scheme}://127.0.0.1:{port}/a"
    assert (await failure(url, to, access=access)).why is Why.REFUSED


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "ftps", "sftp"])
async def test_a_server_that_never_says_anything(scheme: str, to: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}/a"
        access = Access(any_host_key=True)
        assert (await failure(url, to, HASTY, access)).why is Why.NO_ANSWER


async def test_a_server_that_stalls(to: Path) -> None:
    with web_server(Web(files={"/a": BODY}, stall_after=1000)) as web:
        limits = replace(LIMITS, stall_s=1, least_bytes_s=100_000)
        error = await failure(f"http://127.0.0.1:{web.port}/a", to, limits)
    assert error.why is Why.STALLED
    assert part(to).stat().st_size == 1000


@ALL
async def test_a_wrong_password_is_denied_and_not_told(
    scheme: str, to: Path, there: Path
) -> None:
    async with serving(scheme, there) as server:
        server.put("fw.bin", BODY)
        url = server.url.replace("s3cr", "wr0ng")
        error = await failure(f"{url}/fw.bin?signature", to, LIMITS, server.access)
    assert error.why is Why.DENIED
    told = f"{error}{error!r}{error.__cause__}{error.__context__}"
    assert not any(secret in told for secret in ("wr0ng", USER, "signature"))


@ALL
async def test_a_file_that_is_not_there(scheme: str, to: Path, there: Path) -> None:
    async with serving(scheme, there) as server:
        url = f"{server.url}/none.bin"
        assert (await failure(url, to, LIMITS, server.access)).why is Why.NOT_FOUND
    assert left(to) == []


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (403, Why.DENIED),
        (410, Why.NOT_FOUND),
        (500, Why.SERVER_ERROR),
        (503, Why.SERVER_ERROR),
    ],
)
async def test_a_status_of_http_has_its_reason(status: int, why: Why, to: Path) -> None:
    with web_server(Web(answers={"/a": (status, "")})) as web:
        error = await failure(f"http://127.0.0.1:{web.port}/a", to)
    assert error.why is why
    assert f"HTTP {status}" in str(error)


@ALL
async def test_an_empty_file_is_none(scheme: str, to: Path, there: Path) -> None:
    async with serving(scheme, there) as server:
        server.put("fw.bin", b"")
        url = f"{server.url}/fw.bin"
        assert (await failure(url, to, LIMITS, server.access)).why is Why.EMPTY
    assert left(to) == []


async def test_a_disk_that_does_not_take_it(to: Path) -> None:
    with web_server(Web(files={"/a": BODY})) as web:
        url = f"http://127.0.0.1:{web.port}/a"
        missing = to.parent / "none" / "image.bin"
        assert (await failure(url, missing)).why is Why.DISK
    with pytest.raises(TransferFailed) as caught:
        await upload(missing, "http://127.0.0.1/", LIMITS, OPEN)
    assert caught.value.why is Why.DISK

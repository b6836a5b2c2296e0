"""The servers of files, each as a test of all sees it."""

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chargerd.runtime.transfer.download import download
from chargerd.runtime.transfer.reasons import TransferFailed
from chargerd.runtime.transfer.values import Access, Limits
from tests.servers.ftp import Ftp, ftp_server
from tests.servers.login import LOGIN, PASSWORD, USER
from tests.servers.papers import Papers
from tests.servers.sftp import Sftp, sftp_server
from tests.servers.web import Web, web_server

BODY = os.urandom(300_000)
OTHER = os.urandom(300_000)
LIMITS = Limits(max_bytes=1_000_000, reserve_bytes=0)
OPEN = Access()
ENCRYPTED = ("https", "ftp+tls", "ftps", "sftp")
ALL = pytest.mark.parametrize("scheme", ["http", "ftp", *ENCRYPTED])


def part(to: Path) -> Path:
    return to.with_name("image.bin.part")


def left(to: Path) -> list[str]:
    return sorted(path.name for path in to.parent.iterdir())


async def failure(
    url: str, to: Path, limits: Limits = LIMITS, access: Access = OPEN
) -> TransferFailed:
    with pytest.raises(TransferFailed) as caught:
        await download(url, to, limits, access)
    assert not to.exists()
    return caught.value


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass
class Server:
    """One of the five, as a test of all sees it."""

    url: str
    access: Access
    put: Callable[[str, bytes], object]
    got: Callable[[str], bytes]
    hold_back: Callable[[bool], None]
    asked_from: Callable[[], int]
    """From which byte on somebody wanted a file, after what was held back."""


@asynccontextmanager
async def serving(scheme: str, folder: Path) -> AsyncIterator[Server]:
    papers = Papers.made(folder.parent)
    if scheme.startswith("http"):
        with web_server(Web(), papers if scheme == "https" else None) as web:
            yield web_side(scheme, web, Access(papers.root_pem))
    elif scheme == "sftp":
        async with sftp_server(Sftp(folder)) as sftp:
            yield sftp_side(sftp)
    else:
        tls = None if scheme == "ftp" else papers
        with ftp_server(Ftp(folder), tls, implicit=scheme == "ftps") as ftp:
            access = Access(papers.root_pem, ftp_tls=scheme == "ftp+tls")
            yield ftp_side(scheme.removesuffix("+tls"), ftp, access)


def web_side(scheme: str, web: Web, access: Access) -> Server:
    web.login, web.headers = f"{USER}:{PASSWORD}", {"ETag": '"1"'}

    def put(name: str, body: bytes) -> None:
        web.files[f"/{name}"] = body
        web.headers["ETag"] = f'"{sha256(body)}"'

    def hold_back(held: bool) -> None:
        web.stall_after = 100_000 if held else None

    url = f"{scheme}://{LOGIN}@127.0.0.1:{web.port}"
    return Server(
        url,
        access,
        put,
        lambda name: web.put[f"/{name}"],
        hold_back,
        lambda: first_byte(web.seen[-1][2].get("Range", "bytes=0-")),
    )


def first_byte(asked: str) -> int:
    return int(asked.removeprefix("bytes=").partition("-")[0])


def ftp_side(scheme: str, ftp: Ftp, access: Access) -> Server:
    def hold_back(held: bool) -> None:
        ftp.bytes_s = 30_000 if held else 0

    url = f"{scheme}://{LOGIN}@127.0.0.1:{ftp.port}"

    def asked_from() -> int:
        rests = [line for line in ftp.commands if line.startswith("REST ")]
        return int(rests[-1].removeprefix("REST ")) if rests else 0

    return on_disk(url, ftp.folder, access, hold_back, asked_from)


def sftp_side(sftp: Sftp) -> Server:
    def hold_back(held: bool) -> None:
        sftp.stall_after = 100_000 if held else None
        sftp.offsets.clear()

    url = f"sftp://{LOGIN}@127.0.0.1:{sftp.port}"
    access = Access(host_key_sha256=sftp.fingerprint)
    return on_disk(url, sftp.folder, access, hold_back, lambda: min(sftp.offsets))


def on_disk(
    url: str,
    folder: Path,
    access: Access,
    hold_back: Callable[[bool], None],
    asked_from: Callable[[], int],
) -> Server:
    def put(name: str, body: bytes) -> None:
        (folder / name).write_bytes(body)

    def got(name: str) -> bytes:
        return (folder / name).read_bytes()

    return Server(url, access, put, got, hold_back, asked_from)

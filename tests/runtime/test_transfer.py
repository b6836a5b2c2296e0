"""Files that come and go, against real servers on the loopback."""

import asyncio
import os
import socket
import ssl
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from chargerd.runtime.transfer.download import download
from chargerd.runtime.transfer.places import Place, redacted
from chargerd.runtime.transfer.reasons import TransferFailed, Why
from chargerd.runtime.transfer.upload import upload
from chargerd.runtime.transfer.values import Access, Limits, Progress
from tests.file_servers import (
    LOGIN,
    PASSWORD,
    USER,
    Ftp,
    Papers,
    Sftp,
    Web,
    ftp_server,
    sftp_server,
    sha256,
    web_server,
)

BODY = os.urandom(300_000)
OTHER = os.urandom(300_000)
LIMITS = Limits(max_bytes=1_000_000, reserve_bytes=0)
HASTY = replace(LIMITS, answer_within_s=1, stall_s=1)
OPEN = Access()


@pytest.fixture
def to(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder / "image.bin"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


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


ENCRYPTED = ("https", "ftp+tls", "ftps", "sftp")
ALL = pytest.mark.parametrize("scheme", ["http", "ftp", *ENCRYPTED])
SFW_18 = pytest.mark.requirement("SFW-18")


@pytest.mark.parametrize(
    "scheme",
    ["http", "ftp", *(pytest.param(scheme, marks=SFW_18) for scheme in ENCRYPTED)],
)
@pytest.mark.requirement("FW-12")
async def test_a_file_comes_whole(scheme: str, to: Path, there: Path) -> None:
    async with serving(scheme, there) as server:
        server.put("fw.bin", BODY)
        received = await download(f"{server.url}/fw.bin", to, LIMITS, server.access)
    assert (received.size_bytes, received.sha256) == (len(BODY), sha256(BODY))
    assert to.read_bytes() == BODY
    assert left(to) == ["image.bin"]


@ALL
async def test_a_file_goes_whole(scheme: str, tmp_path: Path, there: Path) -> None:
    log = tmp_path / "log 1.zip"
    log.write_bytes(BODY)
    async with serving(scheme, there) as server:
        await upload(log, f"{server.url}/", LIMITS, server.access)
        name = "log%201.zip" if scheme.startswith("http") else "log 1.zip"
        assert server.got(name) == BODY


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


async def test_a_part_that_nobody_asked_for_is_the_servers_mistake(to: Path) -> None:
    with web_server(Web(answers={"/a": (206, "")})) as web:
        error = await failure(f"http://127.0.0.1:{web.port}/a", to)
        assert error.why is Why.SERVER_ERROR
        assert asked_for(web) == [None, None]
    assert left(to) == []


@pytest.mark.parametrize(
    ("host", "days", "own_root", "why"),
    [
        ("127.0.0.1", 1, False, Why.TLS_TRUST),
        ("elsewhere.example", 1, True, Why.TLS_NAME),
        ("127.0.0.1", -1, True, Why.TLS_TIME),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "ftps"])
async def test_a_certificate_must_be_trusted_for_this_host_today(
    scheme: str, host: str, days: int, own_root: bool, why: Why, to: Path, there: Path
) -> None:
    papers = Papers.made(there, host, timedelta(days=days))
    roots = papers if own_root else Papers.made(to.parent)
    for path in to.parent.iterdir():
        path.unlink()
    async with AsyncExitStack() as stack:
        if scheme == "https":
            port = stack.enter_context(web_server(papers=papers)).port
        else:
            ftp = ftp_server(Ftp(there), papers, implicit=True)
            port = stack.enter_context(ftp).port
        url = f"{scheme}://127.0.0.1:{port}/a"
        error = await failure(url, to, access=Access(roots.root_pem))
    assert error.why is why


async def test_the_roots_of_the_system_do_not_know_ours(to: Path, there: Path) -> None:
    with web_server(papers=Papers.made(there)) as web:
        error = await failure(f"https://127.0.0.1:{web.port}/a", to)
    assert error.why is Why.TLS_TRUST


async def test_a_server_without_tls_or_with_an_old_one(to: Path, there: Path) -> None:
    papers = Papers.made(there)
    access = Access(papers.root_pem, ftp_tls=True)
    with web_server() as web, ftp_server(Ftp(there)) as ftp:
        for url in (
            f"https://127.0.0.1:{web.port}/a",
            f"ftp://{LOGIN}@127.0.0.1:{ftp.port}/a",
        ):
            assert (await failure(url, to, access=access)).why is Why.TLS_OTHER
        assert not any(line.startswith(("USER", "PASS")) for line in ftp.commands)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with web_server(papers=papers, newest=ssl.TLSVersion.TLSv1_1) as web:
            url = f"https://127.0.0.1:{web.port}/a"
            assert (await failure(url, to, access=access)).why is Why.TLS_OTHER


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


async def test_redirects_end_after_five(to: Path) -> None:
    with web_server(Web(files={"/5": BODY})) as web:
        url = f"http://127.0.0.1:{web.port}"
        web.answers |= {f"/{n}": (302, f"/{n + 1}") for n in range(5)}
        await download(f"{url}/0", to, LIMITS, OPEN)
        to.unlink()
        web.answers["/start"] = (302, "/0")
        assert (await failure(f"{url}/start", to)).why is Why.REDIRECTED


async def test_no_redirect_leads_out_of_tls_or_of_the_web(
    to: Path, there: Path
) -> None:
    papers = Papers.made(there)
    (there / "a").write_bytes(BODY)
    access = Access(papers.root_pem, any_host_key=True)
    with (
        web_server(Web(files={"/a": BODY})) as plain,
        web_server(papers=papers) as web,
        ftp_server(Ftp(there)) as ftp,
    ):
        for location in (
            f"http://127.0.0.1:{plain.port}/a",
            f"ftp://{LOGIN}@127.0.0.1:{ftp.port}/a",
            f"file://{there}/a",
        ):
            web.answers["/a"] = (302, location)
            url = f"https://127.0.0.1:{web.port}/a"
            error = await failure(url, to, access=access)
            assert error.why is Why.REDIRECTED
            assert "s3cr" not in str(error)
        assert (plain.seen, ftp.commands) == ([], [])


async def test_a_password_follows_no_redirect_to_another_server(to: Path) -> None:
    with web_server(Web(files={"/a": BODY})) as other, web_server() as web:
        web.answers["/a"] = (302, f"http://127.0.0.1:{other.port}/a")
        await download(f"http://{LOGIN}@127.0.0.1:{web.port}/a", to, LIMITS, OPEN)
        assert "Authorization" in web.seen[0][2]
        assert "Authorization" not in other.seen[0][2]


async def test_no_host_key_is_taken_unseen(to: Path, there: Path) -> None:
    (there / "a").write_bytes(BODY)
    known, strange = there / "known", there / "strange"
    async with sftp_server(Sftp(there)) as sftp, sftp_server(Sftp(there)) as other:
        known.write_text(sftp.known_hosts)
        strange.write_text(other.known_hosts)
        url = f"sftp://{LOGIN}@127.0.0.1:{sftp.port}/a"
        for access in (
            Access(),
            Access(known_hosts=strange),
            Access(known_hosts=there / "none"),
            Access(host_key_sha256=other.fingerprint),
        ):
            assert (await failure(url, to, access=access)).why is Why.HOST_KEY
        for access in (
            Access(known_hosts=known),
            Access(host_key_sha256=sftp.fingerprint),
            Access(any_host_key=True),
        ):
            received = await download(url, to, LIMITS, access)
            assert received.sha256 == sha256(BODY)
            to.unlink()


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


@pytest.mark.parametrize("scheme", ["ftp", "sftp"])
async def test_an_upload_makes_no_folders(
    scheme: str, tmp_path: Path, there: Path
) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)
    async with serving(scheme, there) as server:
        with pytest.raises(TransferFailed) as caught:
            await upload(log, f"{server.url}/none/", LIMITS, server.access)
    assert caught.value.why in (Why.DENIED, Why.NOT_FOUND)
    assert list(there.iterdir()) == []


@pytest.mark.requirement("DIAG-05")
async def test_put_names_the_file_and_post_sends_a_form(tmp_path: Path) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)
    with web_server() as web:
        url = f"http://127.0.0.1:{web.port}"
        for place in ("/logs", "/logs/", "/logs/?a=b", "/signed?a=b"):
            await upload(log, url + place, LIMITS, OPEN)
        await upload(log, f"{url}/form", LIMITS, Access(post=True))
        assert [seen[:2] for seen in web.seen] == [
            ("PUT", "/logs/log.zip"),
            ("PUT", "/logs/log.zip"),
            ("PUT", "/logs/log.zip?a=b"),
            ("PUT", "/signed?a=b"),
            ("POST", "/form"),
        ]
        assert web.put["/logs/log.zip"] == BODY
        assert BODY in web.put["/form"]
        assert b'name="file"; filename="log.zip"' in web.put["/form"]


async def test_an_upload_that_is_refused_or_led_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)
    with web_server(Web(answers={"/b/log.zip": (307, "/c/log.zip")})) as web:
        url = f"http://127.0.0.1:{web.port}"
        await upload(log, f"{url}/b", LIMITS, OPEN)
        assert web.put["/c/log.zip"] == BODY
        web.answers["/b/log.zip"] = (403, "")
        with pytest.raises(TransferFailed) as caught:
            await upload(log, f"{url}/b", LIMITS, OPEN)
    assert caught.value.why is Why.DENIED


async def test_a_log_that_grows_goes_as_long_as_it_was(
    tmp_path: Path, there: Path
) -> None:
    log = tmp_path / "log.zip"
    log.write_bytes(BODY)

    def grow(progress: Progress) -> None:
        with log.open("ab") as file:
            file.write(OTHER)

    for scheme in ("http", "ftp", "sftp"):
        log.write_bytes(BODY)
        async with serving(scheme, there) as server:
            await upload(log, server.url, LIMITS, server.access, grow)
            assert server.got("log.zip") == BODY
        assert log.stat().st_size > len(BODY)


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


async def test_neither_proxies_nor_netrc_are_used_unasked(
    to: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HOME", str(there))
    netrc = f"machine 127.0.0.1 login {USER} password netrc-word\n"
    (there / ".netrc").write_text(netrc)
    with web_server(Web(files={"/a": BODY})) as web:
        url = f"http://127.0.0.1:{web.port}/a"
        await download(url, to, LIMITS, OPEN)
        to.unlink()
        access = Access(environment_proxies=True)
        assert (await failure(url, to, access=access)).why is Why.REFUSED
        web.login = f"{USER}:netrc-word"
        assert (await failure(url, to)).why is Why.DENIED


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


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_may_want_our_certificate(
    newest: ssl.TLSVersion, to: Path, there: Path
) -> None:
    papers = Papers.made(there)
    (there / "ours").mkdir()
    ours = Papers.made(there / "ours", "station")
    with web_server(Web(files={"/a": BODY}), papers, newest, ours) as web:
        url = f"https://127.0.0.1:{web.port}/a"
        for own, why in (
            (None, Why.TLS_OTHER),
            (papers.chain.read_text(), Why.TLS_OTHER),
            ("no PEM", Why.TLS_OWN),
            (ours.root_pem, Why.TLS_OWN),
        ):
            access = Access(papers.root_pem, own_pem=own)
            assert (await failure(url, to, access=access)).why is why
        assert web.seen == []
        access = Access(papers.root_pem, own_pem=ours.chain.read_text())
        assert (await download(url, to, LIMITS, access)).sha256 == sha256(BODY)


def test_settings_do_not_show_what_they_hold() -> None:
    assert "BEGIN" not in repr(Access("-----BEGIN CERTIFICATE-----"))
    assert PASSWORD not in repr(Access(roots_pem=PASSWORD, own_pem=PASSWORD))

"""A file is made, delivered to a real server, and gone in the end; whatever happens."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from chargerd.ocpp16.jobs import LogKind, StopUpload, Upload
from chargerd.ocpp16.pki.values import Certificate
from chargerd.ocpp16.upload_events import Failing, UploadDone, UploadFailed
from chargerd.runtime.csms import LinkState
from chargerd.runtime.files import Files
from chargerd.runtime.firmware_worker import FirmwareWorker, Surroundings
from chargerd.runtime.gate import Gate
from chargerd.runtime.installers.command import CommandInstaller
from chargerd.runtime.transfer.reasons import TransferFailed
from chargerd.runtime.upload_worker import FAILINGS, Make, UploadWorker
from chargerd.runtime.worker import Worker
from chargerd.sections import FilesSection
from chargerd.steps import Happening
from chargerd.store.database import StoreFailed
from tests.runtime.points import charge_point
from tests.servers.ftp import Ftp, ftp_server
from tests.servers.login import LOGIN

SINCE = datetime(2026, 3, 2, 8, tzinfo=UTC)
FILES = Files(FilesSection())


class Why(StrEnum):
    DENIED = "denied"
    SCHEME = "unsupported_scheme"
    STALLED = "stalled"


class NotDelivered(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(f"http://***@h/: {why}")
        self.why = why


class Server:
    """Keeps what is put to it."""

    def __init__(self) -> None:
        self.got: dict[str, bytes] = {}
        self.status = 201
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                length = int(self.headers["Content-Length"])
                server.got[self.path] = self.rfile.read(length)
                self.send_response(server.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listening.daemon_threads = False
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        self.url = f"http://127.0.0.1:{listening.server_port}/in"
        try:
            yield
        finally:
            listening.shutdown()
            thread.join()
            listening.server_close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    with made.serving():
        yield made


async def deliver(path: Path, url: str, _resume: bool) -> None:
    def put() -> int:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            connection.request("PUT", f"{parts.path}/{path.name}", path.read_bytes())
            return connection.getresponse().status
        finally:
            connection.close()

    if await asyncio.to_thread(put) != 201:
        raise NotDelivered(Why.DENIED)


async def make(
    kind: LogKind, path: Path, since: datetime | None, until: datetime | None
) -> None:
    path.write_text(f"{kind} {since} {until}")


def job(url: str) -> Upload:
    return Upload("id-1", LogKind.SECURITY, url, "CP1.jsonl", SINCE, None)


@pytest.mark.requirement("LOG-02")
async def test_one_file_is_delivered_and_then_gone(
    server: Server, tmp_path: Path
) -> None:
    worker = UploadWorker(tmp_path / "out", make, deliver, NotDelivered)
    assert await worker.run(job(server.url)) == UploadDone("id-1")
    assert server.got == {"/in/CP1.jsonl": f"SecurityLog {SINCE} None".encode()}
    assert list((tmp_path / "out").iterdir()) == []


async def test_a_server_that_refuses_is_told_in_ocpp_s_words(
    server: Server, tmp_path: Path
) -> None:
    server.status = 403
    worker = UploadWorker(tmp_path / "out", make, deliver, NotDelivered)
    words = "http://***@h/: denied"
    assert await worker.run(job(server.url)) == UploadFailed(
        "id-1", Failing.PERMISSION_DENIED, words
    )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.requirement("LOG-04")
async def test_reasons_have_ocpp_s_words_and_most_have_none(tmp_path: Path) -> None:
    told = {}
    for why in Why:

        async def fail(_path: Path, _url: str, _resume: bool, why: Why = why) -> None:
            raise NotDelivered(why)

        worker = UploadWorker(tmp_path, make, fail, NotDelivered)
        result = await worker.run(job("http://h/"))
        assert isinstance(result, UploadFailed)
        told[why] = result.why
    assert list(told.values()) == [
        Failing.PERMISSION_DENIED,
        Failing.NOT_SUPPORTED,
        Failing.UPLOAD_FAILURE,
    ]
    assert set(FAILINGS.values()) == set(Failing) - {Failing.UPLOAD_FAILURE}


@pytest.mark.parametrize("error", [OSError(28, "No space"), StoreFailed("damaged")])
async def test_a_file_that_cannot_be_made_has_failed(
    error: Exception, tmp_path: Path
) -> None:
    async def fail(*_: object) -> None:
        raise error

    worker = UploadWorker(tmp_path / "out", fail, deliver, NotDelivered)
    result = await worker.run(job("http://127.0.0.1:1/"))
    assert isinstance(result, UploadFailed)
    assert "CP1.jsonl cannot be made" in result.text
    assert list((tmp_path / "out").iterdir()) == []


async def test_what_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    here = asyncio.Event()

    async def wait(_path: Path, _url: str, _resume: bool) -> None:
        here.set()
        await asyncio.Event().wait()

    worker = UploadWorker(tmp_path / "out", make, wait, NotDelivered)
    running = asyncio.create_task(worker.run(job("http://h/")))
    await here.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list((tmp_path / "out").iterdir()) == []


def written_anew() -> Make:
    """Return what makes another file each time."""
    number = count()

    async def write(
        _kind: LogKind, path: Path, _since: datetime | None, _until: datetime | None
    ) -> None:
        path.write_bytes(b"%06d\n" % next(number) * 50_000)

    return write


def folder_of(made: Path) -> list[str]:
    return sorted(str(each.relative_to(made)) for each in made.rglob("*.jsonl"))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def idle_firmware(folder: Path) -> FirmwareWorker:
    """Return a worker that no test here gives anything to do."""

    def signer(pem: str) -> Certificate:
        raise AssertionError(pem)

    gate = Gate(charge_point().station, LinkState(), lambda: 0.0)
    around = Surroundings(FILES.fetch, signer, gate, lambda _: None, pytest.fail)
    return FirmwareWorker(CommandInstaller((), (), ()), folder / "firmware", around)


async def cut_off(worker: UploadWorker, ftp: Ftp, made: Path) -> None:
    """Let the link break in the middle of the file."""
    ftp.cut_after = 100_000
    assert isinstance(await worker.run(job(at(ftp))), UploadFailed)
    ftp.cut_after, ftp.came_bytes = None, 0
    assert folder_of(made) == ["id-1/CP1.jsonl"]


def at(ftp: Ftp) -> str:
    return f"ftp://{LOGIN}@127.0.0.1:{ftp.port}"


@pytest.mark.requirement("LOG-11")
async def test_the_next_attempt_sends_the_rest_of_the_same_file(
    tmp_path: Path, there: Path
) -> None:
    made = tmp_path / "out"
    worker = UploadWorker(made, written_anew(), FILES.deliver, TransferFailed)
    with ftp_server(Ftp(there)) as ftp:
        await cut_off(worker, ftp, made)
        kept_bytes = (there / "CP1.jsonl").stat().st_size
        assert await worker.run(job(at(ftp))) == UploadDone("id-1")
        assert (there / "CP1.jsonl").read_bytes() == b"000000\n" * 50_000
        assert ftp.came_bytes == 350_000 - kept_bytes
    assert list(made.iterdir()) == []


async def test_a_file_is_kept_while_the_server_is_away(
    tmp_path: Path, there: Path
) -> None:
    made = tmp_path / "out"
    worker = UploadWorker(made, written_anew(), FILES.deliver, TransferFailed)
    with ftp_server(Ftp(there)) as ftp:
        await cut_off(worker, ftp, made)
    assert isinstance(await worker.run(job(at(ftp))), UploadFailed)
    assert folder_of(made) == ["id-1/CP1.jsonl"]


async def test_who_starts_anew_makes_the_file_anew_and_sends_it_whole(
    tmp_path: Path, there: Path
) -> None:
    made, make_another = tmp_path / "out", written_anew()
    worker = UploadWorker(made, make_another, FILES.deliver, TransferFailed)
    with ftp_server(Ftp(there)) as ftp:
        await cut_off(worker, ftp, made)
        again = UploadWorker(made, make_another, FILES.deliver, TransferFailed)
        assert folder_of(made) == []
        assert await again.run(job(at(ftp))) == UploadDone("id-1")
    assert (there / "CP1.jsonl").read_bytes() == b"000001\n" * 50_000


async def test_what_is_stopped_between_two_attempts_leaves_nothing(
    tmp_path: Path, there: Path
) -> None:
    made = tmp_path / "out"
    uploads = UploadWorker(made, written_anew(), FILES.deliver, TransferFailed)
    heard: list[Happening] = []
    worker = Worker(idle_firmware(tmp_path), uploads, lambda: None, heard.append)
    with ftp_server(Ftp(there)) as ftp:
        await cut_off(uploads, ftp, made)
    worker.begin(StopUpload("id-0"))
    assert folder_of(made) == ["id-1/CP1.jsonl"]
    worker.begin(StopUpload("id-1"))
    assert list(made.iterdir()) == []
    assert heard == []


def test_what_a_power_cut_left_is_deleted(tmp_path: Path) -> None:
    left = tmp_path / "out" / "id-0"
    left.mkdir(parents=True)
    (left / "CP1.jsonl").write_text("half")
    UploadWorker(tmp_path / "out", make, deliver, NotDelivered)
    assert not left.exists()

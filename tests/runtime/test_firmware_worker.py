"""What a firmware job wishes is done: real files, a real server, real programs."""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from chargerd.clock import EARLIEST
from chargerd.core import firmware_effects as wishes
from chargerd.core import firmware_events as events
from chargerd.core.events import RestartRequested
from chargerd.core.firmware_job import Job
from chargerd.core.reasons import Cause
from chargerd.ocpp16.jobs import FirmwareJob
from chargerd.ocpp16.pki.chains import check_firmware_signer
from chargerd.ocpp16.pki.reading import read
from chargerd.ocpp16.pki.values import Certificate
from chargerd.runtime.csms import LinkState
from chargerd.runtime.files import Files
from chargerd.runtime.firmware_worker import FirmwareWorker, Surroundings
from chargerd.runtime.gate import Gate
from chargerd.runtime.installers.command import CommandInstaller
from chargerd.runtime.transfer import handle
from chargerd.sections import FilesSection
from chargerd.steps import Happening
from tests import authority
from tests.authority import NOW, Wish, distinguished
from tests.runtime.points import charge_point
from tests.servers.web import Web, web_server

BODY = b"firmware" * 20_000
ROOT = authority.root("Manufacturer")
SIGNER = ROOT.issue(Wish(name=distinguished("Signer")))
STRANGER = authority.root("Stranger")


def signed(body: bytes = BODY) -> str:
    assert isinstance(SIGNER.key, ec.EllipticCurvePrivateKey)
    made = SIGNER.key.sign(body, ec.ECDSA(hashes.SHA256()))
    return base64.b64encode(made).decode()


PLAIN = Job("job-1", "", EARLIEST, "1.0")
SIGNED = replace(
    PLAIN, signed=True, certificate_pem=SIGNER.pem, signature=signed(), request_id=3
)


def url(web: Web) -> str:
    return f"http://127.0.0.1:{web.port}"


def program(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys\n{code}")


class Bench:
    """A worker with a folder, and an updater that is three programs."""

    def __init__(self, folder: Path, *, install: str = "", mark: str = "") -> None:
        self.folder = folder / "cache"
        self.heard: asyncio.Queue[Happening] = asyncio.Queue()
        self.complaints: list[str] = []
        self.link = LinkState(up=True)
        self.now_s = 0.0
        status = 'print(\'{"version": "1.0", "slot": "A", "good": true}\')'
        installer = CommandInstaller(program(install), program(status), program(mark))
        point = charge_point(None)
        gate = Gate(point.station, self.link, lambda: self.now_s, self._passes)
        surroundings = Surroundings(
            Files(FilesSection()).fetch,
            self._signer,
            gate,
            self.heard.put_nowait,
            self.complaints.append,
        )
        self.worker = FirmwareWorker(installer, self.folder, surroundings)

    async def does(self, wish: FirmwareJob) -> Happening:
        """Return what comes of a wish."""
        self.worker.begin(wish)
        async with asyncio.timeout(20.0):
            return await self.heard.get()

    def has(self, body: bytes = BODY) -> Path:
        """Have a file that was fetched."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / f"{PLAIN.id}.firmware"
        file.write_bytes(body)
        return file

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def _signer(self, pem: str) -> Certificate:
        signer = read(pem)
        check_firmware_signer(signer, (read(ROOT.pem),), NOW)
        return signer

    async def _passes(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


@asynccontextmanager
async def working(bench: Bench) -> AsyncIterator[Bench]:
    task = asyncio.create_task(bench.worker.run())
    try:
        yield bench
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_file_is_fetched_and_what_others_left_is_gone(tmp_path: Path) -> None:
    with web_server(Web(files={"/fw": BODY})) as web:
        async with working(Bench(tmp_path)) as bench:
            bench.has(b"old")
            (bench.folder / "job-0.firmware.part").write_bytes(b"older")
            job = replace(PLAIN, location=f"{url(web)}/fw")
            told = await bench.does(wishes.Download(job, resume=False))
            assert told == events.DownloadDone("job-1", len(BODY))
            assert bench.files() == ["job-1.firmware"]


async def test_how_much_of_a_download_is_there_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "REPORT_EVERY_S", 0.0)
    stalls = Web(files={"/fw": BODY}, stall_after=len(BODY) // 2)
    with web_server(stalls) as web:
        async with working(Bench(tmp_path)) as bench:
            job = replace(PLAIN, location=f"{url(web)}/fw")
            bench.worker.begin(wishes.Download(job, resume=False))
            async with asyncio.timeout(20.0):
                while bench.worker.percent != 50:
                    await asyncio.sleep(0.01)


async def test_what_a_server_does_not_measure_has_no_percentage(tmp_path: Path) -> None:
    told: list[int] = []
    with web_server(Web(files={"/fw": BODY}, announced=False)) as web:
        fetch = Files(FilesSection()).fetch
        assert await fetch(f"{url(web)}/fw", tmp_path / "fw", told.append) == len(BODY)
    assert told == []


async def test_a_download_that_fails_says_why_without_the_password(
    tmp_path: Path,
) -> None:
    with web_server() as web:
        async with working(Bench(tmp_path)) as bench:
            secret = url(web).replace("//", "//user:secret@")
            job = replace(PLAIN, location=f"{secret}/fw")
            told = await bench.does(wishes.Download(job, resume=False))
    assert isinstance(told, events.DownloadFailed)
    assert "secret" not in told.why


async def test_a_folder_that_cannot_be_made_is_a_failed_download(
    tmp_path: Path,
) -> None:
    (tmp_path / "cache").write_text("in the way")
    async with working(Bench(tmp_path)) as bench:
        told = await bench.does(wishes.Download(PLAIN, resume=False))
    assert isinstance(told, events.DownloadFailed)


@pytest.mark.requirement("SFW-10")
async def test_what_the_maker_has_signed_is_verified(tmp_path: Path) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        told = await bench.does(wishes.Verify(SIGNED))
    assert told == events.Verified("job-1", None)


@pytest.mark.requirement("SFW-11")
@pytest.mark.parametrize(
    "signature",
    ["", "no base64!", pytest.param(signed(b"another file"), id="another file's")],
)
async def test_a_signature_that_is_not_of_this_file_is_bad(
    signature: str, tmp_path: Path
) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        told = await bench.does(wishes.Verify(replace(SIGNED, signature=signature)))
    assert isinstance(told, events.SignatureBad)
    assert not told.certificate


@pytest.mark.parametrize(
    "body",
    [BODY[:-1], BODY + b"x", b"", None],
    ids=["cut off", "grew", "empty", "gone"],
)
async def test_a_file_that_was_cut_off_grew_or_is_gone_is_bad(
    body: bytes | None, tmp_path: Path
) -> None:
    async with working(Bench(tmp_path)) as bench:
        if body is not None:
            bench.has(body)
        told = await bench.does(wishes.Verify(SIGNED))
    assert isinstance(told, events.SignatureBad)


async def test_a_signer_whom_nobody_vouches_for_is_told_apart(tmp_path: Path) -> None:
    stranger = STRANGER.issue(Wish(name=distinguished("Signer"))).pem
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        told = await bench.does(
            wishes.Verify(replace(SIGNED, certificate_pem=stranger))
        )
    assert isinstance(told, events.SignatureBad)
    assert told.certificate


async def test_what_is_not_signed_is_only_looked_for(tmp_path: Path) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has(b"whatever")
        assert await bench.does(wishes.Verify(PLAIN)) == events.Verified("job-1", None)


@pytest.mark.requirement("SFW-21")
async def test_a_file_that_was_changed_after_the_check_is_not_installed(
    tmp_path: Path,
) -> None:
    ran = tmp_path / "ran"
    async with working(Bench(tmp_path, install=f"open({str(ran)!r}, 'w')")) as bench:
        bench.has()
        assert await bench.does(wishes.Verify(SIGNED)) == events.Verified("job-1", None)
        bench.has(BODY + b"planted")
        told = await bench.does(wishes.Install(SIGNED))
    assert isinstance(told, events.InstallFailed)
    assert told.verification
    assert not ran.exists()


@pytest.mark.parametrize(
    ("install", "told"),
    [
        ("", events.InstallDone("job-1", needs_reboot=False)),
        ("sys.exit(10)", events.InstallDone("job-1", needs_reboot=True)),
    ],
)
async def test_what_the_updater_has_done_is_told(
    install: str, told: Happening, tmp_path: Path
) -> None:
    async with working(Bench(tmp_path, install=install)) as bench:
        bench.has()
        assert await bench.does(wishes.Install(SIGNED)) == told


@pytest.mark.parametrize(("code", "distrusts"), [(20, True), (3, False)])
async def test_what_the_updater_would_not_do_is_told(
    code: int, distrusts: bool, tmp_path: Path
) -> None:
    install = f"sys.stderr.write('the slot is worn out'); sys.exit({code})"
    async with working(Bench(tmp_path, install=install)) as bench:
        bench.has()
        told = await bench.does(wishes.Install(SIGNED))
    assert isinstance(told, events.InstallFailed)
    assert told.verification is distrusts
    assert "worn out" in told.why


async def test_how_far_an_install_is_can_be_seen(tmp_path: Path) -> None:
    go = tmp_path / "go"
    install = (
        "import os, time\nprint('40%', flush=True)\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)"
    )
    async with working(Bench(tmp_path, install=install)) as bench:
        bench.has()
        bench.worker.begin(wishes.Install(SIGNED))
        async with asyncio.timeout(20.0):
            while bench.worker.percent != 40:
                await asyncio.sleep(0.01)
        go.touch()
        assert isinstance(await bench.heard.get(), events.InstallDone)
        await bench.does(wishes.Reboot(SIGNED))
        assert bench.worker.percent is None


async def test_who_is_superseded_is_broken_off_and_its_file_goes(
    tmp_path: Path,
) -> None:
    with web_server(Web(files={"/fw": BODY}, stall_after=10)) as web:
        async with working(Bench(tmp_path)) as bench:
            old = replace(PLAIN, id="job-0", location=f"{url(web)}/fw")
            bench.worker.begin(wishes.Download(old, resume=False))
            bench.worker.begin(wishes.Verify(old))
            await asyncio.to_thread(web.reached.wait, 20.0)
            bench.worker.begin(wishes.Discard(old))
            bench.worker.begin(wishes.Reboot(PLAIN))
            told = await bench.heard.get()
            assert isinstance(told, RestartRequested)
            assert bench.files() == ["job-1.firmware.before"]


async def test_a_restart_into_the_new_version_is_asked_for(tmp_path: Path) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        told = await bench.does(wishes.Reboot(PLAIN))
    assert told == RestartRequested(0, Cause.FIRMWARE)


async def test_a_sound_version_passes_its_gate(tmp_path: Path) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        await bench.does(wishes.Reboot(PLAIN))
        assert await bench.does(wishes.Confirm(PLAIN)) == events.GatePassed("job-1")


async def test_hardware_that_does_not_answer_the_new_version_fails_it(
    tmp_path: Path,
) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        told = await bench.does(wishes.Confirm(PLAIN))
    assert isinstance(told, events.GateFailed)
    assert "no answer from the meter of connector 1" in told.why


async def test_a_csms_that_was_never_dialed_fails_it(tmp_path: Path) -> None:
    async with working(Bench(tmp_path)) as bench:
        bench.has()
        await bench.does(wishes.Reboot(PLAIN))
        bench.link.up = False
        told = await bench.does(wishes.Confirm(PLAIN))
        assert told == events.GateFailed("job-1", "the CSMS was not dialed")
        bench.link.failed_at = "tcp"
        assert await bench.does(wishes.Confirm(PLAIN)) == events.GatePassed("job-1")


async def test_marking_and_going_back_are_the_updaters_matter(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    mark = f"open({str(marks)!r}, 'a').write(sys.argv[1] + ' ')"
    async with working(Bench(tmp_path, mark=mark)) as bench:
        bench.has()
        bench.worker.begin(wishes.MarkGood(PLAIN))
        bench.worker.begin(wishes.Discard(PLAIN))
        bench.worker.begin(wishes.RollBack(PLAIN))
        await bench.does(wishes.Reboot(PLAIN))
    assert marks.read_text().split() == ["good", "bad"]


async def test_an_updater_in_trouble_is_complained_of(tmp_path: Path) -> None:
    async with working(Bench(tmp_path, mark="sys.exit(1)")) as bench:
        bench.has()
        bench.worker.begin(wishes.MarkGood(PLAIN))
        bench.worker.begin(wishes.RollBack(PLAIN))
        await bench.does(wishes.Reboot(PLAIN))
    assert len(bench.complaints) == 2


async def test_a_job_hears_even_of_what_nobody_thought_of(tmp_path: Path) -> None:
    async with working(Bench(tmp_path)) as bench:
        broken = replace(SIGNED, certificate_pem=None)  # type: ignore[arg-type]
        bench.has()
        told = await bench.does(wishes.Verify(broken))
    assert isinstance(told, events.SignatureBad)
    assert bench.complaints

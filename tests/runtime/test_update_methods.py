"""Firmware by hand: what a technician sends, begins, sees and gives up."""

import asyncio
import base64
import os
import resource
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chargerd.cli.main import main
from chargerd.core import firmware_events as events
from chargerd.core.firmware_effects import Download
from chargerd.core.firmware_job import Job, Origin, State
from chargerd.ocpp16.pki.values import Certificate
from chargerd.runtime import sent_firmware
from chargerd.runtime.control_server import ControlFailed, ControlServer
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.csms import LinkState
from chargerd.runtime.firmware_worker import FirmwareWorker, Surroundings
from chargerd.runtime.gate import Gate
from chargerd.runtime.installers.command import CommandInstaller
from chargerd.steps import Happening
from tests.mounts import on_a_small_disk
from tests.runtime.points import charge_point
from tests.runtime.test_station_interface import DESCRIPTION, PEER, Bench

PIECE = bytes(range(256)) * 4
URL = "https://tech:secret@files.example/new.whl?token=secret"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


async def send(bench: Bench, offset: int, content: bytes | str) -> Any:
    """Send one piece; a text is taken for base64 already."""
    text = content if isinstance(content, str) else base64.b64encode(content).decode()
    return await sent(bench, PEER, {"offset": offset, "content": text})


async def sent(bench: Bench, peer: Peer, given: dict[str, Any]) -> Any:
    DESCRIPTION.check(DESCRIPTION.methods["SendFirmware"].takes, given)
    stream = bench.interface.streams["SendFirmware"](given, peer)
    (answer,) = [answer async for answer in stream]
    DESCRIPTION.check(DESCRIPTION.methods["SendFirmware"].gives, answer)
    return answer


def refused(bench: Bench, method: str, **given: Any) -> tuple[str, str]:
    name, told = bench.refusal(method, **given)
    assert name == "Refused"
    return told["reason"], told["detail"]


async def refused_piece(
    bench: Bench, offset: int, content: bytes | str
) -> tuple[str, str]:
    with pytest.raises(ControlFailed, match="Refused") as raised:
        await send(bench, offset, content)
    told = raised.value.parameters
    return told["reason"], told["detail"]


def pass_on(bench: Bench) -> None:
    """Let happen what the methods have asked for."""
    while bench.asked:
        bench.happen(bench.asked.pop(0))


def begin(bench: Bench, **given: Any) -> Job:
    """Install what was sent, or what is at a location; return the job."""
    id_ = bench.ask("InstallUpdate", **given)["id"]
    pass_on(bench)
    job = bench.point.upkeep.updates.job
    assert job.id == id_
    return job


def come_to_install(bench: Bench) -> Job:
    job = begin(bench, location=URL)
    bench.happen(events.DownloadDone(job.id, 4_000))
    bench.happen(events.Verified(job.id, "2.0"))
    return bench.point.upkeep.updates.job


# sending


async def test_a_file_comes_in_pieces_and_nobody_else_reads_it(
    bench: Bench, tmp_path: Path
) -> None:
    assert await send(bench, 0, PIECE) == {"size": 1024}
    assert await send(bench, 1024, PIECE) == {"size": 2048}
    file = tmp_path / "firmware" / "sent.firmware"
    assert file.read_bytes() == PIECE * 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_file_that_begins_anew_leaves_nothing_of_the_one_before(
    bench: Bench, tmp_path: Path
) -> None:
    await send(bench, 0, PIECE)
    assert await send(bench, 0, b"other") == {"size": 5}
    assert (tmp_path / "firmware" / "sent.firmware").read_bytes() == b"other"


@pytest.mark.parametrize("offset", [-1, 1, 1023, 1025, 4096])
async def test_a_piece_that_does_not_follow_the_last_is_refused(
    bench: Bench, offset: int
) -> None:
    await send(bench, 0, PIECE)
    reason, detail = await refused_piece(bench, offset, PIECE)
    assert reason == "FILE_GAP"
    assert "1024 bytes were sent" in detail
    assert await send(bench, 1024, PIECE) == {"size": 2048}


async def test_a_file_that_is_too_large_is_refused_and_forgotten(
    bench: Bench, tmp_path: Path
) -> None:
    for offset in range(0, 98_304, 32_768):
        await send(bench, offset, bytes(32_768))
    reason, _ = await refused_piece(bench, 98_304, bytes(32_768))
    assert reason == "FILE_TOO_LARGE"
    assert not list((tmp_path / "firmware").iterdir())


@pytest.mark.parametrize("content", ["", "****", "QUJ", "é", "QUJD" * 10_923])
async def test_a_piece_that_is_none_is_refused(bench: Bench, content: str) -> None:
    reason, _ = await refused_piece(bench, 0, content)
    assert reason == "BAD_VALUE"


async def test_a_folder_that_cannot_be_written_is_told(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "firmware").write_text("in the way")
    reason, detail = await refused_piece(bench, 0, PIECE)
    assert reason == "STORAGE_FAILING"
    assert "make it writable" in detail


async def filled(folder: Path) -> None:
    """Send until the disk is full, and print what the technician is told."""
    bench = Bench(folder)
    await send(bench, 0, bytes(32_768))
    reason, detail = await refused_piece(bench, 32_768, bytes(32_768))
    sys.stdout.write(f"{reason} {detail.replace(str(folder), '')}\n")
    sys.stdout.write(f"{os.listdir(folder / 'firmware')}\n")
    bench.close()


def test_a_full_disk_is_told_and_what_came_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "firmware").mkdir()
    code = (
        "import asyncio, sys; from pathlib import Path;"
        "from tests.runtime.test_update_methods import filled;"
        "asyncio.run(filled(Path(sys.argv[1])))"
    )
    small = on_a_small_disk(tmp_path / "firmware", "40k")
    ran = subprocess.run(
        [*small, sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "STORAGE_FULL /firmware: the disk is full; make room and send the file again",
        "[]",
    ]


def test_a_piece_that_does_not_fit_leaves_what_came_before_it(tmp_path: Path) -> None:
    sent_firmware.append(tmp_path, 0, PIECE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            sent_firmware.append(tmp_path, 1024, PIECE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sent_firmware.append(tmp_path, 1024, PIECE) == 2048


async def test_two_who_send_at_once_do_not_mix_their_files(
    bench: Bench, tmp_path: Path
) -> None:
    both = (send(bench, 0, PIECE), send(bench, 1024, b"a"), send(bench, 1024, b"b"))
    told = list(await asyncio.gather(*both, return_exceptions=True))
    assert told[:2] == [{"size": 1024}, {"size": 1025}]
    assert isinstance(told[2], ControlFailed)
    assert (tmp_path / "firmware" / "sent.firmware").read_bytes() == PIECE + b"a"


# installing


async def test_what_was_sent_becomes_a_job_that_is_tried_once(bench: Bench) -> None:
    await send(bench, 0, PIECE)
    job = begin(bench)
    assert (job.origin, job.location) == (Origin.FILE, "sent")
    assert (job.signed, job.retries, job.size_bytes) == (False, 0, 1024)
    assert job.state is State.DOWNLOADING
    bench.happen(events.DownloadFailed(job.id, "gone"))
    told = bench.ask("GetUpdate")["job"]
    assert (told["state"], told["over"], told["why"]) == (
        "download failed",
        True,
        "gone",
    )


async def test_nothing_is_installed_before_anything_was_sent(bench: Bench) -> None:
    assert refused(bench, "InstallUpdate")[0] == "NO_FILE"


@pytest.mark.parametrize("location", ["", "sent", "file:///etc/passwd", "http://"])
async def test_what_is_no_place_for_files_is_refused(
    bench: Bench, location: str
) -> None:
    assert refused(bench, "InstallUpdate", location=location)[0] == "BAD_VALUE"
    assert bench.asked == []


async def test_the_secrets_of_a_location_are_told_nobody(bench: Bench) -> None:
    job = begin(bench, location=URL)
    assert job.location == URL
    told = [bench.ask("GetUpdate"), bench.ask("ListUpdates")]
    assert "secret" not in str(told)
    assert told[0]["job"]["location"] == "https://***@files.example/new.whl?***"


async def test_an_update_under_way_is_replaced_only_by_who_says_so(
    bench: Bench,
) -> None:
    first = begin(bench, location=URL)
    reason, detail = refused(bench, "InstallUpdate", location=URL)
    assert reason == "UPDATE_UNDER_WAY"
    assert "another update is downloading" in detail
    second = begin(bench, location=URL, replace=True)
    listed = bench.ask("ListUpdates")["updates"]
    assert [one["id"] for one in listed] == [second.id, first.id]
    assert bench.ask("ListUpdates", limit=1)["updates"] == listed[:1]


async def test_an_install_is_neither_replaced_nor_cancelled(bench: Bench) -> None:
    job = come_to_install(bench)
    assert job.state is State.INSTALLING
    for method, given in (
        ("InstallUpdate", {"location": URL, "replace": True}),
        ("CancelUpdate", {}),
    ):
        reason, detail = refused(bench, method, **given)
        assert (reason, detail) == (
            "INSTALLING",
            "an update is installing; wait for its end",
        )


async def test_an_update_can_be_given_up_until_it_is_installed(bench: Bench) -> None:
    assert refused(bench, "CancelUpdate")[0] == "NO_JOB"
    job = begin(bench, location=URL)
    assert bench.ask("CancelUpdate") == {}
    pass_on(bench)
    told = bench.ask("GetUpdate")["job"]
    assert (told["id"], told["why"]) == (job.id, "cancelled by a technician")
    assert refused(bench, "CancelUpdate")[0] == "NO_JOB"


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("InstallUpdate", {"location": URL}),
        ("CancelUpdate", {}),
    ],
)
async def test_only_who_may_act_can_update(
    bench: Bench, method: str, given: dict[str, Any]
) -> None:
    begin(bench, location=URL)
    stranger = Peer(1, os.geteuid() + 1, 4711, frozenset())
    with pytest.raises(ControlFailed, match="NotPermitted"):
        bench.interface.methods[method](given, stranger)
    with pytest.raises(ControlFailed, match="NotPermitted"):
        await sent(bench, stranger, {"offset": 0, "content": "QUJD"})
    assert bench.asked == []


# looking


async def test_a_station_without_a_job_tells_what_runs(bench: Bench) -> None:
    told = bench.ask("GetUpdate")
    version = bench.point.upkeep.updates.version
    assert told == {"version": version, "held": False, "transactions": 0}
    assert bench.ask("ListUpdates") == {"updates": []}
    assert "update" not in bench.ask("GetStatus")["status"]


async def test_an_install_that_waits_says_for_what_and_how_long(bench: Bench) -> None:
    bench.charge()
    come_to_install(bench)
    told = bench.ask("GetUpdate")
    assert told["job"]["state"] == "waiting for idle"
    assert told["job"]["expected_version"] == "2.0"
    assert (told["held"], told["transactions"]) == (True, 1)
    assert 86_000 < told["job"]["left_s"] <= 86_400
    assert bench.ask("GetStatus")["status"]["update"] == "waiting for idle"


async def test_an_install_tells_how_far_it_is(bench: Bench) -> None:
    come_to_install(bench)
    assert "percent" not in bench.ask("GetUpdate")["job"]
    bench.percent = 42
    assert bench.ask("GetUpdate")["job"]["percent"] == 42


async def test_chargerctl_sends_a_file_and_begins_the_update(
    bench: Bench, tmp_path: Path
) -> None:
    file, path = tmp_path / "new.whl", str(tmp_path / "control.sock")
    file.write_bytes(PIECE * 80)
    async with ControlServer(path, (bench.interface,)):
        words = ["update", "install", str(file), "--socket", path, "-q"]
        assert await asyncio.to_thread(main, words) == 0
    pass_on(bench)
    job = bench.point.upkeep.updates.job
    assert (job.location, job.size_bytes) == ("sent", 81_920)
    assert (tmp_path / "firmware" / "sent.firmware").read_bytes() == PIECE * 80


# what was sent takes the place of a download


def worker_of(folder: Path, told: asyncio.Queue[Happening]) -> FirmwareWorker:
    async def fetch(url: str, to: Path, _told: Callable[[int], None]) -> int:
        return to.write_bytes(url.encode())

    def signer(pem: str) -> Certificate:
        raise AssertionError(pem)

    gate = Gate(charge_point().station, LinkState(), lambda: 0.0)
    around = Surroundings(fetch, signer, gate, told.put_nowait, pytest.fail)
    return FirmwareWorker(CommandInstaller((), (), ()), folder, around)


async def downloaded(folder: Path, job: Job, *, resume: bool = False) -> Happening:
    """Let the worker download; return what it tells."""
    told: asyncio.Queue[Happening] = asyncio.Queue()
    worker = worker_of(folder, told)
    running = asyncio.create_task(worker.run())
    worker.begin(Download(job, resume))
    try:
        return await asyncio.wait_for(told.get(), 10)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_the_worker_takes_what_was_sent_and_fetches_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    folder = tmp_path / "firmware"
    await send(bench, 0, PIECE)
    (folder / "old.firmware").write_bytes(b"old")
    job = begin(bench)
    done = events.DownloadDone(job.id, 1024)
    assert await downloaded(folder, job) == done
    assert os.listdir(folder) == [f"{job.id}.firmware"]
    # The power went before the record of the end: it is all done once more.
    assert await downloaded(folder, job, resume=True) == done
    assert (folder / f"{job.id}.firmware").read_bytes() == PIECE


async def test_what_was_sent_and_is_gone_fails_the_job(
    bench: Bench, tmp_path: Path
) -> None:
    await send(bench, 0, PIECE)
    job = begin(bench)
    sent_firmware.forget(tmp_path / "firmware")
    told = await downloaded(tmp_path / "firmware", job)
    why = "the file that was sent is gone; send it again"
    assert told == events.DownloadFailed(job.id, why)


async def test_a_location_of_the_csms_is_never_taken_for_what_was_sent(
    bench: Bench, tmp_path: Path
) -> None:
    await send(bench, 0, PIECE)
    job = replace(begin(bench), origin=Origin.CSMS)
    told = await downloaded(tmp_path / "firmware", job)
    assert told == events.DownloadDone(job.id, len("sent"))


def test_what_was_sent_is_put_in_its_place_once(tmp_path: Path) -> None:
    sent_firmware.append(tmp_path, 0, PIECE)
    place = tmp_path / "1.firmware"
    assert sent_firmware.take(tmp_path, place, 1024) == 1024
    assert sent_firmware.take(tmp_path, place, 1024) == 1024
    assert place.read_bytes() == PIECE
    assert sent_firmware.size_bytes(tmp_path) == 0


def test_what_is_not_there_has_to_be_sent_again(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone; send it again"):
        sent_firmware.take(tmp_path, tmp_path / "1.firmware", 1024)


def test_what_a_power_cut_has_shortened_has_to_be_sent_again(tmp_path: Path) -> None:
    sent_firmware.append(tmp_path, 0, PIECE)
    with pytest.raises(OSError, match="1024 of the 2048 bytes"):
        sent_firmware.take(tmp_path, tmp_path / "1.firmware", 2048)

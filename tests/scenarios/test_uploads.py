"""Logs and diagnostics that the CSMS asks for, as it sees them."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from chargerd.ocpp16.answer import Trigger
from chargerd.ocpp16.jobs import LogKind, StopUpload, Upload
from chargerd.ocpp16.keys import KEYS
from chargerd.ocpp16.locations import SCHEMES
from chargerd.ocpp16.records import Drawer
from chargerd.ocpp16.upload_events import (
    Failing,
    LogClearWanted,
    UploadDone,
    UploadFailed,
)
from chargerd.ocpp16.upload_task import LONGEST_INTERVAL_S, RETRIES
from chargerd.steps import DeadlinePassed, Step
from chargerd.store.database import Store
from tests.clock import FakeClock
from tests.scenarios.bench import Bench, PowerCut
from tests.scenarios.csms import Json

SERVER: Final = "ftp://user:s3cret@files.example/in"
PLAIN: Final = "DiagnosticsStatusNotification"
LOG: Final = "LogStatusNotification"


def bench_of(tmp_path: Path, **more: Any) -> Bench:
    return Bench(store=Store(tmp_path / "store.db"), **more)


def get_diagnostics(bench: Bench, location: str = SERVER, **more: Any) -> str | None:
    answer = bench.asks("GetDiagnostics", location=location, **more)
    # what is no URI at all, the schema of the message refuses
    assert answer.get("code") in (None, "PropertyConstraintViolation")
    return answer.get("fileName")


def get_log(
    bench: Bench,
    request: int = 7,
    kind: str = "SecurityLog",
    location: str = SERVER,
    window: Json | None = None,
    **more: Any,
) -> Json:
    log = {"remoteLocation": location, **(window or {})}
    return bench.asks("GetLog", log=log, logType=kind, requestId=request, **more)


def jobs(bench: Bench) -> list[object]:
    return [job for step in bench.steps for job in step.jobs]


def upload(bench: Bench) -> Upload:
    """Return the upload that was begun last."""
    return [job for job in jobs(bench) if isinstance(job, Upload)][-1]


def fails(bench: Bench, why: Failing = Failing.UPLOAD_FAILURE) -> None:
    bench.happens(UploadFailed(upload(bench).id, why, "nobody listens there"))


def words(bench: Bench, action: str = PLAIN) -> list[str]:
    return [told["status"] for told in bench.told(action)]


def triggered(bench: Bench, action: str = PLAIN) -> Json:
    before = len(bench.told(action))
    asked = bench.asks("TriggerMessage", requestedMessage=action)
    assert asked == {"status": "Accepted"}
    (told,) = bench.told(action)[before:]
    return told


def rests(bench: Bench) -> bool:
    """Tell whether nothing is left to do, and no secret is left lying about."""
    task = bench.charge_point.upkeep.uploads.task
    assert task is not None
    return not task.active and task.location == ""


@pytest.mark.requirement("DIAG-01", "DIAG-02", "DIAG-08")
def test_diagnostics_are_named_then_uploaded_while_a_driver_charges(
    tmp_path: Path,
) -> None:
    bench = bench_of(tmp_path)
    bench.charges()
    name = get_diagnostics(bench)
    assert name is not None
    assert name.startswith("CP1_diagnostics_2026")
    assert name.endswith("Z.tar.gz")
    assert words(bench) == ["Uploading"]
    job = upload(bench)
    assert job == Upload(job.id, LogKind.DIAGNOSTICS, SERVER, name, None, None)
    assert "s3cret" not in repr(job)

    bench.happens(UploadDone(job.id))
    assert words(bench) == ["Uploading", "Uploaded"]
    assert rests(bench)
    assert bench.phase() == "energized"
    assert bench.told("StopTransaction") == []


@pytest.mark.requirement("DIAG-03")
def test_the_time_that_is_asked_for_goes_to_who_makes_the_file(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    times = {"startTime": "2026-01-01T00:00:00Z", "stopTime": "2026-01-02T00:00:00Z"}
    get_diagnostics(bench, **times)
    job = upload(bench)
    assert job.since is not None
    assert job.until is not None
    assert (job.since.day, job.until.day) == (1, 2)


@pytest.mark.requirement("DIAG-04")
def test_only_the_last_failure_of_diagnostics_is_told(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_diagnostics(bench, retries=2, retryInterval=30)
    first = upload(bench)
    for _ in range(2):
        fails(bench)
        bench.waits(29)
        assert len(jobs(bench)) == 1
        bench.waits(1)
        assert upload(bench) == first
        bench.steps.clear()
        bench.steps.append(Step({}, jobs=(first,)))
    fails(bench, Failing.PERMISSION_DENIED)
    assert words(bench) == ["Uploading", "UploadFailed"]
    bench.waits(3600)
    assert jobs(bench) == [first, StopUpload(first.id)]
    assert rests(bench)


@pytest.mark.requirement("DIAG-04", "LOG-03")
def test_without_retries_one_failure_is_the_end(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_diagnostics(bench, retries=0)
    fails(bench)
    assert words(bench) == ["Uploading", "UploadFailed"]
    get_diagnostics(bench, retries=-3)
    fails(bench)
    assert words(bench) == ["Uploading", "UploadFailed"] * 2


def test_our_own_choice_of_retries_is_some_that_grow_apart(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_diagnostics(bench)
    pauses = []
    for _ in range(RETRIES):
        fails(bench)
        began_s = bench.now_s
        while bench.steps[-1].jobs == ():
            bench.waits(1)
        pauses.append(bench.now_s - began_s)
    assert pauses == [60, 120, 240]
    fails(bench)
    assert words(bench) == ["Uploading", "UploadFailed"]


def test_pauses_of_our_choice_have_an_end_and_none_is_nothing(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_diagnostics(bench, retries=1_000_000)
    for _ in range(12):
        fails(bench)
        bench.waits(LONGEST_INTERVAL_S)
        assert bench.charge_point.upkeep.uploads.busy
    get_diagnostics(bench, retries=3, retryInterval=0)
    fails(bench)
    bench.waits(0.5)
    assert not any(isinstance(job, Upload) for job in bench.steps[-1].jobs)
    bench.waits(0.5)
    assert bench.steps[-1].jobs == (upload(bench),)


@pytest.mark.requirement("LOG-01", "LOG-02", "LOG-03", "LOG-08")
@pytest.mark.parametrize(
    ("kind", "ending"), [("SecurityLog", ".jsonl"), ("DiagnosticsLog", ".tar.gz")]
)
def test_a_log_is_promised_and_told_by_its_request(
    kind: str, ending: str, tmp_path: Path
) -> None:
    bench = bench_of(tmp_path)
    answer = get_log(bench, 42, kind)
    assert answer["status"] == "Accepted"
    assert answer["filename"].endswith(ending)
    assert len(answer["filename"]) <= 255
    (job,) = jobs(bench)
    assert isinstance(job, Upload)
    assert (job.kind, job.file_name) == (LogKind(kind), answer["filename"])
    bench.happens(UploadDone(job.id))
    assert bench.told(LOG) == [
        {"status": "Uploading", "requestId": 42},
        {"status": "Uploaded", "requestId": 42},
    ]
    assert words(bench) == []


@pytest.mark.requirement("LOG-09")
def test_no_log_goes_to_a_csms_that_has_not_taken_the_station_in(
    tmp_path: Path,
) -> None:
    bench = bench_of(tmp_path, online=False)
    assert get_log(bench) == {}  # there is no link
    bench.csms.will("BootNotification", bench.csms.boot("Rejected", 3600))
    bench.connects()
    assert get_log(bench) == {}
    assert jobs(bench) == []
    assert bench.told(LOG) == []


@pytest.mark.requirement("LOG-04")
@pytest.mark.parametrize("why", Failing)
def test_the_last_failure_of_a_log_is_told_as_precisely_as_can_be(
    why: Failing, tmp_path: Path
) -> None:
    bench = bench_of(tmp_path)
    get_log(bench, retries=1, retryInterval=5)
    fails(bench)
    bench.waits(5)
    fails(bench, why)
    assert words(bench, LOG) == ["Uploading", str(why)]
    assert {told["requestId"] for told in bench.told(LOG)} == {7}


@pytest.mark.requirement("LOG-05", "DIAG-07")
def test_a_new_request_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_log(bench, 1)
    first = upload(bench)
    assert get_log(bench, 2)["status"] == "AcceptedCanceled"
    second = upload(bench)
    assert jobs(bench) == [first, StopUpload(first.id), second]
    bench.happens(UploadDone(first.id))
    bench.happens(UploadFailed(first.id, Failing.BAD_MESSAGE, "too late"))
    assert bench.told(LOG)[1:] == [{"status": "Uploading", "requestId": 2}]

    get_diagnostics(bench)
    assert jobs(bench)[3:] == [StopUpload(second.id), upload(bench)]
    bench.happens(UploadDone(second.id))
    bench.happens(UploadDone(upload(bench).id))
    bench.happens(UploadDone(upload(bench).id))
    assert words(bench) == ["Uploading", "Uploaded"]
    assert len(bench.told(LOG)) == 2
    assert get_log(bench, 3)["status"] == "Accepted"
    assert bench.store is not None
    kept = bench.store.restore(bench.clock.now().utc).drawers[Drawer.UPLOAD]
    assert list(kept) == [upload(bench).id]


@pytest.mark.requirement("LOG-06", "DIAG-01")
@pytest.mark.parametrize(
    "location",
    [
        "gopher://files.example/",
        "user:s3cret@files.example",
        "ftp:///nowhere",
        "http://[::1",
        "",
        "https://files.example:0/",
        "ftp://files.example:s3cret/",
    ],
)
def test_where_nothing_can_be_delivered_nothing_is_promised(
    location: str, tmp_path: Path
) -> None:
    bench = bench_of(tmp_path)
    assert get_diagnostics(bench, location) is None
    assert get_log(bench, location=location) == {"status": "Rejected"}
    assert jobs(bench) == []
    assert words(bench) == words(bench, LOG) == []
    told = [refused for _, refused in bench.charge_point.station.refusals]
    assert {str(refused.why) for refused in told} == {"BAD_LOCATION"}
    assert "s3cret" not in str(told)


@pytest.mark.requirement("LOG-06")
@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2099-01-01T00:00:00Z", None),
    ],
)
def test_of_a_time_of_which_there_is_no_log_none_is_promised(
    since: str, until: str | None, tmp_path: Path
) -> None:
    bench = bench_of(tmp_path)
    times = {"oldestTimestamp": since}
    if until is not None:
        times["latestTimestamp"] = until
    assert get_log(bench, window=times) == {"status": "Rejected"}
    assert get_diagnostics(bench, startTime=since, stopTime=until or since) is None
    (_, refused), *_ = bench.charge_point.station.refusals
    assert refused.why == "NO_LOG"
    assert get_log(bench, window={"latestTimestamp": since})["status"] == "Accepted"


@pytest.mark.key("SupportedFileTransferProtocols")
def test_whatever_is_named_among_the_protocols_is_taken(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    names = ["SupportedFileTransferProtocols"]
    (key,) = bench.asks("GetConfiguration", key=names)["configurationKey"]
    assert key["readonly"]
    assert key["value"] == "FTP,FTPS,HTTP,HTTPS,SFTP"
    assert KEYS["supportedfiletransferprotocols"].default == key["value"]
    for scheme in SCHEMES:
        assert get_diagnostics(bench, f"{scheme.upper()}://files.example/in")


@pytest.mark.requirement("LOG-08", "DIAG-02")
def test_a_trigger_shows_what_goes_on_and_idle_if_nothing_does(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    uploads = bench.charge_point.upkeep.uploads
    idle = {"status": "Idle"}
    assert triggered(bench) == uploads.status(LOG) == idle
    get_diagnostics(bench, retries=1)
    assert triggered(bench) == {"status": "Uploading"}
    assert uploads.status(LOG) == idle
    fails(bench)
    assert triggered(bench) == {"status": "Uploading"}
    get_log(bench, 9)
    bench.charge_point.dialogue.trigger((Trigger(LOG),), bench.clock.now())
    bench.happens(DeadlinePassed())
    assert bench.told(LOG) == [{"status": "Uploading", "requestId": 9}] * 2
    assert triggered(bench) == idle
    bench.happens(UploadDone(upload(bench).id))
    assert uploads.status(LOG) == idle


def test_what_is_uploaded_while_the_csms_is_away_is_told_later(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_log(bench)
    bench.disconnects()
    bench.happens(UploadDone(upload(bench).id))
    assert words(bench, LOG) == ["Uploading"]
    bench.connects()
    assert words(bench, LOG) == ["Uploading", "Uploaded"]


@pytest.mark.parametrize("identity", ["", "a/../..\\b", "€" * 40, "x" * 300])
def test_a_file_name_is_one_whatever_the_identity(identity: str) -> None:
    bench = Bench()
    bench.charge_point.upkeep.uploads.identity = identity
    name = get_diagnostics(bench)
    assert name is not None
    assert len(name) <= 255
    assert not set(name) & set("/\\ €:%")
    assert not name.startswith((".", "-"))


@pytest.mark.requirement("LOG-10")
def test_a_security_log_that_was_cleared_says_so(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    assert bench.store is not None
    bench.disconnects()
    bench.happens(LogClearWanted("uid 1000"))
    bench.connects()
    told = bench.security_events[-1]
    assert told["type"] == "SecurityLogWasCleared"
    assert told["techInfo"] == "by uid 1000"


def test_a_pause_begins_anew_after_a_restart(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_diagnostics(bench, retries=1, retryInterval=30)
    fails(bench)
    bench.waits(20)
    bench.restarts()
    bench.steps.clear()
    bench.waits(20)
    assert jobs(bench) == []
    bench.waits(10)
    assert upload(bench).location == SERVER


def test_the_attempt_that_a_restart_broke_off_counts(tmp_path: Path) -> None:
    bench = bench_of(tmp_path)
    get_diagnostics(bench, retries=1, retryInterval=30)
    bench.restarts()
    bench.waits(30)
    assert len(jobs(bench)) == 2
    bench.restarts()
    assert words(bench) == ["Uploading", "UploadFailed"]
    bench.restarts()
    bench.waits(3600)
    assert words(bench) == ["Uploading", "UploadFailed"]
    assert sum(isinstance(job, Upload) for job in jobs(bench)) == 2


class Wall:
    """Where the power comes from: it counts commits, and fails before one of them."""

    def __init__(self, store: Store, cut: int | None) -> None:
        self._store = store
        self._cut = cut
        self.commits = 0

    def __call__(self, step: Step) -> None:
        if step.records:
            if self.commits == self._cut:
                raise PowerCut
            self._store.commit(step.records)
            self.commits += 1


def _story(bench: Bench) -> None:
    get_log(bench, 5, retries=1, retryInterval=10)
    fails(bench)
    bench.waits(10)
    bench.happens(UploadDone(upload(bench).id))


def _run(folder: Path, cut: int | None) -> tuple[Bench, Wall]:
    store = Store(folder / f"{cut}.db")
    bench = Bench(store=store)
    bench.after = wall = Wall(store, cut)
    with suppress(PowerCut):
        _story(bench)
    return bench, wall


@cache
def _commits(folder: Path) -> int:
    bench, wall = _run(folder, None)
    assert bench.store is not None
    bench.store.close()
    return wall.commits


def _once(told: Sequence[Json]) -> list[str]:
    """Leave out what was told again because its answer was not on the disk yet."""
    pairs = zip((None, *told), told, strict=False)
    return [now["status"] for before, now in pairs if now != before]


@pytest.mark.requirement("LOG-03", "LOG-08")
def test_a_cut_before_any_commit_leaves_one_end_that_is_told(tmp_path: Path) -> None:
    ends = set()
    total = _commits(tmp_path)
    assert total >= 5
    for cut in range(total):
        bench, _ = _run(tmp_path, cut)
        assert bench.store is not None
        bench.after = None
        begun = bool(
            bench.store.restore(FakeClock().now().utc).drawers.get(Drawer.UPLOAD)
        )
        bench.restarts()
        bench.waits(60)
        if bench.charge_point.upkeep.uploads.busy:
            bench.happens(UploadDone(upload(bench).id))
        told = _once(bench.told(LOG))
        assert told in ([], ["Uploading", "Uploaded"], ["Uploading", "UploadFailure"])
        assert begun == bool(told)
        ends.update(told)
        bench.restarts()
        bench.waits(60)
        assert _once(bench.told(LOG)) == told
        assert bench.charge_point.dialogue.notices.waiting == 0
        bench.store.close()
    assert {"Uploaded"} <= ends

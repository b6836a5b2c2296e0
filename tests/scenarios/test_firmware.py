"""Firmware without a signature: what the CSMS asks, is told, and what drivers see."""

from pathlib import Path

import pytest

from chargerd.core import firmware_effects as wishes
from chargerd.core import firmware_events as events
from chargerd.core.effects import Refused
from chargerd.core.firmware_events import Rebooted
from chargerd.core.firmware_job import Job, Origin
from chargerd.core.reasons import Why
from chargerd.ocpp16.consequences import Consequences
from chargerd.steps import Step
from chargerd.store.database import Store
from tests.scenarios.bench import Bench, PowerCut
from tests.scenarios.csms import SILENCE, Refusal
from tests.scenarios.workshop import Workshop, told, wanted

WHOLE = ["Downloading", "Downloaded", "Installing", "Installed"]


def station(folder: Path, **more: str) -> Bench:
    return Bench(store=Store(folder / "chargerd.sqlite"), keys=more)


@pytest.mark.requirement("FW-01", "FW-03", "FW-04", "FW-09", "FW-10", "FW-13")
def test_an_update_is_told_step_by_step_and_another_version_runs(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    assert bench.asks("UpdateFirmware", **wanted()) == {}
    Workshop(bench).updates()

    assert told(bench) == WHOLE
    boots = bench.told("BootNotification")
    assert [boot["firmwareVersion"] for boot in boots] == ["1.0", "2.0"]
    critical = [e["type"] for e in bench.security_events]
    assert "FirmwareUpdated" in critical
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("FW-02")
@pytest.mark.key("PlainFirmwareUpdates")
@pytest.mark.parametrize(
    ("rule", "served"), [("Never", False), ("Unsecured", True), ("Always", True)]
)
def test_what_is_not_signed_is_served_where_the_operator_wants_it(
    rule: str, served: bool, tmp_path: Path
) -> None:
    bench = station(tmp_path)
    bench.sets(PlainFirmwareUpdates=rule)
    answer = bench.asks("UpdateFirmware", **wanted())
    assert answer == ({} if served else {"code": "NotSupported"})
    assert bool(bench.to_do) is served


@pytest.mark.requirement("FW-03")
def test_a_download_waits_for_its_time(tmp_path: Path) -> None:
    bench = station(tmp_path)
    later = bench.clock.now().utc.replace(microsecond=0).isoformat()
    bench.asks("UpdateFirmware", **wanted(retrieveDate="2099-01-01T00:00:00Z"))
    assert not bench.to_do
    bench.asks("UpdateFirmware", **wanted(retrieveDate=later))
    assert [type(job) for job in bench.to_do] == [wishes.Discard, wishes.Download]


@pytest.mark.requirement("FW-05")
@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3), (-1, 1)])
def test_a_download_is_tried_as_often_as_the_csms_wants_and_fails_once(
    retries: int, attempts: int, tmp_path: Path
) -> None:
    bench = station(tmp_path)
    workshop = Workshop(bench)
    bench.asks("UpdateFirmware", **wanted(retries=retries, retryInterval=20))
    job = bench.charge_point.upkeep.updates.job.id
    workshop.failing = {wishes.Download: events.DownloadFailed(job, "no route")}
    for _ in range(5):
        workshop.works()
        bench.waits(20)

    assert workshop.done.count("Download") == attempts
    assert told(bench)[0] == "Downloading"
    assert told(bench)[-1] == "DownloadFailed"
    assert told(bench).count("DownloadFailed") == 1


@pytest.mark.key("FirmwareRetries", "FirmwareRetryInterval")
def test_without_a_word_of_the_csms_the_keys_say_how_often(tmp_path: Path) -> None:
    bench = station(tmp_path, FirmwareRetries="1", FirmwareRetryInterval="30")
    workshop = Workshop(bench)
    bench.asks("UpdateFirmware", **wanted())
    job = bench.charge_point.upkeep.updates.job.id
    workshop.failing = {wishes.Download: events.DownloadFailed(job, "no route")}
    workshop.works()
    bench.waits(28)
    assert not bench.to_do
    for _ in range(3):
        bench.waits(30)
        workshop.works()
    assert workshop.done.count("Download") == 2


@pytest.mark.requirement("FW-07", "SFW-13")
def test_a_transaction_goes_on_and_nobody_else_begins_until_it_is_installed(
    tmp_path: Path,
) -> None:
    bench = Bench(store=Store(tmp_path / "db"), connectors=2)
    bench.charges()
    bench.asks("UpdateFirmware", **wanted())
    workshop = Workshop(bench)
    workshop.works()

    assert told(bench) == ["Downloading", "Downloaded"]
    assert bench.phase() == "energized"
    assert bench.statuses(2)[-1] == "Unavailable"
    start = bench.asks("RemoteStartTransaction", idTag="04A", connectorId=2)
    assert start == {"status": "Rejected"}
    reserve = bench.asks(
        "ReserveNow",
        connectorId=2,
        expiryDate="2099-01-01T00:00:00Z",
        idTag="04A",
        reservationId=1,
    )
    assert reserve == {"status": "Unavailable"}

    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()
    bench.waits(5)
    assert bench.statuses()[-1] == "Unavailable"
    workshop.updates()
    assert told(bench) == WHOLE
    assert bench.statuses(1)[-1] == bench.statuses(2)[-1] == "Available"
    assert bench.messages()[-1] == "StopTransaction"


@pytest.mark.key("FirmwareStopsTransactions")
def test_transactions_are_ended_for_it_where_the_operator_wants_that(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path, FirmwareStopsTransactions="true")
    bench.charges()
    bench.asks("UpdateFirmware", **wanted())
    workshop = Workshop(bench)
    workshop.works()
    bench.finishes(121_000)
    workshop.updates()
    (stop,) = bench.told("StopTransaction")
    assert (stop["meterStop"], stop["reason"]) == (121_000, "Reboot")
    assert told(bench) == WHOLE


@pytest.mark.requirement("FW-08")
@pytest.mark.key("FirmwareIdleWithin")
def test_connectors_come_back_when_a_transaction_never_ends(tmp_path: Path) -> None:
    bench = Bench(
        store=Store(tmp_path / "db"), connectors=2, keys={"FirmwareIdleWithin": "600"}
    )
    bench.charges()
    bench.asks("UpdateFirmware", **wanted())
    Workshop(bench).works()
    assert bench.statuses(2)[-1] == "Unavailable"
    bench.waits(601)
    assert told(bench)[-1] == "InstallationFailed"
    assert bench.statuses(2)[-1] == "Available"
    assert bench.phase() == "energized"


@pytest.mark.requirement("FW-08")
@pytest.mark.parametrize(
    ("wish", "last"),
    [
        (wishes.Download, "DownloadFailed"),
        (wishes.Verify, "InstallationFailed"),
        (wishes.Install, "InstallationFailed"),
        (wishes.Confirm, "InstallationFailed"),
    ],
)
def test_whatever_fails_the_old_version_runs_and_connectors_are_free(
    wish: type, last: str, tmp_path: Path
) -> None:
    bench = station(tmp_path)
    bench.asks("UpdateFirmware", **wanted(retries=0))
    job = bench.charge_point.upkeep.updates.job.id
    failures = (
        (wishes.Download, events.DownloadFailed(job, "no")),
        (wishes.Verify, events.SignatureBad(job, "no")),
        (wishes.Install, events.InstallFailed(job, "no")),
        (wishes.Confirm, events.GateFailed(job, "no")),
    )
    workshop = Workshop(bench)
    workshop.failing = {kind: event for kind, event in failures if kind is wish}
    workshop.updates()

    assert told(bench)[-1] == last
    assert told(bench).count(last) == 1
    assert bench.runs.version == "1.0"
    assert bench.statuses()[-1] == "Available"
    assert not bench.charge_point.station.booking.holds.owners


@pytest.mark.requirement("FW-10")
def test_a_version_that_never_comes_up_is_told_as_failed(tmp_path: Path) -> None:
    bench = station(tmp_path)
    bench.asks("UpdateFirmware", **wanted())
    Workshop(bench, boots=False).updates()
    assert told(bench)[-1] == "InstallationFailed"


@pytest.mark.requirement("FW-10")
def test_what_was_told_while_the_csms_was_away_is_told_when_it_is_back(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    bench.asks("UpdateFirmware", **wanted())
    bench.disconnects()
    workshop = Workshop(bench)
    workshop.works()
    assert bench.restarting
    if workshop.next is not None:
        bench.runs = workshop.next
    bench.restarts(online=False)
    workshop.works()
    assert told(bench) == ["Downloading"]
    bench.connects()
    bench.waits(1)
    assert told(bench) == WHOLE


@pytest.mark.requirement("FW-11")
def test_a_new_wish_takes_the_place_of_one_that_is_not_being_installed(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    bench.asks("UpdateFirmware", **wanted())
    bench.asks("UpdateFirmware", **wanted("https://example.org/newer"))
    Workshop(bench).updates()
    assert told(bench) == ["Downloading", *WHOLE]

    bench.asks("UpdateFirmware", **wanted())
    workshop = Workshop(bench, silent=frozenset({wishes.Install}))
    workshop.works()
    assert bench.asks("UpdateFirmware", **wanted()) == {}
    assert told(bench)[-1] == "Installing"
    assert str(bench.charge_point.station.refusals[-1][1].why) == "INSTALLING"


def test_the_csms_may_ask_how_it_stands(tmp_path: Path) -> None:
    bench = station(tmp_path)

    def asked() -> str:
        trigger = {"requestedMessage": "FirmwareStatusNotification"}
        assert bench.asks("TriggerMessage", **trigger) == {"status": "Accepted"}
        return told(bench)[-1]

    assert asked() == "Idle"
    bench.asks("UpdateFirmware", **wanted())
    assert asked() == "Downloading"
    Workshop(bench).updates()
    assert asked() == "Idle"


def test_a_csms_that_will_not_hear_of_it_holds_nothing_up(tmp_path: Path) -> None:
    bench = station(tmp_path)
    notices = bench.charge_point.dialogue.notices
    bench.csms.always("FirmwareStatusNotification", Refusal("InternalError"))
    bench.asks("UpdateFirmware", **wanted())
    bench.waits(29)
    assert len(told(bench)) == 1
    bench.waits(200)
    assert told(bench) == 5 * ["Downloading"]
    assert notices.waiting == 0

    bench.csms.always("FirmwareStatusNotification", Refusal("NotImplemented"))
    Workshop(bench).works()
    assert told(bench)[5:] == ["Downloaded", "Installing"]


def test_a_notice_that_is_not_answered_is_told_on_the_next_link(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    bench.csms.will("FirmwareStatusNotification", SILENCE)
    bench.asks("UpdateFirmware", **wanted())
    bench.disconnects()
    bench.connects()
    bench.waits(1)
    assert told(bench) == ["Downloading", "Downloading"]


class _Wall:
    """Fails before one of the commits."""

    def __init__(self, store: Store, cut: int) -> None:
        self._store, self._left = store, cut

    def __call__(self, step: Step) -> None:
        if step.records:
            if self._left == 0:
                raise PowerCut
            self._left -= 1
            self._store.commit(step.records)


@pytest.mark.requirement("PERS-10", "FW-10")
@pytest.mark.parametrize("cut", range(24))
def test_the_power_may_go_before_any_commit_and_the_end_is_told_once(
    cut: int, tmp_path: Path
) -> None:
    bench = station(tmp_path)
    assert bench.store is not None
    workshop = Workshop(bench)
    bench.after = _Wall(bench.store, cut)
    try:
        bench.asks("UpdateFirmware", **wanted())
        workshop.updates()
    except PowerCut:
        bench.after = None
        workshop.restarts()
        workshop.updates()
        bench.waits(120)
        workshop.updates()

    statuses = told(bench)
    if bench.charge_point.upkeep.updates.history:
        ends = [
            each for each in statuses if each in ("Installed", "InstallationFailed")
        ]
        assert len(ends) == 1 or (len(ends) == 2 and ends[0] == ends[1])
        assert (bench.runs.version == "2.0") == (ends[0] == "Installed")
    else:
        assert not statuses
    assert not bench.charge_point.station.booking.holds.owners
    assert bench.statuses()[-1] == "Available"


def test_a_version_that_failed_and_still_runs_is_left_at_the_next_start(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    bench.asks("UpdateFirmware", **wanted())
    job = bench.charge_point.upkeep.updates.job.id
    workshop = Workshop(bench, {wishes.Confirm: events.GateFailed(job, "unsound")})
    workshop.works()
    workshop.restarts()
    workshop.silent = frozenset({wishes.RollBack})  # the power goes before it is done
    workshop.works()
    bench.waits(601)
    assert told(bench)[-1] == "InstallationFailed"
    assert bench.runs.version == "2.0"

    workshop.silent = frozenset()
    bench.restarts()
    workshop.updates()
    assert bench.runs.version == "1.0"
    assert told(bench).count("InstallationFailed") == 1


def test_an_updater_that_counts_starts_hears_of_every_one_that_went_well(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    assert not bench.to_do
    bench.runs = Rebooted("1.0", slot_marked=False)
    bench.restarts()
    (wish,) = bench.to_do
    assert isinstance(wish, wishes.MarkGood)


def test_a_file_that_the_power_cut_left_behind_its_job_goes_at_the_next_start(
    tmp_path: Path,
) -> None:
    bench = station(tmp_path)
    bench.asks("UpdateFirmware", **wanted())
    workshop = Workshop(bench, silent=frozenset({wishes.Discard}))
    workshop.updates()
    assert told(bench) == WHOLE
    bench.to_do.clear()
    bench.restarts()
    (wish,) = bench.to_do
    assert isinstance(wish, wishes.Discard)
    assert told(bench) == WHOLE


def test_a_job_of_a_technician_is_none_of_the_csmss_business(tmp_path: Path) -> None:
    bench = station(tmp_path)
    updates = bench.charge_point.upkeep.updates
    early = bench.clock.now().utc
    job = Job("job-here", "sent", early, updates.version, origin=Origin.FILE)
    bench.happens(events.Wanted(job))
    Workshop(bench).updates()
    assert bench.runs.version == "2.0"
    assert not told(bench)
    now = bench.clock.now()
    assert bench.charge_point.upkeep.updates.begin(now) == Consequences()


def test_where_there_is_no_job_none_is_cancelled(tmp_path: Path) -> None:
    bench = station(tmp_path)
    step = bench.happens(events.Cancelled())
    (refused,) = step.told
    assert isinstance(refused, Refused)
    assert refused.why is Why.NO_JOB

"""Key, profile and address of the CSMS are changed; the station is never stranded."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from chargerd.core.events import WHOLE_STATION
from chargerd.ocpp16.attachment_values import (
    Attachment,
    AttachmentWanted,
    Filed,
    Origin,
    TrialGivenUp,
)
from chargerd.ocpp16.jobs import Redial
from chargerd.ocpp16.link_news import LinkTried
from chargerd.steps import LinkUp, Step
from chargerd.store.database import Store
from tests.scenarios import bench as benches
from tests.scenarios.bench import Bench, PowerCut
from tests.scenarios.csms import SILENCE

OLD_KEY, NEW_KEY = "00" * 16, "11" * 16
FIRST = Attachment("ws://old.example/ocpp", "CP1", 1, OLD_KEY)
MOVE = AttachmentWanted(Origin.CLI, url="ws://new.example/ocpp")


@pytest.fixture(autouse=True)
def filed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benches, "FILED", Filed(FIRST, roots=True, own=True))


def dialed(bench: Bench) -> Attachment:
    return bench.charge_point.upkeep.attachments.dialed


def redials(bench: Bench) -> None:
    """Do what the runtime does after a ``Redial``."""
    bench.disconnects()
    bench.connects()


def refuses(bench: Bench, layer: str = "http-auth") -> None:
    turn = bench.charge_point.upkeep.attachments.turn
    bench.happens(LinkTried(False, turn, layer, "no"))


def profile(bench: Bench) -> str:
    found = bench.asks("GetConfiguration", key=["SecurityProfile"])
    value: str = found["configurationKey"][0]["value"]
    return value


def changes(bench: Bench, key: str, value: str) -> str:
    status: str = bench.asks("ChangeConfiguration", key=key, value=value)["status"]
    return status


@pytest.mark.requirement("SEC-20", "SEC-21", "SEC-22", "SEC-23")
def test_a_new_key_is_proven_by_a_heartbeat_on_a_new_link() -> None:
    bench = Bench()
    for bad in ("4F" * 15, "4F" * 21, "4F" * 16 + "4", "xy" * 16):
        assert changes(bench, "AuthorizationKey", bad) == "Rejected"
    key = "4F43415F4F4354545F61646D696E5F74657374"
    assert changes(bench, "AuthorizationKey", key) == "Accepted"
    assert [job for step in bench.steps for job in step.jobs] == [Redial()]
    assert dialed(bench).key == key.lower()
    bench.csms.will("Heartbeat", SILENCE)
    redials(bench)
    assert bench.told("Heartbeat") == [{}]
    attachments = bench.charge_point.upkeep.attachments
    assert attachments.trial is not None
    bench.answers_late("Heartbeat", bench.csms.time({}))
    assert attachments.trial is None
    assert attachments.settled.attachment.key == key.lower()
    assert len(bench.told("BootNotification")) == 1


@pytest.mark.key("SecurityProfile")
@pytest.mark.requirement("SEC-31", "SEC-35", "SEC-36")
def test_the_profile_is_told_as_it_is_used_and_falls_back() -> None:
    bench = Bench()
    assert profile(bench) == "1"
    for lower in ("0", "1", "4", "x"):
        assert changes(bench, "SecurityProfile", lower) == "Rejected"
    assert changes(bench, "SecurityProfile", "2") == "Accepted"
    assert dialed(bench).url == "wss://old.example/ocpp"
    assert profile(bench) == "2"
    bench.disconnects()
    for _ in range(3):
        refuses(bench, "tls-trust")
    bench.connects()
    assert profile(bench) == "1"
    assert changes(bench, "SecurityProfile", "2") == "Accepted"
    redials(bench)
    assert bench.charge_point.upkeep.attachments.trial is None
    assert profile(bench) == "2"
    assert changes(bench, "SecurityProfile", "1") == "Rejected"
    assert len(bench.told("BootNotification")) == 1


@pytest.mark.requirement("SEC-25", "SEC-26")
def test_every_change_is_a_security_event_that_tells_no_secret() -> None:
    bench = Bench()
    bench.sets(AuthorizationKey=NEW_KEY)
    redials(bench)
    bench.happens(MOVE)
    bench.waits(120)
    redials(bench)
    infos = [
        event["techInfo"].removeprefix("1 times, the last: ")
        for event in bench.security_events
        if event["type"] == "ReconfigurationOfSecurityParameters"
    ]
    assert infos == [
        "AuthorizationKey, by csms",
        "URL, by cli",
        "change given up: the CSMS has not answered within 120 s",
    ]
    assert NEW_KEY not in str([step.told for step in bench.steps])
    assert NEW_KEY not in repr([step.records for step in bench.steps])


def test_another_csms_is_told_who_we_are_before_anything_else() -> None:
    bench = Bench()
    bench.charges()
    bench.happens(MOVE)
    count = len(bench.said)
    bench.csms.will("BootNotification", bench.csms.boot("Pending", 30))
    redials(bench)
    assert [name for name, _ in bench.said[count:]] == ["BootNotification"]
    assert bench.charge_point.upkeep.attachments.trial is not None
    bench.waits(30)
    assert bench.charge_point.upkeep.attachments.trial is None
    assert bench.told("StatusNotification")
    assert dialed(bench).url == MOVE.url


def test_on_a_link_that_was_dialed_before_the_trial_nobody_is_met() -> None:
    bench = Bench()
    stale = LinkTried(True, bench.charge_point.upkeep.attachments.turn)
    bench.happens(MOVE)
    bench.disconnects()
    bench.happens(stale)
    bench.happens(LinkUp())
    bench.asks("GetConfiguration")
    assert len(bench.told("BootNotification")) == 1
    assert bench.charge_point.upkeep.attachments.trial is not None
    redials(bench)
    assert len(bench.told("BootNotification")) == 2
    assert bench.charge_point.upkeep.attachments.trial is None


def test_back_at_the_old_csms_the_station_boots_there_again() -> None:
    bench = Bench()
    bench.happens(MOVE)
    bench.csms.will("BootNotification", SILENCE)
    redials(bench)
    bench.happens(TrialGivenUp(Origin.CLI))
    redials(bench)
    assert dialed(bench) == FIRST
    assert len(bench.told("BootNotification")) == 3
    assert bench.statuses()[-1] == "Available"


@pytest.mark.requirement("SEC-24")
def test_a_pending_station_takes_a_key() -> None:
    bench = Bench(online=False)
    bench.csms.always("BootNotification", bench.csms.boot("Pending", 3600))
    bench.connects()
    assert changes(bench, "AuthorizationKey", NEW_KEY) == "Accepted"
    redials(bench)
    assert len(bench.told("BootNotification")) == 2
    assert bench.charge_point.upkeep.attachments.trial is None
    assert dialed(bench).key == NEW_KEY


def test_nothing_is_tried_that_is_not_on_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    bench = Bench(store=store)
    bench.disk_full = True
    assert changes(bench, "AuthorizationKey", NEW_KEY) == "Rejected"
    bench.happens(MOVE)
    assert dialed(bench) == FIRST
    assert all(step.jobs == () for step in bench.steps)
    outcome = bench.charge_point.upkeep.attachments.outcome
    assert outcome is not None
    assert outcome.what == "the disk takes no records"
    refusals = [str(each.why) for _, each in bench.charge_point.station.refusals]
    assert refusals[-2:] == ["STORAGE_FAILING", "STORAGE_FAILING"]
    store.close()


@pytest.mark.requirement("SEC-28")
def test_a_key_outlives_the_ordinary_settings_and_only_the_daemon_can_read_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store.sqlite"
    bench = Bench(store=Store(path))
    assert changes(bench, "AuthorizationKey", NEW_KEY) == "Accepted"
    redials(bench)
    bench.sets(HeartbeatInterval=77)
    assert {stat.S_IMODE(each.stat().st_mode) for each in disk_of(path)} == {0o600}
    told = bench.asks("GetConfiguration")["configurationKey"]
    shown = [each for each in told if each["key"] == "AuthorizationKey"]
    assert NEW_KEY not in str(told)
    assert all("value" not in each for each in shown)

    with closing(sqlite3.connect(path)) as disk, disk:
        assert disk.execute("DELETE FROM setting").rowcount > 0
    bench.restarts()
    interval = bench.asks("GetConfiguration", key=["HeartbeatInterval"])
    assert interval["configurationKey"][0]["value"] != "77"
    assert dialed(bench).key == NEW_KEY


def disk_of(path: Path) -> list[Path]:
    """Return the store and what SQLite keeps beside it."""
    return [each for each in path.parent.iterdir() if each.suffix != ".reserve"]


def test_keys_of_the_link_have_a_command_of_their_own() -> None:
    bench = Bench()
    bench.sets_here("AuthorizationKey", NEW_KEY)
    bench.sets_here("SecurityProfile", "2")
    bench.sets_here("AuthorizationKey", "short")
    assert dialed(bench) == FIRST


def test_a_station_that_a_csms_knew_serves_drivers_over_tls_at_once(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store")
    bench = Bench(store=store)
    bench.sets(SecurityProfile=2)
    redials(bench)
    bench.restarts(online=False)
    assert dialed(bench).profile == 2
    bench.waits(1)
    assert bench.charge_point.station.sessions[1].phase.value == "idle"
    store.close()


STORIES = {
    "key": AttachmentWanted(Origin.CSMS, key=NEW_KEY),
    "profile": AttachmentWanted(Origin.CSMS, profile=2),
    "address": MOVE,
}


class Wall:
    """Cuts the power before one commit, or before none."""

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


def play(bench: Bench, wish: AttachmentWanted, *, works: bool) -> None:
    """Change something, with a CSMS that takes it or does not."""
    bench.connects()
    bench.happens(wish)
    bench.disconnects()
    if works:
        bench.connects()
        return
    for _ in range(3):
        refuses(bench, "tls-name" if wish.key is None else "http-auth")
    bench.connects()
    bench.waits(121)


@pytest.mark.requirement("SEC-36", "SEC-39")
@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize("story", STORIES)
def test_a_cut_before_any_commit_leaves_what_worked_or_the_trial(
    story: str, works: bool, tmp_path: Path
) -> None:
    wish, cut, reached = STORIES[story], 0, True
    while reached:
        store = Store(tmp_path / f"{cut}")
        bench = Bench(store=store, online=False)
        bench.after = Wall(store, cut)
        try:
            play(bench, wish, works=works)
        except PowerCut:
            bench.after = None
        else:
            reached = False
            bench.after = None
        bench.restarts(online=False)
        attachments = bench.charge_point.upkeep.attachments
        assert attachments.settled.attachment in (FIRST, wish.applied(FIRST))
        if not works:
            assert attachments.settled.attachment == FIRST
        tried = attachments.trial
        assert tried is None or tried.attachment == wish.applied(FIRST)
        cut += 1
        store.close()
    assert cut > 3


def test_a_happening_of_the_whole_station_is_told_of_each_change() -> None:
    bench = Bench()
    bench.happens(MOVE)
    notes = [
        each.what
        for step in bench.steps
        for each in step.told
        if getattr(each, "connector", None) == WHOLE_STATION and hasattr(each, "what")
    ]
    words = "csms: tries ws://new.example/ocpp as CP1, profile 1 (URL)"
    assert words in notes


def test_every_key_that_is_known_is_told_to_who_takes_secrets_out() -> None:
    bench = Bench()
    attachments = bench.charge_point.upkeep.attachments
    assert attachments.keys == {OLD_KEY}
    bench.sets(AuthorizationKey=NEW_KEY)
    assert attachments.keys == {OLD_KEY, NEW_KEY}

"""The local list, from SendLocalList to the driver who charges by it."""

from pathlib import Path
from typing import Any

import pytest

from chargerd.core.effects import ListKept, Refused
from chargerd.core.reasons import Cause, Why
from chargerd.ocpp16.framing import LONGEST_FRAME
from chargerd.ocpp16.records import MessageQueued, Snapshot
from chargerd.store.database import Store
from tests.scenarios.bench import CARD, CSMS_URL, OTHER_CARD, Bench
from tests.scenarios.csms import ACCEPTED, Json

BLOCKED: Json = {"status": "Blocked"}
PAST = "2026-03-01T00:00:00Z"


def entry(id_tag: str, **info: str) -> Json:
    return {"idTag": id_tag, "idTagInfo": {"status": "Accepted", **info}}


def sends(bench: Bench, version: int, *entries: Json, kind: str = "Full") -> str:
    answer = bench.asks(
        "SendLocalList",
        listVersion=version,
        updateType=kind,
        localAuthorizationList=list(entries),
    )
    return str(answer.get("status") or answer["code"])


def version(bench: Bench) -> int:
    return int(bench.asks("GetLocalListVersion")["listVersion"])


def listed(*entries: Json, **keys: str) -> Bench:
    """Return a station with a list that the CSMS has sent."""
    bench = Bench(keys={"LocalPreAuthorize": "true", **keys})
    assert sends(bench, 7, *entries) == "Accepted"
    return bench


def refusal(bench: Bench) -> Why:
    refusals = [
        effect
        for step in bench.steps
        for effect in step.told
        if isinstance(effect, Refused)
    ]
    return refusals[-1].why


def conflicts(bench: Bench) -> list[Json]:
    return [
        report
        for report in bench.told("StatusNotification")
        if report["errorCode"] == "LocalListConflict"
    ]


@pytest.mark.requirement("LIST-01")
def test_the_profile_and_its_keys_are_there() -> None:
    bench = Bench()
    names = ["LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength"]
    wanted = [*names, "SupportedFeatureProfiles"]
    found = bench.asks("GetConfiguration", key=wanted)["configurationKey"]
    told = {key["key"]: (key["readonly"], key["value"]) for key in found}
    assert "LocalAuthListManagement" in told["SupportedFeatureProfiles"][1].split(",")
    assert [told[name] for name in names] == [
        (False, "true"),
        (True, "10000"),
        (True, "1000"),
    ]


@pytest.mark.key("LocalAuthListMaxLength")
@pytest.mark.key("SendLocalListMaxLength")
@pytest.mark.requirement("LIST-15")
def test_the_list_takes_as_many_as_its_keys_say_and_not_one_more() -> None:
    bench = Bench()
    names = ["LocalAuthListMaxLength", "SendLocalListMaxLength"]
    found = bench.asks("GetConfiguration", key=names)["configurationKey"]
    most, at_once = (int(key["value"]) for key in found)
    many = [entry(f"T{n}") for n in range(most + 1)]
    assert sends(bench, 1, *many[: at_once + 1]) == "Failed"
    for first in range(0, most, at_once):
        part = many[first : first + at_once]
        assert sends(bench, 1 + first, *part, kind="Differential") == "Accepted"
    assert sends(bench, 2 * most, many[-1], kind="Differential") == "Failed"
    assert refusal(bench) is Why.LIST_TOO_LONG


@pytest.mark.requirement("LIST-04", "LIST-06", "LIST-07", "LIST-10", "LIST-12")
def test_a_list_is_sent_changed_and_emptied() -> None:
    bench = Bench()
    assert version(bench) == 0
    assert sends(bench, 3, entry("A"), entry("B")) == "Accepted"
    assert version(bench) == 3
    assert sends(bench, 3, entry("C"), kind="Differential") == "VersionMismatch"
    assert sends(bench, 5, {"idTag": "a"}, kind="Differential") == "Accepted"
    assert version(bench) == 5
    nothing = bench.asks("SendLocalList", listVersion=6, updateType="Differential")
    assert (nothing, version(bench)) == (ACCEPTED, 6)
    assert sends(bench, 1) == "Accepted"
    assert version(bench) == 0
    omitted = bench.asks("SendLocalList", listVersion=1, updateType="Full")
    assert (omitted, version(bench)) == (ACCEPTED, 0)


@pytest.mark.requirement("LIST-09", "LIST-13", "LIST-14", "LIST-15", "LIST-17")
@pytest.mark.parametrize(
    ("number", "entries", "why"),
    [
        (8, [entry("A"), entry("a")], Why.LIST_AMBIGUOUS),
        (8, [entry("A"), {"idTag": "B"}], Why.LIST_INCOMPLETE),
        (0, [entry("A")], Why.BAD_VALUE),
        (-1, [entry("A")], Why.BAD_VALUE),
        (8, [entry(f"T{n}") for n in range(1001)], Why.LIST_TOO_LONG),
    ],
)
def test_a_list_that_cannot_be_taken_fails_and_the_old_one_stays(
    number: int, entries: list[Json], why: Why
) -> None:
    bench = listed(entry(CARD))
    before = bench.charge_point.station.desk.drivers.listed
    assert sends(bench, number, *entries) == "Failed"
    assert refusal(bench) is why
    assert bench.charge_point.station.desk.drivers.listed is before
    assert version(bench) == 7


@pytest.mark.requirement("LIST-15", "LIST-21")
def test_a_list_far_beyond_all_bounds_is_refused_and_nothing_is_lost() -> None:
    bench = listed(entry(CARD))
    info = {"parentIdTag": "P" * 20, "expiryDate": "2027-03-02T08:00:00.000+00:00"}
    many = [entry(f"04A224B2C3D4E5F{n:05}", **info) for n in range(10_001)]
    assert sends(bench, 8, *many) == "OccurenceConstraintViolation"
    assert len(bench._frame) < LONGEST_FRAME
    assert version(bench) == 7


@pytest.mark.requirement("LIST-05", "LIST-16")
def test_a_list_that_is_switched_off_is_not_supported() -> None:
    bench = listed(entry(CARD))
    bench.sets(LocalAuthListEnabled="false")
    assert version(bench) == -1
    assert sends(bench, 9, entry("B")) == "NotSupported"
    bench.sets(SendLocalListNeedsEnabled="false")
    assert sends(bench, 9, entry("B")) == "Accepted"
    assert version(bench) == -1
    bench.sets(LocalAuthListEnabled="true")
    assert version(bench) == 9


@pytest.mark.requirement("LIST-17", "LIST-18")
def test_a_disk_that_does_not_take_the_list_makes_it_fail(tmp_path: Path) -> None:
    store = Store(tmp_path / "chargerd.db")
    bench = Bench(store=store)
    assert sends(bench, 7, entry(CARD)) == "Accepted"
    bench.disk_full = True
    assert sends(bench, 8, entry(OTHER_CARD)) == "Failed"
    assert refusal(bench) is Why.STORAGE_FAILING
    assert version(bench) == 7
    drivers = bench.charge_point.station.desk.drivers
    assert drivers.find(CARD).listed is not None
    assert drivers.find(OTHER_CARD).listed is None
    assert store.restore(bench.clock.now().utc).listed == drivers.listed
    bench.disk_full = False
    assert sends(bench, 8, entry(OTHER_CARD)) == "Accepted"
    store.close()


@pytest.mark.requirement("LIST-18")
def test_the_answer_comes_only_after_the_disk_has_the_list(tmp_path: Path) -> None:
    store = Store(tmp_path / "chargerd.db")
    bench = Bench(store=store)
    answered_before = len(bench.answers)
    sends(bench, 7, entry(CARD))
    (tried,) = [n for n, step in enumerate(bench.steps) if step.attempt is not None]
    assert isinstance(bench.steps[tried].attempt, ListKept)
    assert not bench.steps[tried].frames
    assert len(bench.answers) == answered_before + 1
    store.close()


@pytest.mark.requirement("LIST-17")
def test_a_disk_that_is_known_to_fail_is_not_tried() -> None:
    bench = listed(entry(CARD))
    bench.charge_point.station.storage_failing = True
    steps = len(bench.steps)
    assert sends(bench, 8, entry(CARD)) == "Failed"
    assert refusal(bench) is Why.STORAGE_FAILING
    assert all(step.attempt is None for step in bench.steps[steps:])


@pytest.mark.requirement("AUTH-05", "AUTH-03", "AUTH-34")
def test_a_listed_driver_charges_without_a_question() -> None:
    bench = listed(entry(CARD.lower(), parentIdTag="FLEET"))
    bench.charges()
    assert bench.told("Authorize") == []
    assert bench.told("StartTransaction")[0]["idTag"] == CARD
    session = bench.charge_point.station.sessions[1]
    assert session.parent == "FLEET"
    story = [note.what for note in bench.charge_point.commits.story(session.key)]
    assert story[0] == "accepted by the local list"


@pytest.mark.key("AuthorizeRemoteTxRequests")
@pytest.mark.requirement("AUTH-05", "REM-05")
def test_a_remote_start_of_a_listed_driver_asks_no_question() -> None:
    keys = {"AuthorizeRemoteTxRequests": "true", "AuthorizationCacheEnabled": "false"}
    bench = listed(entry(CARD), **keys)
    bench.plugs()
    assert bench.asks("RemoteStartTransaction", connectorId=1, idTag=CARD) == ACCEPTED
    bench.energizes()
    assert bench.told("Authorize") == []
    assert len(bench.told("StartTransaction")) == 1


@pytest.mark.key("LocalPreRefuse")
@pytest.mark.requirement("AUTH-08", "LIST-20", "AUTH-13")
def test_a_driver_whom_the_list_refuses_is_refused_and_told_by_whom() -> None:
    bench = listed(entry(CARD, expiryDate=PAST))
    bench.plugs()
    bench.presents()
    assert refusal(bench) is Why.TAG_EXPIRED
    assert bench.charge_point.station.refusals[-1][1].detail == (
        "decided by the local list"
    )
    assert bench.told("Authorize") == []
    bench.sets(LocalPreRefuse="false")
    bench.presents()
    assert len(bench.told("Authorize")) == 1


@pytest.mark.requirement("LIST-03", "AUTH-10", "CACHE-06", "PERS-03", "PERS-04")
def test_list_and_cache_serve_drivers_after_a_cold_start_without_a_network(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "chargerd.db")
    bench = Bench(store=store)
    assert sends(bench, 7, entry(CARD), entry("BAD", status="Blocked")) == "Accepted"
    bench.charges(OTHER_CARD)
    bench.presents(OTHER_CARD)
    bench.finishes(121_000)
    bench.unplugs()
    for card in (CARD, OTHER_CARD):
        bench.restarts(online=False)
        bench.plugs()
        before_s = bench.now_s
        bench.presents(card)
        assert bench.now_s == before_s
        assert bench.phase() == "handshake"
    bench.restarts(online=False)
    bench.plugs()
    bench.presents("bad")
    assert refusal(bench) is Why.TAG_BLOCKED
    bench.connects()
    assert version(bench) == 7
    store.close()


@pytest.mark.requirement("LIST-02")
def test_no_answer_of_the_csms_and_no_other_question_changes_the_list() -> None:
    bench = listed(entry(CARD), entry(OTHER_CARD, status="Blocked"))
    before = bench.charge_point.station.desk.drivers.listed
    bench.sets(LocalPreAuthorize="false")
    bench.csms.will("Authorize", {"idTagInfo": BLOCKED})
    bench.plugs()
    bench.presents()
    bench.asks("ClearCache")
    bench.disconnects()
    bench.connects()
    assert bench.charge_point.station.desk.drivers.listed is before


@pytest.mark.requirement("LIST-19", "CACHE-03")
def test_what_is_listed_leaves_the_cache_on_the_disk_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "chargerd.db")
    bench = Bench(store=store)
    for card in (CARD, OTHER_CARD):
        bench.presents(card)
        bench.presents(card)
    known = dict(store.restore(bench.clock.now().utc).tags)
    assert set(known) == {CARD.lower(), OTHER_CARD.lower()}
    sends(bench, 7, entry(CARD))
    bench.presents()
    snapshot = store.restore(bench.clock.now().utc)
    assert set(dict(snapshot.tags)) == {OTHER_CARD.lower()}
    assert set(snapshot.listed.entries) == {CARD.lower()}
    store.close()


@pytest.mark.requirement("AUTH-50", "STAT-37")
def test_a_contradiction_of_the_csms_is_reported_once_and_its_word_holds() -> None:
    bench = listed(entry(CARD), entry(OTHER_CARD))
    bench.csms.will("StartTransaction", {"transactionId": 5, "idTagInfo": BLOCKED})
    bench.plugs()
    bench.presents()
    (report,) = conflicts(bench)
    assert (report["connectorId"], report["status"]) == (0, "Available")
    assert report["info"] == CARD
    assert bench.charge_point.station.sessions[1].cause is Cause.DEAUTHORIZED
    bench.finishes(121_000)
    bench.unplugs()

    bench.sets(LocalPreAuthorize="false")
    bench.csms.will("Authorize", *[{"idTagInfo": BLOCKED}] * 3)
    bench.presents()
    bench.presents(OTHER_CARD)
    bench.presents(OTHER_CARD)
    assert [report["info"] for report in conflicts(bench)] == [CARD, OTHER_CARD]

    bench.presents()
    bench.presents(OTHER_CARD)
    last = [r for r in bench.told("StatusNotification") if r["connectorId"] == 0][-1]
    assert last["errorCode"] == "LocalListConflict"
    assert sends(bench, 8) == "Accepted"
    last = [r for r in bench.told("StatusNotification") if r["connectorId"] == 0][-1]
    assert last["errorCode"] == "NoError"


@pytest.mark.requirement("AUTH-31", "AUTH-36", "AUTH-35")
@pytest.mark.parametrize("online", [True, False])
def test_a_listed_card_of_the_group_stops_without_a_question(online: bool) -> None:
    fleet = {"parentIdTag": "fleet"}
    bench = listed(
        entry(CARD, parentIdTag="FLEET"),
        entry(OTHER_CARD, **fleet),
        entry("STRANGER"),
        entry("GONE", status="Blocked", **fleet),
    )
    bench.charges()
    if not online:
        bench.disconnects()
    for card in ("STRANGER", "GONE"):
        bench.presents(card)
        assert bench.phase() == "energized"
    bench.presents(OTHER_CARD)
    assert bench.phase() == "ramp-down"
    bench.finishes(121_000)
    if not online:
        bench.connects()
    assert bench.told("Authorize") == []
    assert bench.told("StopTransaction")[0]["idTag"] == OTHER_CARD


@pytest.mark.requirement("AUTH-45")
def test_a_date_that_passes_during_a_transaction_does_not_end_it() -> None:
    bench = Bench()
    until = bench.clock.now().utc.isoformat()[:13] + ":59:59Z"
    assert sends(bench, 7, entry(CARD, expiryDate=until)) == "Accepted"
    bench.disconnects()
    bench.charges()
    bench.waits(7200)
    assert bench.phase() == "energized"


@pytest.mark.requirement("AUTH-44")
def test_a_late_judgment_on_a_transaction_that_has_ended_is_only_remembered() -> None:
    bench = Bench(keys={"AllowOfflineTxForUnknownId": "true"})
    bench.disconnects()
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.csms.will("StartTransaction", {"transactionId": 5, "idTagInfo": BLOCKED})
    bench.connects()
    assert bench.phase() == "finished"
    (stop,) = bench.told("StopTransaction")
    assert stop["reason"] == "Local"
    cached = bench.charge_point.station.desk.drivers.find(CARD).cached
    assert cached is not None
    assert cached.standing == "Blocked"


@pytest.mark.requirement("CACHE-10", "CACHE-02")
def test_a_stop_teaches_the_cache_only_what_it_is_told() -> None:
    bench = Bench()
    bench.charges()
    drivers = bench.charge_point.station.desk.drivers
    before = drivers.find(CARD).cached
    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()
    assert drivers.find(CARD).cached is before
    bench.csms.will("StopTransaction", {"idTagInfo": BLOCKED})
    bench.charges()
    bench.presents()
    bench.finishes(122_000)
    assert drivers.find(CARD).cached != before


@pytest.mark.requirement("RPC-29", "AUTH-02")
def test_an_id_tag_goes_out_as_it_came_in() -> None:
    bench = Bench(keys={"AuthorizeRemoteTxRequests": "true"})
    bench.plugs()
    bench.asks("RemoteStartTransaction", idTag="FleetCard-ß!", connectorId=1)
    bench.energizes()
    bench.presents("fleetcard-SS!")
    bench.finishes(121_000)
    assert bench.told("Authorize")[0]["idTag"] == "FleetCard-ß!"
    assert bench.told("StartTransaction")[0]["idTag"] == "FleetCard-ß!"
    assert bench.told("StopTransaction")[0]["idTag"] == "fleetcard-SS!"


@pytest.mark.requirement("AUTH-02")
def test_an_id_tag_longer_than_ocpp_takes_is_refused_at_the_reader() -> None:
    bench = Bench()
    bench.plugs()
    bench.presents("A" * 20)
    assert len(bench.told("Authorize")) == 1
    bench.presents("A" * 21)
    assert refusal(bench) is Why.TAG_TOO_LONG
    assert len(bench.told("Authorize")) == 1


@pytest.mark.key("PlugInFirst")
def test_a_card_counts_before_the_plug_or_only_after_it() -> None:
    bench = Bench(connectors=2, keys={"PlugInFirst": "true"})
    bench.presents()
    assert refusal(bench) is Why.NOT_PLUGGED
    assert bench.told("Authorize") == []
    bench.plugs(2)
    bench.presents()
    assert bench.phase(2) == "handshake"
    bench.presents(OTHER_CARD)
    assert refusal(bench) is Why.NOT_PLUGGED
    bench.sets(PlugInFirst="false")
    bench.presents(OTHER_CARD)
    assert bench.phase(1) == "authorized"


@pytest.mark.key("ConnectionTimeOutPlugFirst")
@pytest.mark.requirement("AUTH-20")
def test_a_plug_waits_for_its_driver_for_a_time_or_for_ever() -> None:
    bench = Bench(keys={"ConnectionTimeOutPlugFirst": "false"})
    bench.plugs()
    bench.waits(7200)
    assert bench.phase() == "plugged"
    bench.sets(ConnectionTimeOutPlugFirst="true")
    bench.waits(1)
    assert bench.phase() == "finished"


@pytest.mark.requirement("AUTH-20")
def test_with_one_reader_for_two_connectors_no_plug_waits_for_ever() -> None:
    bench = Bench(connectors=2)
    wish: Any = {"key": "ConnectionTimeOutPlugFirst", "value": "false"}
    assert bench.asks("ChangeConfiguration", **wish) == {"status": "Rejected"}
    assert refusal(bench) is Why.BAD_VALUE


def test_a_list_takes_no_message_of_a_transaction_away() -> None:
    bench = Bench(
        keys={"AllowOfflineTxForUnknownId": "true"},
        snapshot=Snapshot(accepted_by=frozenset({CSMS_URL})),
        online=False,
    )
    bench.charges()
    bench.csms.always("StartTransaction", None)
    bench.connects()
    for question in ("ClearCache", "GetLocalListVersion"):
        bench.asks(question)
    sends(bench, 3, entry(CARD))
    sends(bench, 4)
    queued = [r for s in bench.steps for r in s.records if isinstance(r, MessageQueued)]
    assert bench.charge_point.dialogue.ledger.outbox.waiting == len(queued)

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargerd.core.effects import Noted
from chargerd.core.events import RoomChanged, StorageChanged
from chargerd.core.policy import ENERGY
from chargerd.core.reasons import Why
from chargerd.ocpp16.outbox import WINDOW
from chargerd.store.database import Store
from tests.scenarios.bench import CARD, OTHER_CARD, Bench
from tests.scenarios.csms import SILENCE, Json, Refusal, Reply

ANYBODY = {"AllowOfflineTxForUnknownId": "true"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def numbered(number: int, status: str = "Accepted") -> Json:
    return {"transactionId": number, "idTagInfo": {"status": status}}


@pytest.mark.key(
    "AllowOfflineTxForUnknownId", "AuthorizationCacheEnabled", "LocalAuthorizeOffline"
)
@pytest.mark.requirement("AUTH-10", "AUTH-12", "AUTH-13")
@pytest.mark.parametrize(
    ("keys", "card", "starts"),
    [
        ({}, CARD, True),
        ({}, OTHER_CARD, False),
        ({"LocalAuthorizeOffline": "false"}, CARD, False),
        ({"AuthorizationCacheEnabled": "false"}, CARD, False),
        (ANYBODY, OTHER_CARD, True),
        (ANYBODY, "BLOCKED", False),
    ],
)
def test_without_the_csms_the_keys_say_who_may_charge(
    keys: dict[str, str], card: str, starts: bool
) -> None:
    bench = Bench(keys=keys)
    bench.presents()
    bench.presents()
    bench.csms.will("Authorize", {"idTagInfo": {"status": "Blocked"}})
    bench.presents("BLOCKED")
    bench.disconnects()
    bench.plugs()
    bench.presents(card)
    assert bool(bench.charge_point.station.billed()) is starts


@pytest.mark.key("LocalPreAuthorize")
@pytest.mark.requirement("AUTH-05", "AUTH-06")
def test_a_remembered_driver_is_not_asked_for_where_the_operator_says_so() -> None:
    bench = Bench(keys={"LocalPreAuthorize": "true"})
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.presents()
    assert len(bench.told("Authorize")) == 1
    assert len(bench.told("StartTransaction")) == 2


@pytest.mark.requirement("AUTH-15")
@pytest.mark.parametrize("reply", [SILENCE, Refusal()])
def test_a_driver_whom_the_csms_does_not_answer_for_is_decided_without_it(
    reply: Reply,
) -> None:
    bench = Bench(keys=ANYBODY)
    bench.plugs()
    bench.csms.will("Authorize", reply)
    bench.presents()
    bench.waits(30)
    assert len(bench.told("StartTransaction")) == 1


def test_a_driver_whose_question_dies_with_the_link_is_decided_without_it() -> None:
    bench = Bench(connectors=2, keys=ANYBODY)
    bench.csms.always("Authorize", SILENCE)
    bench.plugs()
    bench.presents()
    bench.plugs(2)
    bench.presents(OTHER_CARD)
    bench.disconnects()
    assert len(bench.charge_point.station.billed()) == 2


@pytest.mark.requirement("OFFL-02", "OFFL-06", "OFFL-17", "OFFL-19", "TXN-06", "TXN-08")
@pytest.mark.parametrize("number", [0, -3, 42])
def test_a_session_without_the_csms_is_told_in_order_and_numbered_late(
    number: int,
) -> None:
    bench = Bench(keys=ANYBODY)
    bench.csms.first_number = number
    bench.disconnects()
    bench.charges()
    started = bench.clock.now().utc
    bench.waits(130)
    bench.presents()
    bench.finishes(122_000)
    bench.unplugs()
    bench.waits(3600)
    assert bench.messages() == []
    bench.connects()

    assert bench.messages() == [
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    later = [*bench.told("MeterValues"), *bench.told("StopTransaction")]
    assert {message["transactionId"] for message in later} == {number}
    assert "transactionId" not in bench.told("StartTransaction")[0]
    assert bench.told("StartTransaction")[0]["timestamp"] < started.isoformat()
    assert bench.statuses() == ["Available"]


@pytest.mark.requirement("AUTH-40", "CACHE-02")
def test_a_driver_whom_the_csms_refuses_late_is_stopped() -> None:
    bench = Bench(keys=ANYBODY)
    bench.disconnects()
    bench.charges()
    bench.csms.will("StartTransaction", numbered(5, "Invalid"))
    bench.connects()
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["reason"] == "DeAuthorized"
    assert bench.statuses()[-1] == "Finishing"

    bench.unplugs()
    bench.disconnects()
    bench.plugs()
    bench.presents()
    assert bench.charge_point.station.billed() == ()


@pytest.mark.key("StopTransactionOnInvalidId")
@pytest.mark.requirement("AUTH-41")
def test_a_refused_driver_is_paused_where_the_transaction_may_go_on() -> None:
    bench = Bench(keys={"StopTransactionOnInvalidId": "false"})
    bench.csms.will("StartTransaction", numbered(5, "Blocked"))
    bench.charges()
    assert bench.output.limit_w == 0.0
    assert bench.statuses()[-1] == "SuspendedEVSE"
    assert bench.told("StopTransaction") == []


@pytest.mark.key("MaxEnergyOnInvalidId")
@pytest.mark.requirement("AUTH-42")
@pytest.mark.parametrize("stop", ["true", "false"])
def test_a_refused_driver_gets_what_little_is_allowed(stop: str) -> None:
    bench = Bench(
        keys={"StopTransactionOnInvalidId": stop, "MaxEnergyOnInvalidId": "500"}
    )
    bench.csms.will("StartTransaction", numbered(5, "Blocked"))
    bench.charges()
    bench.meters(120_499)
    assert bench.output.limit_w > 0.0
    bench.meters(120_500)
    assert bench.output.limit_w == 0.0
    if stop == "true":
        bench.finishes(120_500)
        assert bench.told("StopTransaction")[0]["reason"] == "DeAuthorized"


@pytest.mark.requirement(
    "OFFL-08", "OFFL-09", "OFFL-10", "OFFL-11", "OFFL-12", "TXN-09"
)
def test_a_message_is_sent_as_often_as_allowed_and_then_set_aside() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.always("StartTransaction", Refusal("InternalError", "no room"))
    bench.charges()
    first_s = bench.times("StartTransaction")[0]
    bench.presents()
    bench.finishes(121_000)
    bench.waits(300)
    tries = [at_s - first_s for at_s in bench.times("StartTransaction")]
    assert tries == [0, 60, 180]
    (stop,) = bench.told("StopTransaction")
    assert stop["transactionId"] == -1
    assert bench.times("StopTransaction") == [first_s + 180]
    outbox = bench.charge_point.dialogue.ledger.outbox
    assert (outbox.waiting, outbox.quarantined) == (0, 1)
    assert bench.statuses()[-1] == "Finishing"


@pytest.mark.key(
    "MessageTimeout", "TransactionMessageAttempts", "TransactionMessageRetryInterval"
)
@pytest.mark.requirement("OFFL-16", "CFG-16")
def test_the_attempts_and_their_pauses_are_the_operators_choice() -> None:
    bench = Bench()
    keys = {"TransactionMessageAttempts": 4, "TransactionMessageRetryInterval": 5}
    bench.sets(**keys, MessageTimeout=2, MeterValueSampleInterval=0)
    bench.csms.always("StartTransaction", SILENCE)
    bench.charges()
    bench.waits(100)
    first_s, *later = bench.times("StartTransaction")
    assert [at_s - first_s for at_s in later] == [7, 19, 36]

    quick = Bench(keys={"TransactionMessageRetryInterval": "0"})
    quick.csms.always("StartTransaction", Refusal())
    quick.charges()
    assert len(quick.told("StartTransaction")) == 3


@pytest.mark.requirement("OFFL-07", "OFFL-13", "OFFL-14")
def test_a_lost_link_is_no_attempt_and_a_new_one_no_pause() -> None:
    bench = Bench()
    bench.csms.will("StartTransaction", *[SILENCE] * 5, Refusal(), Refusal())
    bench.plugs()
    bench.presents()
    for _ in range(5):
        bench.disconnects()
        bench.waits(7)
        bench.connects()
    assert len(bench.told("StartTransaction")) == 6
    again_s = bench.now_s
    bench.waits(3)
    bench.disconnects()
    bench.connects()
    assert bench.times("StartTransaction")[-1] == again_s + 3
    bench.waits(120)
    assert len(bench.told("StartTransaction")) == 8
    assert bench.charge_point.dialogue.ledger.outbox.quarantined == 0


@pytest.mark.requirement("OFFL-04", "OFFL-11", "STAT-34")
def test_others_need_not_wait_for_a_message_that_pauses() -> None:
    bench = Bench(connectors=2)
    bench.csms.will("StartTransaction", Refusal())
    bench.charges()
    bench.plugs(2)
    bench.presents(OTHER_CARD)
    assert len(bench.told("Authorize")) == 2
    assert bench.statuses(2) == ["Available", "Preparing"]
    assert bench.messages() == ["StartTransaction"]
    bench.waits(60)
    assert bench.messages()[:3] == ["StartTransaction"] * 3


@pytest.mark.requirement("RPC-03", "OFFL-08")
def test_the_answer_that_comes_too_late_is_taken_all_the_same() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", SILENCE)
    bench.charges()
    bench.waits(40)
    bench.answers_late("StartTransaction", numbered(99))
    bench.waits(300)
    bench.presents()
    bench.finishes(121_000)
    assert len(bench.told("StartTransaction")) == 1
    assert bench.told("StopTransaction")[0]["transactionId"] == 99


@pytest.mark.requirement("RPC-03", "RPC-05")
def test_of_two_attempts_that_are_answered_the_first_counts() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", SILENCE, SILENCE)
    bench.charges()
    bench.waits(91)
    assert len(bench.told("StartTransaction")) == 2
    bench.answers_late("StartTransaction", numbered(99))
    bench.answers_late("StartTransaction", numbered(100))
    bench.presents()
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["transactionId"] == 99
    assert bench.charge_point.dialogue.ledger.outbox.waiting == 0


@pytest.mark.requirement("RPC-03", "RPC-05", "TXN-06")
def test_a_late_answer_counts_while_the_message_is_under_way_again() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", SILENCE, SILENCE)
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.waits(95)
    bench.answers_late("StartTransaction", numbered(99))
    # the second attempt is still under way, so the stop waits for its turn
    assert bench.messages() == ["StartTransaction"] * 2
    bench.waits(400)
    assert bench.messages() == ["StartTransaction"] * 2 + ["StopTransaction"]
    assert bench.told("StopTransaction")[0]["transactionId"] == 99
    assert bench.charge_point.dialogue.ledger.outbox.quarantined == 0


@pytest.mark.requirement("RPC-02")
def test_each_attempt_has_a_message_id_of_its_own() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.always("StartTransaction", SILENCE)
    bench.charges()
    bench.waits(500)
    frames = [json.loads(frame) for step in bench.steps for frame in step.frames]
    starts = [frame for frame in frames if frame[2:3] == ["StartTransaction"]]
    assert len(starts) == 3
    assert len({id for _, id, *_ in starts}) == 3
    assert all(frame[3] == starts[0][3] for frame in starts)


@pytest.mark.requirement("OFFL-15", "OFFL-09")
def test_a_new_interval_holds_for_a_message_that_pauses_already() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", Refusal())
    bench.charges()
    first_s = bench.times("StartTransaction")[0]
    bench.waits(10)
    bench.sets(TransactionMessageRetryInterval=20)
    bench.waits(60)
    assert bench.times("StartTransaction") == [first_s, first_s + 20]


@pytest.mark.key("TransactionMessageAttempts")
@pytest.mark.requirement("OFFL-15", "OFFL-10", "TXN-09")
def test_fewer_attempts_are_the_end_of_a_message_that_had_so_many() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", Refusal(), Refusal())
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    bench.waits(70)
    bench.sets(TransactionMessageAttempts=3)
    assert bench.messages() == ["StartTransaction"] * 2
    bench.sets(TransactionMessageAttempts=2)
    assert bench.messages() == ["StartTransaction"] * 2 + ["StopTransaction"]
    assert bench.told("StopTransaction")[0]["transactionId"] == -1
    assert bench.charge_point.dialogue.ledger.outbox.quarantined == 1


@pytest.mark.requirement("OFFL-15")
def test_fewer_attempts_set_a_meter_value_aside_and_nothing_else() -> None:
    bench = Bench()
    bench.csms.will("MeterValues", Refusal())
    bench.charges()
    bench.waits(61)
    bench.sets(TransactionMessageAttempts=1)
    bench.presents()
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["transactionId"] == 7


@pytest.mark.requirement("BOOT-26", "OFFL-13")
def test_a_csms_that_has_forgotten_us_is_told_again_and_nothing_counts() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", Refusal("SecurityError"), numbered(9))
    bench.charges()
    assert len(bench.told("BootNotification")) == 2
    assert len(bench.told("StartTransaction")) == 2
    assert bench.charge_point.dialogue.ledger.outbox.waiting == 0

    bench.csms.always("StopTransaction", Refusal("SecurityError"))
    bench.presents()
    bench.finishes(121_000)
    bench.waits(400)
    # once more forgotten, and after that it is about the message
    assert len(bench.told("BootNotification")) == 3
    assert len(bench.told("StopTransaction")) == 1 + 3
    assert bench.charge_point.dialogue.ledger.outbox.quarantined == 1


@pytest.mark.requirement("OFFL-26", "BOOT-26")
@pytest.mark.parametrize("word", ["Pending", "Rejected"])
def test_who_is_not_accepted_any_more_keeps_its_messages(word: str) -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("BootNotification", bench.csms.boot(word, 600))
    bench.csms.will("StartTransaction", Refusal("SecurityError"))
    bench.charges()
    bench.waits(590)
    assert len(bench.told("StartTransaction")) == 1
    bench.waits(10)
    assert len(bench.told("StartTransaction")) == 2
    assert bench.charge_point.dialogue.ledger.outbox.waiting == 0


@pytest.mark.requirement("RPC-25", "RPC-26")
@pytest.mark.parametrize(
    "reply", [Refusal("NotInOcpp16"), Refusal("RpcFrameworkError"), {"no": "answer"}]
)
def test_whatever_is_no_answer_is_one_failed_attempt(reply: Reply) -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", reply)
    bench.charges()
    (entry,) = bench.charge_point.dialogue.ledger.outbox.entries
    assert entry.attempts == 1
    bench.waits(60)
    assert len(bench.told("StartTransaction")) == 2
    assert bench.charge_point.dialogue.ledger.outbox.waiting == 0


@pytest.mark.requirement("OFFL-12")
def test_a_message_that_is_never_taken_holds_others_up_as_the_rule_says() -> None:
    bench = Bench(connectors=2, keys={"MeterValueSampleInterval": "0"})
    bench.csms.always("StopTransaction", Refusal())
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    refused_s = bench.times("StopTransaction")[0]
    bench.charges(OTHER_CARD, connector=2)
    bench.waits(1000)
    # three attempts: 60 s after the first, 120 s after the second
    assert bench.times("StartTransaction")[-1] == refused_s + 180


@pytest.mark.key("MaxMessageSize")
@pytest.mark.requirement("OFFL-21")
def test_a_stop_is_no_longer_than_the_csms_can_take_and_its_story_says_so() -> None:
    keys = {"MeterValueSampleInterval": "1", "StopTxnSampledData": ENERGY}
    bench = Bench(keys={**keys, "MaxMessageSize": "3000"})
    bench.charges()
    bench.waits(120)
    bench.presents()
    bench.finishes(121_000)
    (stop,) = bench.told("StopTransaction")
    longest = max(len(frame) for step in bench.steps for frame in step.frames)
    assert 2500 < longest <= 3000
    contexts = [v["sampledValue"][0]["context"] for v in stop["transactionData"]]
    assert (contexts[0], contexts[-1]) == ("Transaction.Begin", "Transaction.End")
    (told,) = [
        effect.what
        for step in bench.steps
        for effect in step.told
        if isinstance(effect, Noted) and "transactionData" in effect.what
    ]
    total = 123
    out = total - len(stop["transactionData"])
    assert told == f"transactionData: {out} of {total} meter values left out"

    bench.sets(MaxMessageSize=0)
    bench.charges()
    bench.waits(120)
    bench.presents()
    bench.finishes(122_000)
    assert len(bench.told("StopTransaction")[-1]["transactionData"]) == total


def test_a_transaction_that_was_given_up_takes_a_late_number() -> None:
    bench = Bench(
        keys={"TransactionMessageAttempts": "1", "MeterValueSampleInterval": "0"}
    )
    bench.csms.will("StartTransaction", SILENCE)
    bench.charges()
    bench.waits(31)
    bench.answers_late("StartTransaction", numbered(99))
    bench.presents()
    bench.finishes(121_000)
    assert bench.told("StopTransaction")[0]["transactionId"] == 99


@pytest.mark.parametrize("lost", [True, False])
def test_concurrent_means_this_very_transaction_when_it_is_told_again(
    lost: bool,
) -> None:
    bench = Bench()
    bench.csms.will("StartTransaction", SILENCE, numbered(8, "ConcurrentTx"))
    bench.charges()
    if lost:
        bench.disconnects()
        bench.connects()
    else:
        bench.waits(90)
    assert bench.charge_point.dialogue.ledger.numbers == {
        bench.charge_point.station.sessions[1].key: 8
    }
    assert bench.phase() == "energized"


def test_concurrent_at_the_first_attempt_is_a_refusal() -> None:
    bench = Bench()
    bench.csms.will("StartTransaction", numbered(8, "ConcurrentTx"))
    bench.plugs()
    bench.presents()
    bench.meters(120_000)
    assert bench.told("StopTransaction")[0]["reason"] == "DeAuthorized"


@pytest.mark.requirement("OFFL-01", "OFFL-03", "OFFL-25")
def test_more_messages_than_the_memory_holds_are_all_told_in_their_order(
    store: Store,
) -> None:
    bench = Bench(keys={**ANYBODY, "MeterValueSampleInterval": "1"}, store=store)
    bench.disconnects()
    bench.charges()
    bench.waits(2 * WINDOW + 57)
    bench.presents()
    bench.finishes(121_000)
    outbox = bench.charge_point.dialogue.ledger.outbox
    assert len(outbox.entries) == WINDOW
    total = outbox.waiting
    bench.connects()

    assert len(bench.messages()) == total
    times = [m["meterValue"][0]["timestamp"] for m in bench.told("MeterValues")]
    assert times == sorted(set(times))
    assert bench.messages()[0] == "StartTransaction"
    assert bench.messages()[-1] == "StopTransaction"
    assert store.load(0, 10) == ()


@pytest.mark.requirement("TXN-44")
def test_a_restart_goes_on_with_what_the_disk_holds(store: Store) -> None:
    bench = Bench(keys=ANYBODY, store=store)
    bench.disconnects()
    bench.charges()
    bench.waits(61)
    bench.presents()
    bench.finishes(121_000)
    bench.restarts()
    assert bench.messages() == ["StartTransaction", "MeterValues", "StopTransaction"]
    assert bench.told("StopTransaction")[0]["transactionId"] == 7
    assert bench.told("StopTransaction")[0]["meterStop"] == 121_000


def test_a_disk_that_fails_keeps_messages_back_and_nobody_busy() -> None:
    bench = Bench(keys={"MeterValueSampleInterval": "0"})
    bench.csms.will("StartTransaction", Refusal())
    bench.charges()
    bench.happens(StorageChanged(0, failing=True))
    bench.waits(200)
    assert len(bench.told("StartTransaction")) == 1
    bench.happens(StorageChanged(0, failing=False))
    assert len(bench.told("StartTransaction")) == 2


def test_a_stop_may_say_something_of_its_driver() -> None:
    bench = Bench()
    bench.csms.will("StopTransaction", {"idTagInfo": {"status": "Expired"}})
    bench.charges()
    bench.presents()
    bench.finishes(121_000)
    known = bench.charge_point.station.desk.drivers.tags.find(CARD)
    assert known is not None
    assert known.standing == "Expired"
    assert bench.charge_point.dialogue.ledger.numbers == {}


def test_a_stop_that_nobody_presented_says_nothing_of_a_driver() -> None:
    bench = Bench()
    bench.csms.will("StopTransaction", {"idTagInfo": {"status": "Expired"}})
    bench.charges()
    bench.asks("RemoteStopTransaction", transactionId=7)
    bench.finishes(121_000)
    known = bench.charge_point.station.desk.drivers.tags.find(CARD)
    assert known is not None
    assert known.standing == "Accepted"


def test_an_answer_that_is_none_counts_as_a_failed_attempt() -> None:
    bench = Bench()
    bench.csms.will(
        "StartTransaction", {**numbered(7), "transactionId": "seven"}, numbered(7)
    )
    bench.charges()
    entry = bench.charge_point.dialogue.ledger.outbox.entries[0]
    assert entry.attempts == 1
    assert entry.error is not None
    assert "transactionId" in entry.error
    bench.waits(60)
    assert bench.charge_point.dialogue.ledger.numbers[entry.key] == 7


@pytest.mark.requirement("OFFL-22", "OFFL-20")
def test_when_only_bills_are_left_nothing_starts_without_the_csms() -> None:
    bench = Bench(connectors=2, keys={**ANYBODY, "MeterValueSampleInterval": "0"})
    bench.charges()
    bench.disconnects()
    for exhausted in (False, True, True):
        bench.happens(RoomChanged(0, short=True, exhausted=exhausted))
    active = [fault.fault.name for fault in bench.charge_point.station.health.active]
    assert active == ["storage-short"]
    bench.plugs(2)
    bench.presents(OTHER_CARD)
    assert bench.phase(2) == "plugged"
    assert bench.charge_point.station.refusals[-1][1].why is Why.STORAGE_FULL
    # what runs goes on, and ends with its bill
    assert bench.phase() == "energized"

    bench.connects()
    bench.presents(OTHER_CARD)
    assert bench.phase(2) != "plugged"
    told = [event["type"] for event in bench.security_events]
    assert told.count("MemoryExhaustion") == 1
    bench.happens(RoomChanged(0, short=False, exhausted=False))
    assert bench.charge_point.station.health.active == ()


@pytest.mark.requirement("OFFL-20")
def test_what_the_disk_has_let_go_of_is_not_told(store: Store) -> None:
    bench = Bench(keys={**ANYBODY, "MeterValueSampleInterval": "1"}, store=store)
    bench.disconnects()
    bench.charges()
    bench.waits(WINDOW + 50)
    bench.presents()
    bench.finishes(121_000)
    outbox = bench.charge_point.dialogue.ledger.outbox
    total = outbox.waiting
    for _ in range(2):
        bench.happens(store.thin().gone)
    assert store.thin().done
    assert outbox.waiting == 2 < total
    bench.connects()
    assert bench.messages() == ["StartTransaction", "StopTransaction"]

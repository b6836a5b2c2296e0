from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.core.policy import Policy
from chargerd.ocpp16.outbox import WINDOW, Outbox
from chargerd.ocpp16.records import (
    Entry,
    MessageQuarantined,
    MessageRetried,
    MessageSettled,
    Snapshot,
)

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
POLICY = Policy(message_attempts=3, message_retry_interval_s=60)


def outbox(count: int = 0) -> Outbox:
    box = Outbox.of(Snapshot())
    for _ in range(count):
        box.append("key", "MeterValues", {}, AT)
    return box


def head(box: Outbox, now_s: float = 0.0) -> Entry:
    entry = box.head(now_s, POLICY)
    assert entry is not None
    return entry


def test_an_empty_outbox_has_nothing_to_say() -> None:
    assert outbox().head(0.0, POLICY) is None
    assert outbox().next_deadline_s(POLICY) is None
    assert outbox().load_after is None


@pytest.mark.requirement("OFFL-02", "OFFL-03")
def test_messages_leave_in_the_order_they_came() -> None:
    box = outbox(3)
    seen = []
    while box.waiting:
        entry = head(box)
        seen.append(entry.id)
        assert box.settle(entry) == (MessageSettled(entry.id),)
    assert seen == [1, 2, 3]


def test_a_message_is_settled_once() -> None:
    box = outbox(1)
    entry = head(box)
    box.settle(entry)
    assert box.settle(entry) == ()
    assert box.fail(entry, "again", 0.0, Policy(message_attempts=1)) == ()
    assert (box.waiting, box.quarantined) == (0, 0)


@pytest.mark.requirement("OFFL-09", "OFFL-10", "OFFL-12")
def test_each_failure_makes_the_pause_longer_until_the_message_is_set_aside() -> None:
    box = outbox(2)
    entry = head(box)
    assert box.fail(entry, "no", 0.0, POLICY) == ()
    assert box.head(59.9, POLICY) is None
    assert box.next_deadline_s(POLICY) == 60.0
    assert box.fail(head(box, 60.0), "no", 60.0, POLICY) == ()
    assert box.next_deadline_s(POLICY) == 180.0
    assert box.fail(head(box, 180.0), "never", 180.0, POLICY) == (
        MessageQuarantined(1, 3, "never"),
    )
    assert head(box, 180.0).id == 2
    assert (box.waiting, box.quarantined) == (1, 1)


@pytest.mark.requirement("OFFL-14")
def test_a_new_link_makes_an_end_of_pauses() -> None:
    box = outbox(1)
    box.fail(head(box), "no", 0.0, POLICY)
    box.reconnected()
    assert head(box).attempts == 1


def test_no_interval_is_still_a_moment() -> None:
    box = outbox(1)
    policy = Policy(message_retry_interval_s=0)
    box.fail(head(box), "no", 0.0, policy)
    assert box.next_deadline_s(policy) == pytest.approx(0.1)


def test_only_the_first_message_of_the_disk_may_have_been_sent_before() -> None:
    entries = tuple(Entry(id, "key", "MeterValues", {}, AT) for id in (4, 5))
    box = Outbox.of(Snapshot(entries=entries, waiting=2, last_message_id=5))
    assert [entry.tried for entry in box.entries] == [True, False]
    assert box.append("key", "StopTransaction", {}, AT).id == 6


def test_what_was_loaded_once_is_not_loaded_again() -> None:
    box = outbox(WINDOW + 3)
    assert len(box.entries) == WINDOW
    later = [Entry(WINDOW + n, "key", "MeterValues", {}, AT) for n in (1, 2, 3)]
    while box.load_after is None:
        box.settle(head(box))
    assert box.load_after == WINDOW
    box.load(WINDOW, later)
    while box.waiting:
        box.settle(head(box))
    box.load(WINDOW, later)
    assert box.head(0.0, POLICY) is None


def test_what_is_brought_back_behind_the_window_may_be_answered_late() -> None:
    box = outbox(WINDOW + 5)
    box.quarantined = 1
    entry = Entry(WINDOW + 3, "key", "MeterValues", {}, AT)
    assert box.retry(entry) == (MessageRetried(entry.id),)
    assert len(box.entries) == WINDOW
    assert box.settle(entry) == (MessageSettled(entry.id),)
    assert box.settle(entry) == ()
    assert (box.waiting, box.quarantined) == (WINDOW + 5, 0)
    box.load(WINDOW, [entry])
    assert entry not in box.entries


def test_what_was_asked_for_before_the_window_moved_is_asked_for_again() -> None:
    box = outbox(WINDOW + 5)
    later = [Entry(WINDOW + n, "key", "MeterValues", {}, AT) for n in range(1, 6)]
    box.quarantined = 1
    box.retry(Entry(0, "key", "StartTransaction", {}, AT))
    box.load(WINDOW, later)
    assert [entry.id for entry in box.entries] == list(range(WINDOW))


def test_what_the_disk_has_let_go_of_is_counted_once() -> None:
    box = outbox(WINDOW + 5)
    box.quarantined = 7
    box.settle(head(box))
    box.thinned((1, 2, 3, WINDOW + 1, WINDOW + 2), 3)
    assert box.waiting == WINDOW
    assert box.quarantined == 4
    assert head(box).id == 4


@given(st.lists(st.sampled_from("asfl"), max_size=400))
def test_the_window_is_always_the_beginning_of_what_waits(moves: list[str]) -> None:
    box, disk = outbox(), list[int]()
    for move in ["a"] * (WINDOW + 20) + moves:
        entry = box.head(1e9, POLICY)
        if move == "a":
            disk.append(box.append("key", "MeterValues", {}, AT).id)
        elif move == "l" and box.load_after is not None:
            after = box.load_after
            ids = [id for id in disk if id > after]
            box.load(after, [Entry(id, "key", "MeterValues", {}, AT) for id in ids])
        elif move == "s" and entry is not None:
            box.settle(entry)
            disk.remove(entry.id)
        elif entry is not None:
            disk = disk if not box.fail(entry, "no", 0.0, POLICY) else disk[1:]
        assert [e.id for e in box.entries] == disk[: len(box.entries)]
        assert box.waiting == len(disk)

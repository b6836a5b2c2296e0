"""The authorization cache."""

from datetime import UTC, datetime, timedelta

import pytest

from chargerd.core.effects import TagLearned, TagsForgotten
from chargerd.core.events import Standing, TagInfo
from chargerd.core.tags import CAPACITY, Tags
from tests.core.bench import ACCEPTED

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BLOCKED = TagInfo(Standing.BLOCKED)


@pytest.mark.requirement("CACHE-02", "AUTH-02")
def test_the_last_answer_for_a_tag_is_remembered_valid_or_not() -> None:
    tags = Tags()
    assert tags.learn("Abc", ACCEPTED, NOW) == (TagLearned("abc", ACCEPTED, NOW),)
    assert tags.find("aBC") == ACCEPTED
    tags.learn("ABC", BLOCKED, NOW)
    assert tags.find("abc") == BLOCKED


def test_the_same_answer_again_is_worth_no_record() -> None:
    tags = Tags()
    tags.learn("A", ACCEPTED, NOW)
    assert tags.learn("a", ACCEPTED, NOW) == ()


@pytest.mark.requirement("CACHE-06")
def test_what_the_disk_remembers_is_known() -> None:
    assert Tags([("A", BLOCKED)]).find("a") == BLOCKED


@pytest.mark.requirement("CACHE-07")
def test_clearing_forgets_everything() -> None:
    tags = Tags([("A", ACCEPTED), ("B", BLOCKED)])
    assert dict(tags.all) == {"a": ACCEPTED, "b": BLOCKED}
    assert tags.clear() == (TagsForgotten(("a", "b")),)
    assert tags.find("A") is None
    assert tags.clear() == ()


def full(**not_valid: TagInfo) -> Tags:
    known = {f"t{n}": ACCEPTED for n in range(CAPACITY)}
    return Tags((known | not_valid).items())


@pytest.mark.requirement("CACHE-05")
def test_a_tag_that_is_not_valid_makes_room_first() -> None:
    expired = TagInfo(Standing.ACCEPTED, None, NOW - timedelta(seconds=1))
    tags = full(t7=expired, t9=BLOCKED)
    _, forgotten = tags.learn("new", ACCEPTED, NOW)
    assert forgotten == TagsForgotten(("t7",))
    _, forgotten = tags.learn("newer", ACCEPTED, NOW)
    assert forgotten == TagsForgotten(("t9",))


@pytest.mark.requirement("CACHE-05")
def test_then_the_oldest_makes_room() -> None:
    tags = full()
    tags.learn("t0", TagInfo(Standing.ACCEPTED, "GROUP"), NOW)  # renewed: the youngest
    _, forgotten = tags.learn("new", ACCEPTED, NOW)
    assert forgotten == TagsForgotten(("t1",))
    assert tags.find("t1") is None
    assert tags.find("t0") is not None

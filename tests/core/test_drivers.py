"""Whom the station knows, and where the CSMS contradicts its own list."""

from datetime import UTC, datetime, timedelta

import pytest

from chargerd.core.drivers import Drivers
from chargerd.core.effects import Noted
from chargerd.core.events import ListReplaced, Standing, TagInfo
from chargerd.core.locallist import LocalList
from chargerd.core.policy import Policy
from chargerd.core.tags import Tags
from tests.core.bench import ACCEPTED

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BLOCKED = TagInfo(Standing.BLOCKED)
CONCURRENT = TagInfo(Standing.CONCURRENT_TX)
ON = Policy()


def drivers(**listed: TagInfo) -> Drivers:
    return Drivers(LocalList(4, listed), Tags())


def replaced(known: Drivers, **listed: TagInfo) -> None:
    known.replace(ListReplaced(0, 5, listed))


@pytest.mark.requirement("CACHE-03")
def test_what_is_listed_is_not_cached() -> None:
    known = drivers(a=ACCEPTED)
    assert known.learn("A", ACCEPTED, ON, NOW) == ()
    assert known.find("A").cached is None
    known.learn("B", ACCEPTED, ON, NOW)
    assert known.find("b").cached == ACCEPTED
    # a list that is not in use keeps nothing out of the cache
    known.learn("A", BLOCKED, Policy(list_enabled=False), NOW)
    assert known.find("a").cached == BLOCKED


@pytest.mark.requirement("AUTH-50")
def test_a_contradiction_is_noted_once_and_leaves_the_list_alone() -> None:
    known = drivers(a=ACCEPTED, b=BLOCKED)
    (told,) = known.learn("A", BLOCKED, ON, NOW)
    assert told == Noted(0, "…: the CSMS says Blocked, the local list Accepted")
    assert known.conflict == "A"
    assert known.learn("a", TagInfo(Standing.INVALID), ON, NOW) == ()
    assert known.conflict == "A"
    assert known.learn("B", ACCEPTED, ON, NOW) != ()
    assert known.conflict == "B"
    assert known.listed == LocalList(4, {"a": ACCEPTED, "b": BLOCKED})


@pytest.mark.requirement("AUTH-50")
def test_it_ends_when_the_csms_agrees_again_with_every_entry() -> None:
    known = drivers(a=ACCEPTED, b=BLOCKED)
    known.learn("A", BLOCKED, ON, NOW)
    known.learn("B", ACCEPTED, ON, NOW)
    known.learn("B", TagInfo(Standing.INVALID), ON, NOW)
    assert known.conflict == "B"
    assert known.contradicted("A")
    assert not known.contradicted("b")
    known.learn("a", CONCURRENT, ON, NOW)
    assert known.conflict is None
    assert known.learn("A", BLOCKED, ON, NOW) != ()
    assert known.conflict == "A"


@pytest.mark.requirement("AUTH-50")
def test_it_ends_when_the_entry_changes_or_goes() -> None:
    known = drivers(a=ACCEPTED, b=ACCEPTED, c=ACCEPTED)
    for id_tag in ("a", "b", "c"):
        known.learn(id_tag, BLOCKED, ON, NOW)
    replaced(known, a=BLOCKED, c=ACCEPTED)
    assert known.conflict == "c"
    replaced(known)
    assert known.conflict is None


def test_who_charges_elsewhere_is_no_contradiction_and_a_passed_date_is_one() -> None:
    soon = TagInfo(Standing.ACCEPTED, None, NOW + timedelta(seconds=1))
    known = drivers(a=soon, b=CONCURRENT)
    known.learn("a", CONCURRENT, ON, NOW)
    known.learn("b", ACCEPTED, ON, NOW)
    assert known.conflict is None
    known.learn("a", ACCEPTED, ON, NOW + timedelta(seconds=1))
    assert known.conflict == "a"


@pytest.mark.requirement("LIST-19")
def test_a_new_list_takes_its_id_tags_out_of_the_cache() -> None:
    cached = Tags([("A", BLOCKED), ("B", ACCEPTED)])
    known = Drivers(LocalList(), cached)
    uncached = cached.among(("a", "c"))
    assert uncached == ("a",)
    news = ListReplaced(0, 7, {"a": ACCEPTED, "c": ACCEPTED}, uncached)
    assert known.replace(news) == (
        Noted(0, "the local list has version 7 and 2 id tags"),
    )
    assert known.find("A").listed == ACCEPTED
    assert known.find("A").cached is None
    assert known.find("b").cached == ACCEPTED

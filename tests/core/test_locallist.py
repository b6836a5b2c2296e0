"""The local list: what SendLocalList makes of it, and what it leaves alone."""

from datetime import UTC, datetime

import pytest

from chargerd.core import locallist
from chargerd.core.effects import ListKept
from chargerd.core.events import Standing, TagInfo
from chargerd.core.locallist import (
    MOST_ENTRIES,
    MOST_SENT,
    Declined,
    LocalList,
    Outcome,
    Sent,
    updated,
)
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why

GOOD = TagInfo(Standing.ACCEPTED, "FLEET", datetime(2027, 1, 1, tzinfo=UTC))
BAD = TagInfo(Standing.BLOCKED)
LISTED = LocalList(4, {"a": GOOD, "b": BAD})
POLICY = Policy()


def after(sent: Sent, listed: LocalList = LISTED) -> tuple[LocalList, ListKept]:
    found = updated(listed, sent, POLICY)
    assert not isinstance(found, Declined), found
    return found


def declined(sent: Sent, policy: Policy = POLICY) -> tuple[Outcome, Why]:
    before = dict(LISTED.entries)
    found = updated(LISTED, sent, policy)
    assert isinstance(found, Declined)
    assert dict(LISTED.entries) == before
    return found.outcome, found.why


@pytest.mark.requirement("LIST-07", "LIST-08")
@pytest.mark.parametrize("version", [1, 4, 2**31 - 1])
def test_a_full_list_replaces_all_whatever_its_version(version: int) -> None:
    listed, kept = after(Sent(version, True, [("C", GOOD)]))
    assert listed == LocalList(version, {"c": GOOD})
    assert kept == ListKept(version, True, (("c", GOOD),))
    assert listed.find("c") == listed.find("C") == GOOD
    assert listed.find("A") is None


@pytest.mark.requirement("LIST-06", "LIST-04")
def test_an_empty_full_list_empties_it_and_its_version_is_zero() -> None:
    listed, kept = after(Sent(7, True))
    assert listed == LocalList(0, {})
    assert kept == ListKept(0, True)
    # what the CSMS is told is what its next change is compared with
    assert after(Sent(1, False, [("A", GOOD)]), listed)[0].version == 1


@pytest.mark.requirement("LIST-10", "LIST-11", "LIST-12")
def test_a_change_touches_only_what_it_names_and_may_skip_versions() -> None:
    changes = [("B", None), ("C", BAD), ("nobody", None)]
    listed, kept = after(Sent(9, False, changes))
    assert listed == LocalList(9, {"a": GOOD, "c": BAD})
    assert kept == ListKept(9, False, (("c", BAD),), ("b", "nobody"))
    assert LISTED.find("B") is BAD
    replaced, _ = after(Sent(5, False, [("A", BAD)]))
    assert replaced.find("a") == BAD
    gone, _ = after(Sent(6, False, [("a", None), ("b", None)]))
    assert gone.version == 0


@pytest.mark.key("AcceptEmptyDifferential")
@pytest.mark.requirement("LIST-12")
def test_an_empty_change_changes_the_version_or_fails() -> None:
    assert after(Sent(9, False))[0] == LocalList(9, LISTED.entries)
    assert after(Sent(9, False), LocalList())[0].version == 0
    strict = Policy(accept_empty_differential=False)
    assert declined(Sent(9, False), strict) == (Outcome.FAILED, Why.LIST_INCOMPLETE)
    assert not isinstance(updated(LISTED, Sent(9, True), strict), Declined)


@pytest.mark.requirement("LIST-10")
@pytest.mark.parametrize("version", [1, 3, 4])
def test_a_change_that_is_not_newer_does_not_fit(version: int) -> None:
    mismatch = (Outcome.VERSION_MISMATCH, Why.LIST_OUTDATED)
    assert declined(Sent(version, False, [("c", GOOD)])) == mismatch


@pytest.mark.requirement("LIST-13")
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("version", [0, -1, -(2**31)])
def test_a_version_below_one_fails(version: int, full: bool) -> None:
    failed = (Outcome.FAILED, Why.BAD_VALUE)
    assert declined(Sent(version, full, [("c", GOOD)])) == failed


@pytest.mark.requirement("LIST-14", "LIST-17")
@pytest.mark.parametrize("full", [True, False])
def test_an_id_tag_that_occurs_twice_fails_whatever_its_case(full: bool) -> None:
    twice = Sent(9, full, [("Abc", GOOD), ("aBC", GOOD)])
    assert declined(twice) == (Outcome.FAILED, Why.LIST_AMBIGUOUS)


@pytest.mark.requirement("LIST-09")
def test_a_full_list_without_information_on_an_id_tag_fails() -> None:
    incomplete = Sent(9, True, [("c", GOOD), ("d", None)])
    assert declined(incomplete) == (Outcome.FAILED, Why.LIST_INCOMPLETE)


@pytest.mark.requirement("LIST-15")
def test_what_is_too_long_fails() -> None:
    too_long = (Outcome.FAILED, Why.LIST_TOO_LONG)
    many = [(f"t{n}", GOOD) for n in range(MOST_SENT)]
    assert len(after(Sent(5, True, many))[0].entries) == MOST_SENT
    assert declined(Sent(5, True, [*many, ("one", GOOD)])) == too_long

    whole = LocalList(4, {f"n{n}": GOOD for n in range(MOST_ENTRIES)})
    assert len(after(Sent(5, False, [("N1", BAD)]), whole)[0].entries) == MOST_ENTRIES
    exchange = Sent(5, False, [("more", BAD), ("n1", None)])
    assert after(exchange, whole)[0].find("more") == BAD
    found = updated(whole, Sent(5, False, [("more", BAD)]), POLICY)
    assert isinstance(found, Declined)
    assert (found.outcome, found.why) == too_long


@pytest.mark.key("LocalAuthListEnabled", "SendLocalListNeedsEnabled")
@pytest.mark.requirement("LIST-05", "LIST-16")
def test_a_list_that_is_not_in_use_is_not_supported_or_kept_unused() -> None:
    off = Policy(list_enabled=False)
    sent = Sent(9, True, [("c", GOOD)])
    assert locallist.version(LISTED, POLICY) == 4
    assert locallist.version(LISTED, off) == -1
    assert declined(sent, off) == (Outcome.NOT_SUPPORTED, Why.LIST_DISABLED)
    kept = updated(LISTED, sent, Policy(list_enabled=False, send_needs_list=False))
    assert not isinstance(kept, Declined)

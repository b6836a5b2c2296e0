"""May this id tag charge? The whole table, and what it must contain."""

from datetime import timedelta, timezone
from typing import Any

import pytest

from chargerd.core.authorization import (
    Decision,
    Known,
    Verdict,
    decide,
    judged,
    same,
    valid,
)
from chargerd.core.events import Source, Standing, TagInfo
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why
from tests.core.authorization_table import ENTRIES, FILE, NOW, table

NOT_VALID = ("passed", "blocked", "expired", "invalid", "concurrent")


def decided(
    *, listed: str = "nothing", cached: str = "nothing", online: bool, **choices: Any
) -> Decision:
    known = Known(ENTRIES[listed], ENTRIES[cached])
    return decide(known, online, Policy(**choices), NOW)


def verdict(cached: str, online: bool, **choices: Any) -> Verdict:
    return decided(cached=cached, online=online, **choices).verdict


def test_the_table_is_current() -> None:
    assert FILE.read_text() == table(), (
        "write it anew with: python -m tests.core.authorization_table"
    )


@pytest.mark.key("LocalPreAuthorize")
@pytest.mark.requirement("AUTH-05")
def test_online_a_valid_memory_is_enough_if_the_operator_says_so() -> None:
    for where in ("listed", "cached"):
        trusting: Any = {where: "accepted", "local_pre_authorize": True}
        assert decided(online=True, **trusting).verdict is Verdict.ACCEPT


@pytest.mark.requirement("AUTH-06", "AUTH-09")
def test_online_the_csms_is_asked_otherwise() -> None:
    for name in ENTRIES:
        assert verdict(name, True, local_pre_authorize=False) is Verdict.ASK
        assert decided(listed=name, online=True).verdict is Verdict.ASK
    assert verdict("nothing", True, local_pre_authorize=True) is Verdict.ASK


@pytest.mark.requirement("AUTH-07")
@pytest.mark.parametrize("name", NOT_VALID)
def test_online_the_csms_is_asked_about_a_tag_cached_as_not_valid(name: str) -> None:
    assert verdict(name, True, local_pre_authorize=True) is Verdict.ASK


@pytest.mark.key("LocalPreRefuse")
@pytest.mark.requirement("AUTH-08")
@pytest.mark.parametrize("name", NOT_VALID)
def test_online_a_tag_listed_as_not_valid_is_refused_or_asked_for(name: str) -> None:
    def said(**choices: bool) -> Decision:
        return decided(listed=name, cached="accepted", online=True, **choices)

    trusting = said(local_pre_authorize=True)
    assert (trusting.verdict, trusting.source) == (Verdict.REFUSE, Source.LIST)
    asking = said(local_pre_authorize=True, list_refuses_first=False)
    assert asking.verdict is Verdict.ASK
    assert said(local_pre_authorize=False).verdict is Verdict.ASK


@pytest.mark.requirement("AUTH-03")
@pytest.mark.parametrize("online", [True, False])
def test_the_list_goes_before_the_cache(online: bool) -> None:
    choices: dict[str, Any] = {"online": online, "local_pre_authorize": True}
    for cached in ENTRIES:
        listed = decided(listed="accepted", cached=cached, **choices)
        assert (listed.verdict, listed.source) == (Verdict.ACCEPT, Source.LIST)
        barred = decided(listed="blocked", cached=cached, **choices)
        assert (barred.why, barred.source) == (Why.TAG_BLOCKED, Source.LIST)
    beneath = decided(cached="accepted", **choices)
    assert (beneath.verdict, beneath.source) == (Verdict.ACCEPT, Source.CACHE)


@pytest.mark.key("LocalAuthListEnabled", "AuthorizationCacheEnabled")
@pytest.mark.requirement("AUTH-04", "CACHE-01")
@pytest.mark.parametrize(
    ("where", "key"), [("listed", "list_enabled"), ("cached", "cache_enabled")]
)
def test_what_is_switched_off_is_not_consulted(where: str, key: str) -> None:
    for name, on, off in (
        ("accepted", Verdict.ACCEPT, Why.TAG_UNKNOWN_OFFLINE),
        ("blocked", Verdict.REFUSE, Why.TAG_UNKNOWN_OFFLINE),
    ):
        known: Any = {where: name, "online": False}
        assert decided(**{**known, key: True}).verdict is on
        assert decided(**{**known, key: False}).why is off


@pytest.mark.key("AllowOfflineTxCoversKnownId", "LocalAuthorizeOffline")
@pytest.mark.requirement("AUTH-10", "AUTH-11", "AUTH-14")
@pytest.mark.parametrize("where", ["listed", "cached"])
def test_offline_a_valid_memory_is_enough_if_the_operator_says_so(where: str) -> None:
    known: Any = {where: "accepted", "online": False}
    assert decided(**known, local_authorize_offline=True).verdict is Verdict.ACCEPT
    refused = decided(**known, local_authorize_offline=False)
    assert refused.why is Why.OFFLINE_NOT_ALLOWED
    known |= {"local_authorize_offline": False, "allow_offline_unknown_id": True}
    assert decided(**known).verdict is Verdict.ACCEPT
    strict = decided(**known, unknown_covers_known=False)
    assert strict.why is Why.OFFLINE_NOT_ALLOWED


@pytest.mark.key("AllowOfflineTxForUnknownId")
@pytest.mark.requirement("AUTH-12")
def test_offline_an_unknown_tag_may_charge_if_the_operator_says_so() -> None:
    assert verdict("nothing", False, allow_offline_unknown_id=True) is Verdict.ACCEPT
    assert verdict("nothing", False, allow_offline_unknown_id=False) is Verdict.REFUSE


@pytest.mark.requirement("AUTH-13", "CACHE-04", "LIST-20")
@pytest.mark.parametrize("where", ["listed", "cached"])
@pytest.mark.parametrize("name", NOT_VALID)
def test_offline_a_tag_known_not_to_be_valid_is_refused(name: str, where: str) -> None:
    known: Any = {where: name}
    for listed in (True, False):
        decision = decided(
            **known,
            online=False,
            allow_offline_unknown_id=True,
            local_authorize_offline=listed,
        )
        assert decision.verdict is Verdict.REFUSE
        assert decision.source is (Source.LIST if where == "listed" else Source.CACHE)


@pytest.mark.key("ListedConcurrentTxIsValid")
@pytest.mark.requirement("AUTH-17")
def test_concurrent_in_a_list_counts_as_valid_if_the_operator_says_so() -> None:
    info = TagInfo(Standing.CONCURRENT_TX, "FLEET", NOW + timedelta(seconds=1))
    for known, accepted in ((Known(listed=info), True), (Known(cached=info), False)):
        kind = Policy(listed_concurrent_valid=True)
        decision = decide(known, False, kind, NOW)
        assert (decision.verdict is Verdict.ACCEPT) is accepted
        assert decision.parent == ("FLEET" if accepted else None)
        assert decide(known, False, Policy(), NOW).why is Why.TAG_CONCURRENT
    passed = Known(listed=TagInfo(Standing.CONCURRENT_TX, None, NOW))
    assert decide(passed, False, kind, NOW).why is Why.TAG_EXPIRED
    assert valid(info, NOW)
    assert not valid(info, NOW + timedelta(seconds=1))


@pytest.mark.requirement("TIME-06")
def test_expiry_is_a_moment_whatever_its_time_zone() -> None:
    east = timezone(timedelta(hours=9))
    now, minute = NOW.astimezone(east), timedelta(minutes=1)
    later = TagInfo(Standing.ACCEPTED, "G", now + minute)
    past = TagInfo(Standing.ACCEPTED, "G", now - minute)
    assert judged(later, Source.CACHE, NOW).verdict is Verdict.ACCEPT
    assert judged(later, Source.CACHE, NOW).parent == "G"
    assert judged(past, Source.CACHE, NOW).why is Why.TAG_EXPIRED


@pytest.mark.requirement("AUTH-02")
def test_id_tags_are_compared_without_regard_to_case() -> None:
    assert same("04a224B2", "04A224b2")
    assert not same("04A224B2", "04A224B3")


@pytest.mark.requirement("AUTH-31")
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_the_same_as_nothing_else(nothing: str | None) -> None:
    assert not same(nothing, nothing)
    assert not same("A", nothing)
    assert not same(nothing, "A")

"""May this id tag charge? The whole table, and what it must contain."""

from datetime import timedelta, timezone
from typing import Any

import pytest

from chargerd.core.authorization import Verdict, decide, judged, same
from chargerd.core.events import Standing, TagInfo
from chargerd.core.policy import Policy
from chargerd.core.reasons import Why
from tests.core.authorization_table import FILE, NOW, REMEMBERED, table

VALID = ("nothing", "accepted", "accepted, not yet expired")
NOT_VALID = [name for name in REMEMBERED if name not in VALID]


def verdict(name: str, online: bool, **choices: Any) -> Verdict:
    return decide(REMEMBERED[name], online, Policy(**choices), NOW).verdict


def test_the_table_is_current() -> None:
    assert FILE.read_text() == table(), (
        "write it anew with: python -m tests.core.authorization_table"
    )


@pytest.mark.requirement("AUTH-05")
def test_online_a_valid_memory_is_enough_if_the_operator_says_so() -> None:
    assert verdict("accepted", True, local_pre_authorize=True) is Verdict.ACCEPT


@pytest.mark.requirement("AUTH-06", "AUTH-09")
def test_online_the_csms_is_asked_otherwise() -> None:
    for name in REMEMBERED:
        assert verdict(name, True, local_pre_authorize=False) is Verdict.ASK
    assert verdict("nothing", True, local_pre_authorize=True) is Verdict.ASK


@pytest.mark.requirement("AUTH-07")
@pytest.mark.parametrize("name", NOT_VALID)
def test_online_the_csms_is_asked_about_a_tag_known_not_to_be_valid(name: str) -> None:
    assert verdict(name, True, local_pre_authorize=True) is Verdict.ASK


@pytest.mark.requirement("AUTH-10", "AUTH-11", "AUTH-14")
def test_offline_a_valid_memory_is_enough_if_the_operator_says_so() -> None:
    assert verdict("accepted", False, local_authorize_offline=True) is Verdict.ACCEPT
    assert verdict("accepted", False, local_authorize_offline=False) is Verdict.REFUSE
    unknown_too = {"local_authorize_offline": False, "allow_offline_unknown_id": True}
    assert verdict("accepted", False, **unknown_too) is Verdict.ACCEPT


@pytest.mark.requirement("AUTH-12")
def test_offline_an_unknown_tag_may_charge_if_the_operator_says_so() -> None:
    assert verdict("nothing", False, allow_offline_unknown_id=True) is Verdict.ACCEPT
    assert verdict("nothing", False, allow_offline_unknown_id=False) is Verdict.REFUSE


@pytest.mark.requirement("AUTH-13", "CACHE-04")
@pytest.mark.parametrize("name", NOT_VALID)
def test_offline_a_tag_known_not_to_be_valid_is_refused(name: str) -> None:
    assert verdict(name, False, allow_offline_unknown_id=True) is Verdict.REFUSE


@pytest.mark.requirement("TIME-06")
def test_expiry_is_a_moment_whatever_its_time_zone() -> None:
    east = timezone(timedelta(hours=9))
    now, minute = NOW.astimezone(east), timedelta(minutes=1)
    later = TagInfo(Standing.ACCEPTED, "G", now + minute)
    past = TagInfo(Standing.ACCEPTED, "G", now - minute)
    assert judged(later, NOW).verdict is Verdict.ACCEPT
    assert judged(later, NOW).parent == "G"
    assert judged(past, NOW).why is Why.TAG_EXPIRED


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

"""How connectors share the power of a station: fair, and never more than there is."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.core.demand import SETTLE_S, Demand, headroom_w, seen
from chargerd.core.sharing import RESUME_AT, Claim, Shares, fill, share

LEAST_W = 1_500.0
NOTHING = Shares()


def claim(connector: int, most_w: float = 150_000.0, **more: float) -> Claim:
    values = {"taking_w": 0.0, "since_s": float(connector), "least_w": LEAST_W, **more}
    return Claim(connector, most_w, **values)


def settled(
    available_w: float, claims: list[Claim], before: Shares = NOTHING
) -> dict[int, float]:
    """Return what comes out when every vehicle takes all that it may."""
    shares = before
    for _ in range(10):
        shares = share(available_w, claims, shares)
        granted_w = shares.granted_w
        claims = [replace(c, taking_w=granted_w[c.connector]) for c in claims]
    return dict(shares.granted_w)


def test_equal_claims_get_equal_shares() -> None:
    assert settled(100_000.0, [claim(1), claim(2)]) == {1: 50_000.0, 2: 50_000.0}


def test_what_one_cannot_have_another_one_gets() -> None:
    claims = [claim(1, 20_000.0), claim(2), claim(3)]
    assert settled(100_000.0, claims) == {1: 20_000.0, 2: 40_000.0, 3: 40_000.0}


def test_where_there_is_enough_nobody_is_held_back() -> None:
    claims = [claim(1, wants_w=30_000.0), claim(2, 60_000.0)]
    assert settled(inf, claims) == {1: 150_000.0, 2: 60_000.0}
    assert settled(250_000.0, claims) == {1: 150_000.0, 2: 60_000.0}


def test_what_a_vehicle_does_not_use_another_one_gets() -> None:
    claims = [claim(1, wants_w=22_000.0), claim(2)]
    assert settled(100_000.0, claims) == {1: 22_000.0, 2: 78_000.0}


def test_a_vehicle_that_uses_next_to_nothing_keeps_the_least() -> None:
    claims = [claim(1, wants_w=0.0), claim(2)]
    assert settled(100_000.0, claims) == {1: LEAST_W, 2: 98_500.0}


def test_without_any_claim_nothing_is_shared() -> None:
    assert share(100_000.0, [], NOTHING) == NOTHING


@pytest.mark.requirement("SMART-39")
def test_the_latest_comer_waits_where_two_would_have_too_little() -> None:
    claims = [claim(1, since_s=20.0), claim(2, since_s=10.0)]
    shares = share(2_900.0, claims, NOTHING)
    assert shares == Shares({1: 0.0, 2: 2_900.0}, frozenset({1}))


def test_a_connector_whose_own_limit_is_too_small_takes_from_nobody() -> None:
    shares = share(100_000.0, [claim(1, 1_000.0), claim(2)], NOTHING)
    assert shares == Shares({1: 0.0, 2: 100_000.0})


def test_who_waits_comes_back_with_a_margin_and_not_at_the_edge() -> None:
    claims = [claim(1), claim(2)]
    edge_w = 2 * LEAST_W
    shares = share(edge_w - 1, claims, NOTHING)
    assert shares.waiting == {2}
    for wavering_w in (edge_w, edge_w - 1, edge_w + 1):
        shares = share(wavering_w, claims, shares)
        assert shares.waiting == {2}
    shares = share(LEAST_W + RESUME_AT * LEAST_W, claims, shares)
    assert not shares.waiting
    # Who charges stays as long as there is just enough.
    assert not share(edge_w, claims, shares).waiting


def test_who_came_first_needs_no_margin_to_come_back() -> None:
    shares = share(0.0, [claim(1)], NOTHING)
    assert shares.waiting == {1}
    assert share(LEAST_W, [claim(1)], shares).granted_w == {1: LEAST_W}


@pytest.mark.requirement("SMART-38")
def test_a_limit_rises_only_into_what_the_others_have_left() -> None:
    alone = share(100_000.0, [claim(1)], NOTHING)
    assert alone.granted_w == {1: 100_000.0}
    full, late = claim(1, taking_w=100_000.0), claim(2)
    shares = share(100_000.0, [full, late], alone)
    # The first one's limit falls at once, and its current takes a moment.
    assert shares.granted_w == {1: 50_000.0, 2: 0.0}
    half_way = replace(full, taking_w=80_000.0)
    shares = share(100_000.0, [half_way, late], shares)
    assert shares.granted_w == {1: 50_000.0, 2: 20_000.0}
    down = replace(full, taking_w=50_000.0)
    shares = share(100_000.0, [down, late], shares)
    assert shares.granted_w == {1: 50_000.0, 2: 50_000.0}


def test_what_a_connector_takes_without_a_claim_is_not_given_twice() -> None:
    ending = claim(1, 0.0, taking_w=70_000.0)
    shares = share(100_000.0, [ending, claim(2)], NOTHING)
    assert shares.granted_w == {1: 0.0, 2: 30_000.0}


def test_too_little_to_charge_with_is_not_begun_while_another_one_ramps_down() -> None:
    before = Shares({1: 100_000.0})
    shares = share(100_000.0, [claim(1, taking_w=99_000.0), claim(2)], before)
    assert shares.granted_w == {1: 50_000.0, 2: 0.0}


def test_lower_bounds_hold_where_there_is_not_even_that() -> None:
    assert fill(10.0, {1: (8.0, 20.0), 2: (5.0, 9.0)}) == {1: 8.0, 2: 5.0}


# --- a vehicle is watched ---------------------------------------------------------


def watched(*taken: tuple[float, float], granted_w: float = 100_000.0) -> Demand:
    demand = Demand()
    for at_s, taking_w in taken:
        demand = seen(demand, granted_w, taking_w, at_s)
    return demand


def test_a_vehicle_that_takes_all_wants_all() -> None:
    assert watched((0.0, 99_000.0), (60.0, 96_000.0)).wants_w == inf


def test_a_vehicle_is_believed_to_want_less_after_a_while() -> None:
    assert watched((0.0, 30_000.0), (SETTLE_S - 0.1, 40_000.0)).wants_w == inf
    demand = watched((0.0, 30_000.0), (10.0, 40_000.0), (SETTLE_S, 35_000.0))
    assert demand.wants_w == 40_000.0 + headroom_w(40_000.0)


def test_a_vehicle_that_fades_is_followed_from_window_to_window() -> None:
    fading = [(float(s), 40_000.0 - 500.0 * s) for s in range(61)]
    assert watched(*fading).wants_w == 20_000.0 + headroom_w(20_000.0)


def test_a_vehicle_that_comes_near_its_limit_wants_all_at_once() -> None:
    demand = watched((0.0, 40_000.0), (SETTLE_S, 40_000.0))
    assert demand.wants_w == 44_000.0
    assert seen(demand, 44_000.0, 40_000.0, 30.0).wants_w == 44_000.0
    assert seen(demand, 44_000.0, 43_000.0, 30.0).wants_w == inf


def test_a_small_consumer_has_a_fixed_headroom() -> None:
    assert headroom_w(0.0) == 2_000.0
    assert headroom_w(100_000.0) == 10_000.0


# --- what always holds ------------------------------------------------------------

power = st.integers(0, 400_000).map(float)


@st.composite
def claims_of(draw: st.DrawFn, least_w: float | None = None) -> list[Claim]:
    return [
        Claim(
            number,
            most_w=draw(power),
            taking_w=draw(power),
            since_s=float(draw(st.integers(0, 3))),
            least_w=draw(st.integers(0, 5_000)) if least_w is None else least_w,
            wants_w=draw(power | st.just(inf)),
        )
        for number in range(1, draw(st.integers(1, 5)) + 1)
    ]


@given(st.lists(st.tuples(power, claims_of()), min_size=1, max_size=6))
@pytest.mark.requirement("SMART-38")
def test_the_sum_is_never_above_what_there_is(
    history: list[tuple[float, list[Claim]]],
) -> None:
    shares = NOTHING
    for available_w, claims in history:
        before_w, shares = shares.granted_w, share(available_w, claims, shares)
        granted_w = shares.granted_w
        assert sum(granted_w.values()) <= available_w
        for each in claims:
            number = each.connector
            assert 0.0 <= granted_w[number] <= each.most_w
            others_w = sum(
                max(granted_w[c.connector], c.taking_w) for c in claims if c != each
            )
            rises = granted_w[number] > before_w.get(number, 0.0)
            assert not rises or granted_w[number] + others_w <= available_w


@given(power, claims_of())
def test_shares_come_to_rest_and_stay(available_w: float, claims: list[Claim]) -> None:
    granted_w = settled(available_w, claims)
    taken = [replace(c, taking_w=granted_w[c.connector]) for c in claims]
    before = Shares(granted_w, share(available_w, taken, NOTHING).waiting)
    again = share(available_w, taken, before)
    assert again.granted_w == granted_w
    assert share(available_w, taken, again) == again


@given(power, claims_of(least_w=0.0))
def test_nobody_could_get_more_but_at_the_cost_of_somebody_with_less(
    available_w: float, claims: list[Claim]
) -> None:
    hungry = [replace(c, wants_w=inf) for c in claims]
    granted_w = settled(available_w, hungry)
    spare_w = available_w - sum(granted_w.values())
    for each in hungry:
        got_w = granted_w[each.connector]
        if got_w < each.most_w:
            assert spare_w < len(claims)  # whole watts
            assert got_w >= max(granted_w.values()) - 1.0


@given(power, claims_of())
def test_nobody_starves_but_for_those_who_came_before(
    available_w: float, claims: list[Claim]
) -> None:
    granted_w = settled(available_w, claims)
    came = sorted(claims, key=lambda c: (c.since_s, c.connector))
    kept_w = 0.0
    for each in came:
        if each.most_w <= 0.0 or each.most_w < each.least_w:
            continue
        if 0.0 < each.least_w <= available_w - kept_w:
            assert granted_w[each.connector] >= each.least_w
            kept_w += each.least_w


@given(power, power, claims_of(least_w=0.0))
def test_more_power_makes_nobody_worse_off(
    some_w: float, more_w: float, claims: list[Claim]
) -> None:
    hungry = [replace(c, wants_w=inf) for c in claims]
    little_w = settled(some_w, hungry)
    much_w = settled(some_w + more_w, hungry)
    assert all(much_w[n] >= little_w[n] for n in little_w)


@given(power, claims_of())
def test_two_vehicles_that_change_places_never_take_more_than_there_is(
    available_w: float, claims: list[Claim]
) -> None:
    """Each vehicle follows its limit by and by, downwards slower than upwards."""
    shares, takes = NOTHING, dict.fromkeys(range(1, 6), 0.0)
    for turn in range(12):
        present = [c for c in claims if (c.connector + turn) % 3]
        told = [
            replace(c, taking_w=takes[c.connector], most_w=c.most_w * (c in present))
            for c in claims
        ]
        shares = share(available_w, told, shares)
        for number, limit_w in shares.granted_w.items():
            falling = max(takes[number] * 0.5, limit_w)
            takes[number] = limit_w if limit_w >= takes[number] else falling
        assert sum(takes.values()) <= available_w + 1e-6

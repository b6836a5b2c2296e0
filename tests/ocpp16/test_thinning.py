import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.ocpp16.thinning import fitted, size_bytes, spare, spare_message
from chargerd.ocpp16.wire import Json


def value(n: int, **more: str) -> Json:
    return {"timestamp": str(n), "sampledValue": [{"value": str(n), **more}]}


def kept(values: list[Json], most: int, room_bytes: int | None = None) -> list[int]:
    return [int(v["timestamp"]) for v in fitted(values, most, room_bytes)]


@pytest.mark.requirement("OFFL-21")
def test_the_first_third_and_fifth_value_between_the_ends_go_first() -> None:
    values = [value(n) for n in range(8)]
    assert kept(values, 8) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert kept(values, 7) == [0, 2, 3, 4, 5, 6, 7]
    assert kept(values, 6) == [0, 2, 4, 5, 6, 7]
    assert kept(values, 5) == [0, 2, 4, 6, 7]
    assert kept(values, 4) == [0, 4, 6, 7]
    assert kept(values, 1) == [0, 7]


@pytest.mark.requirement("OFFL-21")
@pytest.mark.parametrize(
    ("more", "may_go"),
    [
        ({}, True),
        ({"context": "Sample.Periodic"}, True),
        ({"context": "Sample.Clock"}, True),
        ({"context": "Transaction.Begin"}, False),
        ({"context": "Transaction.End"}, False),
        ({"format": "SignedData"}, False),
    ],
)
def test_what_opens_closes_or_proves_a_bill_stays(
    more: dict[str, str], may_go: bool
) -> None:
    values = [value(0), value(1, **more), value(2)]
    assert kept(values, 2) == ([0, 2] if may_go else [0, 1, 2])
    assert spare(values[1]) is may_go
    assert spare_message({"meterValue": values}) is may_go


@given(st.integers(2, 400), st.integers(2, 60))
def test_thinning_keeps_the_ends_and_the_order(count: int, most: int) -> None:
    numbers = kept([value(n) for n in range(count)], most)
    assert len(numbers) == min(count, most)
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (0, count - 1)


@given(st.integers(2, 100), st.integers(0, 5_000), st.sets(st.integers(0, 99)))
def test_what_is_thinned_to_a_size_fits_it_and_no_more_goes_than_must(
    count: int, room_bytes: int, signed: set[int]
) -> None:
    values = [
        value(n, **({"format": "SignedData"} if n in signed else {}))
        for n in range(count)
    ]
    left = fitted(values, 1000, room_bytes)
    numbers = [int(v["timestamp"]) for v in left]
    told_bytes = sum(size_bytes(v) + 1 for v in left)
    assert {0, count - 1} | {n for n in signed if n < count} <= set(numbers)
    assert told_bytes <= room_bytes or not any(map(spare, left[1:-1]))
    if len(left) < count:
        longest = max(size_bytes(v) + 1 for v in values)
        assert told_bytes > room_bytes - longest


def test_a_size_is_that_of_what_is_sent() -> None:
    assert size_bytes({"ü": 1}) == len(json.dumps({"ü": 1}, separators=(",", ":")))

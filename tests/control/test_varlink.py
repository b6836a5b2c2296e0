"""The reader of interface descriptions, and the files that are shipped."""

import re
from typing import Any

import pytest

from chargerd import control
from chargerd.runtime import varlink
from chargerd.runtime.varlink import (
    Array,
    Choice,
    DescriptionError,
    Dictionary,
    Maybe,
    Method,
    MismatchError,
    Named,
    Scalar,
    Struct,
)

EXAMPLE = """\
# A shop.
# Two lines.
interface org.example.Shop

type Size (small, large)

type Item (
  # what it is called
  name: string,
  size: Size
)

# Sells.
method Sell(items: []Item, prices: [string]float, paid: ?bool) -> (left: int)
method Close() -> ()

# not of the error: a blank line follows

error SoldOut (item: Item, more: object)
"""


def test_a_description_is_read_into_values() -> None:
    shop = varlink.parse(EXAMPLE)
    item = Struct({"name": Scalar("string"), "size": Named("Size")})
    assert shop.name == "org.example.Shop"
    assert shop.types == {"Size": Choice(("small", "large")), "Item": item}
    assert shop.methods["Close"] == Method(Struct({}), Struct({}))
    assert shop.methods["Sell"] == Method(
        Struct(
            {
                "items": Array(Named("Item")),
                "prices": Dictionary(Scalar("float")),
                "paid": Maybe(Scalar("bool")),
            }
        ),
        Struct({"left": Scalar("int")}),
    )
    assert shop.errors == {
        "SoldOut": Struct({"item": Named("Item"), "more": Scalar("object")})
    }


def test_a_comment_belongs_to_what_follows_it_at_once() -> None:
    comments = varlink.parse(EXAMPLE).comments
    assert comments[""] == "A shop.\nTwo lines."
    assert comments["Sell"] == "Sells."
    assert comments["Item"] == ""
    assert comments["Close"] == ""
    assert comments["SoldOut"] == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: '' where 'interface' belongs"),
        ("interface a.b\n\nthing C ()", "line 3: 'thing' is none of"),
        ("interface a.b\nmethod C() > ()", "line 2: '>' does not belong"),
        ("interface a.b\nmethod C() ()", "line 2: '(' where '->' belongs"),
        ("interface a.b\nmethod C(a) -> ()", "where fields with types belong"),
        ("interface a.b\ntype C (a: int, b)", "'b' has no type"),
        ("interface a.b\ntype C (a: Nobody)", "'Nobody' is used but not defined"),
        ("interface a.b\nerror C (a: []?Nobody)", "'Nobody' is used but not defined"),
        ("interface a.b\ntype C ()\nmethod C() -> ()", "'C' stands here a second"),
        ("interface a.b\ntype C (a: int", "where ',' belongs"),
    ],
)
def test_a_broken_description_says_where_and_what(text: str, complaint: str) -> None:
    with pytest.raises(DescriptionError, match=re.escape(complaint)):
        varlink.parse(text)


ITEM = {"name": "mug", "size": "small"}
FITTING: dict[str, Any] = {"items": [ITEM], "prices": {"mug": 2}, "paid": True}


@pytest.mark.parametrize(
    "given",
    [
        FITTING,
        {**FITTING, "paid": None},
        {"items": [], "prices": {}},
        {**FITTING, "prices": {"mug": 2.5}},
    ],
)
def test_parameters_that_fit_pass(given: dict[str, Any]) -> None:
    shop = varlink.parse(EXAMPLE)
    shop.check(shop.methods["Sell"].takes, given)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"prices": {}}, "items"),
        ({**FITTING, "extra": 1}, "extra"),
        ({**FITTING, "items": ITEM}, "items"),
        ({**FITTING, "items": [{"name": "mug"}]}, "items"),
        ({**FITTING, "items": [{**ITEM, "size": "huge"}]}, "items"),
        ({**FITTING, "items": [{**ITEM, "name": "\ud800"}]}, "items"),
        ({**FITTING, "items": None}, "items"),
        ({**FITTING, "prices": []}, "prices"),
        ({**FITTING, "prices": {"mug": True}}, "prices"),
        ({**FITTING, "paid": 1}, "paid"),
    ],
)
def test_what_does_not_fit_is_named_by_its_outermost_field(
    given: dict[str, Any], field: str
) -> None:
    shop = varlink.parse(EXAMPLE)
    with pytest.raises(MismatchError) as caught:
        shop.check(shop.methods["Sell"].takes, given)
    assert caught.value.field == field


def test_a_whole_number_is_no_truth_value_and_no_fraction() -> None:
    shop = varlink.parse(EXAMPLE)
    for value in (True, 1.5, "1", None):
        with pytest.raises(MismatchError):
            shop.check(Scalar("int"), value)
    shop.check(Scalar("int"), 1)


@pytest.mark.parametrize("name", [control.STATION, control.MOCK])
def test_a_shipped_description_is_whole(name: str) -> None:
    description = varlink.parse(varlink.shipped(name))
    assert description.name == name
    assert description.methods
    assert len(description.comments[""]) > 40


def test_every_kind_of_quantity_names_its_unit() -> None:
    units = re.compile(r"_(s|w|wh|v|a|c|ms|percent)$")
    station = varlink.parse(varlink.shipped(control.STATION))
    for name, struct in station.types.items():
        assert isinstance(struct, Struct)
        for field, wanted in struct.fields.items():
            inner = wanted.inner if isinstance(wanted, Maybe) else wanted
            if inner == Scalar("float"):
                assert units.search(field), f"{name}.{field}"

"""From the number of a card to the id tag that the CSMS knows."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.parts.field import Field
from hal.parts.tags import TagFormat

FOUR = bytes.fromhex("DEADBEEF")
SEVEN = bytes.fromhex("04A1B2C3D4E5F6")
TEN = bytes.fromhex("04A1B2C3D4E5F6010203")
RANDOM = bytes.fromhex("08A1B2C3")
TAG_ID = bytes.fromhex("00432B17")  # the card prints 0004401943


@pytest.mark.parametrize(
    ("choices", "uid", "id_tag"),
    [
        ({}, FOUR, "DEADBEEF"),
        ({}, SEVEN, "04A1B2C3D4E5F6"),
        ({}, TEN, "04A1B2C3D4E5F6010203"),
        ({"tag_form": "lower"}, SEVEN, "04a1b2c3d4e5f6"),
        ({"tag_reversed": True}, bytes.fromhex("01020304"), "04030201"),
        ({"tag_separator": ":"}, SEVEN, "04:A1:B2:C3:D4:E5:F6"),
        ({"tag_prefix": "RFID-"}, FOUR, "RFID-DEADBEEF"),
        ({"tag_form": "lower", "tag_prefix": "Tag"}, FOUR, "Tagdeadbeef"),
        ({"tag_form": "decimal"}, TAG_ID, "0004401943"),
        ({"tag_form": "decimal", "tag_reversed": True}, b"\1\0\0\0", "0000000001"),
    ],
)
def test_a_number_is_written_as_the_csms_knows_it(
    choices: dict[str, Any], uid: bytes, id_tag: str
) -> None:
    assert TagFormat(**choices).token(uid).uid == id_tag


@pytest.mark.parametrize(
    ("choices", "uid", "fleeting"),
    [
        ({}, RANDOM, True),
        ({"accept_random": True}, RANDOM, False),
        ({"tag_reversed": True}, RANDOM, True),
        ({"tag_reversed": True}, RANDOM[::-1], False),
        ({}, RANDOM + SEVEN[:3], False),
    ],
)
def test_a_number_that_a_card_makes_up_names_nobody(
    choices: dict[str, Any], uid: bytes, fleeting: bool
) -> None:
    assert TagFormat(**choices).token(uid).fleeting is fleeting


@pytest.mark.parametrize(
    ("choices", "mistake"),
    [
        ({"tag_form": "hex"}, 'tag_form: "hex" is unknown; write "upper" or "lower"'),
        (
            {"tag_form": "decimal", "tag_separator": "-"},
            "tag_separator: '-' has no place in a decimal number",
        ),
        (
            {"tag_prefix": "thirteen char"},
            "tag_prefix: makes id tags of 21 characters, and OCPP takes 20",
        ),
    ],
)
def test_a_format_that_leaves_no_room_is_refused(
    choices: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(ValueError, match=mistake):
        TagFormat(**choices)


@settings(max_examples=50, deadline=None)
@given(
    st.sets(st.binary(min_size=4, max_size=4), min_size=2, max_size=2),
    st.builds(
        TagFormat,
        tag_form=st.sampled_from(["upper", "lower", "decimal"]),
        tag_reversed=st.booleans(),
    ),
)
def test_two_cards_never_make_one_token(uids: set[bytes], form: TagFormat) -> None:
    assert len({form.token(uid).uid.casefold() for uid in uids}) == 2


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entered(field: Field) -> list[str]:
    return [token.uid for token in field.entered()]


def test_a_card_is_one_token_until_it_was_gone_for_two_seconds(clock: Clock) -> None:
    field = Field(TagFormat(), clock)
    field.read(FOUR)
    assert entered(field) == ["DEADBEEF"]
    for clock.now_s in (1.9, 3.8, 5.7):
        field.read(FOUR)
    assert entered(field) == []
    clock.now_s = 7.7
    field.read(FOUR)
    assert entered(field) == ["DEADBEEF"]


def test_two_cards_do_not_hide_one_another(clock: Clock) -> None:
    field = Field(TagFormat(), clock)
    for _ in range(3):
        field.read(FOUR)
        field.read(SEVEN)
    assert entered(field) == ["DEADBEEF", "04A1B2C3D4E5F6"]


def test_a_card_that_nobody_took_in_time_is_forgotten(clock: Clock) -> None:
    field = Field(TagFormat(), clock)
    field.read(FOUR)
    clock.now_s = 2.1
    assert entered(field) == []

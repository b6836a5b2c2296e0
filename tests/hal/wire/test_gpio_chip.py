"""The words between a simulated chip and who uses it."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire.gpio_chip import ASKED, TOLD, Word, bit, decode, encode, level

texts = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]))


@settings(max_examples=50, deadline=None)
@given(st.builds(Word, st.sampled_from(ASKED + TOLD), texts, texts))
def test_a_word_arrives_as_it_was_sent(word: Word) -> None:
    assert decode(encode(word)) == word


@settings(max_examples=50, deadline=None)
@given(st.binary())
def test_what_is_no_word_is_a_bad_answer(text: bytes) -> None:
    with suppress(BadAnswer):
        assert decode(text).verb in ASKED + TOLD


@pytest.mark.parametrize("high", [True, False])
def test_a_level_is_carried(high: bool) -> None:
    assert level(bit(high)) is high


@pytest.mark.parametrize("rest", ["", "2", "high"])
def test_any_other_level_is_a_bad_answer(rest: str) -> None:
    with pytest.raises(BadAnswer, match="is neither 0 nor 1"):
        level(rest)

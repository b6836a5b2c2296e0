"""What readers of 125 kHz tags send."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hal.wire.em4100 import decode, encode

SENT = bytes.fromhex("02 30 41 30 30 34 33 32 42 31 37 37 35 03")
TAG = bytes.fromhex("0A00432B17")


def test_a_tag_is_sent_and_read_as_printed() -> None:
    assert encode(TAG) == SENT
    assert decode(SENT) == ([TAG], b"")


def test_a_tag_is_found_in_whatever_pieces_it_comes() -> None:
    for at in range(len(SENT)):
        tags, rest = decode(SENT[:at])
        assert tags == []
        assert decode(rest + SENT[at:]) == ([TAG], b"")


def test_tags_stand_close_together() -> None:
    other = bytes.fromhex("0A00432B18")
    assert decode(SENT + encode(other) + SENT)[0] == [TAG, other, TAG]


def test_no_flipped_byte_makes_another_tag() -> None:
    for at in range(len(SENT)):
        for flip in range(1, 256):
            bent = SENT[:at] + bytes((SENT[at] ^ flip,)) + SENT[at + 1 :]
            # a letter in the other case is the same digit
            assert decode(bent)[0] in ([], [TAG])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=20), st.just(SENT)), max_size=8))
def test_noise_is_passed_over_and_never_piles_up(heard: list[bytes]) -> None:
    rest = b""
    for octets in heard:
        tags, rest = decode(rest + octets)
        assert all(len(tag) == 5 for tag in tags)
        assert len(rest) < len(SENT)
    assert TAG in decode(rest + b"\x03" + SENT)[0]

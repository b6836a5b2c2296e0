"""The framing that both ends share."""

import pytest

from chargerd import control


def test_a_message_survives_the_way_there_and_back() -> None:
    message = {"method": "org.example.Do", "parameters": {"name": "04A1…9C\0"}}
    frame = control.encode(message)
    assert frame.count(control.END) == 1
    assert frame.endswith(control.END)
    assert control.decode(frame) == message
    assert control.decode(frame[:-1]) == message


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b"\xff",
        b"1" * 5000,
    ],
)
def test_what_is_no_json_object_is_no_message(frame: bytes) -> None:
    with pytest.raises(control.MessageError):
        control.decode(frame)


def test_bottomless_nesting_is_no_message() -> None:
    with pytest.raises(control.MessageError):
        control.decode(b"[" * 60_000)


def test_what_json_cannot_say_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        control.encode({"power_w": float("nan")})

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.ocpp16.errors import CallFailed
from chargerd.ocpp16.rpc import Asked, Garbage, Question, Rpc
from chargerd.ocpp16.wire import ACTIONS_FROM_CSMS, decode_request
from tests.clock import FakeClock
from tests.ocpp16.malformed import (
    FRAMES,
    MISUNDERSTOOD,
    REFUSED,
    UNANSWERABLE,
    VALID,
    Named,
)

NOW = FakeClock().now()
SAMPLES = (
    VALID,
    '[2,"a","Reset",{"type":"Hard"}]',
    '[2,"b","GetConfiguration",{"key":["HeartbeatInterval","\\u00fc"]}]',
    '[3,"ours",{"currentTime":"2026-03-02T08:00:00Z"}]',
    '[4,"ours","GenericError","text",{}]',
)


def connected() -> Rpc:
    """Return an Rpc with the question "ours" under way."""
    rpc = Rpc(lambda: "ours")
    rpc.open()
    rpc.ask(Asked("Heartbeat", {}, None), NOW, 30)
    rpc.frames()
    return rpc


def still_works(rpc: Rpc) -> None:
    """Ask something and be answered; nothing else is on its way out."""
    rpc.frames()
    question = rpc.receive('[2,"still there?","ClearCache",{}]', NOW)
    assert isinstance(question, Question)
    rpc.answer(question, {"status": "Accepted"})
    assert rpc.frames() == ('[3,"still there?",{"status":"Accepted"}]',)


def each(frames: tuple[Named, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "frame", [frame for _, frame in frames], ids=[name for name, _ in frames]
    )


def test_there_are_many_malformed_frames_and_no_two_have_one_name() -> None:
    assert len(UNANSWERABLE) + len(REFUSED) >= 200
    assert len({name for name, _ in FRAMES}) == len(FRAMES)


@each(UNANSWERABLE)
@pytest.mark.requirement("WS-16", "RPC-09", "RPC-23", "RPC-24", "RPC-27")
def test_what_cannot_be_answered_is_counted_and_ignored(frame: str | bytes) -> None:
    rpc = connected()
    heard = rpc.receive(frame, NOW)
    assert isinstance(heard, Garbage)
    assert rpc.frames() == ()
    assert not rpc.free
    still_works(rpc)


@each(REFUSED)
@pytest.mark.requirement("RPC-01", "RPC-11", "RPC-18", "RPC-21", "RPC-27")
def test_a_call_of_the_wrong_shape_is_refused_under_its_own_id(frame: str) -> None:
    rpc = connected()
    heard = rpc.receive(frame, NOW)
    assert isinstance(heard, Garbage)
    (answer,) = rpc.frames()
    id = frame.split('"')[1]
    too_many = heard.reason == "more than 20000 values"
    code = "OccurenceConstraintViolation" if too_many else "FormationViolation"
    assert json.loads(answer) == [4, id, code, heard.reason, {}]
    assert heard.reason
    assert len(heard.reason) < 60
    still_works(rpc)


def test_what_no_station_does_is_a_question_that_cannot_be_decoded() -> None:
    rpc = connected()
    for name, frame in MISUNDERSTOOD:
        question = rpc.receive(frame, NOW)
        assert isinstance(question, Question), name
        if question.action in ACTIONS_FROM_CSMS:
            with pytest.raises(CallFailed) as caught:
                decode_request(question.action, question.payload)
            rpc.refuse(question, caught.value)
            kind, id, code, text, details = json.loads(rpc.frames()[0])
            assert (kind, id, code, details) == (4, question.id, caught.value.code, {})
            assert str(caught.value).startswith(text)
    still_works(rpc)


@given(st.text() | st.binary())
def test_no_text_does_any_harm(frame: str | bytes) -> None:
    rpc = connected()
    rpc.receive(frame, NOW)
    still_works(rpc)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    st.lists(json_values)
    | st.tuples(st.sampled_from([2, 3, 4]), st.text(), json_values)
)
def test_no_json_does_any_harm(content: object) -> None:
    rpc = connected()
    rpc.receive(json.dumps(content), NOW)
    still_works(rpc)


@given(st.sampled_from(SAMPLES), st.data())
@pytest.mark.requirement("RPC-27")
def test_no_damaged_frame_does_any_harm(frame: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, len(frame)))
    middle = data.draw(
        st.text(max_size=3) | st.sampled_from(SAMPLES) | st.just("[" * 99)
    )
    rpc = connected()
    heard = rpc.receive(frame[:start] + middle + frame[end:], NOW)
    if isinstance(heard, Question):
        rpc.answer(heard, {})
    for answer in rpc.frames():
        assert json.loads(answer)[0] in (3, 4)
    still_works(rpc)

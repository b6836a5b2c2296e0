import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargerd.ocpp16.errors import NotSupportedHere, PropertyConstraintViolation
from chargerd.ocpp16.rpc import (
    Answered,
    Asked,
    Failed,
    FailureKind,
    Garbage,
    Question,
    Rpc,
)
from tests.clock import FakeClock

HEARTBEAT = Asked("Heartbeat", {}, "the heart")
BOOT = Asked("BootNotification", {"chargePointModel": "M"}, "the boot")
RESET = '[2,"theirs","Reset",{"type":"Hard"}]'
TEN_MINUTES_S = 600


def numbered() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"ours {next(numbers)}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rpc() -> Rpc:
    rpc = Rpc(numbered())
    rpc.open()
    return rpc


def asks(rpc: Rpc, clock: FakeClock, frame: str = RESET) -> Question:
    """Let the CSMS ask something."""
    question = rpc.receive(frame, clock.now())
    assert isinstance(question, Question)
    return question


def overdue(rpc: Rpc, clock: FakeClock, asked: Asked = HEARTBEAT) -> Failed:
    """Ask something that is not answered in time."""
    rpc.ask(asked, clock.now(), 30)
    rpc.frames()
    failed = rpc.expire(clock.advance(30))
    assert failed is not None
    return failed


def test_without_a_connection_nothing_is_asked_heard_or_sent(clock: FakeClock) -> None:
    rpc = Rpc(numbered())
    assert not rpc.is_open
    assert not rpc.free
    assert rpc.receive(RESET, clock.now()) is None
    assert rpc.receive("nonsense", clock.now()) is None
    assert rpc.close() is None
    assert rpc.frames() == ()
    with pytest.raises(RuntimeError, match="Heartbeat: not free to ask"):
        rpc.ask(HEARTBEAT, clock.now(), 30)


@pytest.mark.requirement("RPC-01", "RPC-02")
def test_a_question_goes_out_and_its_answer_comes_back_to_it(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.ask(BOOT, clock.now(), 30)
    assert rpc.frames() == ('[2,"ours 1","BootNotification",{"chargePointModel":"M"}]',)
    assert rpc.frames() == ()
    answered = rpc.receive('[3,"ours 1",{"interval":300}]', clock.now())
    assert answered == Answered(BOOT, {"interval": 300}, late=False)
    rpc.ask(HEARTBEAT, clock.now(), 30)
    assert rpc.frames() == ('[2,"ours 2","Heartbeat",{}]',)


@pytest.mark.requirement("RPC-05")
def test_one_question_is_under_way_at_a_time(rpc: Rpc, clock: FakeClock) -> None:
    assert rpc.free
    rpc.ask(HEARTBEAT, clock.now(), 30)
    assert not rpc.free
    with pytest.raises(RuntimeError, match="BootNotification: not free to ask"):
        rpc.ask(BOOT, clock.now(), 30)
    rpc.receive('[3,"ours 1",{}]', clock.now())
    assert rpc.free


@pytest.mark.requirement("RPC-04", "RPC-06")
def test_a_question_of_the_csms_is_answered_while_ours_is_under_way(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.ask(HEARTBEAT, clock.now(), 30)
    rpc.frames()
    question = asks(rpc, clock)
    assert question == Question("theirs", "Reset", {"type": "Hard"})
    rpc.answer(question, {"status": "Accepted"})
    assert rpc.frames() == ('[3,"theirs",{"status":"Accepted"}]',)
    assert not rpc.free


@pytest.mark.requirement("REM-01", "TRIG-01")
def test_an_answer_goes_out_before_what_the_question_triggers(
    rpc: Rpc, clock: FakeClock
) -> None:
    question = asks(rpc, clock)
    rpc.ask(HEARTBEAT, clock.now(), 30)
    rpc.answer(question, {"status": "Accepted"})
    answer, heartbeat = rpc.frames()
    assert (json.loads(answer)[0], json.loads(heartbeat)[0]) == (3, 2)


@pytest.mark.requirement("RPC-07")
def test_two_questions_at_once_are_both_served_in_the_order_of_the_answers(
    rpc: Rpc, clock: FakeClock
) -> None:
    first = asks(rpc, clock)
    second = asks(rpc, clock, '[2,"more","ClearCache",{}]')
    rpc.answer(first, {"n": 1})
    rpc.answer(second, {"n": 2})
    assert rpc.frames() == ('[3,"theirs",{"n":1}]', '[3,"more",{"n":2}]')


@pytest.mark.requirement("RPC-01", "RPC-11")
def test_a_refusal_has_five_elements_also_when_it_says_nothing(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.refuse(asks(rpc, clock), NotSupportedHere())
    assert rpc.frames() == ('[4,"theirs","NotSupported","",{}]',)


def test_a_refusal_is_ascii_and_not_endless(rpc: Rpc, clock: FakeClock) -> None:
    rpc.refuse(asks(rpc, clock), PropertyConstraintViolation("ü\ud800" * 500))
    (frame,) = rpc.frames()
    assert frame.isascii()
    assert len(json.loads(frame)[3]) == 255


@pytest.mark.requirement("WS-17")
def test_everything_sent_is_ascii_without_idle_blanks(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.answer(asks(rpc, clock), {"data": "ü \U0001f50c", "n": [1, 2.5]})
    assert rpc.frames() == (
        '[3,"theirs",{"data":"\\u00fc \\ud83d\\udd0c","n":[1,2.5]}]',
    )


def test_a_number_that_json_lacks_is_never_sent(rpc: Rpc, clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        rpc.ask(Asked("MeterValues", {"x": float("nan")}, None), clock.now(), 30)
    assert rpc.free
    assert rpc.frames() == ()


@pytest.mark.requirement("RPC-10")
def test_null_is_taken_for_an_empty_payload(rpc: Rpc, clock: FakeClock) -> None:
    assert asks(rpc, clock, '[2,"a","ClearCache",null]').payload is None
    rpc.ask(HEARTBEAT, clock.now(), 30)
    answered = rpc.receive('[3,"ours 1",null]', clock.now())
    assert answered == Answered(HEARTBEAT, {}, late=False)


@pytest.mark.parametrize(
    ("frame", "code", "description"),
    [
        ('[4,"ours 1","NotSupported","no",{}]', "NotSupported", "no"),
        ('[4,"ours 1","OccurrenceConstraintViolation","",{}]', None, ""),
        ('[4,"ours 1","Of our own","",{"a":1}]', "Of our own", ""),
        ('[4,"ours 1","InternalError","no"]', "InternalError", "no"),
        ('[4,"ours 1","InternalError"]', "InternalError", ""),
        ('[4,"ours 1"]', "GenericError", ""),
        ('[4,"ours 1",7,null,{}]', "GenericError", ""),
        ('[4,"ours 1","X","no",{},{},{}]', "X", "no"),
        (f'[4,"ours 1","X","{"x" * 999}",{{}}]', "X", "x" * 255),
        (
            '[4,"ours 1","X","\\ud800",{}]',
            "FormationViolation",
            "a text with U+0000 or half a surrogate pair",
        ),
    ],
)
@pytest.mark.requirement("RPC-26")
def test_an_error_of_any_kind_fails_our_question(
    rpc: Rpc, clock: FakeClock, frame: str, code: str | None, description: str
) -> None:
    rpc.ask(HEARTBEAT, clock.now(), 30)
    failed = rpc.receive(frame, clock.now())
    code = code or "OccurrenceConstraintViolation"
    assert failed == Failed(HEARTBEAT, FailureKind.ERROR, code, description)
    assert rpc.free


@pytest.mark.parametrize(
    ("frame", "description"),
    [
        ('[3,"ours 1"]', 'not [3, "id", {payload}]'),
        ('[3,"ours 1","x"]', 'not [3, "id", {payload}]'),
        ('[3,"ours 1",[]]', 'not [3, "id", {payload}]'),
        ('[3,"ours 1",{},{}]', 'not [3, "id", {payload}]'),
        ('[3,"ours 1",{"a":1,"a":1}]', "a field occurs twice in one object"),
        ('[3,"ours 1",{"a":NaN}]', "NaN is not JSON"),
        (
            '[3,"ours 1",' + "[" * 9000 + "]" * 9000 + "]",
            "nested deeper than 32 levels",
        ),
        (
            '[3,"ours 1",{"a":"' + "x" * (1 << 21) + '"}]',
            "longer than 2097152 characters",
        ),
    ],
)
@pytest.mark.requirement("RPC-25")
def test_an_answer_that_is_none_fails_our_question(
    rpc: Rpc, clock: FakeClock, frame: str, description: str
) -> None:
    rpc.ask(HEARTBEAT, clock.now(), 30)
    failed = rpc.receive(frame, clock.now())
    code = "FormationViolation"
    assert failed == Failed(HEARTBEAT, FailureKind.ERROR, code, description)
    assert rpc.free


@pytest.mark.requirement("RPC-24")
def test_an_answer_to_nothing_leaves_our_question_under_way(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.ask(HEARTBEAT, clock.now(), 30)
    answer = rpc.receive('[3,"somebody",{}]', clock.now())
    error = rpc.receive('[4,"somebody","GenericError","",{}]', clock.now())
    assert answer == Garbage("an answer to nothing that was asked", None)
    assert error == Garbage("an error to nothing that was asked", None)
    assert not rpc.free


@pytest.mark.requirement("RPC-08")
def test_a_question_is_given_up_when_its_time_is_over(
    rpc: Rpc, clock: FakeClock
) -> None:
    assert rpc.next_deadline_s() is None
    rpc.ask(HEARTBEAT, clock.now(), 30)
    assert rpc.next_deadline_s() == clock.now().monotonic_s + 30
    clock.correct(3600)
    assert rpc.expire(clock.advance(29.9)) is None
    failed = rpc.expire(clock.advance(0.1))
    text = "no answer within 30 s"
    assert failed == Failed(HEARTBEAT, FailureKind.TIMEOUT, "", text)
    assert rpc.free
    assert rpc.next_deadline_s() is None
    assert rpc.expire(clock.advance(99)) is None


def test_a_question_given_up_before_it_was_sent_is_never_sent(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.ask(HEARTBEAT, clock.now(), 30)
    assert isinstance(rpc.expire(clock.advance(30)), Failed)
    assert rpc.frames() == ()


def test_a_late_answer_is_told_as_such_and_only_once(
    rpc: Rpc, clock: FakeClock
) -> None:
    overdue(rpc, clock)
    rpc.ask(BOOT, clock.now(), 30)
    late = '[3,"ours 1",{"currentTime":"x"}]'
    heard = rpc.receive(late, clock.advance(TEN_MINUTES_S - 1))
    assert heard == Answered(HEARTBEAT, {"currentTime": "x"}, late=True)
    assert not rpc.free
    assert isinstance(rpc.receive(late, clock.now()), Garbage)


def test_an_answer_later_than_ten_minutes_is_garbage(
    rpc: Rpc, clock: FakeClock
) -> None:
    overdue(rpc, clock)
    heard = rpc.receive('[3,"ours 1",{}]', clock.advance(TEN_MINUTES_S))
    assert isinstance(heard, Garbage)


def test_a_late_error_tells_nothing_new(rpc: Rpc, clock: FakeClock) -> None:
    overdue(rpc, clock)
    frame = '[4,"ours 1","InternalError","",{}]'
    assert rpc.receive(frame, clock.now()) is None
    assert isinstance(rpc.receive(frame, clock.now()), Garbage)


def test_a_late_answer_that_is_none_is_garbage(rpc: Rpc, clock: FakeClock) -> None:
    overdue(rpc, clock)
    heard = rpc.receive('[3,"ours 1",[]]', clock.now())
    assert heard == Garbage('not [3, "id", {payload}]')


def test_only_the_last_overdue_questions_are_remembered(
    rpc: Rpc, clock: FakeClock
) -> None:
    for _ in range(33):
        overdue(rpc, clock)
        clock.advance(-30)
    assert isinstance(rpc.receive('[3,"ours 1",{}]', clock.now()), Garbage)
    assert isinstance(rpc.receive('[3,"ours 2",{}]', clock.now()), Answered)


@pytest.mark.requirement("WS-23")
def test_a_lost_connection_fails_our_question_at_once(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.ask(HEARTBEAT, clock.now(), 30)
    text = "the connection was lost"
    assert rpc.close() == Failed(HEARTBEAT, FailureKind.LINK, "", text)
    assert not rpc.is_open
    assert rpc.frames() == ()
    assert rpc.next_deadline_s() is None
    assert rpc.expire(clock.advance(99)) is None


def test_a_new_connection_knows_nothing_of_the_last_one(
    rpc: Rpc, clock: FakeClock
) -> None:
    overdue(rpc, clock)
    rpc.answer(asks(rpc, clock, '[2,"a","ClearCache",{}]'), {})
    pending = asks(rpc, clock)
    rpc.close()
    rpc.open()
    assert rpc.free
    rpc.answer(pending, {"status": "Accepted"})
    assert rpc.frames() == ()
    assert isinstance(rpc.receive('[3,"ours 1",{}]', clock.now()), Garbage)
    asks(rpc, clock, '[2,"a","Reset",{"type":"Soft"}]')
    again = asks(rpc, clock)
    rpc.refuse(pending, NotSupportedHere())
    rpc.ignore(pending)
    assert rpc.frames() == ()
    rpc.answer(again, {})
    assert rpc.frames() == ('[3,"theirs",{}]',)


@pytest.mark.requirement("RPC-21")
def test_a_question_still_being_handled_is_not_asked_twice(
    rpc: Rpc, clock: FakeClock
) -> None:
    question = asks(rpc, clock)
    text = "a message id that is still being handled"
    assert rpc.receive(RESET, clock.now()) == Garbage(text)
    assert rpc.frames() == (f'[4,"theirs","GenericError","{text}",{{}}]',)
    rpc.answer(question, {"status": "Accepted"})
    assert rpc.frames() == ('[3,"theirs",{"status":"Accepted"}]',)


@pytest.mark.requirement("RPC-22")
def test_a_repeated_question_gets_the_same_answer_without_being_asked_again(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.answer(asks(rpc, clock), {"status": "Accepted"})
    answer = rpc.frames()
    assert rpc.receive(RESET.replace(",", " , "), clock.now()) is None
    assert rpc.frames() == answer


def test_a_repeated_question_that_was_refused_is_refused_again(
    rpc: Rpc, clock: FakeClock
) -> None:
    rpc.refuse(asks(rpc, clock), NotSupportedHere("no"))
    refusal = rpc.frames()
    assert rpc.receive(RESET, clock.now()) is None
    assert rpc.frames() == refusal


@pytest.mark.parametrize(
    "frame",
    ['[2,"theirs","Reset",{"type":"Soft"}]', '[2,"theirs","ClearCache",{}]'],
)
@pytest.mark.requirement("RPC-22")
def test_another_question_under_an_old_id_is_a_replay(
    rpc: Rpc, clock: FakeClock, frame: str
) -> None:
    rpc.answer(asks(rpc, clock), {"status": "Accepted"})
    rpc.frames()
    heard = rpc.receive(frame, clock.now())
    assert isinstance(heard, Garbage)
    assert heard.reason.startswith("replay")
    (refusal,) = rpc.frames()
    assert json.loads(refusal)[:3] == [4, "theirs", "GenericError"]


def test_only_the_last_answers_are_remembered(rpc: Rpc, clock: FakeClock) -> None:
    frames = [f'[2,"{n}","ClearCache",{{}}]' for n in range(33)]
    for frame in frames:
        rpc.answer(asks(rpc, clock, frame), {})
    assert rpc.receive(frames[1], clock.now()) is None
    asks(rpc, clock, frames[0])


def test_an_ignored_question_is_never_answered(rpc: Rpc, clock: FakeClock) -> None:
    question = asks(rpc, clock)
    rpc.ignore(question)
    rpc.answer(question, {})
    assert rpc.frames() == ()
    asks(rpc, clock)


def test_a_question_is_answered_once(rpc: Rpc, clock: FakeClock) -> None:
    question = asks(rpc, clock)
    rpc.answer(question, {})
    rpc.answer(question, {})
    rpc.refuse(question, NotSupportedHere())
    assert len(rpc.frames()) == 1


@pytest.mark.requirement("WS-15")
def test_a_long_message_is_taken(rpc: Rpc, clock: FakeClock) -> None:
    tags = [
        {"idTag": f"{n:020}", "idTagInfo": {"status": "Accepted"}} for n in range(1000)
    ]
    frame = json.dumps([2, "list", "SendLocalList", {"localAuthorizationList": tags}])
    assert len(frame) > 65_536
    assert asks(rpc, clock, frame).payload == {"localAuthorizationList": tags}


def test_an_id_of_36_characters_is_taken(rpc: Rpc, clock: FakeClock) -> None:
    assert asks(rpc, clock, f'[2,"{"ü" * 36}","ClearCache",{{}}]').id == "ü" * 36


Step = tuple[str, Any]
STEPS = st.one_of(
    st.tuples(st.sampled_from(["open", "close", "ask", "frames"]), st.none()),
    st.tuples(st.just("advance"), st.integers(1, 400)),
    st.tuples(st.sampled_from(["asks", "answer"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["answered", "error"]), st.integers(1, 6)),
)


class Bench:
    """An Rpc, with what was seen of it from both sides."""

    def __init__(self) -> None:
        self.rpc = Rpc(numbered())
        self.clock = FakeClock()
        self.questions: list[Question] = []
        self.under_way = 0
        self.rpc.open()

    def settle(self, heard: object) -> None:
        """Count our question as settled if that is what was heard."""
        if isinstance(heard, Failed) or (
            isinstance(heard, Answered) and not heard.late
        ):
            self.under_way -= 1
        if isinstance(heard, Question):
            self.questions.append(heard)

    def open(self, _: None) -> None:
        if not self.rpc.is_open:
            self.rpc.open()

    def close(self, _: None) -> None:
        self.settle(self.rpc.close())

    def ask(self, _: None) -> None:
        if self.rpc.free:
            self.rpc.ask(HEARTBEAT, self.clock.now(), 30)
            self.under_way += 1

    def frames(self, _: None) -> None:
        kinds = [json.loads(frame)[0] for frame in self.rpc.frames()]
        assert kinds.count(2) <= self.under_way
        assert 2 not in kinds[:-1]

    def advance(self, seconds: int) -> None:
        self.settle(self.rpc.expire(self.clock.advance(seconds)))

    def asks(self, number: int) -> None:
        frame = f'[2,"{number}","ClearCache",{{}}]'
        self.settle(self.rpc.receive(frame, self.clock.now()))

    def answer(self, number: int) -> None:
        if number < len(self.questions):
            self.rpc.answer(self.questions.pop(number), {"status": "Accepted"})

    def answered(self, number: int) -> None:
        frame = f'[3,"ours {number}",{{}}]'
        self.settle(self.rpc.receive(frame, self.clock.now()))

    def error(self, number: int) -> None:
        frame = f'[4,"ours {number}","GenericError","",{{}}]'
        self.settle(self.rpc.receive(frame, self.clock.now()))


@given(st.lists(STEPS, max_size=40))
@pytest.mark.requirement("RPC-05")
def test_whatever_happens_one_question_is_under_way_and_answers_go_first(
    steps: list[Step],
) -> None:
    bench = Bench()
    for name, argument in [("ask", None), *steps, ("frames", None)]:
        getattr(bench, name)(argument)
        assert bench.under_way in (0, 1)
        assert bench.rpc.free is (bench.rpc.is_open and bench.under_way == 0)
        assert (bench.rpc.next_deadline_s() is None) is (bench.under_way == 0)

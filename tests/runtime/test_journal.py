"""The journal: one line for each thing that happened, and no secret in any."""

from collections.abc import Mapping
from typing import Any

import pytest

from chargerd.core import effects, events
from chargerd.core.authorization import masked
from chargerd.core.effects import Noted, Refused
from chargerd.core.permissive import Loss
from chargerd.core.reasons import Cause, Why
from chargerd.core.register import Break, Register
from chargerd.ocpp16.rpc import Garbage
from chargerd.runtime import journal as journals
from chargerd.runtime.journal import DEBUG, INFO, WARNING, Journal
from chargerd.steps import FrameReceived, Happening, KeyWanted, Step
from chargerd.store.database import StoreFailed
from hal.values import Token
from tests.clock import FakeClock

TAG = "04A224B2C3D4E5"
AT = FakeClock().now().utc


class Book:
    """A journal and the lines that reached its sink."""

    def __init__(self, level: int = INFO) -> None:
        self.lines: list[tuple[int, str, Mapping[str, str]]] = []
        self.journal = Journal(
            lambda *line: self.lines.append(line), level, FakeClock()
        )

    def told(self, *told: effects.Effect, **step: Any) -> list[Any]:
        self.lines.clear()
        happening = events.TokenPresented(1, Token(TAG))
        self.journal.stepped(happening, Step({}, told=told, **step))
        return self.lines


EFFECTS = [
    (
        effects.TransactionStarted("key-1", 1, TAG, None, AT, 1200),
        INFO,
        "connector 1: transaction of 04…E5 starts at 1200 Wh",
        {"CONNECTOR": "1", "SESSION": "key-1"},
    ),
    (
        effects.TransactionEnded("key-1", AT, 1300, Cause.TOKEN, TAG),
        INFO,
        "transaction ends at 1300 Wh (TOKEN)",
        {"CONNECTOR": "0", "SESSION": "key-1", "REASON": "TOKEN"},
    ),
    (
        Noted(2, "cable check", "key-1"),
        INFO,
        "connector 2: cable check",
        {"CONNECTOR": "2", "SESSION": "key-1"},
    ),
    (Noted(2, "idle"), INFO, "connector 2: idle", {"CONNECTOR": "2"}),
    (
        Refused(0, "token", Why.TAG_BLOCKED, "id tag not accepted"),
        INFO,
        "token refused: TAG_BLOCKED (id tag not accepted)",
        {"CONNECTOR": "0", "REASON": "TAG_BLOCKED"},
    ),
    (
        effects.FaultOpened(1, 1, "insulation", AT, "20 kohm"),
        WARNING,
        "connector 1: fault insulation: 20 kohm",
        {"CONNECTOR": "1", "REASON": "insulation"},
    ),
    (
        effects.MeterExchanged(
            Register(1, 800, 0, AT), Register(1, 5, 795, AT), Break.BACK, AT
        ),
        WARNING,
        "connector 1: meter: the register went back; 800 Wh as it is goes on as"
        " 5 Wh +795 Wh",
        {"CONNECTOR": "1", "REASON": "METER_EXCHANGED"},
    ),
    (
        effects.FaultOpened(1, 0, "door-open", AT, None),
        WARNING,
        "fault door-open",
        {"CONNECTOR": "0", "REASON": "door-open"},
    ),
]


@pytest.mark.parametrize(("effect", "priority", "text", "fields"), EFFECTS)
def test_each_effect_is_one_line_with_its_fields(
    effect: effects.Effect, priority: int, text: str, fields: dict[str, str]
) -> None:
    assert Book().told(effect) == [(priority, text, fields)]


def test_what_is_for_the_disk_alone_is_no_line() -> None:
    assert Book().told(effects.TransactionCheckpoint("key-1", AT, 5)) == []
    assert Book().told(effects.AuthorizationWanted(TAG)) == []


def test_what_a_step_says_besides_is_told_too() -> None:
    book = Book()
    garbage = Garbage("no JSON")
    assert [
        line[:2]
        for line in book.told(
            garbage=garbage, clock_step_s=-3.25, changed_key="HeartbeatInterval"
        )
    ] == [
        (WARNING, "csms: no JSON"),
        (INFO, "clock: corrected by -3.2 s"),
        (INFO, "configuration: HeartbeatInterval changed"),
    ]
    book.lines.clear()
    book.journal.storage_failed(StoreFailed("/x: full; free space"))
    assert book.lines == [
        (WARNING, "storage: /x: full; free space", {"REASON": "STORAGE_FAILING"})
    ]


def test_the_level_decides_what_is_told() -> None:
    effect = effects.FaultOpened(1, 1, "insulation", AT, None)
    assert len(Book(WARNING).told(effect, Noted(1, "idle"))) == 1
    assert len(Book(INFO).told(effect, Noted(1, "idle"))) == 2
    assert [line[1] for line in Book(DEBUG).told()] == ["event TokenPresented"]


SECRETS: list[Happening] = [
    FrameReceived(f'[2,"1","RemoteStartTransaction",{{"idTag":"{TAG}"}}]'),
    KeyWanted("AuthorizationKey", TAG, "cli"),
    events.TokenPresented(1, Token(TAG)),
    events.TokenAccepted(1, TAG),
    events.StartRequested(1, TAG),
    events.TagAnswered(0, TAG, None),
    events.StopRequested(1, Cause.TOKEN, TAG),
]


@pytest.mark.parametrize("happening", SECRETS)
def test_no_level_shows_a_secret_or_an_id_tag(happening: Happening) -> None:
    book = Book(DEBUG)
    book.journal.stepped(happening, Step({}))
    assert TAG not in str(book.lines)
    assert type(happening).__name__ in book.lines[0][1]


def test_what_is_measured_is_shown_in_full_to_who_asks() -> None:
    book = Book(DEBUG)
    lost = events.DeviceLost(1, "meter", Loss("no answer"))
    book.journal.stepped(lost, Step({}))
    assert book.lines[0][1] == f"event {lost!r}"


@pytest.mark.parametrize(
    ("id_tag", "shown"), [(TAG, "04…E5"), ("ABCDE", "AB…DE"), ("ABCD", "…"), ("", "…")]
)
def test_the_middle_of_an_id_tag_is_hidden(id_tag: str, shown: str) -> None:
    assert masked(id_tag) == shown


def test_the_last_lines_are_kept_and_numbered() -> None:
    book = Book(WARNING)
    for number in range(300):
        book.told(Noted(1, f"line {number}"))
    recent = list(book.journal.recent)
    assert [count for count, _ in recent] == list(range(101, 301))
    assert recent[-1][1] == journals.Line(AT, 1, "line 299")


def test_a_plain_line_has_its_level_as_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journals.to_stderr(journals.ERROR, "a", {})
    journals.to_stderr(WARNING, "b", {})
    journals.to_stderr(INFO, "c", {"CONNECTOR": "1"})
    assert capsys.readouterr().err == "error: a\nwarning: b\nc\n"


def test_under_journald_lines_carry_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert journals.sink() is journals.to_stderr
    monkeypatch.setenv("JOURNAL_STREAM", "8:1234")
    assert journals.sink() is journals.to_journald
    monkeypatch.setattr(journals, "_systemd_journal", None)
    assert journals.sink() is journals.to_stderr

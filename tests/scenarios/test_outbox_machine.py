"""Whatever CSMS, link, power and people do: no message is lost, doubled or reordered.

A real store, a whole charge point, and a model that knows only what was committed
and what the CSMS has answered.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as check_machine

from chargerd.core.events import StartRequested, StopRequested
from chargerd.core.reasons import Cause
from chargerd.ocpp16 import records
from chargerd.ocpp16.ledger import DropWanted, RetryWanted
from chargerd.ocpp16.records import Entry, MessageQueued, Record
from chargerd.steps import Step
from chargerd.store.database import Store
from chargerd.store.reader import Reader
from tests.scenarios.bench import CARD, Bench, PowerCut
from tests.scenarios.csms import SILENCE, Json, Refusal, Reply
from tests.store.golden import rows as stored

ACTIONS: Final = ("StartTransaction", "MeterValues", "StopTransaction")
KEYS: Final = {
    "MeterValueSampleInterval": "30",
    "MessageTimeout": "10",
    "StopTxnSampledData": "Energy.Active.Import.Register",
    "TransactionMessageAttempts": "2",
    "TransactionMessageRetryInterval": "20",
}
BEFORE, AFTER = "before", "after"
"""Where in a commit the power is cut."""


class Model:
    """What must be true of the messages, seen from the disk and from the CSMS."""

    def __init__(self) -> None:
        self.queued: dict[int, MessageQueued] = {}
        self.waiting: set[int] = set()
        self.given_up: set[int] = set()
        self.dropped: set[int] = set()
        self.blind: set[int] = set()
        """Told without a number, and kept for one."""
        self.taken: set[int] = set()
        """By the CSMS, at least once."""
        self.answered: set[int] = set()
        """As far as this process knows, perhaps not on the disk yet."""
        self.numbers: dict[str, int] = {}
        self.starts: dict[str, str] = {}
        """What has become of the StartTransaction of each transaction."""

    def commit(self, committed: tuple[Record, ...]) -> None:
        for record in committed:
            happen = _COMMITTED.get(type(record))
            if happen is not None:
                happen(self, record)

    def _queued(self, record: MessageQueued) -> None:
        self.close(record.id)  # ids begin anew when the disk holds none
        self.queued[record.id] = record
        self.waiting.add(record.id)
        self._start_is(record.id, "waits")

    def _settled(self, record: records.MessageSettled) -> None:
        self.waiting.discard(record.id)
        self.given_up.discard(record.id)
        self._start_is(record.id, "is told")

    def _quarantined(self, record: records.MessageQuarantined) -> None:
        self.waiting.remove(record.id)
        self.given_up.add(record.id)
        self._start_is(record.id, "is given up")

    def _retried(self, record: records.MessageRetried) -> None:
        assert record.id in self.given_up | self.blind
        for place in (self.given_up, self.blind, self.answered):
            place.discard(record.id)
        self.waiting.add(record.id)
        self._start_is(record.id, "waits")

    def _dropped(self, record: records.MessageDropped) -> None:
        self.given_up.remove(record.id)
        self.dropped.add(record.id)
        self._start_is(record.id, "is dropped")
        key, action = self.queued[record.id].key, self.queued[record.id].action
        if action == "StartTransaction":
            self.blind -= {id for id in self.blind if self.queued[id].key == key}

    def _told_blind(self, record: records.StopToldBlind) -> None:
        assert record.id in self.waiting | self.given_up
        self.waiting.discard(record.id)
        self.given_up.discard(record.id)
        # A start that people let wait again, while its stop was under way, comes too.
        if self.starts[self.queued[record.id].key] in ("is given up", "waits"):
            self.blind.add(record.id)

    def close(self, id: int) -> None:
        """Let nothing end but what was told or dropped."""
        if id in self.queued:
            assert id in self.taken | self.dropped, f"message {id} is lost"
            assert id not in self.waiting | self.given_up | self.blind
        for place in (self.taken, self.answered, self.dropped):
            place.discard(id)

    def _start_is(self, id: int, word: str) -> None:
        if self.queued[id].action == "StartTransaction":
            self.starts[self.queued[id].key] = word

    def sent(self, id: int, payload: Json) -> None:
        """Hold a message that goes out against all that is known of it."""
        queued = self.queued[id]
        told = {name: v for name, v in payload.items() if name != "transactionId"}
        assert told == queued.payload, "another content"
        assert id in self.waiting, "sent though nothing waits under this id"
        assert id not in self.answered, "doubled"
        assert id == min(self.waiting - self.answered), "reordered"
        if queued.action == "StartTransaction":
            return
        start, number = self.starts[queued.key], payload["transactionId"]
        if number == -1:
            assert start in ("is given up", "is dropped"), "before its start"
        else:
            assert start == "is told", "before its start was answered"
            assert number == self.numbers[queued.key]

    def took(self, id: int, answer: Json) -> None:
        """The CSMS has answered a message, and the station hears it."""
        self.taken.add(id)
        self.answered.add(id)
        if "transactionId" in answer:
            self.numbers[self.queued[id].key] = answer["transactionId"]


_COMMITTED: Final[dict[type[Any], Callable[[Model, Any], None]]] = {
    MessageQueued: Model._queued,
    records.MessageSettled: Model._settled,
    records.MessageQuarantined: Model._quarantined,
    records.MessageRetried: Model._retried,
    records.MessageDropped: Model._dropped,
    records.StopToldBlind: Model._told_blind,
}


class OutboxMachine(RuleBasedStateMachine):
    """Plays CSMS, link, power, drivers and people."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self._folder.name) / "chargerd.db")
        self.store._db.execute("PRAGMA synchronous = OFF")  # nobody cuts real power
        self.reader = Reader(self.store.path)
        self.model = Model()
        self.cut: str | None = None
        self.online = True
        self.charging: set[int] = set()
        self.late: dict[str, tuple[int, Json]] = {}
        """Questions that were left without an answer: message and its payload."""
        self._under_way = (0, "")
        self.bench = Bench(connectors=2, keys=KEYS, store=self.store, after=self.saw)
        self._kindly = self.bench.csms.reply
        self.bench.csms.reply = self.reply  # type: ignore[method-assign]
        self.begins(1)
        self.ends(1)

    def teardown(self) -> None:
        """In the end all is told, but for what people have to look at."""
        try:
            self.finish()
        finally:
            self.reader.close()
            self.store.close()
            self._folder.cleanup()

    def finish(self) -> None:
        self.cut = None
        for action in ACTIONS:
            self.csms_does(action, None)
        self.link_is_lost()
        self.link_is_back()
        self.time_passes(400)
        model = self.model
        assert model.waiting <= model.answered
        assert self.outbox.waiting == 0
        told = set(model.queued) - model.given_up
        assert told <= model.taken | model.dropped, "lost"
        self.power_is_back()
        self.link_is_back()
        self.time_passes(60)
        assert self.outbox.waiting == 0

    # --- what the bench tells ------------------------------------------------------

    def saw(self, step: Step) -> None:
        """Commit as the engine does; frames leave only after that."""
        if step.records:
            cut, self.cut = self.cut, None
            if cut == BEFORE:
                raise PowerCut
            self.store.commit(step.records)
            self.model.commit(step.records)
            if cut == AFTER:
                raise PowerCut
        for frame in map(json.loads, step.frames):
            if frame[0] == 2 and frame[2] in ACTIONS:
                under_way = self.bench.charge_point.dialogue.rpc._link.under_way
                assert under_way is not None
                entry = under_way.asked.about
                assert isinstance(entry, Entry)
                self._under_way = (entry.id, frame[1])
                self.model.sent(entry.id, frame[3])

    def reply(self, action: str, payload: Json) -> Reply:
        """Answer like the CSMS of the bench, and write down what it took."""
        answer = self._kindly(action, payload)
        if action in ACTIONS:
            id, frame_id = self._under_way
            if answer is SILENCE:
                self.late[frame_id] = (id, payload)
            elif isinstance(answer, dict):
                self.model.took(id, answer)
        return answer

    @property
    def outbox(self) -> Any:
        return self.bench.charge_point.dialogue.ledger.outbox

    def does(self, act: Callable[[], object]) -> None:
        """Do something, through which the power may be cut."""
        try:
            act()
        except PowerCut:
            self.power_is_back()

    def power_is_back(self) -> None:
        """Start again from the disk; what was not saved is unknown."""
        self.late.clear()
        self.charging.clear()
        self.model.answered -= self.model.waiting | self.model.given_up
        self.bench.restarts(Cause.POWER_LOSS, online=False)
        self.online = False

    # --- what happens --------------------------------------------------------------

    @rule(connector=st.sampled_from([1, 2]))
    def begins(self, connector: int) -> None:
        if connector in self.charging:
            return
        self.charging.add(connector)

        def begin() -> None:
            self.bench.plugs(connector)
            self.bench.happens(StartRequested(connector, CARD))
            self.bench.energizes(connector)

        self.does(begin)

    @rule(connector=st.sampled_from([1, 2]))
    def ends(self, connector: int) -> None:
        if connector not in self.charging:
            return
        self.charging.discard(connector)

        def end() -> None:
            self.bench.happens(StopRequested(connector, Cause.REMOTE))
            self.bench.finishes(self.bench.registers_wh[connector] + 900, connector)
            self.bench.unplugs(connector)

        self.does(end)

    @rule(seconds=st.sampled_from([1, 11, 31, 100]))
    def time_passes(self, seconds: int) -> None:
        self.does(lambda: self.bench.waits(seconds))

    @rule(
        action=st.sampled_from(ACTIONS),
        reply=st.sampled_from(["kindly", "refuses", "says nothing"]).map(
            {"kindly": None, "refuses": Refusal(), "says nothing": SILENCE}.get
        ),
        silent=st.booleans(),
    )
    def csms_changes(self, action: str, reply: Reply, silent: bool) -> None:
        self.csms_does(action, reply, silent=silent)

    def csms_does(self, action: str, reply: Reply, *, silent: bool = False) -> None:
        self.bench.csms._always.pop(action, None)
        if reply is not None or silent:
            self.bench.csms.always(action, reply)

    @precondition(lambda self: self.late and self.online)
    @rule()
    def csms_answers_late(self) -> None:
        frame_id, (id, payload) = next(iter(self.late.items()))
        del self.late[frame_id]
        action = self.model.queued[id].action
        answer = self.bench.csms.started(payload) if action == ACTIONS[0] else {}
        if id not in self.model.answered and id not in self.model.dropped:
            self.model.took(id, answer)
        self.does(lambda: self.bench.answers_late(action, answer))

    @precondition(lambda self: self.online)
    @rule()
    def link_is_lost(self) -> None:
        self.online = False
        self.late.clear()
        self.does(self.bench.disconnects)

    @precondition(lambda self: not self.online)
    @rule()
    def link_is_back(self) -> None:
        self.online = True
        self.does(self.bench.connects)

    @rule(where=st.sampled_from([BEFORE, AFTER]))
    def power_is_cut_at_the_next_commit(self, where: str) -> None:
        self.cut = where

    @precondition(lambda self: self.model.given_up)
    @rule(data=st.data())
    def people_retry(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.given_up)))
        found = self.reader.quarantined(id)
        assert found is not None, "given up, and not in quarantine"
        self.does(lambda: self.bench.happens(RetryWanted(*found)))

    @precondition(lambda self: self.model.given_up)
    @rule(data=st.data())
    def people_drop(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.given_up)))
        self.does(lambda: self.bench.happens(DropWanted(id)))

    # --- what always holds ---------------------------------------------------------

    @invariant()
    def the_disk_holds_what_was_not_told(self) -> None:
        rows = stored(self.store.path, "SELECT id, state FROM message")
        model = self.model
        assert {id for id, state in rows if state == 0} == model.waiting
        assert {id for id, state in rows if state == 1} == model.given_up
        assert {id for id, state in rows if state == 2} == model.blind

    @invariant()
    def the_memory_counts_right(self) -> None:
        model = self.model
        assert self.outbox.waiting == len(model.waiting - model.answered)
        assert self.outbox.quarantined == len(model.given_up - model.answered)


@pytest.mark.no_cover
@pytest.mark.requirement(
    "OFFL-01", "OFFL-02", "OFFL-03", "OFFL-05", "OFFL-06", "OFFL-07", "OFFL-12"
)
@pytest.mark.requirement("TXN-08", "TXN-09", "TXN-44", "RPC-03", "RPC-05")
def test_nothing_is_lost_doubled_or_reordered() -> None:
    check_machine(
        OutboxMachine,
        settings=settings(
            max_examples=50,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

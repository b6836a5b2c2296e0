"""The order of the engine: cut, commit, aim, send; and what a bad disk changes."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chargerd.clock import Instant
from chargerd.core import events
from chargerd.core.course import Output
from chargerd.core.events import Sensed, StorageChanged
from chargerd.core.news import PATIENCE_S
from chargerd.core.reasons import Cause
from chargerd.core.session import Phase
from chargerd.ocpp16.jobs import Job
from chargerd.ocpp16.ledger import MessagesThinned
from chargerd.ocpp16.records import Entry, MessageQueued, Record, Snapshot
from chargerd.runtime.engine import LOADED, RETRY_S, Engine
from chargerd.runtime.room import ENOUGH_BYTES
from chargerd.steps import (
    DeadlinePassed,
    FrameReceived,
    Happening,
    LinkDown,
    LinkUp,
    OutboxLoaded,
    Step,
    Tried,
)
from chargerd.store.database import StoreFailed
from chargerd.store.thinning import Piece
from hal.values import (
    Reading,
    SafetyReading,
    Token,
    VehiclePhase,
    VehicleReading,
)
from tests.clock import FakeClock
from tests.hal.virtual_time import instantly
from tests.runtime.points import ANSWERS, CARD, METER, charge_point


@dataclass
class Diary:
    """Everything around the engine; each writes down what it is asked to do."""

    lines: list[str] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)
    frames: list[list[Any]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    waiting: tuple[Entry, ...] = ()
    full: bool = False
    link: int = 0
    left: int = 2 * ENOUGH_BYTES
    pieces: list[Piece] = field(default_factory=list)

    def commit(self, batch: Sequence[Record]) -> None:
        self.lines.append("commit")
        if self.full:
            raise StoreFailed("disk full")
        self.records += batch

    def attempt(self, record: Record) -> None:
        self.lines.append("attempt")
        if self.full:
            raise StoreFailed("disk full")
        self.records.append(record)

    def load(self, after: int, limit: int) -> tuple[Entry, ...]:
        self.lines.append(f"load after {after}")
        if self.full:
            raise StoreFailed("disk full")
        return tuple(e for e in self.waiting if e.id > after)[:limit]

    def left_bytes(self) -> int:
        return self.left

    def thin(self) -> Piece:
        self.lines.append("thin")
        if self.full:
            raise StoreFailed("disk full")
        nothing = Piece(MessagesThinned(), done=True)
        piece = self.pieces.pop(0) if self.pieces else nothing
        self.left += len(piece.gone.waiting)
        return piece

    def cut(self, outputs: Mapping[int, Output]) -> None:
        self.lines.append(f"cut live={outputs[1].live}")

    def aim(self, outputs: Mapping[int, Output]) -> None:
        self.lines.append(f"aim live={outputs[1].live}")

    def send(self, frames: Sequence[str], link: int) -> None:
        self.lines.append("send")
        self.link = link
        self.frames += [json.loads(frame) for frame in frames]

    def begin(self, job: Job) -> None:
        self.lines.append(f"begin {type(job).__name__}")

    def stepped(self, happening: Happening, step: Step) -> None:
        self.lines.append("stepped")

    def storage_failed(self, error: StoreFailed) -> None:
        self.lines.append(str(error))

    def since(self, mark: int) -> list[str]:
        return self.lines[mark:]

    @property
    def actions(self) -> list[str]:
        return [frame[2] for frame in self.frames if frame[0] == 2]


class Bench:
    """An engine with its surroundings."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.clock = FakeClock()
        self.diary = Diary()
        self.charge_point = charge_point(snapshot)
        diary = self.diary
        self.engine = Engine(self.charge_point, diary, self.clock, *4 * [diary])

    @property
    def phase(self) -> Phase:
        return self.charge_point.station.sessions[1].phase

    async def sense(self, reading: Reading) -> Step:
        now_s = self.clock.advance(0.1).monotonic_s
        return await self.engine.step(Sensed(1, replace(reading, at_s=now_s)))

    async def vehicle(self, phase: VehiclePhase) -> Step:
        return await self.sense(VehicleReading(at_s=0.0, phase=phase))

    async def handshake(self) -> None:
        """Go to where the next step would be live."""
        await self.sense(SafetyReading(at_s=0.0))
        await self.sense(METER)
        await self.vehicle(VehiclePhase.AUTHORIZING)
        await self.engine.step(events.TokenPresented(1, Token(CARD)))
        assert self.phase is Phase.HANDSHAKE

    async def live(self) -> None:
        await self.handshake()
        await self.vehicle(VehiclePhase.CABLE_CHECK)
        assert self.phase is Phase.CABLE_CHECK

    async def settle(self) -> None:
        """Let happen what waits to happen at once."""
        while self.engine._next_of_all or not self.engine.inbox.empty():
            await self.engine.step(await self.engine._next())

    async def online(self) -> None:
        """Let a friendly CSMS answer until nothing is left to say."""
        await self.engine.step(LinkUp())
        while questions := [frame for frame in self.diary.frames if frame[0] == 2]:
            self.diary.frames.clear()
            for _, id_, action, _payload in questions:
                answer = json.dumps([3, id_, ANSWERS.get(action, {})])
                await self.engine.step(FrameReceived(answer))

    async def retry(self) -> None:
        """Try the disk again when its time has come."""
        self.clock.advance(RETRY_S)
        await self.engine.step(DeadlinePassed())


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.engine._writer.shutdown()


async def test_a_step_cuts_then_commits_then_aims_then_sends(bench: Bench) -> None:
    await bench.live()
    await bench.engine.step(LinkUp())
    mark = len(bench.diary.lines)

    await bench.sense(SafetyReading(at_s=0.0, emergency_stop=True))

    assert bench.diary.since(mark) == [
        "cut live=False",
        "commit",
        "aim live=False",
        "stepped",
    ]
    assert bench.phase is Phase.OPENING


async def test_no_voltage_before_the_transaction_is_on_the_disk(bench: Bench) -> None:
    await bench.live()
    lines = bench.diary.lines
    assert lines.index("commit") < lines.index("aim live=True")
    assert any(isinstance(r, MessageQueued) for r in bench.diary.records)


async def test_a_step_without_records_does_not_touch_the_disk(bench: Bench) -> None:
    await bench.engine.step(DeadlinePassed())
    mark = len(bench.diary.lines)
    await bench.engine.step(DeadlinePassed())
    assert bench.diary.since(mark) == ["cut live=False", "aim live=False", "stepped"]


async def test_what_only_changed_in_amount_reaches_the_hands_with_the_next_step(
    bench: Bench,
) -> None:
    await bench.sense(METER)
    mark = len(bench.diary.lines)
    for volts in range(100):
        now_s = bench.clock.advance(PATIENCE_S / 200).monotonic_s
        reading = replace(METER, at_s=now_s, voltage_v=float(volts))
        assert (await bench.engine.step(Sensed(1, reading))).learned
    assert set(bench.diary.since(mark)) == {"stepped"}
    assert bench.charge_point.station.sessions[1].facts.meter == reading

    due_s = bench.charge_point.next_deadline_s(bench.clock.now())
    assert due_s is not None
    bench.clock.advance(due_s - now_s)
    assert not (await bench.engine.step(DeadlinePassed())).learned
    assert bench.diary.since(mark)[-3:] == [
        "cut live=False",
        "aim live=False",
        "stepped",
    ]


async def test_frames_go_out_after_the_commit_of_their_step(bench: Bench) -> None:
    mark = len(bench.diary.lines)
    await bench.engine.step(LinkUp())
    assert bench.diary.since(mark)[-2:] == ["send", "stepped"]
    assert bench.diary.actions == ["BootNotification"]


# a disk that fails


async def test_while_the_disk_fails_nothing_becomes_live(bench: Bench) -> None:
    await bench.handshake()
    bench.diary.full = True
    # the story of the session is written down with the next record
    bench.charge_point.station.health.latch(1, "module-failure", "")
    await bench.vehicle(VehiclePhase.CABLE_CHECK)
    assert bench.phase is Phase.CABLE_CHECK
    assert "aim live=True" not in bench.diary.lines

    bench.diary.full = False
    await bench.retry()
    assert bench.diary.lines[-2] == "aim live=True"


async def test_while_the_disk_fails_what_is_live_goes_on_and_may_end(
    bench: Bench,
) -> None:
    await bench.live()
    bench.diary.full = True
    bench.charge_point.station.health.latch(1, "module-failure", "")
    await bench.vehicle(VehiclePhase.PRECHARGE)
    assert bench.diary.lines[-2] == "aim live=True"

    await bench.vehicle(VehiclePhase.UNPLUGGED)
    assert bench.diary.lines[-2] == "aim live=False"


async def test_frames_wait_until_what_they_rely_on_is_saved(bench: Bench) -> None:
    await bench.handshake()
    await bench.online()
    bench.diary.full = True
    await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    assert bench.diary.frames == []

    bench.diary.full = False
    await bench.retry()
    assert bench.diary.actions == ["StatusNotification"]


async def test_a_question_of_the_csms_is_answered_while_the_disk_fails(
    bench: Bench,
) -> None:
    await bench.handshake()
    await bench.online()
    bench.diary.full = True
    await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    await bench.engine.step(FrameReceived('[2,"q","GetConfiguration",{}]'))
    (answer,) = bench.diary.frames
    assert answer[:2] == [3, "q"]


async def test_frames_of_a_lost_link_are_not_sent_on_the_next_one(
    bench: Bench,
) -> None:
    await bench.handshake()
    await bench.online()
    bench.diary.full = True
    await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    await bench.engine.step(LinkDown())
    bench.diary.full = False
    await bench.retry()
    await bench.engine.step(LinkUp())
    # asked anew by the new link, and the one of the old link is not sent besides
    assert bench.diary.actions == ["StatusNotification"]


async def test_the_core_is_told_once_that_the_disk_fails_and_once_that_it_is_back(
    bench: Bench,
) -> None:
    await bench.handshake()
    bench.diary.full = True
    await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    bench.engine.soon(DeadlinePassed())
    assert await bench.engine._next() == StorageChanged(0, failing=True)
    assert await bench.engine._next() == DeadlinePassed()
    for _ in range(5):
        await bench.retry()
    assert not bench.engine._next_of_all
    assert bench.diary.lines.count("disk full") == 1

    bench.diary.full = False
    await bench.retry()
    assert await bench.engine._next() == StorageChanged(0, failing=False)


SEND_LIST = (
    '[2,"q","SendLocalList",{"listVersion":1,"updateType":"Full",'
    '"localAuthorizationList":[{"idTag":"A","idTagInfo":{"status":"Accepted"}}]}]'
)


@pytest.mark.requirement("LIST-17", "LIST-18")
@pytest.mark.parametrize(("full", "status"), [(False, "Accepted"), (True, "Failed")])
async def test_what_may_fail_is_tried_once_and_answered_when_that_is_known(
    bench: Bench, full: bool, status: str
) -> None:
    await bench.handshake()
    await bench.online()
    bench.diary.full = full
    mark = len(bench.diary.lines)
    await bench.engine.step(FrameReceived(SEND_LIST))
    assert bench.diary.frames == []
    assert bench.diary.since(mark)[-1] == ("disk full" if full else "attempt")
    # nobody comes between: a second list would be compared with the old one
    bench.engine.soon(DeadlinePassed())
    tried = await bench.engine._next()
    assert tried == Tried(stored=not full)
    await bench.engine.step(tried)
    assert bench.diary.frames == [[3, "q", {"status": status}]]
    listed = bench.charge_point.station.desk.drivers.listed
    assert len(listed.entries) == (0 if full else 1)
    assert bench.diary.lines.count("attempt") == 1


async def test_a_disk_that_fails_is_not_tried_again_at_every_event(
    bench: Bench,
) -> None:
    await bench.handshake()
    bench.diary.full = True
    await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    tried = bench.diary.lines.count("commit")
    for _ in range(int(3 * RETRY_S / 0.1)):
        await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    assert bench.diary.lines.count("commit") - tried in (2, 3)


async def test_everything_that_could_not_be_saved_is_saved_in_the_end_and_in_order(
    bench: Bench,
) -> None:
    await bench.live()
    bench.diary.full = True
    await bench.vehicle(VehiclePhase.UNPLUGGED)
    await bench.settle()
    await bench.sense(SafetyReading(at_s=0.0, door_open=True))
    await bench.settle()
    await bench.sense(SafetyReading(at_s=0.0))
    bench.diary.full = False
    await bench.retry()
    await bench.settle()

    names = [type(record).__name__ for record in bench.diary.records]
    assert names.count("FaultOpened") == names.count("FaultClosed") == 2
    ids = [r.id for r in bench.diary.records if isinstance(r, MessageQueued)]
    assert ids == sorted(set(ids))


# the outbox


def entries(count: int) -> tuple[Entry, ...]:
    at = FakeClock().now().utc
    return tuple(
        Entry(n, "key", "MeterValues", {"connectorId": 1, "meterValue": []}, at)
        for n in range(1, count + 1)
    )


async def test_more_messages_are_loaded_when_memory_runs_low() -> None:
    bench = Bench(Snapshot(entries=entries(20), waiting=200, last_message_id=200))
    bench.diary.waiting = entries(200)

    await bench.engine.step(DeadlinePassed())

    assert bench.diary.lines[-1] == "load after 20"
    happening = bench.engine.inbox.get_nowait()
    assert isinstance(happening, OutboxLoaded)
    assert [e.id for e in happening.entries] == list(range(21, 21 + LOADED))
    await bench.engine.step(happening)
    assert bench.charge_point.dialogue.ledger.outbox.load_after is None
    bench.engine._writer.shutdown()


@pytest.mark.parametrize("full", [False, True])
async def test_a_load_that_gives_nothing_keeps_the_engine_from_spinning(
    full: bool,
) -> None:
    bench = Bench(Snapshot(entries=entries(1), waiting=5, last_message_id=5))
    bench.diary.full = full
    await bench.engine.step(DeadlinePassed())
    assert bench.engine.inbox.empty()
    assert bench.diary.lines[-1] == ("disk full" if full else "load after 1")
    bench.engine._writer.shutdown()


# a disk that runs short


def gone(*ids: int) -> Piece:
    return Piece(MessagesThinned(ids))


def short(*, exhausted: bool) -> events.RoomChanged:
    return events.RoomChanged(0, short=True, exhausted=exhausted)


async def told(bench: Bench) -> list[Happening]:
    """Let everything happen that the engine wants to happen; return it."""
    seen = []
    while not bench.engine.inbox.empty():
        seen.append(bench.engine.inbox.get_nowait())
        await bench.engine.step(seen[-1])
    return seen


async def commit(bench: Bench) -> None:
    """Let something happen that is worth a commit."""
    known = {fault.fault.name for fault in bench.charge_point.station.health.active}
    await bench.sense(SafetyReading(at_s=0.0, door_open="door-open" not in known))


@pytest.mark.requirement("OFFL-20")
async def test_while_room_runs_short_a_piece_goes_at_each_step(bench: Bench) -> None:
    bench.diary.left = -3
    bench.diary.pieces = [gone(1, 2), gone(3, 4), gone(5)]
    await commit(bench)
    assert await told(bench) == [
        MessagesThinned((1, 2)),
        short(exhausted=False),
        MessagesThinned((3, 4)),
    ]
    assert bench.diary.pieces == [gone(5)]
    active = [fault.fault.name for fault in bench.charge_point.station.health.active]
    assert "storage-short" in active

    bench.diary.left = ENOUGH_BYTES
    await commit(bench)
    assert await told(bench) == [events.RoomChanged(0, short=False, exhausted=False)]
    active = [fault.fault.name for fault in bench.charge_point.station.health.active]
    assert "storage-short" not in active


@pytest.mark.requirement("OFFL-20")
async def test_when_nothing_more_may_go_this_is_told_once(bench: Bench) -> None:
    bench.diary.left = -3
    await commit(bench)
    assert await told(bench) == [short(exhausted=True)]
    assert bench.diary.lines.count("thin") == 2  # the fault was worth a commit
    bench.diary.left = 0
    await commit(bench)
    assert await told(bench) == []
    assert bench.charge_point.station.storage_exhausted
    bench.diary.left = -1
    bench.diary.pieces = [Piece(MessagesThinned((), 2))]
    await commit(bench)
    assert await told(bench) == [
        MessagesThinned((), 2),
        short(exhausted=False),
        short(exhausted=True),
    ]


async def test_a_disk_that_fails_while_room_is_made_is_seen(bench: Bench) -> None:
    await bench.handshake()
    bench.diary.left = -3
    bench.engine._left_bytes = -3
    bench.diary.full = True
    await bench.engine.step(DeadlinePassed())
    assert bench.diary.lines[-2:] == ["thin", "disk full"]
    assert bench.engine._left_bytes is None


# the loop


class LoopClock(FakeClock):
    """Goes with the time of the running loop."""

    def now(self) -> Instant:
        return self.advance(asyncio.get_running_loop().time() - self._monotonic_s)

    def correct(self, seconds: float) -> Instant:
        self._utc += timedelta(seconds=seconds)
        return Instant(self._monotonic_s, self._utc)


@instantly
async def test_the_loop_ends_with_the_cause_when_all_is_done_for_a_restart() -> None:
    bench = Bench()
    bench.engine._clock = bench.clock = LoopClock()
    running = asyncio.create_task(bench.engine.run())
    await asyncio.sleep(1)
    assert bench.engine.busy_since_s is None
    bench.engine.soon(events.RestartRequested(0, Cause.SOFT_RESET))
    assert await running is Cause.SOFT_RESET


@instantly
async def test_the_loop_wakes_for_a_deadline_of_the_charge_point() -> None:
    bench = Bench()
    bench.engine._clock = bench.clock = LoopClock()
    running = asyncio.create_task(bench.engine.run())
    bench.engine.soon(Sensed(1, replace(METER, at_s=1000.0)))
    await asyncio.sleep(0.1)
    bench.engine.soon(events.TokenPresented(1, Token(CARD)))
    await asyncio.sleep(1)
    phases = [bench.phase]
    await asyncio.sleep(59.5)  # ConnectionTimeOut
    phases.append(bench.phase)
    assert phases == [Phase.AUTHORIZED, Phase.IDLE]
    running.cancel()
    await asyncio.wait({running})


async def test_frames_are_meant_for_the_link_that_the_charge_point_knows(
    bench: Bench,
) -> None:
    await bench.engine.step(LinkUp(7))
    assert bench.diary.actions == ["BootNotification"]
    assert bench.diary.link == 7


async def test_what_is_due_and_what_has_come_take_turns(bench: Bench) -> None:
    await bench.engine.step(LinkUp())  # and nobody answers the BootNotification
    bench.clock.advance(3600)
    for _ in range(3):
        bench.engine.soon(DeadlinePassed())
        bench.engine.soon(LinkDown())
    first, second = await bench.engine._next(), await bench.engine._next()
    assert first == DeadlinePassed()  # from the inbox, which was first
    assert second == DeadlinePassed()  # because something is due
    assert await bench.engine._next() == LinkDown()

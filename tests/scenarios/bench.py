"""A charge point, its cars and its CSMS on one bench: one process, and no time.

Whatever leaves the charge point is held against the rules that always hold: frames
are legal, one question is under way at a time, statuses follow each other as OCPP
allows, and after a deadline has passed the next one is later.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

from chargerd.chargepoint import ChargePoint
from chargerd.core.course import Output
from chargerd.core.events import (
    MeterClosed,
    MeterOpened,
    SelfTested,
    Sensed,
    TokenPresented,
)
from chargerd.core.firmware_events import Rebooted
from chargerd.core.fitting import Fitting
from chargerd.core.permissive import FIELDS, Facts
from chargerd.core.reasons import Cause
from chargerd.core.sealing import Sealing
from chargerd.ocpp16 import wire
from chargerd.ocpp16.attachment_values import Attachment, Filed
from chargerd.ocpp16.jobs import FirmwareJob, MakeKey
from chargerd.ocpp16.keyring_events import KeyMade
from chargerd.ocpp16.link_news import LinkTried
from chargerd.ocpp16.pki.own_keys import new_key
from chargerd.ocpp16.records import Record, Snapshot
from chargerd.ocpp16.requests import Nameplate
from chargerd.steps import (
    DeadlinePassed,
    FrameReceived,
    Happening,
    KeyWanted,
    LinkDown,
    LinkUp,
    OutboxLoaded,
    Step,
    Tried,
)
from chargerd.store.database import Store
from hal.values import (
    ContactorReading,
    IsolationReading,
    MeterReading,
    Position,
    PowerRating,
    PowerReading,
    Reading,
    TemperatureReading,
    Token,
    VehiclePhase,
    VehicleReading,
)
from tests.clock import FakeClock
from tests.scenarios.csms import SILENCE, Csms, Json, Refusal, Reply
from tests.scenarios.edges import EDGES

CARD: Final = "04A224B2"
OTHER_CARD: Final = "04FFEE11"
FILED: Final = Filed(Attachment("wss://csms.example", "CP1"))
CSMS_URL: Final = FILED.attachment.where
FITTED: Final = frozenset(
    {
        "contactor",
        "isolation",
        "meter",
        "power_module",
        "safety",
        "temperature",
        "vehicle",
    }
)
RATING: Final = PowerRating(150.0, 1000.0, 200.0, 60_000.0)
FITTING: Final = Fitting(RATING, FITTED)

PATH_TO_ENERGIZED: Final = (
    VehiclePhase.CABLE_CHECK,
    VehiclePhase.PRECHARGE,
    VehiclePhase.CHARGING,
)

_POLLED: Final = frozenset(
    {MeterReading, PowerReading, TemperatureReading, VehicleReading}
)


def record(key: str) -> bytes:
    """Return what a meter signs of a transaction."""
    return f"OCMF|{key}".encode()


class PowerCut(Exception):
    """The power is gone before a commit."""


class Bench:
    """Moves one charge point through a story."""

    def __init__(
        self,
        *,
        connectors: int = 1,
        filed: Filed | None = None,
        keys: Mapping[str, str] | None = None,
        snapshot: Snapshot | None = None,
        store: Store | None = None,
        fitting: Fitting = FITTING,
        fittings: Mapping[int, Fitting] | None = None,
        online: bool = True,
        serial_number: str | None = None,
        file_roots: Sequence[str] = (),
        after: Callable[[Step], None] | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.csms = Csms(self.clock)
        self.store = store
        self.said: list[tuple[str, Json]] = []
        self.said_at_s: list[float] = []
        self.security_events: list[Json] = []
        """Not among what was ``said``: they stand between all else."""
        self._filed = filed or FILED
        self.steps: list[Step] = []
        self.to_do: list[FirmwareJob] = []
        """What firmware jobs wish and nobody has done yet."""
        self.runs = Rebooted("1.0", slot_marked=True)
        """What the installer says of what runs."""
        self.answers: list[list[Any]] = []
        self.unanswered: dict[str, str] = {}
        usual = dict.fromkeys(range(1, connectors + 1), fitting)
        self._fittings = fittings or usual
        self._keys = keys or {}
        self._serial_number = serial_number
        self._file_roots = file_roots
        self.after = after
        self.disk_full = False
        """For what is tried and may fail; a commit always succeeds here."""
        self._ids = map("id-{}".format, count(1))
        self._asked: dict[str, str] = {}
        self._frame = ""
        self.registers_wh: dict[int, int] = {}
        self.meter_says: dict[str, Any] = {}
        """What is in each reading of a meter, besides."""
        self.silent: set[type[Reading]] = set()
        """The kinds of device that say nothing by themselves."""
        self._last: dict[tuple[int, type[Reading]], Reading] = {}
        self.signs = True
        """A meter that keeps transactions of its own does as it is told."""
        self._sealed: dict[int, Sealing] = {}
        self._inbox: deque[Happening] = deque()
        self._statuses: dict[int, str] = {}
        self._busy_until_s = 0.0
        self.answers_after_s = 0.0
        """How long the CSMS takes for an answer."""
        self._on_the_way: deque[tuple[float, FrameReceived]] = deque()
        self.start(snapshot)
        if online:
            self.connects()

    # --- the process ------------------------------------------------------------

    def start(
        self, snapshot: Snapshot | None = None, cause: Cause = Cause.POWER_LOSS
    ) -> None:
        """Start the process, from what the disk remembers."""
        self._inbox.clear()
        self.to_do.clear()
        if self.store is not None:
            snapshot = self.store.restore(self.clock.now().utc)
        self.charge_point = ChargePoint(
            self._fittings,
            Nameplate("chargerd", "bench", self._serial_number, self.runs.version),
            self._ids.__next__,
            filed=self._filed,
            configured={"MeterStepLimit": "0", **self._keys},
            snapshot=snapshot,
            interruption=cause,
            started=self.runs,
            file_roots=self._file_roots,
        )
        for number in self._fittings:
            self.reads(self._contacts(Position.OPEN), number)
            self.meters(self.registers_wh.get(number, 120_000), number)
            self.reads(self._modules(0.0), number)

    def restarts(self, cause: Cause = Cause.POWER_LOSS, *, online: bool = True) -> None:
        """End the process without a word, and start it again."""
        self._forget_link()
        self.start(cause=cause)
        if online:
            self.connects()

    def happens(self, happening: Happening) -> Step:
        """Let one thing happen, and all that the CSMS answers to it."""
        self._inbox.append(happening)
        first = len(self.steps)
        while self._inbox:
            self._step(self._inbox.popleft())
        return self.steps[first]

    def waits(self, seconds: float) -> None:
        """Let time pass; every deadline comes exactly when it is due."""
        until_s = self.now_s + seconds
        while (due_s := self.due_s()) is not None and due_s <= until_s:
            self.clock.advance(max(due_s - self.now_s, 0.0))
            self._poll()
            if self._on_the_way and self._on_the_way[0][0] <= self.now_s:
                self.happens(self._on_the_way.popleft()[1])
            else:
                self.happens(DeadlinePassed())
                again_s = self._due_s()
                busy = again_s is not None and again_s <= self.now_s
                assert not busy or self.restarting, "busy"
            if self.restarting:
                return
        self.clock.advance(until_s - self.now_s)

    def due_s(self) -> float | None:
        """Return when something happens by itself next: a deadline, or an answer."""
        own_s = self._due_s()
        if not self._on_the_way:
            return own_s
        answer_s = self._on_the_way[0][0]
        return answer_s if own_s is None else min(own_s, answer_s)

    @property
    def now_s(self) -> float:
        return self.clock.now().monotonic_s

    @property
    def restarting(self) -> Cause | None:
        return self.steps[-1].restart

    @property
    def output(self) -> Output:
        return self.steps[-1].outputs[1]

    @property
    def facts(self) -> Facts:
        return self.charge_point.station.sessions[1].facts

    def phase(self, connector: int = 1) -> str:
        return self.charge_point.station.sessions[connector].phase.value

    # --- the car ----------------------------------------------------------------

    def reads(self, reading: Reading, connector: int = 1) -> None:
        """Let a device say something; a moment passes, so that it is news."""
        self.clock.advance(0.125)
        self.happens(Sensed(connector, replace(reading, at_s=self.now_s)))

    def _poll(self) -> None:
        """Let devices say what they said last; where nobody is, only the meter does."""
        for (number, kind), reading in tuple(self._last.items()):
            if kind in _POLLED - self.silent and self._answers_poll(number, kind):
                self.happens(Sensed(number, self._now(number, reading)))

    def _answers_poll(self, connector: int, kind: type[Reading]) -> bool:
        lost = self.charge_point.station.sessions[connector].facts.lost
        used = self.phase(connector) != "idle" or kind is MeterReading
        return used and FIELDS[kind] not in lost

    def _now(self, connector: int, reading: Reading) -> Reading:
        paused = self.charge_point.station.limit(connector).power_w == 0.0
        if paused and isinstance(reading, MeterReading):
            reading = replace(reading, power_w=0.0)
        return replace(reading, at_s=self.now_s)

    def meters(self, energy_wh: int, connector: int = 1, **more: Any) -> None:
        closed = bool(self.steps) and self.steps[-1].outputs[connector].closed
        volts = 400.0 if closed else 0.0
        values: dict[str, Any] = {
            "power_w": 50_000.0,
            "voltage_v": volts,
            "current_a": 125.0,
        }
        values |= {**self.meter_says, **more}
        reading = MeterReading(at_s=0.0, energy_wh=energy_wh, **values)
        self.registers_wh[connector] = energy_wh
        self.reads(reading, connector)

    def vehicle(self, phase: VehiclePhase, connector: int = 1) -> None:
        reading = VehicleReading(
            at_s=0.0, phase=phase, target_voltage_v=400.0, soc_percent=42.0
        )
        self.reads(reading, connector)

    def presents(self, card: str = CARD, reader: int = 0) -> None:
        self._poll()
        self.happens(TokenPresented(reader, Token(card)))

    def plugs(self, connector: int = 1) -> None:
        self._poll()
        self.vehicle(VehiclePhase.NEGOTIATING, connector)

    def energizes(self, connector: int = 1) -> None:
        """Go through all checks up to the first current."""
        for phase in PATH_TO_ENERGIZED:
            self.vehicle(phase, connector)
            if phase is VehiclePhase.CABLE_CHECK:
                self.checks_cable(connector)
            else:
                self.matches(connector)
            # the vehicle says again what it said: the last fact may have been missing
            self.vehicle(phase, connector)
        assert self.phase(connector) == "energized"

    def checks_cable(self, connector: int = 1) -> None:
        """Pass the cable check, but for the vehicle's word."""
        self.reads(self._contacts(Position.CLOSED), connector)
        self.happens(SelfTested(connector))
        self.reads(self._modules(0.0), connector)
        self.reads(IsolationReading(at_s=0.0, resistance_ohm=1e6), connector)
        self.reads(replace(self._modules(0.0), voltage_v=0.0), connector)

    def matches(self, connector: int = 1) -> None:
        """Let the output have the voltage of the vehicle's battery."""
        self.reads(self._modules(0.0), connector)

    def charges(self, card: str = CARD, connector: int = 1) -> None:
        """Plug in, hold the card to the reader, and charge."""
        self.plugs(connector)
        self.presents(card)
        self.energizes(connector)

    def winds_down(self, register_wh: int, connector: int = 1, **more: Any) -> None:
        """Let the hardware follow: current gone, contacts open, a last register."""
        self.reads(self._modules(0.0), connector)
        self.reads(self._contacts(Position.OPEN), connector)
        self.meters(register_wh, connector, power_w=0.0, current_a=0.0, **more)

    def finishes(self, register_wh: int, connector: int = 1) -> None:
        """Wind down and let the vehicle close its session."""
        self.winds_down(register_wh, connector)
        self.vehicle(VehiclePhase.FINISHED, connector)

    def unplugs(self, connector: int = 1) -> None:
        self.vehicle(VehiclePhase.UNPLUGGED, connector)

    def _contacts(self, position: Position) -> Reading:
        return ContactorReading(at_s=0.0, position=position)

    def _modules(self, current_a: float) -> PowerReading:
        return PowerReading(
            at_s=0.0, voltage_v=400.0, current_a=current_a, temperature_c=31.0
        )

    # --- the link and the CSMS --------------------------------------------------

    def connects(self) -> None:
        self._statuses.clear()
        turn = self.charge_point.upkeep.attachments.turn
        self.happens(LinkTried(True, turn))
        self.happens(LinkUp())

    def disconnects(self) -> None:
        self._forget_link()
        self.happens(LinkDown())

    def asks(self, action: str, **payload: Any) -> Json:
        """Let the CSMS ask; return the answer (``{}`` if there is none)."""
        id = next(self._ids)
        self._asked[id] = action
        self._frame = json.dumps([2, id, action, payload])
        self.happens(FrameReceived(self._frame))
        told = [answer for answer in self.answers if answer[1] == id]
        if not told:
            return {}
        kind, _, *rest = told[0]
        return rest[0] if kind == 3 else {"code": rest[0]}

    def repeats(self) -> None:
        """Let the CSMS send its last question once more."""
        self.happens(FrameReceived(self._frame))

    def sets(self, **keys: Any) -> None:
        """Let the CSMS change configuration keys."""
        for key, value in keys.items():
            answer = self.asks("ChangeConfiguration", key=key, value=str(value))
            assert answer == {"status": "Accepted"}, key

    def sets_here(self, key: str, value: str) -> None:
        self.happens(KeyWanted(key, value, "chargerctl"))

    def answers_late(self, action: str, reply: Json) -> None:
        """Answer the oldest question of a kind that was left without an answer."""
        id = next(id for id, asked in self.unanswered.items() if asked == action)
        del self.unanswered[id]
        if not self.unanswered:
            self._busy_until_s = 0.0
        self.happens(FrameReceived(json.dumps([3, id, reply])))

    def told(self, action: str) -> list[Json]:
        """Return what was said under one action."""
        return [payload for name, payload in self.said if name == action]

    def times(self, action: str) -> list[float]:
        """Return when something was said, on the monotonic clock."""
        moments = zip(self.said, self.said_at_s, strict=True)
        return [at_s for (name, _), at_s in moments if name == action]

    def statuses(self, connector: int = 1) -> list[str]:
        reports = self.told("StatusNotification")
        return [r["status"] for r in reports if r["connectorId"] == connector]

    def messages(self) -> list[str]:
        """Return the messages of transactions, in the order they were said."""
        wanted = ("StartTransaction", "MeterValues", "StopTransaction")
        return [name for name, _ in self.said if name in wanted]

    # --- inside -----------------------------------------------------------------

    def _step(self, happening: Happening) -> None:
        if isinstance(happening, Sensed):
            self._last[(happening.connector, type(happening.reading))] = (
                happening.reading
            )
        step = self.charge_point.apply(happening, self.clock.now())
        self.steps.append(step)
        if self.after is not None:
            self.after(step)
        elif self.store is not None and step.records:
            self.store.commit(step.records)
        self.to_do += (job for job in step.jobs if isinstance(job, FirmwareJob))
        if step.attempt is not None:
            self._inbox.appendleft(Tried(self._stored(step.attempt)))
        self._sign(step)
        self._make_keys(step)
        for frame in step.frames:
            self._hear(json.loads(frame))
        if step.clock_step_s is not None:
            self.clock.correct(step.clock_step_s)
        if self.store is not None and step.load_after is not None:
            self._inbox.append(
                OutboxLoaded(step.load_after, self.store.load(step.load_after, 200))
            )

    def _sign(self, step: Step) -> None:
        for number, output in step.outputs.items():
            wanted = output.sealing
            if not self.signs or wanted in (None, self._sealed.get(number)):
                continue
            assert wanted is not None
            self._sealed[number] = wanted
            self._inbox.append(
                MeterOpened(number, wanted.key)
                if wanted.open
                else MeterClosed(number, wanted.key, record(wanted.key))
            )

    def _make_keys(self, step: Step) -> None:
        for job in step.jobs:
            if isinstance(job, MakeKey):
                self._inbox.append(KeyMade(new_key(job.kind)))

    def _stored(self, record: Record) -> bool:
        if not self.disk_full and self.store is not None:
            self.store.attempt(record)
        return not self.disk_full

    def _hear(self, frame: list[Any]) -> None:
        if frame[0] != 2:
            if frame[0] == 3:
                wire.check(self._asked[frame[1]], frame[2], answer=True)
            self.answers.append(frame)
            return
        _, id, action, payload = frame
        wire.check(action, payload, answer=False)
        assert self.now_s >= self._busy_until_s, "two questions under way"
        if action == "StatusNotification":
            self._follow(payload["connectorId"], payload["status"])
        if action == "SecurityEventNotification":
            self.security_events.append(payload)
        else:
            self.said.append((action, payload))
            self.said_at_s.append(self.now_s)
        reply = self.csms.reply(action, payload)
        timeout_s = self.charge_point.station.policy.message_timeout_s
        after_s = timeout_s if reply is SILENCE else self.answers_after_s
        self._busy_until_s = self.now_s + after_s
        if reply is SILENCE:
            self.unanswered[id] = action
        else:
            self._answers(FrameReceived(_framed(id, reply)))
            if action == "BootNotification":
                self._statuses.clear()

    def _answers(self, answer: FrameReceived) -> None:
        if self.answers_after_s:
            self._on_the_way.append((self.now_s + self.answers_after_s, answer))
        else:
            self._inbox.append(answer)

    def _follow(self, connector: int, status: str) -> None:
        before = self._statuses.get(connector)
        assert before is None or (before, status) in EDGES, f"{before} to {status}"
        self._statuses[connector] = status

    def _forget_link(self) -> None:
        self.unanswered.clear()
        self._on_the_way.clear()
        self._busy_until_s = 0.0

    def _due_s(self) -> float | None:
        return self.charge_point.next_deadline_s(self.clock.now())


def _framed(id: str, reply: Reply) -> str:
    if isinstance(reply, Refusal):
        return json.dumps([4, id, reply.code, reply.description, {}])
    return json.dumps([3, id, reply])

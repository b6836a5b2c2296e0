"""The one loop of the daemon.

Open before write, write before close: what takes energy away is done first,
what was decided is then on the disk, and only after that may energy flow and
the CSMS be told.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Clock
from chargerd.core.course import Output
from chargerd.core.events import WHOLE_STATION, StorageChanged
from chargerd.core.power import Supply
from chargerd.core.reasons import Cause
from chargerd.ocpp16.jobs import Job
from chargerd.ocpp16.ledger import MessagesThinned
from chargerd.ocpp16.records import Entry, Record
from chargerd.runtime.room import Room
from chargerd.steps import (
    DeadlinePassed,
    Happening,
    LinkDown,
    LinkUp,
    OutboxLoaded,
    Step,
    Tried,
)
from chargerd.store.database import StoreFailed
from chargerd.store.thinning import Piece

T = TypeVar("T")

LOADED: Final = 100
"""How many messages are loaded at once."""
RETRY_S: Final = 1.0
"""How often a disk that failed is tried again."""


class Writer(Protocol):
    """Where records go."""

    def commit(self, batch: Sequence[Record]) -> None:
        """Return when the batch is on the disk; raise ``StoreFailed``."""

    def attempt(self, record: Record) -> None:
        """Return when one record is on the disk; raise ``StoreFailed`` if not."""

    def load(self, after: int, limit: int) -> tuple[Entry, ...]:
        """Return messages that wait, oldest first."""

    def left_bytes(self) -> int:
        """Return how much room is left before meter values have to go."""

    def thin(self) -> Piece:
        """Let go of some meter values; raise ``StoreFailed``."""


class Hands(Protocol):
    """What moves the hardware."""

    def cut(self, outputs: Mapping[int, Output]) -> None:
        """Begin at once to take away what ``outputs`` no longer allows."""

    def aim(self, outputs: Mapping[int, Output]) -> None:
        """Take the new levels."""


class Link(Protocol):
    """What carries frames to the CSMS."""

    def send(self, frames: Sequence[str], link: int) -> None:
        """Queue frames for sending; drop them if that link is not up any more."""


class Worker(Protocol):
    """What does jobs that take long."""

    def begin(self, job: Job) -> None:
        """Begin a job; its end comes back as an event."""


class Watcher(Protocol):
    """Who wants to see every step."""

    def stepped(self, happening: Happening, step: Step) -> None:
        """Look at one step, after it was done."""

    def storage_failed(self, error: StoreFailed) -> None:
        """Look at a commit that failed."""


class Engine:
    """Lets things happen one at a time."""

    def __init__(
        self,
        charge_point: ChargePoint,
        store: Writer,
        clock: Clock,
        hands: Hands,
        link: Link,
        worker: Worker,
        watcher: Watcher,
    ) -> None:
        self.inbox: asyncio.Queue[Happening] = asyncio.Queue()
        self.busy_since_s: float | None = None
        """Since when the present step is going on; ``None``: the loop waits."""
        self._charge_point = charge_point
        self._store = store
        self._clock = clock
        self._hands = hands
        self._link = link
        self._worker = worker
        self._watcher = watcher
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._unsaved: list[Record] = []
        self._held: list[str] = []
        self._held_jobs: list[Job] = []
        self._link_number = 0
        self._next_of_all: deque[Happening] = deque()
        self._outputs: Mapping[int, Output] = {}
        self._retry_due_s = 0.0
        self._deadlines_wait = False
        self._room = Room(self.soon, self._thin)
        self._left_bytes: int | None = None
        """How much room is left, if that has to be looked at."""

    async def run(self) -> Cause:
        """Run until everything is done that a restart waits for; return its cause."""
        while True:
            happening = await self._next()
            step = await self.step(happening)
            if step.restart is not None:
                return step.restart

    def close(self) -> None:
        """Let the last commit end."""
        self._writer.shutdown()

    async def step(self, happening: Happening) -> Step:
        """Let one thing happen, all the way down to the hardware and the disk."""
        now = self._clock.now()
        step = self._charge_point.apply(happening, now)
        if step.learned:
            self._watcher.stepped(happening, step)
            return step
        self.busy_since_s = now.monotonic_s
        try:
            await self._carry_out(happening, step)
        finally:
            self.busy_since_s = None
        return step

    async def _carry_out(self, happening: Happening, step: Step) -> None:
        self._hands.cut(step.outputs)
        saved = await self._commit(step)
        self._aim(step.outputs, saved)
        self._send(happening, step, saved)
        self._start(step, saved)
        self._watcher.stepped(happening, step)
        if step.attempt is not None:
            await self._try(step.attempt)
        if step.load_after is not None:
            await self._load(step.load_after)
        if self._left_bytes is not None:
            more = await self._room.follow(self._left_bytes)
            self._left_bytes = (
                await self._on_disk(self._store.left_bytes) if more else None
            )

    def soon(self, happening: Happening) -> None:
        """Let something happen when its turn comes."""
        self.inbox.put_nowait(happening)

    async def _next(self) -> Happening:
        if self._next_of_all:
            return self._next_of_all.popleft()
        now = self._clock.now()
        due_s = self._charge_point.next_deadline_s(now)
        overdue = due_s is not None and due_s <= now.monotonic_s
        if not self.inbox.empty() and not (overdue and self._deadlines_wait):
            # What is due and what has come take turns: neither starves the other.
            self._deadlines_wait = True
            return self.inbox.get_nowait()
        self._deadlines_wait = False
        if overdue:
            return DeadlinePassed()
        if self._unsaved:
            due_s = min(due_s or self._retry_due_s, self._retry_due_s)
        if due_s is None:
            return await self.inbox.get()
        try:
            async with asyncio.timeout(due_s - now.monotonic_s):
                return await self.inbox.get()
        except TimeoutError:
            return DeadlinePassed()

    async def _commit(self, step: Step) -> bool:
        failing = bool(self._unsaved)
        self._unsaved += step.records
        if not self._unsaved:
            return True
        if failing and self._clock.now().monotonic_s < self._retry_due_s:
            return False
        batch = tuple(self._unsaved)
        try:
            self._left_bytes = await self._on_disk(lambda: self._save(batch))
        except StoreFailed as error:
            self._retry_due_s = self._clock.now().monotonic_s + RETRY_S
            if not failing:
                self._watcher.storage_failed(error)
                self._storage_changed(failing=True)
            return False
        self._unsaved.clear()
        if failing:
            self._storage_changed(failing=False)
        return True

    def _storage_changed(self, *, failing: bool) -> None:
        self._next_of_all.append(StorageChanged(WHOLE_STATION, failing=failing))

    async def _try(self, record: Record) -> None:
        try:
            await self._on_disk(lambda: self._store.attempt(record))
        except StoreFailed as error:
            self._watcher.storage_failed(error)
            self._next_of_all.append(Tried(stored=False))
        else:
            self._next_of_all.append(Tried(stored=True))

    def _save(self, batch: Sequence[Record]) -> int:
        self._store.commit(batch)
        return self._store.left_bytes()

    async def _thin(self) -> Piece:
        try:
            return await self._on_disk(self._store.thin)
        except StoreFailed as error:
            self._watcher.storage_failed(error)
            return Piece(MessagesThinned(), done=True)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        """Let the store's thread do something, after all that it was given before."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, work)

    def _aim(self, outputs: Mapping[int, Output], saved: bool) -> None:
        if not saved:
            outputs = {n: self._no_more(n, output) for n, output in outputs.items()}
        self._outputs = outputs
        self._hands.aim(outputs)

    def _no_more(self, connector: int, output: Output) -> Output:
        """Let flow what flows already, and nothing else."""
        before = self._outputs.get(connector, Output())
        if before.live or not output.live:
            return output
        return replace(output, closed=False, supply=Supply.OFF)

    def _send(self, happening: Happening, step: Step, saved: bool) -> None:
        match happening:
            case LinkUp(number):
                self._link_number = number
            case LinkDown():
                self._held.clear()
        if not saved and step.records:
            # What was decided and is not on the disk, nobody outside may rely on.
            self._held += step.frames
            return
        held = tuple(self._held) if saved else ()
        if saved:
            self._held.clear()
        if frames := held + step.frames:
            self._link.send(frames, self._link_number)

    def _start(self, step: Step, saved: bool) -> None:
        """Begin jobs once the disk knows of them: a restart goes on with those."""
        self._held_jobs += step.jobs
        if not saved:
            return
        jobs, self._held_jobs = self._held_jobs, []
        for job in jobs:
            self._worker.begin(job)

    async def _load(self, after: int) -> None:
        try:
            entries = await self._on_disk(lambda: self._store.load(after, LOADED))
        except StoreFailed as error:
            self._watcher.storage_failed(error)
            return
        # What the disk does not hold yet, it is asked for again at the next step.
        if entries:
            self.soon(OutboxLoaded(after, entries))

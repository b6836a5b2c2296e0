"""A CAN bus as the devices' drivers share it, whatever adapter leads to it."""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

from hal.errors import NoAnswer
from hal.transport.rank import Rank
from hal.wire.frame import Frame

_FRAME_BITS: Final = 150
"""The longest frame with eight bytes, its stuffing and the space after it."""
_BURST: Final = 4
"""So many frames go out together: the least adapter can keep as many, and the loop
wakes up less often."""

Take = Callable[[Frame], None]
Still = Callable[[], bool]


class Link(Protocol):
    """An adapter: sends at once, and hands on what it hears."""

    def write(self, frames: Sequence[Frame]) -> None:
        """Send in this order; raise ``NoAnswer`` if the bus did not take all."""

    def filter(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Hear at least the frames of these identifiers and masks."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ear:
    identifier: int
    mask: int
    take: Take


class Bus:
    """Sends by urgency, and gives each frame to those who wait for its like."""

    def __init__(self, bitrate: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._frame_s = 2 * _FRAME_BITS / bitrate
        self._carries_until_s = 0.0
        """When the bus will have carried what was sent, and an answer to each."""
        self._link: Link | None = None
        self._ears: tuple[_Ear, ...] = ()
        self._waiting: list[tuple[Rank, int, Frame, Still]] = []
        self._count = count()
        self._pump: asyncio.TimerHandle | None = None

    def connect(self, link: Link) -> None:
        """Take the adapter."""
        self._link = link

    def send(
        self, frame: Frame, rank: Rank = Rank.ROUTINE, still: Still | None = None
    ) -> None:
        """Send what is urgent at once; the rest leaves room on the bus for others.

        Args:
            frame: What to send.
            rank: How urgent it is.
            still: Asked when its turn has come; what is no longer so is not sent.

        Raises:
            NoAnswer: The bus cannot be reached.
        """
        self.send_all([(frame, still)], rank)

    def send_all(
        self, frames: Iterable[tuple[Frame, Still | None]], rank: Rank = Rank.ROUTINE
    ) -> None:
        """Send several frames, each as ``send`` does; one write takes many."""
        at_once = []
        for frame, still in frames:
            if rank is not Rank.SAFETY and not self._has_room:
                turn = next(self._count)
                heapq.heappush(self._waiting, (rank, turn, frame, still or _always))
            elif still is None or still():
                at_once.append(frame)
                self._carry()
        if self._waiting and self._pump is None:
            self._pump = self._loop.call_at(self._carries_until_s, self._send_on)
        self._write(at_once)

    @property
    def _has_room(self) -> bool:
        queued_s = self._carries_until_s - self._loop.time()
        return not self._waiting and queued_s < (_BURST - 1) * self._frame_s

    def _carry(self) -> None:
        began_s = max(self._carries_until_s, self._loop.time())
        self._carries_until_s = began_s + self._frame_s

    def _write(self, frames: Sequence[Frame]) -> None:
        assert self._link is not None
        if frames:
            self._link.write(frames)

    @contextmanager
    def listen(self, identifier: int, mask: int, take: Take) -> Iterator[None]:
        """Take every frame whose identifier agrees in the bits of ``mask``."""
        ear = _Ear(identifier & mask, mask, take)
        self._set_ears((*self._ears, ear))
        try:
            yield
        finally:
            self._set_ears(tuple(each for each in self._ears if each is not ear))

    def heard(self, frame: Frame) -> None:
        """Hand a frame on."""
        identifier = frame.identifier
        for ear in self._ears:
            if identifier & ear.mask == ear.identifier:
                ear.take(frame)

    def _set_ears(self, ears: tuple[_Ear, ...]) -> None:
        assert self._link is not None
        self._ears = ears
        self._link.filter([(ear.identifier, ear.mask) for ear in ears])

    def _send_on(self) -> None:
        self._pump = None
        burst: list[Frame] = []
        while len(burst) < _BURST and (frame := self._next()) is not None:
            burst.append(frame)
            self._carry()
        if self._waiting:
            self._pump = self._loop.call_at(self._carries_until_s, self._send_on)
        try:
            self._write(burst)
        except NoAnswer:
            # Whoever waits for what follows from it finds out; old frames are stale.
            self._waiting.clear()

    def _next(self) -> Frame | None:
        while self._waiting:
            _, _, frame, still = heapq.heappop(self._waiting)
            if still():
                return frame
        return None


def _always() -> bool:
    return True

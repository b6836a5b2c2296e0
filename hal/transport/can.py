"""CAN buses with 29-bit identifiers. The only user of python-can.

Two kinds of adapter: those that Linux knows (socketcan), and serial ones (slcan). A
bus that is lost, or that its adapter has shut off after errors, comes back by itself.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

import can

from hal.bounds import check_word
from hal.errors import HardwareError, NoAnswer
from hal.resources import Place
from hal.transport.line import Rank
from hal.transport.serial import Port, SerialSettings, open_port
from hal.wire import slcan
from hal.wire.frame import Frame

_FRAME_BITS: Final = 150
"""The longest frame with eight bytes, its stuffing and the space after it."""
_BURST: Final = 4
"""So many frames go out together: the least adapter can keep as many, and the loop
wakes up less often."""
_WHOLE_IDENTIFIER: Final = 0x1FFFFFFF
_RETRY_S: Final = 0.5
_REFUSALS: Final = 8
"""So many commands refused in a row: the adapter has left the bus."""
_ERROR_BUS_OFF: Final = 0x40
_ERROR_RESTARTED: Final = 0x100

Take = Callable[[Frame], None]
Still = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class CanSettings:
    """Which bus, and how fast it is; all devices on one bus must agree."""

    channel: str
    interface: str = "socketcan"
    bitrate: int = 125_000
    """Of a serial adapter; a socketcan device gets its own from the system."""

    def __post_init__(self) -> None:
        """Refuse what no bus can be."""
        if not self.channel:
            raise ValueError('channel: is empty; write one like "can0"')
        check_word("interface", self.interface, _LINKS)
        if self.bitrate not in slcan.BIT_RATES:
            raise ValueError(
                f"bitrate: {self.bitrate} is not possible; write one like 125000"
            )


def _always() -> bool:
    return True


class _Link(Protocol):
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

    def __init__(self, settings: CanSettings) -> None:
        self.settings = settings
        self._loop = asyncio.get_running_loop()
        self._frame_s = 2 * _FRAME_BITS / settings.bitrate
        self._carries_until_s = 0.0
        """When the bus will have carried what was sent, and an answer to each."""
        self._link: _Link | None = None
        self._ears: tuple[_Ear, ...] = ()
        self._waiting: list[tuple[Rank, int, Frame, Still]] = []
        self._count = count()
        self._pump: asyncio.TimerHandle | None = None

    def connect(self, link: _Link) -> None:
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


class _Slcan:
    """A serial adapter."""

    def __init__(self, port: Port, bus: Bus) -> None:
        self._port = port
        self._bus = bus
        self._lines = slcan.Lines()
        self._refused = 0

    def set_up(self) -> None:
        """Bring the adapter onto the bus, whatever it was doing."""
        self._refused = 0
        rate = slcan.BIT_RATES[self._bus.settings.bitrate]
        self._port.write(slcan.END + slcan.CLOSE + rate + slcan.OPEN)

    def write(self, frames: Sequence[Frame]) -> None:
        self._port.write(b"".join(map(slcan.encode, frames)))

    def filter(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Hear everything: the filters of these adapters are too coarse."""

    def hear(self, data: bytes) -> None:
        """Take what the adapter says."""
        for line in self._lines.cut(data):
            if line == slcan.REFUSED:
                self._refuse()
            elif (frame := slcan.decode(line)) is not None:
                self._refused = 0
                self._bus.heard(frame)

    def _refuse(self) -> None:
        self._refused += 1
        if self._refused >= _REFUSALS:
            self.set_up()


@asynccontextmanager
async def _slcan(bus: Bus, place: Place) -> AsyncIterator[None]:
    # Every adapter of this kind takes any speed on its USB side.
    port = await open_port(SerialSettings(bus.settings.channel, 115_200), place)
    link = _Slcan(port, bus)
    bus.connect(link)
    with port.listen(link.hear, opened=link.set_up):
        link.set_up()
        yield
        if port.up:
            port.write(slcan.CLOSE)


class _Socketcan:
    """An adapter that Linux knows."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._channel = bus.settings.channel
        self._loop = asyncio.get_running_loop()
        self._wanted: Sequence[tuple[int, int]] = ()
        self._open: can.BusABC | None = None
        self._off = False
        self._gone = asyncio.Event()

    def open(self) -> None:
        """Open the device.

        Raises:
            HardwareError: It is missing or down.
        """
        try:
            self._open = can.Bus(interface="socketcan", channel=self._channel)
        except (can.CanError, OSError) as error:
            raise HardwareError(
                f"{self._channel}: cannot be opened ({error}); bring it up: "
                f"ip link set {self._channel} up type can bitrate "
                f"{self._bus.settings.bitrate} restart-ms 100"
            ) from error
        self._off = False
        self._gone.clear()
        self.filter(self._wanted)
        self._loop.add_reader(self._open.fileno(), self._readable)

    async def keep_open(self) -> None:
        """Open the device anew whenever it is lost, for ever."""
        while True:
            await self._gone.wait()
            await asyncio.sleep(_RETRY_S)
            try:
                self.open()
            except HardwareError:
                continue

    def close(self) -> None:
        """Let go of the device."""
        if self._open is not None:
            self._loop.remove_reader(self._open.fileno())
            self._open.shutdown()
            self._open = None

    def write(self, frames: Sequence[Frame]) -> None:
        if self._open is None or self._off:
            raise NoAnswer(self._absence())
        taken = True
        for identifier, data in frames:
            message = can.Message(
                arbitration_id=identifier, data=data, is_extended_id=True
            )
            try:
                self._open.send(message)
            except (can.CanError, OSError):
                taken = False  # the next may find room, and one may be a stop
        if not taken:
            raise NoAnswer(self._absence())

    def filter(self, wanted: Sequence[tuple[int, int]]) -> None:
        self._wanted = wanted
        if self._open is not None:
            self._open.set_filters(
                [
                    {"can_id": identifier, "can_mask": mask, "extended": True}
                    for identifier, mask in wanted
                ]
            )

    def _readable(self) -> None:
        assert self._open is not None
        try:
            message = self._open.recv(0)
        except (can.CanError, OSError):
            self.close()
            self._gone.set()
            return
        if message is None or message.is_remote_frame:
            return
        if message.is_error_frame:
            self._note(message.arbitration_id)
        elif message.is_extended_id:
            identifier = message.arbitration_id & _WHOLE_IDENTIFIER
            self._bus.heard(Frame(identifier, bytes(message.data)))

    def _note(self, error: int) -> None:
        if error & _ERROR_BUS_OFF:
            self._off = True
        if error & _ERROR_RESTARTED:
            self._off = False

    def _absence(self) -> str:
        if self._off:
            return (
                f"{self._channel}: the bus is off after errors; check cable, "
                "termination and bit rate"
            )
        return f"{self._channel}: the bus takes no frame; check its adapter and cable"


@asynccontextmanager
async def _socketcan(bus: Bus, _place: Place) -> AsyncIterator[None]:
    link = _Socketcan(bus)
    bus.connect(link)
    link.open()
    keeper = asyncio.create_task(link.keep_open(), name=f"bus {bus.settings.channel}")
    try:
        yield
    finally:
        keeper.cancel()
        link.close()


_LINKS: Final = {"socketcan": _socketcan, "slcan": _slcan}


async def open_bus(settings: CanSettings, place: Place) -> Bus:
    """Return the bus, opened by the first device that asks.

    Raises:
        HardwareError: It cannot be opened, or is open with other settings.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Bus]:
        bus = Bus(settings)
        async with _LINKS[settings.interface](bus, place):
            yield bus

    bus = await place.resources.share(("can", settings.channel), opened)
    if bus.settings != settings:
        raise HardwareError(
            f"{settings.channel}: another device uses it as {bus.settings}, this one "
            f"as {settings}; give all devices of a bus the same settings"
        )
    return bus

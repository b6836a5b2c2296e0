"""One safety controller of chargebyte, shared by the drivers of what hangs on it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from math import inf
from typing import Final

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.parts.chargebyte_wiring import Wiring
from hal.parts.news import comes
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.transport.serial import Port, SerialSettings, open_port
from hal.transport.watchers import Watchers
from hal.wire.chargebyte import (
    BAUDRATE,
    ChargeControl,
    Frame,
    Packet,
    Pt1000,
    Stream,
    decode_temperatures,
    decode_version,
    inquiry,
    sealed,
)
from hal.wire.chargebyte_state import (
    LAYOUTS,
    REASONS,
    ChargeState,
    Layout,
    Pilot,
    layout_of,
)

PERIOD_S: Final = 0.1
SILENT_AFTER_S: Final = 0.5
"""Both sides speak every 100 ms; a few frames may get lost."""

_RESET_S: Final = 0.01
_STARTS_WITHIN_S: Final = 0.3
_FIRST_WORDS_S: Final = 0.3
_STEADY_DUTY: Final = 100.0
_PLUGGED: Final = frozenset({Pilot.B, Pilot.C, Pilot.D})


class Board:
    """Keeps what the board says, and tells it every 100 ms what it shall do."""

    def __init__(self, port: Port, wiring: Wiring, place: Place) -> None:
        self.wiring = wiring
        self.news = Watchers()
        self.where = wiring.port
        self._port = port
        self._monotonic = place.resources.monotonic
        self._layout: Layout | None = LAYOUTS.get(wiring.firmware)
        self._stream = Stream()
        self._close: frozenset[int] = frozenset()
        self._state: ChargeState | None = None
        self._state_s = -inf
        self._sensors: tuple[Pt1000, ...] = ()
        self._sensors_s = -inf
        self._spoiled_s = -inf

    def energize(self, contactors: Iterable[int], coils: bool) -> None:
        """Switch coils, at once.

        Raises:
            NoAnswer: The port is gone; the board drops all coils by itself soon.
        """
        numbers = frozenset(contactors)
        self._close = self._close | numbers if coils else self._close - numbers
        self._control()

    @property
    def last(self) -> ChargeState | None:
        """What the board said last of itself, however long ago."""
        return self._state

    def state(self) -> tuple[ChargeState, float]:
        """Return what the board says of itself, and when it did.

        Raises:
            NoAnswer: It is silent.
            BadAnswer: It only says what cannot be read.
        """
        self._expect_fresh(self._state_s)
        assert self._state is not None
        return self._state, self._state_s

    def sensors(self) -> tuple[tuple[Pt1000, ...], float]:
        """Return the temperature sensors, and when the board told of them.

        Raises:
            NoAnswer: It is silent.
            BadAnswer: It only says what cannot be read.
        """
        self._expect_fresh(self._sensors_s)
        return self._sensors, self._sensors_s

    def hear(self, data: bytes) -> None:
        """Take what comes from the port."""
        spoiled = self._stream.spoiled
        now_s = self._monotonic()
        for frame in self._stream.cut(data):
            self._take(frame, now_s)
        if self._stream.spoiled != spoiled:
            self._spoiled_s = now_s

    async def talk(self) -> None:
        """Say what must be said every 100 ms, for ever."""
        while True:
            with suppress(NoAnswer):  # whoever reads learns of it
                self._control()
            await asyncio.sleep(PERIOD_S)

    async def first_words(self) -> None:
        """Return once the board has told all that it tells, or is late."""
        await comes([self.news], self._told, _FIRST_WORDS_S)

    def forget(self) -> None:
        """Take the board for a new one, since its cable was off."""
        self._close = frozenset()
        self._layout = LAYOUTS.get(self.wiring.firmware)
        self._state = None
        self._state_s = self._sensors_s = -inf

    def take_leave(self) -> None:
        """Open everything, and let the pilot be steady."""
        self._close = frozenset()
        with suppress(NoAnswer):
            self._control()

    def _told(self) -> bool:
        return min(self._state_s, self._sensors_s) > -inf

    def _control(self) -> None:
        if self._layout is None:
            # Inquiries leave the board in its start state, where all is open.
            self._port.write(sealed(inquiry(Packet.FIRMWARE_VERSION)))
            return
        plugged = self._state is not None and self._state.pilot in _PLUGGED
        duty_percent = self.wiring.duty_percent if plugged else _STEADY_DUTY
        control = ChargeControl(duty_percent, self._close)
        self._port.write(sealed(Frame(Packet.CHARGE_CONTROL, control.encode())))

    def _take(self, frame: Frame, now_s: float) -> None:
        if frame.packet == Packet.FIRMWARE_VERSION:
            self._take_version(frame.data)
        elif frame.packet == Packet.CHARGE_STATE and self._layout is not None:
            self._take_state(ChargeState.decode(frame.data, self._layout), now_s)
        elif frame.packet == Packet.PT1000_STATE:
            self._sensors = decode_temperatures(frame.data)
            self._sensors_s = now_s
            self.news.tell()

    def _take_version(self, data: bytes) -> None:
        if self._layout is None:
            self._layout = layout_of(decode_version(data))
            with suppress(NoAnswer):
                self._control()

    def _take_state(self, state: ChargeState, now_s: float) -> None:
        turned = self._state is None or state.pilot is not self._state.pilot
        self._state, self._state_s = state, now_s
        if state.reason or state.pilot is not Pilot.C:
            # The board has dropped the coils. They are not to come back by
            # themselves, as soon as the vehicle asks again or the board is reset.
            self._close = frozenset()
        self.news.tell()
        if turned:
            # A vehicle waits for its 5 % at most a second (IEC 61851-1 annex A).
            with suppress(NoAnswer):
                self._control()

    def _expect_fresh(self, at_s: float) -> None:
        now_s = self._monotonic()
        if now_s - at_s <= SILENT_AFTER_S:
            return
        if now_s - self._spoiled_s <= SILENT_AFTER_S:
            raise BadAnswer(
                f"{self.where}: only broken frames; check the cable and its ground, "
                "and that nobody else writes to the port"
            )
        raise NoAnswer(f"{self.where}: {self._silence()}")

    def _silence(self) -> str:
        if self._layout is None:
            return "the safety controller does not tell its version; check its supply"
        return (
            f"the safety controller is silent for {SILENT_AFTER_S} s; check its supply"
        )


def why_safe(state: ChargeState) -> str | None:
    """Return why a board is in its safe state, ``None`` if it is not."""
    if not state.reason:
        return None
    why = REASONS.get(state.reason, f"reason {state.reason}")
    return f"the safety controller is in its safe state ({why}); reset it"


async def open_board(wiring: Wiring, place: Place) -> Board:
    """Return the board, opened by the first device that hangs on it.

    Raises:
        HardwareError: The port or the reset line cannot be opened, or another device
            of the board is configured otherwise.
    """
    board = await place.resources.share(
        ("chargebyte", wiring.port), lambda: _opened(wiring, place)
    )
    if board.wiring != wiring:
        raise HardwareError(
            f"{wiring.port}: another device of the board has {board.wiring}, this one "
            f"{wiring}; write the same into both tables"
        )
    return board


@asynccontextmanager
async def _opened(wiring: Wiring, place: Place) -> AsyncIterator[Board]:
    port = await open_port(SerialSettings(wiring.port, BAUDRATE), place)
    board = Board(port, wiring, place)
    async with AsyncExitStack() as stack:
        await _reset(wiring, place, stack)
        stack.enter_context(port.listen(board.hear, opened=board.forget))
        talk = asyncio.create_task(board.talk(), name=f"board {wiring.port}")
        stack.callback(board.take_leave)
        stack.callback(talk.cancel)
        await board.first_words()
        yield board


async def _reset(wiring: Wiring, place: Place, stack: AsyncExitStack) -> None:
    """Begin with a board that is in no safe state of a former time."""
    if not wiring.reset_line:
        return
    chip = await open_chip(wiring.reset_chip, place)
    line = await stack.enter_async_context(chip.output(wiring.reset_line))
    line.put(True)
    await asyncio.sleep(_RESET_S)
    line.put(False)
    await asyncio.sleep(_STARTS_WITHIN_S)

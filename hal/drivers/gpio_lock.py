"""Plug lock of a socket on GPIO lines: a motor with two lines, or one hold line."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hal.bounds import check
from hal.errors import HardwareError, Unconfirmed
from hal.parts.news import comes
from hal.parts.settled import Settled, settled
from hal.resources import Place
from hal.transport.gpio import open_chip
from hal.transport.pins import Output, check_bias, check_line
from hal.values import LockReading

_CONFIRMED_WITHIN_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Config:
    """Lines by number or name; ``!`` before one that is on while it is low."""

    engage: str
    """The motor runs towards locked while it is on."""
    feedback: str
    """On while the plug is locked."""
    release: str = ""
    """The motor runs towards free; empty: the lock is held while ``engage`` is on."""
    chip: str = "/dev/gpiochip0"
    """Its device file, or "unix:" and the socket of a simulated one."""
    bias: str = "default"
    """What holds an input that nothing drives: pull_up, pull_down or disable."""
    pulse_s: float = 0.6
    """How long the motor runs at the most, if the feedback does not come."""
    debounce_s: float = 0.03
    """How long the feedback must have stood still to be believed."""

    def __post_init__(self) -> None:
        """Refuse a lock that could not be driven or would not tell."""
        check_line("engage", self.engage)
        check_line("feedback", self.feedback)
        if self.release:
            check_line("release", self.release)
        check_bias("bias", self.bias)
        check("pulse_s", self.pulse_s, 0.05, _CONFIRMED_WITHIN_S)
        check("debounce_s", self.debounce_s, 0.0, 0.5)


class Lock:
    """The lock of one connector's socket."""

    def __init__(
        self,
        connector: int,
        drives: tuple[Output, Output | None],
        feedback: Settled,
        pulse_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._connector = connector
        self._engage, self._release = drives
        self._feedback = feedback
        self._pulse_s = pulse_s
        self._monotonic = monotonic

    async def engage(self) -> None:
        await self._move(True)

    async def release(self) -> None:
        await self._move(False)

    async def read(self) -> LockReading:
        return LockReading(at_s=self._monotonic(), engaged=self._feedback.level())

    async def _move(self, engaged: bool) -> None:
        self._feedback.doubt()
        if self._release is None:
            self._engage.put(engaged)
            there = await self._comes(engaged, _CONFIRMED_WITHIN_S)
        else:
            there = await self._run(engaged, self._engage, self._release)
        if not there:
            raise Unconfirmed(
                f"connector {self._connector} lock: still "
                f"{'free' if engaged else 'locked'} after {_CONFIRMED_WITHIN_S} s; "
                "check the plug, the lock's motor and its feedback wire"
            )

    async def _run(self, engaged: bool, engage: Output, release: Output) -> bool:
        this, other = (engage, release) if engaged else (release, engage)
        other.put(False)
        try:
            this.put(True)
            there = await self._comes(engaged, self._pulse_s)
        except BaseException:
            # a motor must not run on because the caller gave up
            with suppress(HardwareError):
                this.put(False)
            raise
        this.put(False)
        rest_s = _CONFIRMED_WITHIN_S - self._pulse_s
        return there or await self._comes(engaged, rest_s)

    async def _comes(self, engaged: bool, within_s: float) -> bool:
        contact = self._feedback
        return await comes(
            [contact], lambda: contact.steady and contact.level() is engaged, within_s
        )


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Lock]:
    """Take the lines; a motor stands still before and after the block."""
    chip = await open_chip(config.chip, place)
    async with AsyncExitStack() as stack:
        feedback = await stack.enter_async_context(
            settled(
                chip,
                config.feedback,
                config.bias,
                config.debounce_s,
                config.debounce_s,
            )
        )
        engage = await stack.enter_async_context(chip.output(config.engage))
        release = None
        if config.release:
            release = await stack.enter_async_context(chip.output(config.release))
        yield Lock(
            place.connector,
            (engage, release),
            feedback,
            config.pulse_s,
            place.resources.monotonic,
        )

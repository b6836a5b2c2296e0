"""A line with several simulated devices on it."""

import asyncio
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Final

from hal.simulation.mischief import Mischief
from hal.simulation.ports import PseudoTerminal

_SILENCE_S: Final = 0.02
_RECESSIVE: Final = 0xFF

Hear = Callable[[bytes], bytes | None]
"""Takes all that was said since the last silence.

It returns the answer, or nothing (``b""``) if the device understood but keeps quiet,
or ``None`` if that is no request to the device, or not the whole of one.
"""


class SerialLine:
    """Everybody hears everything; whoever is meant answers."""

    def __init__(
        self, path: Path, *, echo: bool = False, silence_s: float = _SILENCE_S
    ) -> None:
        """Lay the line, with no device on it.

        Args:
            path: What the near end is to be called.
            echo: The adapter at the near end hears what it says.
            silence_s: After so long a pause something new begins.
        """
        self.terminal = PseudoTerminal(path, self._hear)
        self._echo = echo
        self._silence_s = silence_s
        self._devices: list[tuple[Hear, Mischief]] = []
        self._said = b""
        self._silence: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def attach(self, hear: Hear, mischief: Mischief) -> None:
        """Put a device on the line."""
        self._devices.append((hear, mischief))

    def close(self) -> None:
        """Take the line away."""
        self._forget()
        self.terminal.close()

    def _hear(self, octets: bytes) -> None:
        if self._echo:
            self.terminal.send(octets)
        self._said += octets
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._loop.call_later(self._silence_s, self._forget)
        replies = [(hear(self._said), mischief) for hear, mischief in self._devices]
        understood = [(a, mischief) for a, mischief in replies if a is not None]
        if understood:
            self._forget()
            self._answer(understood)

    def _answer(self, replies: list[tuple[bytes, Mischief]]) -> None:
        going = [
            outgoing
            for answer, mischief in replies
            if (outgoing := mischief.bent(answer)) is not None
        ]
        for delay_s in {outgoing.delay_s for outgoing in going}:
            together = [o.octets for o in going if o.delay_s == delay_s]
            mixed = collided(together)
            if delay_s:
                self._loop.call_later(delay_s, self.terminal.send, mixed)
            else:
                self.terminal.send(mixed)

    def _forget(self) -> None:
        self._said = b""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None


def collided(answers: list[bytes]) -> bytes:
    """Return what is heard of several who speak at once: a zero bit wins."""
    heard = []
    for octets in zip_longest(*answers, fillvalue=_RECESSIVE):
        level = _RECESSIVE
        for octet in octets:
            level &= octet
        heard.append(level)
    return bytes(heard)

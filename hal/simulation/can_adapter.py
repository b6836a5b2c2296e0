"""A serial CAN adapter with a bus behind it, on a pseudo-terminal."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hal.simulation.ports import PseudoTerminal
from hal.wire import slcan
from hal.wire.frame import Frame

_ACCEPTED: Final = slcan.END
_SENT: Final = b"Z\r"


class CanAdapter:
    """Carries frames between the near end and the devices on the bus."""

    def __init__(self, path: Path) -> None:
        """Begin with no device on the bus, and the channel closed."""
        self.terminal = PseudoTerminal(path, self._hear)
        self.bit_rate: int | None = None
        self.off = False
        """The bus has too many errors: nothing can be sent until it is opened anew."""
        self._open = False
        self._packet = bytearray()
        """What goes over the cable at once, as serial adapters gather it."""
        self._loop = asyncio.get_running_loop()
        self._lines = slcan.Lines()
        self._devices: list[Callable[[Frame], None]] = []
        self._onlookers: list[Callable[[Frame], None]] = []

    def attach(self, take: Callable[[Frame], None]) -> None:
        """Put a device on the bus; it hears what the near end sends."""
        self._devices.append(take)

    def detach(self, take: Callable[[Frame], None]) -> None:
        """Take a device off the bus."""
        self._devices.remove(take)

    def watch(self, take: Callable[[Frame], None]) -> None:
        """Let somebody hear all that is said on the bus, whoever says it."""
        self._devices.append(take)
        self._onlookers.append(take)

    def send(self, frame: Frame) -> None:
        """Let the near end hear a device."""
        for take in self._onlookers:
            take(frame)
        if self._open and not self.off:
            self._say(slcan.encode(frame))

    def close(self) -> None:
        """Take the adapter away."""
        self.terminal.close()

    def _hear(self, data: bytes) -> None:
        for line in self._lines.cut(data):
            if line:
                self._say(self._obey(line))

    def _say(self, data: bytes) -> None:
        if not self._packet:
            self._loop.call_soon(self._flush)
        self._packet += data

    def _flush(self) -> None:
        packet, self._packet = bytes(self._packet), bytearray()
        self.terminal.send(packet)

    def _obey(self, line: bytes) -> bytes:
        command = line + slcan.END
        if line[:1] == b"T":
            return self._pass_on(line)
        if command == slcan.CLOSE:
            self._open = False
        elif command == slcan.OPEN:
            if self._open or self.bit_rate is None:
                return slcan.REFUSED
            self._open, self.off = True, False
        elif not self._open and command in slcan.BIT_RATES.values():
            rates = {name: rate for rate, name in slcan.BIT_RATES.items()}
            self.bit_rate = rates[command]
        else:
            return slcan.REFUSED
        return _ACCEPTED

    def _pass_on(self, line: bytes) -> bytes:
        frame = slcan.decode(line)
        if frame is None or not self._open or self.off:
            return slcan.REFUSED
        for take in tuple(self._devices):
            take(frame)
        return _SENT

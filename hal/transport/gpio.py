"""GPIO chips: character devices of Linux, or simulated ones behind a socket.

The only module that imports python-periphery. What is a trap in it stays here: its
arguments go by position, its own inversion is not used, an output is opened at the
level it shall have, and nothing is set after opening (that would open anew).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    closing,
)
from errno import EACCES, EBUSY, EINVAL, ENOENT, EPERM
from typing import Final

from periphery import GPIO

from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.resources import Place
from hal.transport.gpio_socket import socket_pins
from hal.transport.pins import Chip, Pin
from hal.transport.watchers import Take, Watchers

_SOCKET: Final = "unix:"
_LABEL: Final = "chargerd"

_REMEDIES: Final = {
    ENOENT: "there is no such chip; look at /dev/gpiochip*",
    EACCES: "it may not be opened; give its group to the user of the daemon",
    EPERM: "it may not be opened; give its group to the user of the daemon",
    EBUSY: "somebody else has it; gpioinfo says who",
    EINVAL: "the chip has no such line; gpioinfo lists them",
}


async def open_chip(path: str, place: Place) -> Chip:
    """Return the chip at ``/dev/gpiochipN``, or a simulated one at ``unix:PATH``.

    Raises:
        NoAnswer: No simulated chip listens there.
    """
    return await place.resources.share(("gpio", path), lambda: _chip(path))


@asynccontextmanager
async def _chip(path: str) -> AsyncIterator[Chip]:
    if not path.startswith(_SOCKET):
        yield Chip(path, DevicePins(path))
        return
    async with socket_pins(path.removeprefix(_SOCKET)) as pins:
        yield Chip(path, pins)


class DevicePins:
    """The lines of a character device."""

    def __init__(self, path: str) -> None:
        self._path = path

    def input(self, name: str, bias: str) -> AbstractAsyncContextManager[Pin]:
        """Implement :class:`hal.transport.pins.Pins`."""
        return self._open(name, "in", edge="both", bias=bias)

    def output(self, name: str, high: bool) -> AbstractAsyncContextManager[Pin]:
        """Implement :class:`hal.transport.pins.Pins`."""
        return self._open(name, "high" if high else "low")

    @asynccontextmanager
    async def _open(self, name: str, direction: str, **how: str) -> AsyncIterator[Pin]:
        line = int(name) if name.isdecimal() else name
        where = f"{self._path} line {name}"
        try:
            opened = GPIO(self._path, line, direction, label=_LABEL, **how)
        except LookupError as error:
            raise HardwareError(
                f"{where}: the chip names no line so; gpioinfo lists the names"
            ) from error
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, str(error))
            raise HardwareError(f"{where}: {remedy}") from error
        with closing(opened):
            yield DevicePin(opened, where)


class DevicePin:
    """Implements :class:`hal.transport.pins.Pin` on an open line."""

    def __init__(self, line: GPIO, where: str) -> None:
        self._line = line
        self._where = where
        self._watchers = Watchers(self._listen, self._ignore)

    def read(self) -> bool:
        """Return whether the line is high."""
        try:
            return self._line.read()
        except OSError as error:
            raise self._gone(error) from error

    def write(self, high: bool) -> None:
        """Drive the line, and read back that it went there."""
        try:
            self._line.write(high)
            follows = self._line.read() is high
        except OSError as error:
            raise self._gone(error) from error
        if not follows:
            raise BadAnswer(
                f"{self._where}: does not go {'high' if high else 'low'}; check what "
                "else drives it"
            )

    def watch(self, take: Take) -> AbstractContextManager[None]:
        """Call ``take`` after every edge."""
        return self._watchers.watch(take)

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._line.fd, self._edge)

    def _ignore(self) -> None:
        asyncio.get_running_loop().remove_reader(self._line.fd)

    def _edge(self) -> None:
        try:
            self._line.read_event()
        except (OSError, ValueError):
            # A chip that is gone is always readable: who reads the level is told so.
            self._ignore()
        self._watchers.tell()

    def _gone(self, error: OSError) -> NoAnswer:
        return NoAnswer(f"{self._where}: {error}; check the chip and start again")

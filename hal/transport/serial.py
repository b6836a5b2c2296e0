"""Serial ports. A pulled adapter comes back by itself. The only user of pyserial."""

import asyncio
import os
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import serial

from hal.bounds import check, check_word
from hal.errors import HardwareError, NoAnswer
from hal.resources import Place

_PARITIES: Final = {
    "none": serial.PARITY_NONE,
    "even": serial.PARITY_EVEN,
    "odd": serial.PARITY_ODD,
}
_PSEUDO_TERMINALS: Final = "/dev/pts/"
_CHUNK: Final = 4096
_FIRST_RETRY_S: Final = 0.1
_LAST_RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How a port is opened; all devices on one port must agree."""

    port: str
    """The device file, such as /dev/ttyS1."""
    baudrate: int = 9600
    """Bits in a second, as is set at the device."""
    parity: str = "none"
    """``none``, ``even`` or ``odd``, as is set at the device."""
    stop_bits: int = 1
    """1 or 2."""
    echo: bool = False
    """Whether the adapter hears itself, as cheap half-duplex ones do."""

    def __post_init__(self) -> None:
        """Refuse what no port can do."""
        if not self.port:
            raise ValueError('port: is empty; write one like "/dev/ttyS1"')
        check_word("parity", self.parity, _PARITIES)
        check("stop_bits", self.stop_bits, 1, 2)
        if self.baudrate not in serial.Serial.BAUDRATES:
            raise ValueError(
                f"baudrate: {self.baudrate} is not possible; write one like 9600"
            )

    @property
    def port_settings(self) -> "SerialSettings":
        """These settings alone, without those of the device that has them."""
        return SerialSettings(
            self.port, self.baudrate, self.parity, self.stop_bits, self.echo
        )

    @property
    def byte_s(self) -> float:
        """How long one byte takes on the wire."""
        bits = 1 + 8 + (self.parity != "none") + self.stop_bits
        return bits / self.baudrate

    def __str__(self) -> str:
        """Say it as technicians do: 9600 8N1."""
        return f"{self.baudrate} 8{_PARITIES[self.parity]}{self.stop_bits}"


@dataclass(frozen=True, slots=True, eq=False)
class _Ear:
    heard: Callable[[bytes], None]
    opened: Callable[[], None]
    lost: Callable[[], None]


def _ignore() -> None:
    pass


class Port:
    """One port: what comes in goes to all who listen."""

    def __init__(self, settings: SerialSettings) -> None:
        self.settings = settings
        self._ears: list[_Ear] = []
        self._open: serial.Serial | None = None
        self._gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def up(self) -> bool:
        """Whether the port is there; it comes back by itself."""
        return self._open is not None

    @contextmanager
    def listen(
        self,
        heard: Callable[[bytes], None],
        *,
        opened: Callable[[], None] = _ignore,
        lost: Callable[[], None] = _ignore,
    ) -> Iterator[None]:
        """Take what comes in, and be told when the port goes and comes back."""
        ear = _Ear(heard, opened, lost)
        self._ears.append(ear)
        try:
            yield
        finally:
            self._ears.remove(ear)

    def write(self, data: bytes) -> None:
        """Send at once.

        Raises:
            NoAnswer: The port is gone, or takes no more.
        """
        if self._open is None:
            raise NoAnswer(self._absence())
        try:
            written = os.write(self._open.fileno(), data)
        except BlockingIOError:
            written = 0
        except OSError:
            self._lose()
            raise NoAnswer(self._absence()) from None
        if written < len(data):
            raise NoAnswer(
                f"{self.settings.port}: takes no more bytes; check its flow control"
            )

    def open(self) -> None:
        """Open the port.

        Raises:
            HardwareError: It is missing or busy, or may not be used.
        """
        chosen = self.settings
        try:
            port = serial.Serial(
                chosen.port,
                chosen.baudrate,
                parity=_parity(chosen),
                stopbits=chosen.stop_bits,
                timeout=0,
                exclusive=True,
            )
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            raise HardwareError(
                f"{chosen.port}: cannot be opened ({_reason(error)}); check the cable, "
                "the name, the rights, and that no other program has it open"
            ) from error
        self._open = port
        self._gone.clear()
        self._loop.add_reader(port.fileno(), self._readable)
        for ear in tuple(self._ears):
            ear.opened()

    async def keep_open(self) -> None:
        """Open the port anew whenever it is lost, for ever."""
        while True:
            await self._gone.wait()
            wait_s = _FIRST_RETRY_S
            while self._open is None:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LAST_RETRY_S)
                try:
                    self.open()
                except HardwareError:
                    continue

    def close(self) -> None:
        """Let go of the port."""
        if self._open is not None:
            self._loop.remove_reader(self._open.fileno())
            self._open.close()
            self._open = None

    def _readable(self) -> None:
        assert self._open is not None
        try:
            data = os.read(self._open.fileno(), _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        for ear in tuple(self._ears):
            ear.heard(data)

    def _lose(self) -> None:
        self.close()
        self._gone.set()
        for ear in tuple(self._ears):
            ear.lost()

    def _absence(self) -> str:
        return f"{self.settings.port}: the port is gone; plug its adapter in again"


async def open_port(settings: SerialSettings, place: Place) -> Port:
    """Return the port, opened by the first device that asks.

    Raises:
        HardwareError: It cannot be opened, or another device opened it otherwise.
    """
    port = await place.resources.share(
        ("serial", settings.port), lambda: _opened(settings)
    )
    if port.settings != settings:
        raise HardwareError(
            f"{settings.port}: another device uses it at {port.settings}, this one at "
            f"{settings}; give all devices of a port the same settings"
        )
    return port


@asynccontextmanager
async def _opened(settings: SerialSettings) -> AsyncIterator[Port]:
    port = Port(settings)
    port.open()
    keeper = asyncio.create_task(port.keep_open(), name=f"port {settings.port}")
    try:
        yield port
    finally:
        keeper.cancel()
        port.close()


def _parity(settings: SerialSettings) -> str:
    # A pseudo-terminal has none, and refuses the second who asks for one.
    if os.path.realpath(settings.port).startswith(_PSEUDO_TERMINALS):
        return str(serial.PARITY_NONE)
    return str(_PARITIES[settings.parity])


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)

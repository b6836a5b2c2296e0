"""chargebyte's safety controller (Charge SOM, Charge Control Y): frames on a UART.

Source: chargebyte-docs, safety_controller.rst and safety_protocol.rst; ra-utils,
cb_protocol. A frame has twelve bytes: start, what it is, eight bytes of data as one
big-endian number, checksum, end.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from hal.wire.signals import tenths

START: Final = 0xA5
END: Final = 0x03
SIZE: Final = 12
BAUDRATE: Final = 115_200
CHANNELS: Final = 4
"""How many temperature sensors the board has."""

_DATA: Final = slice(2, 10)
_SEALED: Final = slice(1, 10)
_POLYNOMIAL: Final = 0x1D
_UNUSED_PT1000: Final = 0x1FFF
_FULL_DUTY: Final = 1000


class Packet(IntEnum):
    """What a frame can be."""

    CHARGE_CONTROL = 0x06
    CHARGE_STATE = 0x07
    PT1000_STATE = 0x08
    FIRMWARE_VERSION = 0x0A
    INQUIRY = 0xFF


class Frame(NamedTuple):
    """A frame without its wrapping."""

    packet: int
    data: bytes


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc << 1 ^ (_POLYNOMIAL if crc & 0x80 else 0)) & 0xFF
        table.append(crc)
    return tuple(table)


_CRC: Final = _crc_table()


def crc8(data: bytes) -> int:
    """Return the checksum (SAE J1850)."""
    crc = 0xFF
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc ^ 0xFF


def sealed(frame: Frame) -> bytes:
    """Return a frame as it goes over the wire."""
    body = bytes((frame.packet,)) + frame.data
    return bytes((START,)) + body + bytes((crc8(body), END))


class Stream:
    """Cuts what comes from a port into frames; what is none is counted and left."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.spoiled = 0
        """How many bytes were part of no frame."""
        self._rest = b""

    def cut(self, heard: bytes) -> list[Frame]:
        """Return the frames that are whole now."""
        text = self._rest + heard
        frames: list[Frame] = []
        at = 0
        while True:
            begins = text.find(START, at)
            self.spoiled += (len(text) if begins < 0 else begins) - at
            if begins < 0 or len(text) - begins < SIZE:
                self._rest = b"" if begins < 0 else text[begins:]
                return frames
            wrapped = text[begins : begins + SIZE]
            if _whole(wrapped):
                frames.append(Frame(wrapped[1], wrapped[_DATA]))
                at = begins + SIZE
            else:
                self.spoiled += 1
                at = begins + 1


def _whole(wrapped: bytes) -> bool:
    return wrapped[-1] == END and crc8(wrapped[_SEALED]) == wrapped[-2]


def inquiry(packet: Packet) -> Frame:
    """Return the frame that asks for another one."""
    return Frame(Packet.INQUIRY, bytes((packet,)) + bytes(7))


@dataclass(frozen=True, slots=True)
class ChargeControl:
    """What the board shall do; due every 100 ms."""

    duty_percent: float | None
    """Of the control pilot; ``None``: off, as if the station were not there."""
    close: frozenset[int] = frozenset()
    """The contactors, from 1, whose coils shall be on."""

    def encode(self) -> bytes:
        """Return the data."""
        active = self.duty_percent is not None
        duty = tenths(self.duty_percent or 0.0, _FULL_DUTY)
        coils = sum(1 << (number - 1) for number in self.close)
        return (active << 63 | duty << 48 | coils << 40).to_bytes(8)

    @classmethod
    def decode(cls, data: bytes) -> "ChargeControl":
        """Read the data."""
        bits = int.from_bytes(data)
        duty = min(bits >> 48 & 0x3FF, _FULL_DUTY) / 10
        coils = bits >> 40
        return cls(
            duty if bits >> 63 else None,
            frozenset(n for n in (1, 2, 3) if coils >> (n - 1) & 1),
        )


@dataclass(frozen=True, slots=True)
class Pt1000:
    """One temperature sensor."""

    temperature_c: float | None
    """``None``: the board is configured not to use it."""
    failed: bool = False
    """Its self-test has failed."""
    too_hot: bool = False
    """It is why the board does not let charge."""


def encode_temperatures(sensors: tuple[Pt1000, ...]) -> bytes:
    """Return the data that tells of all sensors."""
    bits = 0
    for sensor in sensors:
        value = _UNUSED_PT1000
        if sensor.temperature_c is not None:
            value = round(sensor.temperature_c * 10)
        word = (value & 0x3FFF) << 2 | sensor.failed << 1 | sensor.too_hot
        bits = bits << 16 | word
    return bits.to_bytes(8)


def decode_temperatures(data: bytes) -> tuple[Pt1000, ...]:
    """Return the sensors in their order."""
    sensors = []
    for at in range(0, len(data), 2):
        word = int.from_bytes(data[at : at + 2], signed=True)
        value = word >> 2
        temperature_c = None if value == _UNUSED_PT1000 else value / 10
        sensors.append(Pt1000(temperature_c, bool(word & 2), bool(word & 1)))
    return tuple(sensors)


class Version(NamedTuple):
    """Of the board's firmware."""

    major: int
    minor: int
    build: int
    platform: int = 0x81
    """0x81: Charge SOM; 0x82: Charge Control Y."""

    def encode(self) -> bytes:
        """Return the data."""
        return bytes(self) + bytes(4)

    def __str__(self) -> str:
        """Say it as the manual does."""
        return f"{self.major}.{self.minor}.{self.build}"


def decode_version(data: bytes) -> Version:
    """Return the version of the firmware."""
    return Version(*data[:4])

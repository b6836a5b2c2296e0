"""What simulated devices do wrong with their answers, one way for all of them.

Each kind of mischief is a fault of the world, DEVICE-KIND: "meter-late". Only the
devices of a simulated cabinet speak in bytes, so only these offer them.
"""

from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from hal.world.site import World

LATE_S: Final = 0.5
"""Longer than a driver waits, and shorter than a silent device is left alone."""


Bend = Callable[[bytes], bytes]


class Kind(StrEnum):
    """The ways to misbehave."""

    SILENT = "silent"
    LATE = "late"
    GARBLED = "garbled"
    CUT = "cut"
    DOUBLED = "doubled"
    WRONG_UNIT = "wrong-unit"


class Outgoing(NamedTuple):
    """Bytes that leave a device, after so long."""

    delay_s: float
    octets: bytes


class Mischief:
    """Bends the answers of one device as the faults of the world say."""

    def __init__(
        self,
        world: World,
        device: str,
        connector: int,
        disguise: Bend | None = None,
        garble: Bend | None = None,
    ) -> None:
        """Offer the faults.

        Args:
            world: Whose faults count.
            device: How they call it: "meter".
            connector: Where it is.
            disguise: Makes an answer look like another device's; ``None``: it has no
                address.
            garble: What becomes of an answer on a medium that flips no single bits.
        """
        self._faults = world.faults
        self._device = device
        self._connector = connector
        self._dice = Random(f"{device} {connector}")
        self._bend: dict[Kind, Bend] = {
            Kind.GARBLED: garble or self._garbled,
            Kind.CUT: self._cut,
            Kind.DOUBLED: lambda answer: answer + answer,
        }
        if disguise is not None:
            self._bend = {Kind.WRONG_UNIT: disguise, **self._bend}
        kinds = (Kind.SILENT, Kind.LATE, *self._bend)
        world.faults.offer(f"{device}-{kind}" for kind in kinds)

    def does(self, kind: Kind) -> bool:
        """Return whether the device misbehaves in this way now."""
        return self._faults.has(f"{self._device}-{kind}", self._connector)

    def bent(self, answer: bytes) -> Outgoing | None:
        """Return what leaves the device instead of ``answer``; ``None``: nothing."""
        if self.does(Kind.SILENT) or not answer:
            return None
        for kind, bend in self._bend.items():
            if self.does(kind):
                answer = bend(answer)
        return Outgoing(LATE_S if self.does(Kind.LATE) else 0.0, answer)

    def _garbled(self, answer: bytes) -> bytes:
        at = self._dice.randrange(len(answer))
        flip = 1 << self._dice.randrange(8)
        return answer[:at] + bytes((answer[at] ^ flip,)) + answer[at + 1 :]

    def _cut(self, answer: bytes) -> bytes:
        return answer[: self._dice.randrange(len(answer))]

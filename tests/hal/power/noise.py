"""A bus that does everything to a module's answers that a bus should not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

from hypothesis import strategies as st

from hal.simulation.rack import Bus
from hal.wire.frame import Frame

Bend = Callable[[Frame], list[Frame]]


def _same(frame: Frame) -> list[Frame]:
    return [frame]


def _lost(_frame: Frame) -> list[Frame]:
    return []


def _doubled(frame: Frame) -> list[Frame]:
    return [frame, frame]


@dataclass(frozen=True)
class Cut:
    """The answer ends early."""

    size: int

    def __call__(self, frame: Frame) -> list[Frame]:
        return [frame._replace(data=frame.data[: self.size])]


@dataclass(frozen=True)
class Flipped:
    """Some bytes are others."""

    data: bytes

    def __call__(self, frame: Frame) -> list[Frame]:
        bent = bytes(a ^ b for a, b in zip(frame.data, self.data, strict=False))
        return [frame._replace(data=bent)]


@dataclass(frozen=True)
class Misnamed:
    """The answer comes from elsewhere, to something else."""

    change: int

    def __call__(self, frame: Frame) -> list[Frame]:
        return [frame, frame._replace(identifier=frame.identifier ^ self.change)]


@dataclass(frozen=True)
class Random:
    """Somebody else speaks."""

    identifier: int
    data: bytes

    def __call__(self, frame: Frame) -> list[Frame]:
        return [Frame(self.identifier, self.data), frame]


_octets = st.binary(max_size=8)
_identifiers = st.integers(0, (1 << 29) - 1)
bends: st.SearchStrategy[Bend] = st.one_of(
    st.sampled_from([_same, _lost, _doubled]),
    st.builds(Cut, st.integers(0, 7)),
    st.builds(Flipped, st.binary(min_size=8, max_size=8)),
    st.builds(Misnamed, _identifiers),
    st.builds(Random, _identifiers, _octets),
)


class NoisyBus:
    """Lies between modules and a bus, and bends each answer in turn."""

    def __init__(self, bus: Bus, script: list[Bend]) -> None:
        self._bus = bus
        self._script: Iterator[Bend] = cycle(script)

    def attach(self, take: Callable[[Frame], None]) -> None:
        self._bus.attach(take)

    def detach(self, take: Callable[[Frame], None]) -> None:
        self._bus.detach(take)

    def send(self, frame: Frame) -> None:
        for bent in next(self._script)(frame):
            self._bus.send(bent)

"""What a family of power modules must tell the rack: its frames, as values.

All that families have in common is in :mod:`hal.power.rack`; a family only translates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from hal.wire.frame import Frame


class Quantity(Enum):
    """What a module measures, or has on its nameplate."""

    VOLTAGE_V = auto()
    CURRENT_A = auto()
    TEMPERATURE_C = auto()
    MIN_VOLTAGE_V = auto()
    MAX_VOLTAGE_V = auto()
    MAX_CURRENT_A = auto()
    MAX_POWER_W = auto()
    RANGE = auto()  # which of its ranges of voltage it is in, as its make counts them


BOUNDS: Final[Mapping[Quantity, tuple[float, float]]] = {
    Quantity.VOLTAGE_V: (-10.0, 1500.0),
    Quantity.CURRENT_A: (-10.0, 1000.0),
    Quantity.TEMPERATURE_C: (-60.0, 200.0),
    Quantity.MIN_VOLTAGE_V: (0.0, 1000.0),
    Quantity.MAX_VOLTAGE_V: (20.0, 1500.0),
    Quantity.MAX_CURRENT_A: (1.0, 1000.0),
    Quantity.MAX_POWER_W: (500.0, 200_000.0),
    Quantity.RANGE: (0.0, 15.0),
}
"""What a module may say of itself and be believed: CAN frames carry no checksum of
what is in them."""

_NONE: Final[Mapping[Quantity, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Condition:
    """How a module is, in its own words."""

    running: bool
    failed: bool = False
    """It supplies nothing, whatever it is told."""
    over_temperature: bool = False
    under_voltage: bool = False
    """Its mains are too low to charge from."""
    address_taken: bool = False
    """Another module has its address."""
    words: str = ""
    """What is wrong with it, as its manual calls that."""


class Said(NamedTuple):
    """What one frame of a module says."""

    address: int
    code: int
    """What it answers: the code of a :class:`Request`."""
    values: Mapping[Quantity, float] = _NONE
    condition: Condition | None = None
    refusal: str = ""
    """Why the module does not do what it was told; empty: it does."""


class Request(NamedTuple):
    """A frame, and who answers it."""

    frame: Frame
    code: int
    addresses: Sequence[int] = ()
    """Each of them answers once; a frame that nobody answers has none."""


class Family(Protocol):
    """The frames of one make. Addresses are never empty.

    Where the modules of a rack have a group of their own, one frame may stand for all
    of them.
    """

    identifier: int
    mask: int
    """Every frame of a module to us, and few others, agree with it in these bits."""

    def hear(self, frame: Frame) -> Said | None:
        """Return what a frame says; ``None`` if it says nothing to us."""

    def find(self) -> Request | None:
        """Ask all modules of the group who they are; ``None`` without a group."""

    def prepare(self, address: int) -> Sequence[Request]:
        """Set a module up, before it is used for the first time."""

    def ratings(self, address: int) -> Sequence[Request]:
        """Ask for the nameplate."""

    def outputs(self, addresses: Sequence[int]) -> Sequence[Request]:
        """Ask for volt and ampere."""

    def states(self, addresses: Sequence[int]) -> Sequence[Request]:
        """Ask for condition and temperature."""

    def aim(
        self, address: int, voltage_v: float, current_a: float
    ) -> Sequence[Request]:
        """Set what one module shall supply."""

    def on(self, address: int) -> Sequence[Request]:
        """Switch the output of one module on."""

    def off(self, addresses: Sequence[int]) -> Sequence[Request]:
        """Switch the outputs of modules off."""

"""What chargebyte's safety controller tells of pilot, contactors and inputs.

The place of the contactors in Charge State has moved with firmware 0.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from hal.wire.chargebyte import Version
from hal.wire.signals import tenths


class Pilot(IntEnum):
    """The state of the control pilot."""

    UNKNOWN = 0
    A = 1
    B = 2
    C = 3
    D = 4
    E = 5
    F = 6
    INVALID = 7


class Contact(Enum):
    """What the board says of one contactor, by its feedback."""

    UNDEFINED = "neither open nor closed"
    OPEN = "open"
    CLOSED = "closed"
    UNUSED = "not in use"
    FAULTY = "faulty"


class Input(IntEnum):
    """One of the emergency inputs."""

    NORMAL = 0
    TRIPPED = 1
    RESERVED = 2
    UNUSED = 3


class Layout(NamedTuple):
    """Where Charge State has the contactors."""

    name: str
    spacing: int
    """Bits from one contactor to the next, from bit 24 on."""
    codes: tuple[Contact, Contact, Contact, Contact]
    contactors: int
    with_error: bool
    """A third bit for each contactor tells of an error."""


OLD: Final = Layout(
    "0.2",
    3,
    (Contact.OPEN, Contact.CLOSED, Contact.UNDEFINED, Contact.UNUSED),
    2,
    True,
)
NEW: Final = Layout(
    "0.3",
    2,
    (Contact.UNDEFINED, Contact.OPEN, Contact.CLOSED, Contact.UNUSED),
    3,
    False,
)
LAYOUTS: Final[Mapping[str, Layout]] = {layout.name: layout for layout in (OLD, NEW)}
_NEW_SINCE: Final = (0, 3)

REASONS: Final[Mapping[int, str]] = {
    1: "internal error",
    2: "no message from the host in time",
    **{2 + n: f"temperature sensor {n} does not work" for n in (1, 2, 3, 4)},
    **{6 + n: f"temperature sensor {n} is too hot" for n in (1, 2, 3, 4)},
    11: "the proximity pilot does not work",
    12: "the control pilot does not work",
    13: "the control pilot is short-circuited",
    14: "the diode of the vehicle is missing",
    15: "a contactor does not follow its coil",
    **{15 + n: f"emergency input {n}" for n in (1, 2, 3)},
    20: "the residual current monitor has failed",
    21: "the self-test of the residual current monitor has failed",
}
"""Why the board is in its safe state."""
EMERGENCY_INPUTS: Final[Mapping[int, int]] = {15 + n: n for n in (1, 2, 3)}
"""Which emergency input a reason is."""

_SAFE: Final = 1


def layout_of(version: Version) -> Layout:
    """Return how a firmware tells of its contactors."""
    return NEW if version[:2] >= _NEW_SINCE else OLD


@dataclass(frozen=True, slots=True)
class ChargeState:
    """What the board says every 100 ms."""

    pilot: Pilot
    contacts: tuple[Contact, ...]
    duty_percent: float | None = None
    inputs: tuple[Input, Input, Input] = (Input.NORMAL, Input.NORMAL, Input.NORMAL)
    reason: int = 0
    """Why it is in its safe state; zero: it is not."""
    hv_ready: bool = False
    shorted: bool = False
    diode_missing: bool = False

    def encode(self, layout: Layout) -> bytes:
        """Return the data."""
        bits = tenths(self.duty_percent or 0.0) << 48 | self.pilot << 40
        bits |= (self.duty_percent is not None) << 63 | (self.reason > 0) << 58
        bits |= self.shorted << 43 | self.diode_missing << 44
        bits |= self.hv_ready << 30 | self.reason << 8
        for place, each in enumerate(self.inputs):
            bits |= each << 16 + 2 * place
        for place, contact in enumerate(self.contacts[: layout.contactors]):
            at = 24 + layout.spacing * place
            if contact is Contact.FAULTY:
                bits |= layout.with_error << at + 2
            else:
                bits |= layout.codes.index(contact) << at
        return bits.to_bytes(8)

    @classmethod
    def decode(cls, data: bytes, layout: Layout) -> "ChargeState":
        """Read the data."""
        bits = int.from_bytes(data)
        safe = bits >> 58 & 3 == _SAFE
        return cls(
            pilot=Pilot(bits >> 40 & 7),
            contacts=tuple(_contact(bits, n, layout) for n in range(layout.contactors)),
            duty_percent=(bits >> 48 & 0x3FF) / 10 if bits >> 63 else None,
            inputs=(
                Input(bits >> 16 & 3),
                Input(bits >> 18 & 3),
                Input(bits >> 20 & 3),
            ),
            # A reason that is left from a former time does not make it safe.
            reason=(bits >> 8 & 0xFF or 1) if safe else 0,
            hv_ready=bool(bits >> 30 & 1),
            shorted=bool(bits >> 43 & 1),
            diode_missing=bool(bits >> 44 & 1),
        )


def _contact(bits: int, place: int, layout: Layout) -> Contact:
    at = 24 + layout.spacing * place
    if layout.with_error and bits >> at + 2 & 1:
        return Contact.FAULTY
    return layout.codes[bits >> at & 3]

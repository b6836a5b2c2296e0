"""The charging session of one connector: where it stands and what is known of it.

``core.course`` says how it moves on.
"""

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final

from chargerd.core.cable_check import CableCheck
from chargerd.core.events import Source
from chargerd.core.permissive import Facts
from chargerd.core.profiles import Profile
from chargerd.core.reasons import Cause
from chargerd.core.sealing import Seal, Sealing


class Phase(Enum):
    """Where a session stands."""

    IDLE = "idle"  # no vehicle, no driver
    PLUGGED = "plugged"  # a vehicle, but nobody to bill
    AUTHORIZED = "authorized"  # somebody to bill, but no vehicle
    LOCKING = "locking"  # the transaction runs from here on
    HANDSHAKE = "handshake"  # vehicle and CCS controller agree on everything
    CABLE_CHECK = "cable check"
    PRECHARGE = "pre-charge"
    ENERGIZED = "energized"
    RAMP_DOWN = "ramp-down"  # the current falls
    OPENING = "opening"  # the contactors open
    SETTLING = "settling"  # waits for the last register of the meter
    WAITING = "waiting"  # the bill stays open and the plug dead, for the vehicle
    WELDING_CHECK = "welding check"  # billed no more
    HELD = "held"  # the cable of a socket stays for its driver
    FINISHED = "finished"  # the plug may be pulled


@dataclass(frozen=True, slots=True)
class Session:
    """One connector, from plug to plug."""

    connector: int
    phase: Phase = Phase.IDLE
    since_s: float = 0.0  # monotonic; when the phase began
    began_s: float = inf  # when the session, or its latest transaction, began
    facts: Facts = Facts()
    contactors_open: bool = True  # seen open since they were last told to close
    opened_s: float = -inf  # when they were seen so first
    vehicle_s: float = -inf  # when the vehicle came to its phase: its own clock
    most_v: float = inf  # the highest voltage of the power modules
    check: CableCheck = CableCheck()
    barred: bool = False  # nothing may begin here: a fault, a restart, no disk
    outlives: frozenset[Cause] = frozenset()  # what does not end a transaction
    holding: frozenset[Cause] = frozenset()  # after what a socket keeps the cable
    next_key: str = ""  # a fresh UUID for the next transaction
    key: str = ""  # names the transaction before the CSMS numbers it
    id_tag: str = ""
    parent: str | None = None
    floating: bool = False  # authorized wherever the plug goes in
    suspended: Cause | None = None  # what took the energy and did not end the bill
    reservation: int | None = None  # the one that the driver makes use of
    source: Source = Source.CSMS  # who accepted the id tag
    profile: Profile | None = None  # what the CSMS sent along with the driver
    start_wh: int = 0
    meter_wh: int = 0  # last register seen in this transaction
    cause: Cause | None = None  # why the transaction is ending
    ended_by: str | None = None  # whose card ended it
    seal: Seal = Seal()  # of a meter that keeps transactions of its own
    unsigned: bool = False  # the last bill lacks the signature of such a meter

    @property
    def plugged(self) -> bool:
        """Whether a vehicle is on the plug."""
        return self.facts.vehicle is not None and self.facts.vehicle.plugged

    @property
    def energy_wh(self) -> int:
        """What the transaction has delivered so far."""
        return max(self.meter_wh - self.start_wh, 0)

    @property
    def sealing(self) -> Sealing | None:
        """What the meter's own transaction shall be; ``None``: there is none."""
        if not self.seal.signs or self.phase not in BILLED:
            return None
        closes = self.phase is Phase.SETTLING and self.cause is not None
        return Sealing(self.key, self.id_tag, open=not closes)


# fmt: off
BILLED: Final = frozenset({
    Phase.LOCKING, Phase.HANDSHAKE, Phase.CABLE_CHECK, Phase.PRECHARGE,
    Phase.ENERGIZED, Phase.RAMP_DOWN, Phase.OPENING, Phase.SETTLING, Phase.WAITING,
})
OWNED: Final = BILLED | {Phase.HELD}
"""Where only its driver, or the CSMS, can end something."""
LIVE: Final = frozenset({Phase.CABLE_CHECK, Phase.PRECHARGE, Phase.ENERGIZED})
COLD: Final = frozenset({Phase.LOCKING, Phase.HANDSHAKE})
"""Billed, but the contactors have not been told to close yet."""
STARTABLE: Final = frozenset({Phase.IDLE, Phase.PLUGGED, Phase.FINISHED})
"""Where a new authorization is welcome."""
# fmt: on

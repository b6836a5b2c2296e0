"""The control pilot between a simulated car and whoever watches it."""

from collections.abc import Mapping
from typing import Final

from hal.values import POWERED, VehiclePhase

_P = VehiclePhase
LETTERS: Final[Mapping[VehiclePhase, str]] = {
    _P.UNPLUGGED: "A",
    _P.NEGOTIATING: "B",
    _P.AUTHORIZING: "B",
    **dict.fromkeys(POWERED, "C"),
    # The car goes back before it looks for welds (DIN SPEC 70121 section 8.7.2).
    _P.WELDING_CHECK: "B",
    _P.FINISHED: "B",
    _P.EMERGENCY: "B",
}
"""The state of the pilot (IEC 61851-1 annex A) that a car makes in each phase."""

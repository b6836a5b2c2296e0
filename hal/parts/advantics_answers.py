"""What an ADVANTICS controller must know of the station's decisions, as levels."""

from math import inf
from typing import Final

from hal.values import VehiclePhase
from hal.wire.advantics import SequenceControl, State

PRESS_S: Final = 0.25
"""How long a button is held: for at least two of our messages."""

_UNPOWERED: Final = frozenset({VehiclePhase.NEGOTIATING, VehiclePhase.AUTHORIZING})


class Answers:
    """The station's answers to one vehicle; none outlives its session."""

    def __init__(self) -> None:
        self._accepted: bool | None = None
        self._woken = False
        self._offered = False
        self._pressed_until_s = -inf

    def authorize(self, accepted: bool, phase: VehiclePhase) -> None:
        """Take the decision about the vehicle; wake it up if it has finished."""
        if phase is not VehiclePhase.UNPLUGGED:
            self._accepted = accepted
            self._woken = accepted and phase is VehiclePhase.FINISHED

    def stop(self, phase: VehiclePhase, now_s: float) -> None:
        """Ask the vehicle to end."""
        if phase is VehiclePhase.UNPLUGGED:
            return
        if phase in _UNPOWERED:
            # The button acts in the stages with power; before them, a refusal does.
            self._accepted = False
        self._pressed_until_s = now_s + PRESS_S

    def settle(self, phase: VehiclePhase, state: State | None, offering: bool) -> None:
        """Follow the controller; ``offering``: it has been told what it may offer."""
        if phase is not VehiclePhase.FINISHED:
            self._woken = False
        finished = phase is VehiclePhase.FINISHED and not self._woken
        if finished or phase is VehiclePhase.UNPLUGGED:
            self._accepted, self._offered = None, False
        if state is State.CONNECTED_WITH_FULL_INFO:
            self._offered = offering and self._accepted is True

    def flags(self, over: bool, now_s: float) -> SequenceControl:
        """Return what to say; ``over``: the vehicle on the plug has had its session."""
        return SequenceControl(
            start=self._woken or not over,
            authorization_done=self._accepted is not None,
            authorization_valid=self._accepted is True,
            parameters_done=self._offered,
            stop_button=now_s < self._pressed_until_s,
        )

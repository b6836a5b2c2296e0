"""What takes its time to move: contactors and the bolt of a plug lock."""

from math import inf

from hal.values import Position

_CONTACTS_TRAVEL_S = 0.05
_BOLT_TRAVEL_S = 0.3


class Travel:
    """Something with two ends; it moves in real time, whatever the world's rate."""

    def __init__(self, travel_s: float) -> None:
        self._travel_s = travel_s
        self._end = False
        self.arrives_s = -inf

    def go(self, end: bool, now_s: float) -> None:
        """Set out for one end, unless it is there or on its way."""
        if end is not self._end:
            self._end = end
            self.arrives_s = now_s + self._travel_s

    def at(self, now_s: float) -> bool | None:
        """Return which end it rests at, ``None`` between them."""
        return self._end if now_s >= self.arrives_s else None


class Contacts:
    """A pair of contactors: coils, main contacts and the mirrors that tell of them."""

    def __init__(self) -> None:
        self.welded = False
        self.welded_unseen = False
        """The main contacts hold together, and the mirrors do not tell."""
        self.stuck_open = False
        self._coils = False
        self._powered = True
        self._armature = Travel(_CONTACTS_TRAVEL_S)

    @property
    def arrives_s(self) -> float:
        """When the armature comes, or came, to rest."""
        return self._armature.arrives_s

    def energize(self, coils: bool, now_s: float) -> None:
        """Switch both coils."""
        self._coils = coils
        self._armature.go(coils and self._powered, now_s)

    def power(self, powered: bool, now_s: float) -> None:
        """Give or take the coils' supply, as the emergency stop does in hardware.

        Coils that lost it stay off until they are energized again.
        """
        self._powered = powered
        self.energize(self._coils and powered, now_s)

    def conduct(self, now_s: float) -> bool:
        """Return whether the main contacts let current through."""
        return self.welded_unseen or self.position(now_s) is Position.CLOSED

    def position(self, now_s: float) -> Position:
        """Return what the mirror contacts say."""
        if self.welded:
            return Position.CLOSED
        if self.stuck_open:
            return Position.OPEN
        end = self._armature.at(now_s)
        if end is None:
            return Position.BETWEEN
        return Position.CLOSED if end else Position.OPEN


class Bolt:
    """The bolt of a plug lock."""

    def __init__(self) -> None:
        self.stuck = False
        self._engaged = False
        self._motor = Travel(_BOLT_TRAVEL_S)

    @property
    def arrives_s(self) -> float:
        """When the bolt comes, or came, to rest."""
        return self._motor.arrives_s

    def drive(self, engaged: bool, now_s: float) -> None:
        """Run the motor."""
        if not self.stuck:
            self._motor.go(engaged, now_s)

    def engaged(self, now_s: float) -> bool:
        """Return the feedback; it changes when the bolt arrives."""
        end = self._motor.at(now_s)
        if end is not None:
            self._engaged = end
        return self._engaged

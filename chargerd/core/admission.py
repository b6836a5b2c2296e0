"""Which connector a driver means, and whether it may take a driver now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from chargerd.core.authorization import same
from chargerd.core.profiles import Profile
from chargerd.core.reasons import Why
from chargerd.core.reservation import Claim
from chargerd.core.session import OWNED, STARTABLE, Phase, Session


class Meaning(Enum):
    """What holding a card to a reader can mean."""

    START = auto()
    STOP = auto()  # with the card that started
    STOP_OF_GROUP = auto()  # with another card, if it is of the same group
    WITHDRAW = auto()  # the authorization given before the plug came
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Intention:
    """What a driver wants, and where."""

    meaning: Meaning
    connector: int = 0
    floating: bool = False
    """Any free connector will do: the one that is plugged in next."""
    profile: Profile | None = None
    """What the CSMS wants to bind the transaction with."""


_NOTHING = Intention(Meaning.NOTHING)
Claims = Mapping[int, Claim]
_UNRESERVED: Final[Claims] = {}


def intention(
    scope: Sequence[Session],
    id_tag: str,
    claims: Claims = _UNRESERVED,
    *,
    plug_first: bool = False,
) -> Intention:
    """Return what ``id_tag`` at a reader means.

    Args:
        scope: The sessions of the connectors that the reader stands for.
        id_tag: The tag that was presented.
        claims: What the driver may make of each; it is open where nothing is said.
        plug_first: A connector without a vehicle takes no driver.
    """
    return (
        _of_the_same_driver(scope, id_tag)
        or _start(scope, claims, plug_first)
        or _of_a_group(scope)
    )


def _of_the_same_driver(scope: Iterable[Session], id_tag: str) -> Intention | None:
    for session in scope:
        if not same(session.id_tag, id_tag):
            continue
        if session.phase in OWNED:
            return Intention(Meaning.STOP, session.connector)
        if session.phase is Phase.AUTHORIZED:
            return Intention(Meaning.WITHDRAW, session.connector)
    return None


def _start(
    scope: Sequence[Session], claims: Claims, plug_first: bool
) -> Intention | None:
    welcome = _open(scope, claims)
    plugged = [s for s in welcome if s.phase is Phase.PLUGGED]
    if plugged:
        best = _rank(claims, plugged[0])
        latest = max(
            (s for s in plugged if _rank(claims, s) == best), key=lambda s: s.since_s
        )
        return Intention(Meaning.START, latest.connector)
    free = [s for s in welcome if s.phase is Phase.IDLE]
    if free and not plug_first:
        return Intention(Meaning.START, free[0].connector, floating=len(free) > 1)
    # A plug that was left in may be another driver's: it counts only where no
    # other connector can be meant.
    left = [s for s in welcome if s.phase is Phase.FINISHED]
    if len(left) == 1 and len(scope) == 1:
        return Intention(Meaning.START, left[0].connector)
    return None


def _of_a_group(scope: Iterable[Session]) -> Intention:
    for session in scope:
        if session.phase in OWNED and session.parent:
            return Intention(Meaning.STOP_OF_GROUP, session.connector)
    return _NOTHING


def remote(
    sessions: Sequence[Session],
    connector: int | None,
    id_tag: str,
    claims: Claims = _UNRESERVED,
) -> tuple[int | None, Why | None]:
    """Return where a RemoteStartTransaction can start, or why nowhere.

    Args:
        sessions: All of them, in the order of their connectors.
        connector: The one that was asked for; ``None`` leaves the choice to us.
        id_tag: Who shall pay.
        claims: What the driver may make of each; it is open where nothing is said.
    """
    if connector is None:
        order = (Phase.PLUGGED, Phase.IDLE, Phase.FINISHED)
        welcome = _open(sessions, claims)
        found = [s for phase in order for s in welcome if s.phase is phase]
        return (found[0].connector, None) if found else (None, Why.NO_FREE_CONNECTOR)
    session = next((s for s in sessions if s.connector == connector), None)
    if session is None:
        return None, Why.NO_SUCH_CONNECTOR
    if session.phase is Phase.AUTHORIZED and not same(session.id_tag, id_tag):
        return None, Why.AUTHORIZATION_PENDING
    if session.phase not in STARTABLE or session.barred:
        return None, Why.CONNECTOR_OCCUPIED
    if claims.get(session.connector) is Claim.CLOSED:
        return None, Why.CONNECTOR_RESERVED
    return connector, None


_RANKS: Final = (Claim.OWN, Claim.OPEN, Claim.PERHAPS)


def _rank(claims: Claims, session: Session) -> int:
    return _RANKS.index(claims.get(session.connector, Claim.OPEN))


def _open(sessions: Iterable[Session], claims: Claims) -> list[Session]:
    """Return where a driver is welcome; what is kept for him comes first."""
    welcome = [
        s
        for s in sessions
        if s.phase in STARTABLE
        and not s.barred
        and claims.get(s.connector) is not Claim.CLOSED
    ]
    return sorted(welcome, key=lambda session: _rank(claims, session))

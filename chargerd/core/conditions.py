"""Questions about the state of a session that the tables of its course ask."""

from collections.abc import Callable
from typing import Final

from chargerd.core.permissive import TOUCHABLE_V
from chargerd.core.reasons import Cause
from chargerd.core.session import Session
from hal.values import SAFE_TO_OPEN_A, Position, VehiclePhase


def plugged(session: Session) -> bool:
    """Tell whether a vehicle is there."""
    return session.plugged


def startable(session: Session) -> bool:
    """Tell whether a bill can be opened: a vehicle, a meter, and nothing against it."""
    known = session.facts.meter is not None
    return plugged(session) and known and not session.barred


def unplugged(session: Session) -> bool:
    """Tell whether no vehicle is there."""
    return not session.plugged


def locked(session: Session) -> bool:
    """Tell whether the plug is held; a fixed cable is held by the vehicle."""
    lock = session.facts.lock
    if "lock" not in session.facts.fitted:
        return True
    return lock is not None and lock.engaged and lock.at_s > session.since_s


def vehicle_at(*phases: VehiclePhase) -> Callable[[Session], bool]:
    """Make a question: has the vehicle come to one of ``phases``?"""

    def holds(session: Session) -> bool:
        vehicle = session.facts.vehicle
        return vehicle is not None and vehicle.phase in phases

    holds.__name__ = "vehicle " + "/".join(phase.name.lower() for phase in phases)
    return holds


def checkable(session: Session) -> bool:
    """Tell whether the vehicle awaits the cable check, and the meter counts for us."""
    return _IN_CHECK(session) and session.seal.ready


def insulated(session: Session) -> bool:
    """Tell whether the cable has passed its check, and the vehicle says so too."""
    contactor = session.facts.contactor
    closed = contactor is not None and contactor.position is Position.CLOSED
    return _CHECKED(session) and closed and session.check.passed


def connected(session: Session) -> bool:
    """Tell whether the vehicle has joined its battery to the output.

    It does so only when it has seen our voltage within 20 V of the battery's.
    """
    return _JOINED(session)


def vehicle_is_done(session: Session) -> bool:
    """Tell whether the vehicle ended the session in good order."""
    return _ENDED(session)


def current_gone(session: Session) -> bool:
    """Tell whether the contactors may open without wear."""
    power = session.facts.power_module
    return (
        power is not None
        and power.at_s > session.since_s
        and abs(power.current_a) < SAFE_TO_OPEN_A
    )


def dead(session: Session) -> bool:
    """Tell whether the contactors are known to be open."""
    return session.contactors_open


def metered(session: Session) -> bool:
    """Tell whether the meter was read after the contactors opened, and has signed."""
    meter = session.facts.meter
    read = meter is not None and meter.at_s > session.since_s
    return dead(session) and read and session.seal.complete


def released(session: Session) -> bool:
    """Tell whether nothing of the session is left on the plug.

    A vehicle that never came to the cable check has nothing to bring to an end, and
    nobody waits for a CCS controller that is silent.
    """
    under_way = _UNDER_WAY(session) and "vehicle" not in session.facts.lost
    return dead(session) and discharged(session) and not under_way


def discharged(session: Session) -> bool:
    """Tell whether the plug was measured to be dead since its contactors opened.

    The cable of a station that is out of the vehicle is nobody's to hold back.
    """
    if unplugged(session) and "lock" not in session.facts.fitted:
        return True
    meter = session.facts.meter
    measured = meter is not None and meter.at_s > session.opened_s
    return measured and meter is not None and meter.voltage_v < TOUCHABLE_V


def kept(session: Session) -> bool:
    """Tell whether nothing has ended the transaction, though its energy is gone."""
    return session.cause is None


def deserted(session: Session) -> bool:
    """Tell whether the vehicle is gone from a transaction that does not outlive it."""
    return unplugged(session) and Cause.PLUG_REMOVED not in session.outlives


def returned(session: Session) -> bool:
    """Tell whether a vehicle begins anew at a plug that is dead."""
    return dead(session) and _BEGINS(session)


def held(session: Session) -> bool:
    """Tell whether the cable of a socket stays until its driver comes."""
    return released(session) and session.cause in session.holding


_BEGINS: Final = vehicle_at(VehiclePhase.NEGOTIATING, VehiclePhase.AUTHORIZING)
_IN_CHECK: Final = vehicle_at(VehiclePhase.CABLE_CHECK)
_CONNECTED: Final = (VehiclePhase.READY, VehiclePhase.CHARGING, VehiclePhase.PAUSED)
_CHECKED: Final = vehicle_at(VehiclePhase.PRECHARGE, *_CONNECTED)
_JOINED: Final = vehicle_at(*_CONNECTED)
_ENDED: Final = vehicle_at(
    VehiclePhase.ENDING, VehiclePhase.WELDING_CHECK, VehiclePhase.FINISHED
)
_UNDER_WAY: Final = vehicle_at(
    VehiclePhase.CABLE_CHECK,
    VehiclePhase.PRECHARGE,
    *_CONNECTED,
    VehiclePhase.ENDING,
    VehiclePhase.WELDING_CHECK,
)

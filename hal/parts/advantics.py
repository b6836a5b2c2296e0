"""What an ADVANTICS controller has told, and where its vehicle stands by that.

No bus and no clock: whoever hears the messages says when.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Final

from hal.errors import BadAnswer
from hal.values import POWERED, VehiclePhase, VehicleReading
from hal.wire import advantics, advantics_vehicle
from hal.wire.advantics import Function, Message, Origin, PowerControl, State
from hal.wire.advantics_vehicle import Battery, ChargeLimits, Pilot, Voltages

EMERGENCY_HOLDS_S: Final = 0.35
"""Emergency_Stop comes every 100 ms while it lasts; two may get lost."""
TEST_CURRENT_A: Final = 2.0
"""IEC 61851-23 CC.4.1.2; the request for the insulation test names no current."""
MOST_V: Final = 1500.0
MOST_A: Final = 3000.0
"""No vehicle has more: the megawatt system ends at 1250 V and 3000 A."""

PHASES: Final[Mapping[State, VehiclePhase]] = {
    State.NEGOTIATING_CONNECTION: VehiclePhase.NEGOTIATING,
    State.CCS_AUTHORISATION_PROCESS: VehiclePhase.AUTHORIZING,
    State.CONNECTED_WITH_FULL_INFO: VehiclePhase.AUTHORIZING,
    State.INSULATION_TEST: VehiclePhase.CABLE_CHECK,
    State.PRECHARGE: VehiclePhase.PRECHARGE,
    State.WAITING_FOR_CHARGE: VehiclePhase.READY,
    State.CHARGING: VehiclePhase.CHARGING,
    State.CHARGE_PAUSE: VehiclePhase.PAUSED,
    State.ENDING_CHARGE: VehiclePhase.ENDING,
    State.WELDING_DETECTION: VehiclePhase.WELDING_CHECK,
    State.CLOSING_COMMUNICATION: VehiclePhase.WELDING_CHECK,
}
"""The states of a session; in the others the controller is idle."""

_BEGINS: Final = frozenset(
    {
        State.NEGOTIATING_CONNECTION,
        State.CCS_AUTHORISATION_PROCESS,
        State.CONNECTED_WITH_FULL_INFO,
    }
)
_ON_PLUG: Final[Mapping[Pilot, bool]] = {
    Pilot.A: False,
    Pilot.B: True,
    Pilot.C: True,
    Pilot.D: True,
}
"""What the pilot says of the plug; in E and F it says nothing of it."""
_BROKE_OFF: Final[Mapping[Origin, str]] = {
    Origin.EVSE: "the controller broke off for the station: interlock, insulation, "
    "a station that is not enabled, or no reports",
    Origin.PEV: "the vehicle broke off",
}
_WISHES: Final[Mapping[Function, Callable[[PowerControl], tuple[float, float]]]] = {
    Function.OFF: lambda _: (0.0, 0.0),
    Function.STANDBY: lambda _: (0.0, 0.0),
    Function.INSULATION_TEST: lambda asked: (asked.voltage_v, TEST_CURRENT_A),
    Function.PRECHARGE: lambda asked: (asked.voltage_v, asked.max_current_a),
    Function.POWER_TRANSFER: lambda asked: (asked.voltage_v, asked.max_current_a),
}
"""Volt and ampere; of a range the most, as the interface allows."""


class Secc:
    """Follows one controller, message by message."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.over = False
        """The session of a vehicle that is still plugged in has ended."""
        self._met = False
        self._plugged: bool | None = None
        self._control = PowerControl()
        self._origin = Origin.EVSE
        self._evccid: str | None = None
        self._at_s: dict[int, float] = {}
        self._last: dict[int, bytes] = {}
        self._forget_vehicle()

    def hear(self, message: int, data: bytes, now_s: float) -> bool:
        """Take a message; return whether it differs from the last of its kind.

        Raises:
            BadAnswer: It says what cannot be true; nothing of it is taken.
        """
        take = _TAKES.get(message)
        if take is None:
            return False
        new = message in _EVENTS or self._last.get(message) != data
        if new:
            take(self, data)
            self._last[message] = data
        self._at_s[message] = now_s
        return new

    def age_s(self, message: Message, now_s: float) -> float:
        """Return how long ago a message came last, infinite if it never has."""
        return now_s - self._at_s.get(message, -inf)

    @property
    def told(self) -> bool:
        """Whether all is known that a controller tells by itself all the time."""
        return self.state is not None and self._plugged is not None

    def forget_wish(self) -> None:
        """Take nothing for asked any more: the controller has been away."""
        self._control = PowerControl()
        self._last.pop(Message.DC_POWER_CONTROL, None)

    def broken_off(self, now_s: float) -> bool:
        """Tell whether the controller says that it has broken off."""
        return self.age_s(Message.EMERGENCY_STOP, now_s) <= EMERGENCY_HOLDS_S

    def phase(self, now_s: float) -> VehiclePhase:
        """Return where the vehicle stands."""
        if self.broken_off(now_s):
            return VehiclePhase.EMERGENCY
        phase = None if self.state is None else PHASES.get(self.state)
        on_plug = phase is not None if self._plugged is None else self._plugged
        if not on_plug:
            return VehiclePhase.UNPLUGGED
        if self.over:
            return VehiclePhase.FINISHED
        return phase or VehiclePhase.NEGOTIATING

    def reading(self, now_s: float) -> VehicleReading:
        """Return all of it, as old as the oldest of what must keep coming."""
        phase = self.phase(now_s)
        at_s = min(
            self._at_s.get(Message.CONTROLLER_STATUS, -inf),
            self._at_s.get(Message.CCS_EXTRA_INFORMATION, inf),
        )
        if phase is VehiclePhase.UNPLUGGED:
            return VehicleReading(at_s=at_s, phase=phase)
        asked = self._control if phase in POWERED else PowerControl()
        target_voltage_v, target_current_a = _WISHES[asked.function](asked)
        return VehicleReading(
            at_s=at_s,
            phase=phase,
            wants_contactors=asked.close_contactors,
            target_voltage_v=target_voltage_v,
            target_current_a=target_current_a,
            soc_percent=self._battery.soc_percent or None,
            capacity_wh=self._battery.capacity_wh or None,
            max_voltage_v=self._voltages.max_voltage_v or None,
            max_current_a=self._limits.max_current_a or None,
            max_power_w=self._limits.max_power_w or None,
            evccid=self._evccid,
            error=_BROKE_OFF[self._origin] if self.broken_off(now_s) else None,
        )

    def _take_state(self, data: bytes) -> None:
        state = advantics.state(data)
        if state in PHASES:
            if state in _BEGINS:
                self.over = False
            if state is State.NEGOTIATING_CONNECTION:
                self._forget_vehicle()
            else:
                self._met = True
        elif self._met:
            self.over, self._met = True, False
        self.state = state

    def _take_end(self, _data: bytes) -> None:
        self.over = self.over or self._met

    def _take_wish(self, data: bytes) -> None:
        asked = PowerControl.decode(data)
        _believe("target voltage", asked.voltage_v, "V", MOST_V)
        _believe("target current", abs(asked.max_current_a), "A", MOST_A)
        if asked.function is Function.POWER_TRANSFER and asked.max_current_a < 0.0:
            raise BadAnswer(
                f"the vehicle asks to give back {-asked.max_current_a} A, which no "
                "power module here can take; set is_bidirectional to false in the "
                "controller"
            )
        self._control = asked

    def _take_origin(self, data: bytes) -> None:
        self._origin = advantics.origin(data)

    def _take_battery(self, data: bytes) -> None:
        self._battery = Battery.decode(data)

    def _take_voltages(self, data: bytes) -> None:
        voltages = Voltages.decode(data)
        _believe("highest voltage", voltages.max_voltage_v, "V", MOST_V)
        self._voltages = voltages

    def _take_limits(self, data: bytes) -> None:
        limits = ChargeLimits.decode(data)
        _believe("highest current", limits.max_current_a, "A", MOST_A)
        self._limits = limits

    def _take_evccid(self, data: bytes) -> None:
        self._evccid = advantics_vehicle.evccid(data)

    def _take_pilot(self, data: bytes) -> None:
        pilot = advantics_vehicle.ExtraInformation.decode(data).pilot
        plugged = _ON_PLUG.get(pilot, bool(self._plugged))
        if plugged is not self._plugged:
            self._plugged = plugged
            self.over = self._met = False
            self._forget_vehicle()

    def _forget_vehicle(self) -> None:
        self._battery = Battery(0.0, 0.0)
        self._voltages = Voltages(0.0, 0.0)
        self._limits = ChargeLimits(0.0, 0.0)
        self._evccid = None
        for message in _OF_VEHICLE:
            self._last.pop(message, None)


_TAKES: Final[Mapping[int, Callable[[Secc, bytes], None]]] = {
    Message.CONTROLLER_STATUS: Secc._take_state,
    Message.DC_POWER_CONTROL: Secc._take_wish,
    Message.CHARGE_SESSION_FINISHED: Secc._take_end,
    Message.EMERGENCY_STOP: Secc._take_origin,
    Message.EV_INFORMATION_BATTERY: Secc._take_battery,
    Message.EV_INFORMATION_VOLTAGES: Secc._take_voltages,
    Message.EV_INFORMATION_CHARGE_LIMITS: Secc._take_limits,
    Message.EV_ID_CCS: Secc._take_evccid,
    Message.CCS_EXTRA_INFORMATION: Secc._take_pilot,
}
_EVENTS: Final = frozenset({Message.CHARGE_SESSION_FINISHED})
"""What is said once, in the same words each time."""
_OF_VEHICLE: Final = (
    Message.EV_INFORMATION_BATTERY,
    Message.EV_INFORMATION_VOLTAGES,
    Message.EV_INFORMATION_CHARGE_LIMITS,
    Message.EV_ID_CCS,
)


def _believe(name: str, value: float, unit: str, most: float) -> None:
    if value > most:
        raise BadAnswer(f"{name}: {value} {unit} is more than any vehicle has")

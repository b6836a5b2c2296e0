"""What the twin of an ADVANTICS controller says of its car, and asks for it."""

from collections.abc import Iterator, Mapping
from typing import Final

from hal.values import VehiclePhase, VehicleReading
from hal.wire.advantics import Function, Message, PowerControl, State
from hal.wire.advantics_vehicle import Battery, ChargeLimits, Voltages
from hal.world import car

_P = VehiclePhase
FUNCTIONS: Final[Mapping[VehiclePhase, Function]] = {
    _P.CABLE_CHECK: Function.INSULATION_TEST,
    _P.PRECHARGE: Function.PRECHARGE,
    _P.CHARGING: Function.POWER_TRANSFER,
}
"""What the power modules do in a phase, while anything is wished at all."""


def asked(reading: VehicleReading) -> PowerControl:
    """Return the request that carries what the car wishes."""
    function = FUNCTIONS.get(reading.phase)
    if function is None or not reading.target_voltage_v:
        return _standby(reading)
    current_a = reading.target_current_a
    transfers = function is Function.POWER_TRANSFER
    tests = function is Function.INSULATION_TEST
    return PowerControl(
        voltage_v=reading.target_voltage_v,
        max_current_a=0.0 if tests else current_a,
        min_current_a=current_a if transfers else 0.0,
        function=function,
        ranged=function is Function.PRECHARGE,
        close_contactors=reading.wants_contactors,
    )


def of_car(battery: car.Battery) -> Iterator[tuple[Message, bytes]]:
    """Yield what a car tells of itself."""
    soc_percent = battery.soc * 100
    yield (
        Message.EV_INFORMATION_BATTERY,
        Battery(battery.capacity_wh, soc_percent).encode(),
    )
    yield (
        Message.EV_INFORMATION_VOLTAGES,
        Voltages(0.0, battery.max_voltage_v).encode(),
    )
    yield (
        Message.EV_INFORMATION_CHARGE_LIMITS,
        ChargeLimits(battery.max_current_a, battery.max_power_w).encode(),
    )


def at_turn(state: State, rushed: bool) -> Iterator[tuple[Message, bytes]]:
    """Yield what is said once, as a controller comes to ``state``."""
    if state is State.WAITING_FOR_CHARGE:
        yield Message.CHARGE_STATUS_CHANGE, bytes((1,))
    if state is State.ENDING_CHARGE:
        yield Message.CHARGE_STATUS_CHANGE, bytes((0,))
    if state is State.CLOSING_COMMUNICATION:
        yield Message.CHARGE_SESSION_FINISHED, bytes((rushed,))


def _standby(reading: VehicleReading) -> PowerControl:
    # With the battery on it the output must float; it must come down after the
    # insulation test, and once the contactors are open.
    floats = reading.wants_contactors and reading.phase is not _P.CABLE_CHECK
    return PowerControl(
        function=Function.STANDBY,
        close_contactors=reading.wants_contactors,
        lower_voltage=not floats,
    )

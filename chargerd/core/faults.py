"""The catalogue of faults: what each means, does, and how it goes away.

One row each. The guard, OCPP's errorCode, ``chargerctl fault`` and
docs/faults.md all come from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chargerd.core.reasons import Cause


class Consequence(StrEnum):
    """What a fault does to its connector (or to all, if it is the station's)."""

    STOP = "stop"  # no energy, status Faulted
    WARNING = "warning"  # charging goes on, perhaps with less


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the catalogue."""

    name: str
    error_code: str
    """ChargePointErrorCode (OCPP 1.6 section 7.6)."""
    consequence: Consequence
    means: str
    remedy: str
    recovers: str = "by itself"
    cause: Cause = Cause.FAULT
    """Why a transaction ends that this fault interrupts."""
    of_station: bool = False
    """Reported for connector 0 and felt by every connector."""

    @property
    def vendor_code(self) -> str:
        """Return the vendorErrorCode, which is the name itself (50 at the most)."""
        return self.name

    @property
    def stops(self) -> bool:
        """Whether no energy may flow while it is there."""
        return self.consequence is Consequence.STOP


_STOP, _WARN = Consequence.STOP, Consequence.WARNING

# fmt: off
_TABLE: Final[tuple[Fault, ...]] = (
    Fault("emergency-stop", "OtherError", _STOP,
          "somebody pressed the emergency stop, or its loop is broken",
          "look for danger, release the button; if it is released, measure the loop",
          cause=Cause.EMERGENCY_STOP, of_station=True),
    Fault("door-open", "OtherError", _STOP,
          "the cabinet door is open", "close the door; else check its switch",
          of_station=True),
    Fault("surge-protector", "OtherError", _STOP,
          "the surge protector has tripped", "replace its cartridge", of_station=True),
    Fault("power-fail", "UnderVoltage", _STOP,
          "the controller's own supply is failing", "check mains and the 24 V supply",
          cause=Cause.POWER_LOSS, of_station=True),
    Fault("insulation", "GroundFailure", _STOP,
          "the insulation of the output is below 100 kohm",
          "unplug; if it stays, look for water in cable and plug, then in the modules"),
    Fault("plug-over-temperature", "HighTemperature", _STOP,
          "the plug is hotter than 90 °C",
          "let it cool; if it comes back, replace the worn pins of the plug"),
    Fault("module-over-temperature", "HighTemperature", _STOP,
          "the power modules are too hot", "clean the filters, check the fans"),
    Fault("module-failure", "PowerSwitchFailure", _WARN,
          "power modules have dropped out; the others charge on",
          "replace the modules named"),
    Fault("under-voltage", "UnderVoltage", _STOP,
          "the mains is too low to charge from", "check the mains and its breaker"),
    Fault("over-voltage", "OverVoltage", _STOP,
          "the output is above what the vehicle can take",
          "unplug; if it comes back, replace the power modules"),
    Fault("contactor-weld", "PowerSwitchFailure", _STOP,
          "a contactor was told to open and did not",
          "switch the cabinet off; replace the contactor", recovers="by hand"),
    Fault("contactor-open", "PowerSwitchFailure", _STOP,
          "a contactor was told to close and did not",
          "check coil supply and auxiliary contacts; else replace the contactor",
          recovers="unplug"),
    Fault("lock-stuck", "ConnectorLockFailure", _STOP,
          "the plug lock did not reach its position",
          "push the plug fully in; else check the lock's motor and feedback",
          recovers="unplug"),
    Fault("meter-silent", "PowerMeterFailure", _STOP,
          "the energy meter does not answer", "check its line and supply"),
    Fault("meter-implausible", "PowerMeterFailure", _STOP,
          "the energy meter says what cannot be true",
          "check the line for disturbance; else replace the meter"),
    Fault("meter-frozen", "PowerMeterFailure", _STOP,
          "energy flows but the meter does not count it",
          "check the meter's shunt and voltage taps; else replace the meter",
          recovers="unplug"),
    Fault("reader-silent", "ReaderFailure", _WARN,
          "the card reader does not answer; drivers can start by app",
          "check its cable", of_station=True),
    Fault("isolation-silent", "GroundFailure", _STOP,
          "the insulation monitor does not answer", "check its line and supply"),
    Fault("vehicle-silent", "OtherError", _STOP,
          "the CCS controller does not answer", "check its bus and supply"),
    Fault("module-silent", "PowerSwitchFailure", _STOP,
          "the power modules do not answer", "check their bus and the mains breaker"),
    Fault("contactor-silent", "PowerSwitchFailure", _STOP,
          "the contactors' auxiliary contacts cannot be read", "check the input board"),
    Fault("temperature-silent", "HighTemperature", _STOP,
          "the plug's temperature cannot be read", "check the sensor's wires"),
    Fault("lock-silent", "ConnectorLockFailure", _STOP,
          "the plug lock's feedback cannot be read", "check its wires"),
    Fault("safety-silent", "InternalError", _STOP,
          "the safety inputs cannot be read", "check the input board",
          of_station=True),
    Fault("supply-silent", "InternalError", _WARN,
          "the supply monitor cannot be read", "check the input board",
          of_station=True),
    Fault("limit-exceeded", "OtherError", _WARN,
          "for 10 s the meter has shown clearly more power than the limit",
          "compare the meter with the modules; see: chargerctl power"),
    Fault("bridge-weld", "PowerSwitchFailure", _WARN,
          "the bridge between two DC buses was told to open and did not; of the two "
          "connectors at it one charges at a time",
          "switch the cabinet off; replace the bridge contactor",
          recovers="by hand", of_station=True),
    Fault("bridge-open", "PowerSwitchFailure", _WARN,
          "the bridge between two DC buses was told to close and did not; the "
          "connector charges with its own modules",
          "check coil supply and mirror contacts; else replace the bridge contactor",
          recovers="unplug"),
    Fault("bridge-silent", "PowerSwitchFailure", _WARN,
          "the mirror contacts of the bridge cannot be read; of the two connectors "
          "at it one charges at a time", "check the input board", of_station=True),
    Fault("reset", "ResetFailure", _WARN,
          "the board did not restart when the CSMS wanted it",
          "run the reboot command of the station file by hand and see what it says",
          recovers="by hand", of_station=True),
    Fault("storage", "InternalError", _WARN,
          "the disk takes no more records; running transactions go on, none can start",
          "free disk space or replace the disk", of_station=True),
    Fault("storage-short", "InternalError", _WARN,
          "what waits for the CSMS leaves no room; meter values are let go of, "
          "bills are not",
          "bring the link back; else free disk space, or raise storage.max_mib",
          of_station=True),
)
# fmt: on

FAULTS: Final[Mapping[str, Fault]] = {fault.name: fault for fault in _TABLE}

_CAUSES: Final[Mapping[str, Cause]] = {
    "plug-removed": Cause.PLUG_REMOVED,
    "vehicle-emergency": Cause.VEHICLE_FAILED,
}
"""What cuts energy without being a fault of the station."""


def cause(name: str) -> Cause:
    """Return why a transaction ends that ``name`` interrupts."""
    fault = FAULTS.get(name)
    return fault.cause if fault else _CAUSES.get(name, Cause.FAULT)

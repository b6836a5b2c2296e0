"""The catalogue of faults: what each means, does, and how it goes away.

One row each. The guard, OCPP's error codes in every dialect, ``chargerctl fault`` and
docs/faults.md all come from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chargerd.core.dialects import Dialect, Words, told
from chargerd.core.reasons import Cause


class Consequence(StrEnum):
    """What a fault does to its connector (or to all, if it is the station's)."""

    STOP = "stop"  # no energy, status Faulted
    WARNING = "warning"  # charging goes on, perhaps with less


class Recovers(StrEnum):
    """What ends a fault."""

    BY_ITSELF = "by itself"  # with its reason
    UNPLUG = "unplug"  # latched until the session is over
    RESTART = "restart"  # latched until chargerd is restarted
    BY_HAND = "by hand"  # latched, on the disk too, until a technician clears it


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the catalogue."""

    name: str
    error_code: str
    """ChargePointErrorCode (OCPP 1.6 section 7.6)."""
    consequence: Consequence
    means: str
    part: str
    """What to look at first."""
    remedy: str
    words: Words = Words()
    clears_after_s: float = 0.0
    """How long its reason must be gone: what flickers is one fault."""
    recovers: Recovers = Recovers.BY_ITSELF
    cause: Cause = Cause.FAULT
    """Why a transaction ends that this fault interrupts."""
    of_station: bool = False
    """Reported for connector 0 and felt by every connector."""

    @property
    def stops(self) -> bool:
        """Whether no energy may flow while it is there, and the status is Faulted."""
        return self.consequence is Consequence.STOP

    def told(self, dialect: Dialect) -> tuple[str, str]:
        """Return ``vendorId`` and ``vendorErrorCode`` in a dialect."""
        return told(self.name, self.words, dialect)


_STOP, _WARN = Consequence.STOP, Consequence.WARNING
_UNPLUG, _BY_HAND = Recovers.UNPLUG, Recovers.BY_HAND
_CONTACTOR: Final = Words("CX017")

# fmt: off
_TABLE: Final[tuple[Fault, ...]] = (
    Fault("emergency-stop", "OtherError", _STOP,
          "somebody pressed the emergency stop, or its loop is broken",
          "emergency stop button and its loop",
          "look for danger, release the button; if it is released, measure the loop",
          Words("CX008", "A004"), cause=Cause.EMERGENCY_STOP, of_station=True),
    Fault("door-open", "OtherError", _STOP,
          "the cabinet door is open", "door and its switch",
          "close the door; else check its switch", of_station=True),
    Fault("surge-protector", "OtherError", _STOP,
          "the surge protector has tripped", "surge protector",
          "replace its cartridge", of_station=True),
    Fault("power-fail", "UnderVoltage", _STOP,
          "the controller's own supply is failing", "24 V supply",
          "check mains and the 24 V supply",
          Words("CX015"), clears_after_s=2.0, cause=Cause.POWER_LOSS, of_station=True),
    Fault("insulation", "GroundFailure", _STOP,
          "the insulation of the output is below 100 kohm", "cable and plug",
          "unplug; if it stays, look for water in cable and plug, then in the modules",
          Words("CX022", "F006"), clears_after_s=5.0),
    Fault("cable-check", "GroundFailure", _STOP,
          "the cable check found the insulation below 100 kohm", "cable and plug",
          "try another vehicle; if it stays, look for water in cable and plug",
          Words("CX011", "F005"), clears_after_s=5.0),
    Fault("plug-over-temperature", "HighTemperature", _STOP,
          "the plug is hotter than 90 °C", "pins of the plug",
          "let it cool; if it comes back, replace the worn pins of the plug",
          Words("CX019", "F009"), clears_after_s=5.0),
    Fault("module-over-temperature", "HighTemperature", _STOP,
          "the power modules are too hot", "filters and fans of the power modules",
          "clean the filters, check the fans", Words("CX003"), clears_after_s=5.0),
    Fault("module-failure", "PowerSwitchFailure", _WARN,
          "power modules have dropped out; the others charge on", "power modules named",
          "replace the modules named", clears_after_s=5.0),
    Fault("under-voltage", "UnderVoltage", _STOP,
          "the mains is too low to charge from", "mains and its breaker",
          "check the mains and its breaker", Words("CX015"), clears_after_s=5.0),
    Fault("over-voltage", "OverVoltage", _STOP,
          "the output is above what the vehicle can take", "power modules",
          "unplug; if it comes back, replace the power modules",
          Words("CX005"), clears_after_s=5.0),
    Fault("vehicle-over-voltage", "OverVoltage", _STOP,
          "the output was above the vehicle's own maximum for 0.4 s", "power modules",
          "try another vehicle; if it comes back, replace the power modules",
          Words("CX005"), recovers=_UNPLUG),
    Fault("over-current", "OverCurrentFailure", _STOP,
          "the power modules gave more current than they were told",
          "power modules and their bus",
          "switch the cabinet off and on; if it comes back, replace the power modules",
          Words("CX004"), recovers=_UNPLUG),
    Fault("short-circuit", "OverCurrentFailure", _STOP,
          "the cable check found a short circuit", "cable and plug",
          "measure between the pins of the plug; replace the cable",
          Words("CX011"), recovers=_UNPLUG),
    Fault("cable-check-voltage", "PowerSwitchFailure", _STOP,
          "the cable check did not reach its voltage", "power modules",
          "check the mains, then the power modules; measure the contactors' poles",
          Words("CX011"), recovers=_UNPLUG),
    Fault("isolation-self-test", "GroundFailure", _STOP,
          "the insulation monitor did not pass its self-test", "insulation monitor",
          "check its connection to earth and to both poles; else replace it",
          Words("CX011"), recovers=_UNPLUG),
    Fault("precharge", "PowerSwitchFailure", _STOP,
          "the output did not come within 20 V of the vehicle's battery",
          "power modules",
          "try another vehicle; if it comes back, check the power modules",
          Words("CX012"), recovers=_UNPLUG, cause=Cause.PRECHARGE_TIMEOUT),
    Fault("current-stuck", "PowerSwitchFailure", _STOP,
          "the power modules did not let go of the current; the contactors opened "
          "under load", "power modules and their bus",
          "switch the cabinet off; check the bus, replace the power modules",
          recovers=_UNPLUG),
    Fault("discharge", "OtherError", _STOP,
          "the output kept more than 60 V after it was switched off",
          "bleed resistor of the plug",
          "do not touch the pins; measure, then replace the bleed resistor",
          Words("CX024", "F008"), recovers=_UNPLUG),
    Fault("measurement-spread", "PowerMeterFailure", _STOP,
          "power modules and energy meter measure different things",
          "taps and shunt of the energy meter",
          "compare both with a voltmeter; replace the one that is wrong",
          recovers=_UNPLUG),
    Fault("contactor-weld", "PowerSwitchFailure", _STOP,
          "a contactor was told to open and did not", "main contactors",
          "switch the cabinet off; replace the contactor",
          _CONTACTOR, recovers=_BY_HAND),
    Fault("contactor-open", "PowerSwitchFailure", _STOP,
          "a contactor was told to close and did not",
          "main contactors and their coil supply",
          "check coil supply and auxiliary contacts; else replace the contactor",
          _CONTACTOR, recovers=_UNPLUG),
    Fault("lock-stuck", "ConnectorLockFailure", _STOP,
          "the plug lock did not reach its position", "plug lock",
          "push the plug fully in; else check the lock's motor and feedback",
          Words("CX001"), recovers=_UNPLUG),
    Fault("meter-silent", "PowerMeterFailure", _STOP,
          "the energy meter does not answer", "energy meter and its line",
          "check its line and supply", clears_after_s=2.0),
    Fault("meter-implausible", "PowerMeterFailure", _STOP,
          "the energy meter says what cannot be true", "energy meter and its line",
          "check the line for disturbance; else replace the meter", clears_after_s=2.0),
    Fault("meter-unsigned", "PowerMeterFailure", _STOP,
          "the energy meter did not sign a transaction that it has to sign",
          "energy meter and its clock",
          "set the meter's clock; if it signs nothing then, replace the meter",
          recovers=_UNPLUG),
    Fault("meter-frozen", "PowerMeterFailure", _STOP,
          "energy flows but the meter does not count it",
          "shunt and voltage taps of the energy meter",
          "check the meter's shunt and voltage taps; else replace the meter",
          recovers=_UNPLUG),
    Fault("reader-silent", "ReaderFailure", _WARN,
          "the card reader does not answer; drivers can start by app",
          "card reader and its cable",
          "check its cable", clears_after_s=2.0, of_station=True),
    Fault("isolation-silent", "GroundFailure", _STOP,
          "the insulation monitor does not answer", "insulation monitor and its line",
          "check its line and supply", clears_after_s=2.0),
    Fault("vehicle-silent", "OtherError", _STOP,
          "the CCS controller does not answer", "CCS controller and its bus",
          "check its bus and supply", clears_after_s=2.0),
    Fault("module-silent", "PowerSwitchFailure", _STOP,
          "the power modules do not answer", "bus of the power modules",
          "check their bus and the mains breaker", clears_after_s=2.0),
    Fault("contactor-silent", "PowerSwitchFailure", _STOP,
          "the contactors' auxiliary contacts cannot be read",
          "auxiliary contacts and the input board",
          "check the input board", clears_after_s=2.0),
    Fault("temperature-silent", "HighTemperature", _STOP,
          "the plug's temperature cannot be read", "temperature sensor of the plug",
          "check the sensor's wires", clears_after_s=2.0),
    Fault("lock-silent", "ConnectorLockFailure", _STOP,
          "the plug lock's feedback cannot be read", "feedback of the plug lock",
          "check its wires", clears_after_s=2.0),
    Fault("safety-silent", "InternalError", _STOP,
          "the safety inputs cannot be read", "input board",
          "check the input board", clears_after_s=2.0, of_station=True),
    Fault("supply-silent", "InternalError", _WARN,
          "the supply monitor cannot be read", "input board",
          "check the input board", clears_after_s=2.0, of_station=True),
    Fault("limit-exceeded", "OtherError", _WARN,
          "for 10 s the meter has shown clearly more power than the limit",
          "energy meter and power modules",
          "compare the meter with the modules; see: chargerctl power",
          clears_after_s=5.0),
    Fault("bridge-weld", "PowerSwitchFailure", _WARN,
          "the bridge between two DC buses was told to open and did not; of the two "
          "connectors at it one charges at a time", "bridge contactor",
          "switch the cabinet off; replace the bridge contactor",
          _CONTACTOR, recovers=_BY_HAND, of_station=True),
    Fault("bridge-open", "PowerSwitchFailure", _WARN,
          "the bridge between two DC buses was told to close and did not; the "
          "connector charges with its own modules",
          "bridge contactor and its coil supply",
          "check coil supply and mirror contacts; else replace the bridge contactor",
          _CONTACTOR, recovers=_UNPLUG),
    Fault("bridge-silent", "PowerSwitchFailure", _WARN,
          "the mirror contacts of the bridge cannot be read; of the two connectors "
          "at it one charges at a time", "mirror contacts and the input board",
          "check the input board", clears_after_s=2.0, of_station=True),
    Fault("reset", "ResetFailure", _WARN,
          "the board did not restart when the CSMS wanted it",
          "reboot command of the station file",
          "run the reboot command of the station file by hand and see what it says",
          recovers=Recovers.RESTART, of_station=True),
    Fault("control-late", "InternalError", _STOP,
          "a part of chargerd that moves or guards the hardware stood still",
          "driver that the journal names",
          "read the journal of that moment; update chargerd or the driver",
          recovers=_UNPLUG),
    Fault("storage", "InternalError", _WARN,
          "the disk takes no more records; running transactions go on, none can start",
          "disk", "free disk space or replace the disk", of_station=True),
    Fault("storage-short", "InternalError", _WARN,
          "what waits for the CSMS leaves no room; meter values are let go of, "
          "bills are not", "link to the CSMS",
          "bring the link back; else free disk space, or raise storage.max_mib",
          of_station=True),
)
# fmt: on

FAULTS: Final[Mapping[str, Fault]] = {fault.name: fault for fault in _TABLE}

KEPT: Final = frozenset(
    fault.name for fault in _TABLE if fault.recovers is Recovers.BY_HAND
)
"""What outlives a restart."""

_CAUSES: Final[Mapping[str, Cause]] = {
    "plug-removed": Cause.PLUG_REMOVED,
    "vehicle-emergency": Cause.VEHICLE_FAILED,
}
"""What cuts energy without being a fault of the station."""


def cause(name: str) -> Cause:
    """Return why a transaction ends that ``name`` interrupts."""
    fault = FAULTS.get(name)
    return fault.cause if fault else _CAUSES.get(name, Cause.FAULT)

"""In whose words a fault can be told: vocabularies that a CSMS may know."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Dialect(StrEnum):
    """Whose words a ``vendorErrorCode`` is made of."""

    CHARGERD = "chargerd"  # the names of ``core.faults`` themselves
    CHARGEX = "ChargeX"  # Minimum Required Error Codes, ChargeX Consortium (2023)
    EVGO = "EVgo"  # Minimum Required Error Codes, EVgo v1.0.1 (mrec.evgo.com)


VENDOR_IDS: Final[Mapping[Dialect, str]] = {
    Dialect.CHARGERD: "org.chargerd",
    Dialect.CHARGEX: "https://chargex.inl.gov",
    Dialect.EVGO: "com.evgo.mrec",
}
"""The ``vendorId`` that goes with each; at most 255 characters."""


@dataclass(frozen=True, slots=True)
class Words:
    """What one fault is called elsewhere; empty: nobody there has a word for it."""

    chargex: str = ""
    evgo: str = ""

    def of(self, dialect: Dialect) -> str:
        """Return the word of a dialect."""
        return {Dialect.CHARGEX: self.chargex, Dialect.EVGO: self.evgo}.get(dialect, "")


def told(name: str, words: Words, dialect: Dialect) -> tuple[str, str]:
    """Return ``vendorId`` and ``vendorErrorCode``; our own where there is no word."""
    word = words.of(dialect)
    if word:
        return VENDOR_IDS[dialect], word
    return VENDOR_IDS[Dialect.CHARGERD], name


# fmt: off
NAMES: Final[Mapping[Dialect, Mapping[str, str]]] = {
    Dialect.CHARGERD: {},
    Dialect.CHARGEX: {
        "CX001": "ConnectorLockFailure",  "CX002": "GroundFailure",
        "CX003": "HighTemperature",       "CX004": "OverCurrentFailure",
        "CX005": "OverVoltage",           "CX006": "UnderVoltage",
        "CX007": "WeakSignal",            "CX008": "EmergencyStop",
        "CX009": "AuthorizationTimeout",  "CX010": "InvalidVehicleMode",
        "CX011": "CableCheckFailure",     "CX012": "PreChargeFailure",
        "CX013": "NoInternet",            "CX014": "PilotFault",
        "CX015": "PowerLoss",             "CX016": "EVContactorFault",
        "CX017": "EVSEContactorFault",    "CX018": "CableOverTempDerate",
        "CX019": "CableOverTempStop",     "CX020": "PartialInsertion",
        "CX021": "CapacitanceFault",      "CX022": "ResistanceFault",
        "CX023": "ProximityFault",        "CX024": "ConnectorVoltageHigh",
        "CX025": "BrokenLatch",           "CX026": "CutCable",
    },
    Dialect.EVGO: {
        "A000": "Authorization Timeout",  "A001": "Partial Insertion",
        "A002": "Failed Vehicle Lock",    "A003": "Invalid Vehicle Mode",
        "A004": "Emergency Stop Pressed", "A005": "Failed Charger Lock",
        "F000": "Proximity Voltage: High","F001": "Proximity Voltage: Low",
        "F002": "Pilot Voltage: High",    "F003": "Pilot Voltage: Low",
        "F004": "Broken Latch",           "F005": "Failed Cable Check",
        "F006": "Chassis Resistance: Low","F007": "Chassis Capacitance: High",
        "F008": "Connector Voltage: High","F009": "Cable Over Temperature",
        "F010": "Cable Cut",
    },
}
"""The codes of each dialect, by their published names."""
# fmt: on

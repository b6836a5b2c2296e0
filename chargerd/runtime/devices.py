"""The open devices of the station, by connector and kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hal.interfaces import (
    Bridge,
    Contactor,
    IsolationMonitor,
    Light,
    Lock,
    Meter,
    PowerModule,
    SafetyInputs,
    SupplyMonitor,
    TemperatureSensor,
    TokenReader,
    Vehicle,
)


@dataclass(frozen=True, slots=True)
class ConnectorDevices:
    """What one connector is made of; ``None`` is not fitted."""

    power_module: PowerModule
    contactor: Contactor
    meter: Meter
    isolation: IsolationMonitor
    vehicle: Vehicle
    lock: Lock | None = None
    temperature: TemperatureSensor | None = None
    reader: TokenReader | None = None
    light: Light | None = None


@dataclass(frozen=True, slots=True)
class StationDevices:
    """What the station has once."""

    safety: SafetyInputs
    supply: SupplyMonitor | None = None
    reader: TokenReader | None = None
    bridge: Bridge | None = None


@dataclass(frozen=True, slots=True)
class Devices:
    """All of it, with the names of the drivers."""

    station: StationDevices
    connectors: Mapping[int, ConnectorDevices]
    drivers: Mapping[tuple[int, str], str]
    """(connector, kind) → name of the driver; connector 0 is the station."""
    simulation: Any = None
    """The hands of a simulated station (``hal.interfaces.Simulation``), or nothing."""

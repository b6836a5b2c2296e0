"""Messages that only the CSMS wanted to see, as they are when their turn comes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import Context
from chargerd.core.sampling import take
from chargerd.core.session import BILLED
from chargerd.core.station import Station
from chargerd.ocpp16 import requests
from chargerd.ocpp16.answer import Trigger
from chargerd.ocpp16.measurands import meter_value
from chargerd.ocpp16.upkeep import Upkeep
from chargerd.ocpp16.wire import Json

Numbers = Mapping[str, int | None]
"""Our key of a transaction → the CSMS's number, where it has given one."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What such a message can tell of."""

    station: Station
    upkeep: Upkeep
    numbers: Numbers
    now: Instant


def payload(trigger: Trigger, scene: Scene) -> Json | None:
    """Return what a message says now; ``None``: there is nothing to say."""
    return _WANTED[trigger.action](scene, trigger.connector)


def _values(scene: Scene, connector: int | None) -> Json | None:
    assert connector is not None
    station, now = scene.station, scene.now
    session = station.sessions[connector]
    key = session.key if session.phase in BILLED else None
    since = station.sampler.since(connector)
    sample = take(station, connector, Context.TRIGGER, now.utc, now, key, since)
    value = meter_value(sample, station.policy.sampled_measurands)
    if value is None:
        return None
    told = requests.meter_values(connector, value)
    number = scene.numbers.get(key) if key else None
    return told if number is None else {**told, "transactionId": number}


_WANTED: Final[Mapping[str, Callable[[Scene, int | None], Json | None]]] = {
    "DiagnosticsStatusNotification": lambda scene, _: scene.upkeep.uploads.status(
        "DiagnosticsStatusNotification"
    ),
    "FirmwareStatusNotification": lambda scene, _: scene.upkeep.updates.status(
        signed=False
    ),
    "SignedFirmwareStatusNotification": lambda scene, _: scene.upkeep.updates.status(
        signed=True
    ),
    "LogStatusNotification": lambda scene, _: scene.upkeep.uploads.status(
        "LogStatusNotification"
    ),
    "Heartbeat": lambda scene, _: {},
    "MeterValues": _values,
}

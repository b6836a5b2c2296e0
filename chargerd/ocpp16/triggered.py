"""Messages that only the CSMS wanted to see, as they are when their turn comes."""

from collections.abc import Callable, Mapping
from typing import Final

from chargerd.clock import Instant
from chargerd.core.effects import Context
from chargerd.core.sampling import take
from chargerd.core.session import BILLED
from chargerd.core.station import Station
from chargerd.ocpp16 import requests
from chargerd.ocpp16.answer import Trigger
from chargerd.ocpp16.measurands import meter_value
from chargerd.ocpp16.wire import Json

Numbers = Mapping[str, int | None]
"""Our key of a transaction → the CSMS's number, where it has given one."""


def payload(
    trigger: Trigger, station: Station, numbers: Numbers, now: Instant
) -> Json | None:
    """Return what a message says now; ``None``: there is nothing to say."""
    return _WANTED[trigger.action](station, trigger.connector, numbers, now)


def _values(
    station: Station, connector: int | None, numbers: Numbers, now: Instant
) -> Json | None:
    assert connector is not None
    session = station.sessions[connector]
    key = session.key if session.phase in BILLED else None
    since = station.sampler.since(connector)
    sample = take(station, connector, Context.TRIGGER, now.utc, now, key, since)
    value = meter_value(sample, station.policy.sampled_measurands)
    if value is None:
        return None
    told = requests.meter_values(connector, value)
    number = numbers.get(key) if key else None
    return told if number is None else {**told, "transactionId": number}


def _beat(*_: object) -> Json:
    return {}


def _idle(*_: object) -> Json:
    return {"status": "Idle"}


_WANTED: Final[Mapping[str, Callable[..., Json | None]]] = {
    "DiagnosticsStatusNotification": _idle,
    "FirmwareStatusNotification": _idle,
    "Heartbeat": _beat,
    "MeterValues": _values,
}

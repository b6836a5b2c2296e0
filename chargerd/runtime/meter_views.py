"""The documents of ``org.chargerd.Station`` about meters and their registers."""

from collections.abc import Mapping, Sequence
from typing import Any

from chargerd.clock import Instant
from chargerd.core.station import Station
from chargerd.runtime import views
from chargerd.runtime.views import Json
from hal.values import MeterReading


def meter(
    station: Station,
    connector: int,
    said: MeterReading | None,
    exchanges: Sequence[Mapping[str, Any]],
    now: Instant,
) -> Json | None:
    """Return one meter; ``None``: it has never been read.

    Args:
        station: What drivers are billed by.
        connector: Where the meter is.
        said: What the meter itself said last.
        exchanges: When another meter was taken, as the store tells it.
        now: The present moment.
    """
    register = station.registers.of(connector)
    if said is None or register is None:
        return None
    lost = "meter" in station.sessions[connector].facts.lost
    return views.known(
        connector=connector,
        energy_wh=register.public_wh,
        register_wh=said.energy_wh,
        offset_wh=register.offset_wh,
        serial=said.serial or register.serial,
        exchanges=[_exchange(row) for row in exchanges],
        energy_export_wh=register.public(said).energy_export_wh,
        power_w=said.power_w,
        voltage_v=said.voltage_v,
        current_a=said.current_a,
        quality="lost" if lost else said.quality.value,
        age_s=round(said.age_s(now.monotonic_s), 3),
    )


def _exchange(row: Mapping[str, Any]) -> Json:
    told = ("why", "old_serial", "new_serial", "old_wh", "new_wh", "offset_wh")
    return views.known(time=views.time_of(row["at"]), **{n: row[n] for n in told})

"""What can be measured at a DC connector, as a table of OCPP's measurands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chargerd.core.effects import Context, Sample
from chargerd.core.permissive import Facts
from chargerd.core.policy import ENERGY
from chargerd.ocpp16.wire import Json, timestamp
from hal.values import PowerReading

Value = Callable[[Sample], float | None]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row: a measurand at one location."""

    measurand: str
    unit: str
    location: str
    kind: str
    """The kind of device it comes from; empty for what the station knows itself."""
    digits: int
    value: Value


def _export_wh(sample: Sample) -> float | None:
    return sample.facts.meter.energy_export_wh if sample.facts.meter else None


def _of_meter(name: str, sign: int = 1) -> Value:
    def value(sample: Sample) -> float | None:
        meter = sample.facts.meter
        return None if meter is None else max(sign * float(getattr(meter, name)), 0.0)

    return value


def _interval_wh(sample: Sample) -> float | None:
    meter, since = sample.facts.meter, sample.since
    if meter is None or since is None:
        return None
    return max(meter.energy_wh - since.energy_wh, 0)


def _interval_export_wh(sample: Sample) -> float | None:
    now_wh, since = _export_wh(sample), sample.since
    if now_wh is None or since is None or since.energy_export_wh is None:
        return None
    return max(now_wh - since.energy_export_wh, 0.0)


def _estimate(of_modules: Callable[[PowerReading], float]) -> Value:
    """Make a value that the power modules tell while the meter of a bill is lost."""

    def value(sample: Sample) -> float | None:
        module = sample.facts.power_module
        if module is None or sample.key is None or sample.vouches("meter"):
            return None
        return max(of_modules(module), 0.0)

    return value


def _soc(sample: Sample) -> float | None:
    return sample.facts.vehicle.soc_percent if sample.facts.vehicle else None


def _plug_c(sample: Sample) -> float | None:
    plug = sample.facts.temperature
    return plug.temperature_c if plug else None


def _cabinet_c(sample: Sample) -> float | None:
    module = sample.facts.power_module
    return module.temperature_c if module else None


# fmt: off
QUANTITIES: Final[tuple[Quantity, ...]] = (
    # measurand                              unit       location  device          digits
    Quantity("Energy.Active.Import.Register", "Wh",      "Outlet", "meter",        0, _of_meter("energy_wh")),
    Quantity("Energy.Active.Export.Register", "Wh",      "Outlet", "meter",        0, _export_wh),
    Quantity("Energy.Active.Import.Interval", "Wh",      "Outlet", "meter",        0, _interval_wh),
    Quantity("Energy.Active.Export.Interval", "Wh",      "Outlet", "meter",        0, _interval_export_wh),
    Quantity("Power.Active.Import",           "W",       "Outlet", "meter",        1, _of_meter("power_w")),
    Quantity("Power.Active.Export",           "W",       "Outlet", "meter",        1, _of_meter("power_w", -1)),
    Quantity("Power.Offered",                 "W",       "Outlet", "",             1, lambda s: s.offered_w),
    Quantity("Current.Import",                "A",       "Outlet", "meter",        2, _of_meter("current_a")),
    Quantity("Current.Export",                "A",       "Outlet", "meter",        2, _of_meter("current_a", -1)),
    Quantity("Current.Offered",               "A",       "Outlet", "",             2, lambda s: s.offered_a),
    Quantity("Voltage",                       "V",       "Outlet", "meter",        1, _of_meter("voltage_v")),
    Quantity("Power.Active.Import",           "W",       "Body",   "power_module", 1, _estimate(lambda m: m.voltage_v * m.current_a)),
    Quantity("Current.Import",                "A",       "Body",   "power_module", 2, _estimate(lambda m: m.current_a)),
    Quantity("Voltage",                       "V",       "Body",   "power_module", 1, _estimate(lambda m: m.voltage_v)),
    Quantity("SoC",                           "Percent", "EV",     "vehicle",      0, _soc),
    Quantity("Temperature",                   "Celcius", "Cable",  "temperature",  1, _plug_c),
    Quantity("Temperature",                   "Celcius", "Body",   "power_module", 1, _cabinet_c),
)
# fmt: on
_ENDS: Final = (Context.BEGIN, Context.END)
MEASURANDS: Final = tuple(dict.fromkeys(q.measurand for q in QUANTITIES))
"""Their names, each once. "Celcius" is the spelling that every CSMS knows."""


def unmeasured(measurands: Iterable[str], connectors: Iterable[Facts]) -> str | None:
    """Return the first measurand that a connector cannot measure, if any.

    A meter that does not count exported energy says so in its readings.
    """
    facts = tuple(connectors)
    for measurand in measurands:
        rows = [q for q in QUANTITIES if q.measurand == measurand]
        if not all(any(_fitted(row, each) for row in rows) for each in facts):
            return measurand
    return None


def meter_value(sample: Sample, measurands: Iterable[str]) -> Json | None:
    """Return the MeterValue of a sample; ``None`` when nothing could be measured.

    What its device no longer vouches for is left out rather than sent stale. What the
    meter signed at the ends of a transaction goes along, whatever is wanted.
    """
    wanted = tuple(measurands)
    values = [
        sampled
        for quantity in QUANTITIES
        if quantity.measurand in wanted and sample.vouches(quantity.kind)
        if (sampled := _sampled(quantity, sample)) is not None
    ]
    values += _signed(sample)
    if not values:
        return None
    return {"timestamp": timestamp(sample.at), "sampledValue": values}


def signed_value(context: Context, signed: bytes, at: datetime) -> Json:
    """Return the MeterValue of what a meter has signed."""
    return {"timestamp": timestamp(at), "sampledValue": [_as_signed(context, signed)]}


def _sampled(quantity: Quantity, sample: Sample) -> Json | None:
    value = quantity.value(sample)
    if value is None:
        return None
    return {
        "value": f"{value:.{quantity.digits}f}",
        "context": str(sample.context),
        "measurand": quantity.measurand,
        "location": quantity.location,
        "unit": quantity.unit,
    }


def _signed(sample: Sample) -> list[Json]:
    meter = sample.facts.meter
    if sample.context not in _ENDS or meter is None or not sample.vouches("meter"):
        return []
    return [] if meter.signed is None else [_as_signed(sample.context, meter.signed)]


def _as_signed(context: Context, signed: bytes) -> Json:
    return {
        "value": signed.hex(),
        "context": str(context),
        "format": "SignedData",
        "measurand": ENERGY,
        "location": "Outlet",
    }


def _fitted(quantity: Quantity, facts: Facts) -> bool:
    if quantity.value in (_export_wh, _interval_export_wh):
        return facts.meter is not None and facts.meter.energy_export_wh is not None
    return not quantity.kind or quantity.kind in facts.fitted

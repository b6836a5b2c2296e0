from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chargerd.core.effects import Context, Sample
from chargerd.core.permissive import Facts, Loss
from chargerd.ocpp16.measurands import MEASURANDS, QUANTITIES, meter_value, unmeasured
from hal.values import (
    MeterReading,
    PowerReading,
    TemperatureReading,
    VehiclePhase,
    VehicleReading,
)
from tests.ocpp16.samples import schema

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
METER = MeterReading(
    at_s=0.0, energy_wh=121_000, power_w=-7_000.0, voltage_v=400.04, current_a=-17.5
)
FACTS = Facts(
    frozenset({"meter", "vehicle", "temperature", "power_module"}),
    meter=METER,
    vehicle=VehicleReading(at_s=0.0, phase=VehiclePhase.CHARGING, soc_percent=41.6),
    temperature=TemperatureReading(at_s=0.0, temperature_c=38.25),
    power_module=PowerReading(
        at_s=0.0, voltage_v=400.0, current_a=0.0, temperature_c=51.0
    ),
)
SAMPLE = Sample(1, AT, Context.PERIODIC, FACTS, 60_000.0, 150.0)


def values(sample: Sample, *wanted: str) -> list[tuple[str, str]]:
    told = meter_value(sample, wanted)
    assert told is not None
    return [(each["measurand"], each["value"]) for each in told["sampledValue"]]


@pytest.mark.requirement("METER-43")
def test_what_flows_back_is_export_and_no_import() -> None:
    wanted = ("Power.Active.Import", "Power.Active.Export", "Current.Export")
    assert values(SAMPLE, *wanted) == [
        ("Power.Active.Import", "0.0"),
        ("Power.Active.Export", "7000.0"),
        ("Current.Export", "17.50"),
    ]
    assert values(SAMPLE, "Current.Import") == [("Current.Import", "0.00")]


@pytest.mark.requirement("METER-28", "METER-45")
def test_every_place_that_has_a_temperature_tells_it() -> None:
    told = meter_value(SAMPLE, ["Temperature"])
    assert told is not None
    assert [(s["location"], s["value"], s["unit"]) for s in told["sampledValue"]] == [
        ("Cable", "38.2", "Celcius"),
        ("Body", "51.0", "Celcius"),
    ]
    assert told["timestamp"] == "2026-03-02T08:00:00.000Z"


@pytest.mark.requirement("METER-30")
def test_what_a_lost_device_said_last_is_left_out() -> None:
    lost = replace(FACTS, lost={"meter": Loss("no answer")})
    sample = replace(SAMPLE, facts=lost)
    assert values(sample, "Voltage", "SoC") == [("SoC", "42")]
    assert meter_value(sample, ["Voltage"]) is None
    assert meter_value(SAMPLE, []) is None


@pytest.mark.requirement("METER-30", "METER-49")
def test_what_a_lost_meter_signed_is_left_out_too() -> None:
    signing = replace(FACTS, meter=replace(METER, signed=b"OCMF"))
    end = replace(SAMPLE, facts=signing, context=Context.END)
    assert meter_value(end, []) is not None
    lost = replace(signing, lost={"meter": Loss("no answer")})
    assert meter_value(replace(end, facts=lost), []) is None
    assert meter_value(replace(end, context=Context.CLOCK), []) is None
    assert meter_value(replace(end, facts=Facts()), []) is None


def test_what_was_never_read_is_left_out() -> None:
    nothing = replace(SAMPLE, facts=Facts())
    assert values(nothing, *MEASURANDS) == [
        ("Power.Offered", "60000.0"),
        ("Current.Offered", "150.00"),
    ]


@pytest.mark.requirement("METER-05")
def test_a_measurand_must_be_measured_at_every_connector() -> None:
    without = replace(FACTS, fitted=frozenset({"meter", "vehicle"}))
    assert unmeasured(["Temperature"], [FACTS]) is None
    assert unmeasured(["SoC", "Temperature"], [FACTS, without]) == "Temperature"
    assert unmeasured(["Current.Offered", "Power.Offered"], [Facts()]) is None


def test_a_meter_says_itself_whether_it_counts_what_flows_back() -> None:
    register = "Energy.Active.Export.Register"
    assert unmeasured([register], [FACTS]) == register
    assert unmeasured([register], [Facts()]) == register
    counting = replace(FACTS, meter=replace(METER, energy_export_wh=17))
    assert unmeasured([register], [counting]) is None
    assert values(replace(SAMPLE, facts=counting), register) == [(register, "17")]


@pytest.mark.requirement("METER-48")
def test_the_energy_of_an_interval_is_what_came_since_it_began() -> None:
    both = ("Energy.Active.Import.Interval", "Energy.Active.Export.Interval")
    began = replace(METER, energy_wh=120_400, energy_export_wh=5)
    counting = replace(FACTS, meter=replace(METER, energy_export_wh=17))
    sample = replace(SAMPLE, facts=counting, since=began)
    assert values(sample, *both) == [(both[0], "600"), (both[1], "12")]
    assert values(replace(SAMPLE, since=began), *both) == [(both[0], "600")]
    went_back = replace(sample, since=replace(began, energy_wh=121_001))
    assert values(went_back, both[0]) == [(both[0], "0")]
    assert meter_value(replace(sample, since=None), both) is None
    blind = replace(sample, since=METER)
    assert values(blind, *both) == [(both[0], "0")]
    assert meter_value(replace(sample, facts=Facts()), both) is None


@pytest.mark.requirement("METER-44", "METER-45", "METER-46")
@pytest.mark.parametrize(
    ("action", "values"),
    [("MeterValues", "meterValue"), ("StopTransaction", "transactionData")],
)
def test_every_word_of_a_value_is_one_that_the_schemas_know(
    action: str, values: str
) -> None:
    value = schema(action)["properties"][values]["items"]["properties"]
    known = value["sampledValue"]["items"]["properties"]
    for quantity in QUANTITIES:
        assert quantity.measurand in known["measurand"]["enum"]
        assert quantity.unit in known["unit"]["enum"]
        assert quantity.location in known["location"]["enum"]
    assert set(Context) <= set(known["context"]["enum"])


def test_nothing_reactive_is_measured_at_a_dc_outlet() -> None:
    assert not [name for name in MEASURANDS if "Reactive" in name]
    assert len(MEASURANDS) == len({q.measurand for q in QUANTITIES})

"""Configuration keys, and what a vendor sends (Core)."""

from typing import Final

import pytest

from tests.conformance.order import Json
from tests.conformance.stage import Stage
from tests.conformance.states import REJECTED

CHANGEABLE: Final = frozenset(
    {
        "ClockAlignedDataInterval",
        "ConnectionTimeOut",
        "ConnectorPhaseRotation",
        "HeartbeatInterval",
        "LocalAuthListEnabled",
        "LocalAuthorizeOffline",
        "LocalPreAuthorize",
        "MeterValueSampleInterval",
        "MeterValuesAlignedData",
        "MeterValuesSampledData",
        "ResetRetries",
        "StopTransactionOnInvalidId",
        "StopTxnAlignedData",
        "StopTxnSampledData",
        "TransactionMessageAttempts",
        "TransactionMessageRetryInterval",
    }
)
FIXED: Final = frozenset(
    {
        "GetConfigurationMaxKeys",
        "LocalAuthListMaxLength",
        "NumberOfConnectors",
        "SendLocalListMaxLength",
        "SupportedFeatureProfiles",
    }
)
OF_SMART_CHARGING: Final = frozenset(
    {
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled",
    }
)
EITHER: Final = frozenset(
    {"AuthorizeRemoteTxRequests", "UnlockConnectorOnEVSideDisconnect"}
)


async def read(stage: Stage, *names: str) -> dict[str, Json]:
    """Ask for keys, all of which must be known."""
    answer = await stage.asks("GetConfiguration", **({"key": names} if names else {}))
    assert not answer.get("unknownKey")
    return {key["key"]: key for key in answer["configurationKey"]}


@pytest.mark.requirement("CFG-01", "CFG-02", "CFG-04", "CFG-06")
async def test_tc_019_retrieve_the_configuration(stage: Stage) -> None:
    keys = await read(stage, "SupportedFeatureProfiles")
    profiles = keys["SupportedFeatureProfiles"]["value"].split(",")
    assert "Core" in profiles

    keys = await read(stage)
    fixed = FIXED | (OF_SMART_CHARGING if "SmartCharging" in profiles else set())
    assert keys.keys() >= CHANGEABLE | fixed | EITHER
    assert [name for name in CHANGEABLE if keys[name]["readonly"]] == []
    assert [name for name in fixed if not keys[name]["readonly"]] == []

    most = int((await read(stage, "GetConfigurationMaxKeys")).popitem()[1]["value"])
    some = list(keys)[:most]
    assert (await read(stage, *some)).keys() == set(some)


@pytest.mark.requirement("CFG-09")
async def test_tc_021_change_the_configuration(stage: Stage) -> None:
    await stage.sets(MeterValueSampleInterval=77)
    keys = await read(stage, "MeterValueSampleInterval")
    assert keys["MeterValueSampleInterval"]["value"] == "77"


@pytest.mark.requirement("CFG-09")
async def test_tc_040_1_change_an_unknown_key(stage: Stage) -> None:
    answer = await stage.asks("ChangeConfiguration", key="Testing", value="true")
    assert answer == {"status": "NotSupported"}


@pytest.mark.requirement("CFG-10")
async def test_tc_040_2_change_a_key_to_nonsense(stage: Stage) -> None:
    change = {"key": "MeterValueSampleInterval", "value": "-1"}
    answer = await stage.asks("ChangeConfiguration", **change)
    assert answer in (REJECTED, {"code": "PropertyConstraintViolation"})


@pytest.mark.requirement("REM-61")
async def test_tc_062_data_of_an_unknown_vendor(stage: Stage) -> None:
    answer = await stage.asks("DataTransfer", vendorId="com.example", messageId="x")
    assert answer["status"] in ("Rejected", "UnknownMessageId", "UnknownVendorId")

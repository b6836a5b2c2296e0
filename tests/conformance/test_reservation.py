"""Connectors that are kept for a driver (Reservation)."""

from typing import Any, Final

import pytest

from tests.conformance.order import Json, Wanted, authorize, status
from tests.conformance.stage import (
    ANOTHER,
    FELLOW_CARD,
    FLEET,
    FLEET_CARD,
    SINGLE,
    Stage,
)
from tests.conformance.states import (
    ACCEPTED,
    REJECTED,
    until_begun,
    until_broken,
    until_charging,
    until_occupied,
    until_remotely_started,
    until_unavailable,
)

RESERVATION: Final = 12
AUTHORIZED: Final = (Wanted("Authorize"),)


async def reserves(
    stage: Stage, id_tag: str = SINGLE, connector: int = 1, **more: Any
) -> Json:
    payload = {
        "connectorId": connector,
        "expiryDate": stage.later(3600),
        "idTag": id_tag,
        "reservationId": RESERVATION,
        **more,
    }
    return await stage.asks("ReserveNow", **payload)


async def reserved(stage: Stage, id_tag: str = SINGLE, **more: Any) -> None:
    """Keep the connector for a card."""
    assert await reserves(stage, id_tag, **more) == ACCEPTED
    await stage.expects(status("Reserved"))


async def comes(stage: Stage, id_tag: str) -> None:
    """Hold the right card to the reader, plug in, and charge as was promised."""
    await stage.card(id_tag)
    await stage.expects(status("Preparing"), perhaps=(authorize(id_tag),))
    await stage.plug()
    await until_begun(stage, id_tag, reservationId=RESERVATION)


@pytest.mark.requirement("RSV-02", "RSV-06", "RSV-07", "RSV-10", "RSV-11")
async def test_tc_046_1_reserve_a_connector(stage: Stage) -> None:
    await until_unavailable(stage, 2)
    await reserved(stage)
    await stage.card(ANOTHER)
    await stage.expects_nothing(
        Wanted("StatusNotification"), Wanted("StartTransaction")
    )
    await comes(stage, SINGLE)


@pytest.mark.requirement("RSV-10", "RSV-12", "REM-07")
async def test_tc_046_2_reserve_a_connector_for_a_remote_start(stage: Stage) -> None:
    await until_unavailable(stage, 2)
    await reserved(stage)
    start = await until_charging(stage, reserved=True)
    assert start.payload["reservationId"] == RESERVATION


@pytest.mark.requirement("RSV-14")
async def test_tc_047_a_reservation_expires(stage: Stage) -> None:
    times = stage.times
    asked_s = stage.now_s
    await reserved(stage, expiryDate=stage.later(times.reservation_s))
    available = await stage.expects(
        status("Available"), within_s=times.reservation_s + times.patience_s
    )
    late_s = available.at_s - asked_s - times.reservation_s
    assert abs(late_s) <= times.tolerance_s
    start = await until_charging(stage, ANOTHER)
    assert "reservationId" not in start.payload


@pytest.mark.requirement("RSV-02")
async def test_tc_048_1_reserve_a_faulted_connector(stage: Stage) -> None:
    await until_broken(stage, 1)
    assert await reserves(stage) == {"status": "Faulted"}


@pytest.mark.requirement("RSV-02")
async def test_tc_048_2_reserve_an_occupied_connector(stage: Stage) -> None:
    await until_occupied(stage)
    assert await reserves(stage) == {"status": "Occupied"}


@pytest.mark.requirement("RSV-02")
async def test_tc_048_3_reserve_an_unavailable_connector(stage: Stage) -> None:
    await until_unavailable(stage, 1)
    assert await reserves(stage) == {"status": "Unavailable"}


@pytest.mark.requirement("RSV-20", "RSV-21", "RSV-22")
@pytest.mark.key("ReserveConnectorZeroSupported")
async def test_tc_049_reserve_any_connector(stage: Stage) -> None:
    await stage.sets(ReserveConnectorZeroSupported=True)
    await until_unavailable(stage, 2)
    assert await reserves(stage, connector=0) == ACCEPTED
    await stage.expects(status("Reserved"))
    start = await until_charging(stage, reserved=True)
    assert start.payload["reservationId"] == RESERVATION


@pytest.mark.requirement("RSV-23")
async def test_tc_050_1_reserve_a_faulted_station(stage: Stage) -> None:
    await until_broken(stage, 0)
    assert await reserves(stage, connector=0) == {"status": "Faulted"}


@pytest.mark.requirement("RSV-23")
async def test_tc_050_2_reserve_an_occupied_station(stage: Stage) -> None:
    await until_occupied(stage, 1)
    await until_occupied(stage, 2)
    assert await reserves(stage, connector=0) == {"status": "Occupied"}


@pytest.mark.requirement("RSV-23")
async def test_tc_050_3_reserve_an_unavailable_station(stage: Stage) -> None:
    await until_unavailable(stage, 0)
    assert await reserves(stage, connector=0) == {"status": "Unavailable"}


async def cancels(stage: Stage, number: int) -> Json:
    return await stage.asks("CancelReservation", reservationId=number)


@pytest.mark.requirement("RSV-15")
async def test_tc_051_cancel_a_reservation(stage: Stage) -> None:
    await reserved(stage)
    assert await cancels(stage, RESERVATION) == ACCEPTED
    await stage.expects(status("Available"))
    start = await until_charging(stage, ANOTHER)
    assert "reservationId" not in start.payload


@pytest.mark.requirement("RSV-15")
async def test_tc_052_cancel_an_unknown_reservation(stage: Stage) -> None:
    await reserved(stage)
    assert await cancels(stage, RESERVATION + 1) == REJECTED
    await stage.expects_nothing(Wanted("StatusNotification"))


@pytest.mark.requirement("RSV-08", "RSV-10", "RSV-25")
async def test_tc_053_1_use_the_reservation_of_a_group(stage: Stage) -> None:
    await until_unavailable(stage, 2)
    await reserved(stage, FLEET_CARD, parentIdTag=FLEET)
    await stage.card(FELLOW_CARD)
    await stage.expects(authorize(FELLOW_CARD))
    await stage.expects(status("Preparing"))
    await stage.plug()
    await until_begun(stage, FELLOW_CARD, reservationId=RESERVATION)


@pytest.mark.requirement("RSV-08", "RSV-10", "RSV-25", "REM-07")
async def test_tc_053_2_use_the_reservation_of_a_group_remotely(stage: Stage) -> None:
    await until_unavailable(stage, 2)
    await stage.sets(AuthorizeRemoteTxRequests=True)
    await reserved(stage, FLEET_CARD, parentIdTag=FLEET)
    await until_remotely_started(stage, FELLOW_CARD)
    await stage.expects(status("Preparing"))
    await stage.plug()
    await until_begun(stage, FELLOW_CARD, reservationId=RESERVATION)

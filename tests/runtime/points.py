"""A charge point of one connector, and what its CSMS answers."""

from typing import Any

from chargerd.chargepoint import ChargePoint
from chargerd.core.events import Standing, TagInfo
from chargerd.core.fitting import Fitting
from chargerd.ocpp16.attachment_values import Attachment, Filed
from chargerd.ocpp16.records import Snapshot
from chargerd.ocpp16.requests import Nameplate
from hal.values import MeterReading, PowerRating

CARD = "04A224B2"
FILED = Filed(Attachment("ws://csms.example/ocpp", "DC-1"))
ANSWERS: dict[str, dict[str, Any]] = {
    "BootNotification": {
        "currentTime": "2026-03-02T08:00:00Z",
        "interval": 300,
        "status": "Accepted",
    },
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 7, "idTagInfo": {"status": "Accepted"}},
}
METER = MeterReading(
    at_s=0.0, energy_wh=1000, power_w=0.0, voltage_v=0.0, current_a=0.0
)
RATING = PowerRating(150.0, 1000.0, 400.0, 150_000.0)


def charge_point(snapshot: Snapshot | None = None) -> ChargePoint:
    ids = iter(range(1000))
    known = Snapshot(
        tags=((CARD, TagInfo(Standing.ACCEPTED)),),
        accepted_by=frozenset({FILED.attachment.where}),
    )
    return ChargePoint(
        {1: Fitting(RATING, frozenset({"vehicle", "meter", "safety"}))},
        Nameplate("v", "m"),
        lambda: f"id-{next(ids)}",
        filed=FILED,
        snapshot=snapshot or known,
    )

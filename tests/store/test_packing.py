"""A message is short in the file, and comes back as it was, whoever packed it."""

import json
import zlib
from typing import Final

import pytest

from chargerd.ocpp16.wire import Json
from chargerd.store.packing import packed, unpacked

UNITS: Final = {
    "Energy.Active.Import.Register": "Wh",
    "Power.Active.Import": "W",
    "Current.Import": "A",
    "Voltage": "V",
}
FIELD: Final = (
    "78bb30d7a55543f39011210f59ea1a98eb1a9a8418185b19585a9918ea199912f090b1a1"
    "9e09097e223685811c0f0016f83c42"
)
MESSAGES: Final[tuple[Json, ...]] = (
    {},
    {"ü": [1.5, None, True, "Zug"], "": {}},
    {"value": "4f434d467c" * 200, "format": "SignedData"},
    {"meterStop": 136_600, "reason": "Local", "timestamp": "2031-12-31T23:59:59.999Z"},
)


def meter_values(*measurands: str) -> Json:
    sampled = [
        {
            "value": f"{number}31.4",
            "context": "Sample.Periodic",
            "measurand": name,
            "location": "Outlet",
            "unit": UNITS[name],
        }
        for number, name in enumerate(measurands)
    ]
    element = {"timestamp": "2029-07-14T03:09:41.250Z", "sampledValue": sampled}
    return {"connectorId": 2, "meterValue": [element]}


@pytest.mark.parametrize("message", [*MESSAGES, meter_values(*UNITS)], ids=str)
def test_a_message_comes_back_as_it_was(message: Json) -> None:
    assert unpacked(packed(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_a_message_that_was_packed_without_the_dictionary_is_read(
    message: Json,
) -> None:
    assert unpacked(zlib.compress(json.dumps(message).encode())) == message


def test_what_an_earlier_daemon_wrote_with_the_dictionary_is_read() -> None:
    # The bytes of a file in the field: a changed dictionary could not read them.
    blob = bytes.fromhex(FIELD)
    assert unpacked(blob) == meter_values("Voltage")


@pytest.mark.parametrize(
    ("message", "most_bytes"),
    [(meter_values("Energy.Active.Import.Register"), 60), (meter_values(*UNITS), 110)],
)
def test_a_meter_value_leaves_room_for_others_on_its_page(
    message: Json, most_bytes: int
) -> None:
    assert len(packed(message)) <= most_bytes
    assert len(zlib.compress(json.dumps(message).encode())) > 2 * most_bytes

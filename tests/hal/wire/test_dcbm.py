"""The JSON of the LEM DCBM: its samples, and what only looks like it."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import BadAnswer
from hal.wire import dcbm

LIVE = (
    b'{"voltage":4.2,"current":4,"power":3,"temperatureH":0,"temperatureL":0,'
    b'"energyImportTotal":1,"energyExportTotal":2,'
    b'"timestamp":"2023-09-10T21:10:08.068773"}'
)
STATUS = {
    "meterId": "12024072805",
    "publicKeyOcmf": "3059",
    "status": {"bits": {"transactionIsOnGoing": False}},
    "version": {"applicationFirmwareVersion": "0.1.7"},
}


def test_the_measurement_of_the_manual_is_read() -> None:
    assert dcbm.live(LIVE, "here") == dcbm.Live(4.2, 4.0, 3000.0, 1000.0, 2000.0)


def changed(**parts: Any) -> bytes:
    return json.dumps({**json.loads(LIVE), **parts}).encode()


NO_MEASUREMENT = [
    (b"", "is no JSON"),
    (LIVE[:-1], "is no JSON"),
    (LIVE + LIVE, "is no JSON"),
    (LIVE.replace(b"4.2", b"NaN"), "is no JSON"),
    (LIVE.replace(b"4.2", b"Infinity"), "is no JSON"),
    (b"[" * 100_000, "is no JSON"),
    (b"\xff\xfe", "is no JSON"),
    (b"[4.2]", "is no object"),
    (b"null", "is no object"),
    (b"{}", "voltage is None"),
    (changed(voltage="4.2"), "voltage is '4.2'"),
    (changed(current=True), "current is True"),
    (changed(power=None), "power is None"),
    (LIVE.replace(b"4.2", b"1e999"), "voltage is inf"),
    (LIVE.replace(b"4.2", b"1" + 400 * b"0"), "voltage is 1000000"),
    (changed(energyImportTotal=[1]), r"energyImportTotal is \[1\]"),
]


@pytest.mark.parametrize(("body", "reason"), NO_MEASUREMENT, ids=lambda v: str(v)[:20])
def test_what_is_no_measurement_is_a_bad_answer(body: bytes, reason: str) -> None:
    with pytest.raises(BadAnswer, match=f"here: .*{reason}"):
        dcbm.live(body, "here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(json.loads(LIVE))), inner, max_size=5)
    ),
    max_leaves=8,
)
READERS = (dcbm.live, dcbm.status, dcbm.runs, dcbm.present, dcbm.closed, dcbm.accepted)


@given(JSON, st.sampled_from(READERS))
@settings(max_examples=50, deadline=None)
def test_no_json_breaks_a_reader(told: Any, reader: Any) -> None:
    with suppress(BadAnswer):
        assert reader(json.dumps(told).encode(), "here") is not None


def test_the_firmware_decides_about_the_paths() -> None:
    told = dcbm.status(json.dumps(STATUS).encode(), "here")
    assert told == dcbm.Status("12024072805", False, "0.1.7")
    assert told.root == "/v1"
    assert [dcbm.root(v) for v in ("0.2.0", "1.10.3", "2.1.9", "0.1", "x", "")] == [
        *("/v2", "/v2"),
        *("/v1", "/v1", "/v1", "/v1"),
    ]


@pytest.mark.parametrize("part", ["meterId", "status", "version"])
def test_a_status_without_its_parts_is_a_bad_answer(part: str) -> None:
    for value in (None, 1, {"bits": 1}):
        body = json.dumps({**STATUS, part: value}).encode()
        with pytest.raises(BadAnswer, match=r"here: \w+ is .*, which it cannot be"):
            dcbm.status(body, "here")


def test_a_transaction_is_over_when_its_bit_is_gone() -> None:
    assert dcbm.closed(b'{"meterValue":{"transactionStatus":17}}', "here")
    assert not dcbm.closed(b'{"meterValue":{"transactionStatus":21}}', "here")
    assert dcbm.runs(b'{"running": true}', "here")
    assert not dcbm.runs(b'{"running": false}', "here")
    assert dcbm.accepted(b'{"meterId":"1","result":1}', "here")
    assert not dcbm.accepted(b'{"meterId":"1","result":0}', "here")
    assert dcbm.present(b'{"transactionId":"a b"}', "here") == "a b"


def test_what_is_asked_has_the_names_of_the_manual() -> None:
    assert json.loads(dcbm.beginning("name", "04A1B2C3", "2")) == {
        "evseId": "2",
        "transactionId": "name",
        "clientId": "04A1B2C3",
        "tariffId": 0,
        "cableId": 0,
        "userData": "",
    }
    assert json.loads(dcbm.END) == {"running": False}
    assert dcbm.path_of("ocmf", "a/b c&d") == "/ocmf?transactionId=a%2Fb%20c%26d"
    assert json.loads(dcbm.identification_type("EVCCID")) == {"ocmfId": {"IT": 6}}


def test_the_clock_is_told_in_utc() -> None:
    moment = datetime(2026, 11, 21, 16, 30, 5, tzinfo=timezone(timedelta(hours=1)))
    assert json.loads(dcbm.clock(moment)) == {"time": {"utc": "2026-11-21T15:30:05Z"}}
    assert json.loads(dcbm.clock(moment.astimezone(UTC))) == {
        "time": {"utc": "2026-11-21T15:30:05Z"}
    }


def test_a_record_is_passed_on_byte_by_byte_or_not_at_all() -> None:
    record = b'OCMF|{"FV":"1.0"}|{"SD":"3044"}\n'
    assert dcbm.record(record, "here") == record
    with pytest.raises(BadAnswer, match="'{\"error\"' is no signed record"):
        dcbm.record(b'{"error"', "here")


def test_the_reason_of_a_refusal_fits_into_a_line() -> None:
    assert dcbm.reason(b"") == "no reason given"
    assert dcbm.reason(b"line\nbreak\xff" + 100 * b"x").count("\n") == 0

"""The twin of the LEM DCBM: its rules, its record, its proof."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hal.simulation.http_server import Request, Response
from hal.simulation.lem_dcbm import LemDcbm
from hal.wire import dcbm
from hal.world.site import World

NAME = "00000000-0000-4000-8000-000000000001"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR_S = 3600.0


@dataclass
class Stand:
    """A meter whose time a test moves."""

    now_s: float = 1000.0
    version: str = "0.1.7"

    def __post_init__(self) -> None:
        self.world = World(lambda: self.now_s)
        self.world.outlet(1).register.energy_wh = 7_637.0
        self.twin = LemDcbm(self.world, 1, version=self.version)

    def ask(self, method: str, path: str, body: bytes = b"", **query: str) -> Response:
        return self.twin.answer(Request(method, path, query, body))

    def told(self, method: str, path: str, body: bytes = b"", **query: str) -> Any:
        response = self.ask(method, path, body, **query)
        assert response.status in (200, 201), response
        return json.loads(response.body)

    def set_clock(self) -> bool:
        answer = self.told("PUT", "/v1/settings", dcbm.clock(NOON))
        return dcbm.accepted(json.dumps(answer).encode(), "twin")

    def begin(self, name: str = NAME) -> Response:
        return self.ask("POST", "/v1/legal", dcbm.beginning(name, "04A1B2C3", "1"))

    def end(self, name: str = NAME) -> Any:
        return self.told("PUT", "/v1/legal", dcbm.END, transactionId=name)


@pytest.fixture
def stand() -> Stand:
    """A meter that takes settings, with its clock set."""
    ready = Stand()
    ready.now_s += 121.0
    assert ready.set_clock()
    return ready


def test_it_measures_what_its_outlet_does(stand: Stand) -> None:
    stand.world.catch_up(stand.world.outlet(1))
    stand.world.outlet(1).register.forced_w = 40_000.0
    told = stand.told("GET", "/v1/livemeasure")
    assert (told["voltage"], told["current"], told["power"]) == (400.0, 100.0, 40.0)
    assert told["energyImportTotal"] == pytest.approx(7.637)
    assert told["timestamp"].startswith("2026-11-21T12:00:00")


def test_newer_firmware_has_other_paths() -> None:
    newer = Stand(version="0.2.1")
    assert newer.told("GET", "/v1/status")["version"] == {
        "applicationFirmwareVersion": "0.2.1"
    }
    assert newer.ask("GET", "/v2/livemeasure").status == 200
    assert newer.ask("GET", "/v1/livemeasure").status == 404
    assert Stand().ask("GET", "/v2/livemeasure").status == 404


def test_it_takes_no_settings_in_its_first_two_minutes() -> None:
    young = Stand()
    assert not young.set_clock()
    young.now_s += 119.0
    assert not young.set_clock()
    young.now_s += 1.0
    assert young.set_clock()


def test_it_opens_no_transaction_unless_its_clock_was_set_in_48_hours() -> None:
    unset = Stand()
    assert unset.begin().status == 409
    unset.now_s += 120.0
    assert unset.set_clock()
    unset.now_s += 48 * HOUR_S + 1
    assert unset.begin().status == 409
    assert unset.set_clock()
    unset.now_s += 48 * HOUR_S
    assert unset.begin().status == 201


def test_it_closes_no_transaction_before_two_minutes(stand: Stand) -> None:
    assert json.loads(stand.begin().body)["running"] is True
    stand.now_s += 119.0
    assert stand.end()["meterValue"]["transactionStatus"] & 0b100
    assert stand.ask("GET", "/v1/ocmf", transactionId=NAME).status == 404
    stand.now_s += 1.0
    assert stand.end()["meterValue"]["transactionStatus"] == 17


def test_it_closes_a_transaction_itself_after_48_hours(stand: Stand) -> None:
    stand.begin()
    stand.now_s += 48 * HOUR_S - 1
    assert stand.told("GET", "/v1/legal")["transactionId"] == NAME
    stand.now_s += 1
    assert stand.ask("GET", "/v1/legal").status == 404
    assert stand.ask("GET", "/v1/ocmf", transactionId=NAME).status == 200


def test_it_takes_no_settings_in_a_transaction(stand: Stand) -> None:
    stand.begin()
    assert not stand.set_clock()
    stand.now_s += 120.0
    stand.end()
    assert stand.set_clock()


def test_it_keeps_one_transaction_at_a_time_and_no_name_twice(stand: Stand) -> None:
    assert stand.begin().status == 201
    assert stand.begin("another").status == 409
    stand.now_s += 120.0
    stand.end()
    assert stand.begin().status == 409
    assert stand.begin("another").status == 201


REFUSED = [
    ("POST", "/v1/legal", b"{"),
    ("POST", "/v1/legal", b"{}"),
    ("POST", "/v1/legal", b"[]"),
    ("POST", "/v1/legal", b'{"transactionId":"a","clientId":"b"}'),
    ("POST", "/v1/legal", dcbm.beginning(NAME, 38 * "A", "1")),
    ("PUT", "/v1/legal", dcbm.END),
    ("GET", "/v1/ocmf", b""),
    ("DELETE", "/v1/legal", b""),
    ("GET", "/", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
def test_what_it_cannot_do_it_refuses(
    stand: Stand, method: str, path: str, body: bytes
) -> None:
    assert stand.ask(method, path, body).status in (400, 404)


def test_only_false_can_be_put_into_running(stand: Stand) -> None:
    stand.begin()
    refusal = stand.ask("PUT", "/v1/legal", b'{"running": true}', transactionId=NAME)
    assert refusal.status == 400
    assert stand.ask("PUT", "/v1/legal", dcbm.END, transactionId="x").status == 404


def test_its_record_is_signed_by_the_key_that_it_shows(stand: Stand) -> None:
    stand.told("PUT", "/v1/settings", dcbm.identification_type("ISO14443"))
    stand.begin()
    stand.now_s += 3600.0
    stand.world.outlet(1).register.energy_wh = 47_637.0
    stand.end()
    record = stand.ask("GET", "/v1/ocmf", transactionId=NAME).body
    assert stand.ask("GET", "/v1/ocmf", transactionId=NAME).body == record

    form, text, proof = record.decode().split("|")
    content, signature = json.loads(text), json.loads(proof)
    assert form == "OCMF"
    assert (content["IT"], content["ID"], content["CI"]) == (
        "ISO14443",
        "04A1B2C3",
        "1",
    )
    begin, end = content["RD"]
    assert (begin["TX"], begin["RV"], end["TX"], end["RV"]) == ("B", 7.637, "E", 47.637)
    assert end["TM"] == "2026-11-21T13:00:00,000+0000 S"

    key = serialization.load_der_public_key(
        bytes.fromhex(stand.told("GET", "/v1/status")["publicKeyOcmf"])
    )
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert signature["SA"] == "ECDSA-secp256r1-SHA256"
    signed = bytes.fromhex(signature["SD"])
    key.verify(signed, text.encode(), ec.ECDSA(hashes.SHA256()))
    forged = text.replace("47.637", "48.637").encode()
    with pytest.raises(InvalidSignature):
        key.verify(signed, forged, ec.ECDSA(hashes.SHA256()))


def test_two_meters_have_two_keys() -> None:
    world = World(lambda: 0.0)
    keys = set()
    for connector in (1, 2, 1):
        twin = LemDcbm(world, connector)
        status = twin.answer(Request("GET", "/v1/status", {}, b""))
        keys.add(json.loads(status.body)["publicKeyOcmf"])
    assert len(keys) == 2


def test_a_meter_that_cannot_sign_opens_nothing_and_gives_nothing(stand: Stand) -> None:
    stand.begin()
    stand.now_s += 120.0
    stand.end()
    stand.world.faults.put("meter-unsigned", True, 1)
    assert stand.ask("GET", "/v1/ocmf", transactionId=NAME).status == 500
    assert stand.begin("another").status == 500

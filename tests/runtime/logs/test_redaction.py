"""Secrets of every kind are planted; none of them comes out."""

import json
import time
from typing import Any

import pytest

from chargerd.runtime.logs.redaction import Redactor

KEY = "0123456789abcdef0123456789abcdef01234567"
PASSWORD = "open sesame/42"
TAG = "04A224B2C3"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\nIBkg==\n-----END EC PRIVATE KEY-----"
REDACTOR = Redactor([PASSWORD, "abc"], [TAG, "ID1"])


@pytest.mark.requirement("DIAG-06")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"key {KEY} set", "key *** set"),
        (f"said {PASSWORD}!", "said ***!"),
        ("open%20sesame%2F42", "***"),
        (PASSWORD.encode().hex().upper(), "***"),
        ("ftp://bob:s3cret@h/in", "ftp://***@h/in"),
        ("sftp://bob:a@b@h/in and h", "sftp://***@h/in and h"),
        ("https://h/in?sig=s3cret&x=1 failed", "https://h/in?*** failed"),
        ("Authorization: Basic Q1AxOnMzY3JldA==", "Authorization: Basic ***"),
        ("password=s3cret, then", "password=***, then"),
        ('"apiKey": "s3cret"', '"apiKey": ***'),
        ("secret = 'open sesame' is it", "secret = *** is it"),
        (f"before\n{PEM}\nafter", "before\n***\nafter"),
        (PEM[:40] + " cut off", "***"),
        (f"card {TAG} was read", "card 04…C3 was read"),
        (f"card {TAG.lower()}", "card 04…c3"),
    ],
)
def test_a_secret_in_a_text_is_hidden(text: str, told: str) -> None:
    assert REDACTOR.text(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "contactor K22 opened 3 times, 3f2c9e15b1d4a52, id1",
        "a3f2c9e1-5b1d-4a52-9d3c-0c6f8f1b2a77",
        "wss://csms.example:443/ocpp/CP1",
        "AuthorizationKey, by csms",
        "basic checks passed",
        f"sha256 {'ab' * 32}",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@pytest.mark.requirement("DIAG-06")
@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"password": "s3cret"}, {"password": "***"}),
        ({"sim_pin": "1234", "pin": 17}, {"sim_pin": "***", "pin": 17}),
        ({"authorizationKey": "x"}, {"authorizationKey": "***"}),
        (
            {"name": "AuthorizationKey", "value": "s3cret", "default": "d"},
            {"name": "AuthorizationKey", "value": "***", "default": "***"},
        ),
        (
            {"name": "FreeVendIdTag", "value": "FREE12"},
            {"name": "FreeVendIdTag", "value": "FR…12"},
        ),
        ({"idTag": "NEVER1"}, {"idTag": "NE…R1"}),
        ({"a": [{"parent_id_tag": "NEVER1"}]}, {"a": [{"parent_id_tag": "NE…R1"}]}),
        ({"x": ("http://u:p@h/",)}, {"x": ["http://***@h/"]}),
        ({"private_key_file": "/etc/k.pem"}, {"private_key_file": "/etc/k.pem"}),
        ({"key": "a3f2", "n": 1, "no": None}, {"key": "a3f2", "n": 1, "no": None}),
        ({"value": f"OCMF|{TAG}|"}, {"value": "OCMF|04…C3|"}),
        (
            {"format": "SignedData", "value": TAG.encode().hex(), "context": "Other"},
            {"format": "SignedData", "value": "***", "context": "Other"},
        ),
        ({1: 2.5, "on": True}, {"1": 2.5, "on": True}),
    ],
)
def test_a_secret_in_a_document_is_hidden_by_its_name(document: Any, told: Any) -> None:
    assert REDACTOR.value(document) == told
    assert json.dumps(REDACTOR.value(REDACTOR.value(document))) == json.dumps(told)


@pytest.mark.requirement("DIAG-06")
def test_a_private_key_over_many_lines_is_hidden_to_its_end() -> None:
    lines = ["first\n", *PEM.splitlines(keepends=True), " second\n", "third\n"]
    told = "".join(REDACTOR.lines(lines))
    assert (
        told == "first\n***\n second\nthird\n" or told == "first\n*** second\nthird\n"
    )
    assert "MHcC" not in told
    assert "IBkg" not in told
    two = f"a{PEM}b{PEM}c".splitlines()
    joined = "".join(Redactor().lines(two))
    assert "MHcC" not in joined
    assert joined.startswith("a***")
    assert joined.endswith("c")


@pytest.mark.parametrize(
    "piece",
    ["a", "x://", "a b://", "y@", "password", "basic ", "-----BEGIN ", "0", "psk='"],
)
def test_a_hostile_text_takes_no_longer_than_any_other(piece: str) -> None:
    began_s = time.process_time()
    REDACTOR.text(piece * (200_000 // len(piece)))
    assert time.process_time() - began_s < 5.0

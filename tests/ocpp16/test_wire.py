import math
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.v16 import call, call_result, datatypes, enums

from chargerd.ocpp16 import errors
from chargerd.ocpp16.errors import (
    CallFailed,
    FormationViolation,
    NotImplementedHere,
    OccurenceConstraintViolation,
    PropertyConstraintViolation,
    ProtocolError,
    TypeConstraintViolation,
)
from chargerd.ocpp16.wire import (
    ACTIONS_FROM_CSMS,
    ACTIONS_FROM_STATION,
    check,
    decode_answer,
    decode_request,
    encode,
    moment,
    timestamp,
)
from tests.ocpp16.malformed import misunderstood
from tests.ocpp16.samples import Json, payloads, sample, schema

ACTIONS = sorted(ACTIONS_FROM_CSMS | ACTIONS_FROM_STATION)
MESSAGES = [(action, answer) for action in ACTIONS for answer in (False, True)]
LONGEST_TEXT = 255

messages = pytest.mark.parametrize(("action", "answer"), MESSAGES)


def named(action: str, answer: bool) -> str:
    return f"{action}Response" if answer else action


def decode(action: str, payload: Any, answer: bool) -> Any:
    return (decode_answer if answer else decode_request)(action, payload)


def there_and_back(action: str, payload: Json, answer: bool) -> Json:
    return encode(decode(action, payload, answer))


def made(action: str, answer: bool) -> Json:
    """Return what the package sets where the CSMS gave nothing."""
    is_list = action == "SendLocalList" and not answer
    return {"localAuthorizationList": []} if is_list else {}


def fault(action: str, payload: Any, answer: bool = False) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        decode(action, payload, answer)
    return caught.value


def scheduled(**changes: Any) -> Json:
    """Return a SetChargingProfile with changes in its schedule."""
    payload = sample("SetChargingProfile")
    payload["csChargingProfiles"]["chargingSchedule"].update(changes)
    return payload


@pytest.mark.requirement("RPC-15")
def test_every_error_code_is_spelled_as_in_ocpp_j() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.code for kind in kinds if issubclass(kind, CallFailed)}
    assert codes == {
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormationViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
    }


def test_every_action_has_a_direction_and_only_data_transfer_has_both() -> None:
    assert {str(action) for action in enums.Action} == set(ACTIONS)
    assert {"DataTransfer"} == ACTIONS_FROM_CSMS & ACTIONS_FROM_STATION


@messages
def test_a_message_has_the_fields_of_its_schema(action: str, answer: bool) -> None:
    message = getattr(call_result if answer else call, action)
    full = message(**{field.name: "x" for field in fields(message)})
    assert encode(full).keys() == schema(named(action, answer))["properties"].keys()


@pytest.mark.parametrize(
    ("part", "message", "path"),
    [
        (datatypes.IdTagInfo, "AuthorizeResponse", "idTagInfo"),
        (datatypes.AuthorizationData, "SendLocalList", "localAuthorizationList"),
        (datatypes.ChargingProfile, "SetChargingProfile", "csChargingProfiles"),
        (datatypes.KeyValue, "GetConfigurationResponse", "configurationKey"),
        (datatypes.MeterValue, "MeterValues", "meterValue"),
        (datatypes.SampledValue, "MeterValues", "meterValue.sampledValue"),
        (datatypes.CertificateHashData, "DeleteCertificate", "certificateHashData"),
        (datatypes.Firmware, "SignedUpdateFirmware", "firmware"),
        (datatypes.LogParameters, "GetLog", "log"),
        (
            datatypes.ChargingSchedule,
            "GetCompositeScheduleResponse",
            "chargingSchedule",
        ),
        (
            datatypes.ChargingSchedulePeriod,
            "GetCompositeScheduleResponse",
            "chargingSchedule.chargingSchedulePeriod",
        ),
    ],
)
def test_a_part_of_a_message_has_the_fields_of_its_schema(
    part: Any, message: str, path: str
) -> None:
    node = schema(message)
    for key in path.split("."):
        node = node["properties"][key]
        node = node.get("items", node)
    full = part(**{field.name: "x" for field in fields(part)})
    assert encode(full).keys() == node["properties"].keys()


@messages
@pytest.mark.requirement("RPC-13")
def test_a_message_survives_the_way_there_and_back(action: str, answer: bool) -> None:
    for full in (True, False):
        payload = sample(named(action, answer), full=full)
        again = there_and_back(action, payload, answer)
        assert again == made(action, answer) | payload
        check(action, again, answer=answer)


@given(st.sampled_from(MESSAGES), st.data())
def test_whatever_the_schema_allows_survives(
    message: tuple[str, bool], data: st.DataObject
) -> None:
    payload = data.draw(payloads(named(*message)))
    again = there_and_back(message[0], payload, message[1])
    assert again == made(*message) | payload


def words(node: Json, payload: Any) -> Iterator[Any]:
    """Yield a payload once with every word of every enumeration in it."""
    if "enum" in node:
        yield from node["enum"]
    elif node["type"] == "array":
        yield from ([item] for item in words(node["items"], payload[0]))
    elif node["type"] == "object":
        for key, part in node["properties"].items():
            for value in words(part, payload[key]):
                yield {**payload, key: value}


@messages
def test_every_word_of_every_enumeration_is_known(action: str, answer: bool) -> None:
    name = named(action, answer)
    for payload in words(schema(name), sample(name)):
        assert there_and_back(action, payload, answer) == payload


def test_what_the_package_types_becomes_its_types() -> None:
    request = decode_request("SetChargingProfile", sample("SetChargingProfile"))
    profile = request.cs_charging_profiles
    assert isinstance(profile, datatypes.ChargingProfile)
    kind = profile.charging_profile_kind
    assert kind is enums.ChargingProfileKindType.absolute
    (period,) = profile.charging_schedule.charging_schedule_period
    assert period == datatypes.ChargingSchedulePeriod(7, 12.3, 7)
    assert type(period.start_period) is int


def test_what_the_package_leaves_open_stays_json() -> None:
    request = decode_request("SendLocalList", sample("SendLocalList"))
    assert request.local_authorization_list == [
        {
            "idTag": "text",
            "idTagInfo": {
                "expiryDate": "2026-03-02T08:00:00.000Z",
                "parentIdTag": "text",
                "status": "Accepted",
            },
        }
    ]


@pytest.mark.requirement("RPC-34")
def test_none_is_left_out_at_every_depth() -> None:
    schedule = datatypes.ChargingSchedule(
        charging_rate_unit=enums.ChargingRateUnitType.watts,
        charging_schedule_period=[datatypes.ChargingSchedulePeriod(0, 5, None)],
    )
    answer = call_result.GetCompositeSchedule(
        enums.GetCompositeScheduleStatus.accepted, charging_schedule=schedule
    )
    assert encode(answer) == {
        "status": "Accepted",
        "chargingSchedule": {
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5}],
        },
    }
    plain = {"duration": None, "x": [None, {"startPeriod": 0, "limit": None}]}
    answer = call_result.GetCompositeSchedule("Rejected", charging_schedule=plain)
    assert encode(answer)["chargingSchedule"] == {"x": [{"startPeriod": 0}]}


def test_an_enum_leaves_as_a_plain_string() -> None:
    status = encode(call_result.Reset(enums.ResetStatus.accepted))["status"]
    assert type(status) is str


@pytest.mark.requirement("RPC-32")
def test_a_sampled_value_is_a_string_and_an_integer_stays_one() -> None:
    value = datatypes.SampledValue(value=12.5)
    sampled = datatypes.MeterValue("2026-03-02T08:00:00Z", [value])
    payload = encode(call.MeterValues(connector_id=1, meter_value=[sampled]))
    assert payload["meterValue"][0]["sampledValue"] == [{"value": "12.5"}]
    assert type(payload["connectorId"]) is int
    check("MeterValues", payload, answer=False)


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        (10.19, 10.1),
        (10.1, 10.1),
        (0.05, 0.0),
        (5.0, 5.0),
        (7, 7),
        (1e6 + 0.99, 1e6 + 0.9),
    ],
)
@pytest.mark.requirement("RPC-31")
def test_a_limit_leaves_with_one_decimal_and_never_higher(
    limit: float, sent: float
) -> None:
    period = datatypes.ChargingSchedulePeriod(0, limit)
    unit = enums.ChargingRateUnitType.amps
    schedule = datatypes.ChargingSchedule(unit, [period], min_charging_rate=limit)
    told = encode(schedule)
    assert told["minChargingRate"] == sent
    assert told["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": sent}]
    assert type(told["minChargingRate"]) is type(limit)


@given(st.floats(0, 1e7))
@pytest.mark.requirement("RPC-31")
def test_any_limit_leaves_as_the_schema_wants_it(limit: float) -> None:
    period = encode(datatypes.ChargingSchedulePeriod(0, limit))
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    answer = {"status": "Accepted", "chargingSchedule": schedule}
    check("GetCompositeSchedule", answer, answer=True)
    assert limit - 0.1 < period["limit"] <= math.nextafter(limit, math.inf)


@pytest.mark.requirement("RPC-31")
def test_a_limit_that_comes_with_two_decimals_is_refused() -> None:
    periods = [{"startPeriod": 0, "limit": 10.25}]
    error = fault("SetChargingProfile", scheduled(chargingSchedulePeriod=periods))
    assert isinstance(error, PropertyConstraintViolation)
    assert str(error).endswith("[0].limit: 10.25 has more than one decimal")


@pytest.mark.parametrize(
    ("text", "hour", "microsecond"),
    [
        ("2026-03-02T08:00:00Z", 8, 0),
        ("2026-03-02t08:00:00z", 8, 0),
        ("2026-03-02T08:00:00", 8, 0),
        ("2026-03-02T08:00:00.5", 8, 500_000),
        ("2026-03-02T08:00:00.123Z", 8, 123_000),
        ("2026-03-02T08:00:00.1234567Z", 8, 123_456),
        ("2026-03-02T08:00:00." + "1" * 50 + "+00:00", 8, 111_111),
        ("2026-03-02T10:00:00+02:00", 8, 0),
        ("2026-03-02T10:00:00+0200", 8, 0),
        ("2026-03-02T10:00:00+02", 8, 0),
        ("2026-03-02T02:30:00.000-05:30", 8, 0),
        ("2026-03-02T08:00:00-00:00", 8, 0),
    ],
)
@pytest.mark.requirement("RPC-28")
def test_a_time_is_read_in_every_usual_spelling(
    text: str, hour: int, microsecond: int
) -> None:
    at = moment(text)
    assert at == datetime(2026, 3, 2, hour, 0, 0, microsecond, UTC)
    assert at.tzinfo is UTC
    reserve = sample("ReserveNow") | {"expiryDate": text}
    assert decode_request("ReserveNow", reserve).expiry_date == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-03-02",
        "2026-03-02T08:00Z",
        "2026-03-02T08:00:00,5Z",
        "2026-02-29T08:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-03-02T08:00:00Z" + "0" * 1000,
    ],
)
def test_what_is_no_time_is_a_value_error_that_shows_its_beginning(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a time|outside|out of range"
    ) as caught:
        moment(text)
    assert len(str(caught.value)) < 120


@given(
    st.datetimes(
        min_value=datetime.fromisoformat("0002-01-01"),
        max_value=datetime.fromisoformat("9998-01-01"),
    )
)
def test_a_time_survives_to_the_millisecond(local: datetime) -> None:
    at = local.replace(tzinfo=timezone(timedelta(hours=5, minutes=45)))
    text = timestamp(at)
    assert text.endswith("Z")
    assert timedelta(0) <= at - moment(text) < timedelta(milliseconds=1)


def test_a_time_of_ours_is_sent_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=1)))
    sent = encode(call_result.Heartbeat(current_time=at))
    assert sent == {"currentTime": "2026-03-02T08:00:00.000Z"}


def unknown(payload: Json) -> None:
    payload["colour"] = "red"


def missing(payload: Json) -> None:
    del payload["connectorId"]


def too_few(payload: Json) -> None:
    payload["meterValue"][0]["sampledValue"] = []


def wrong_type(payload: Json) -> None:
    payload["transactionId"] = "7"


def wrong_value(payload: Json) -> None:
    payload["meterValue"][1]["sampledValue"][0]["unit"] = "kV"


Spoil = Callable[[Json], None]

RANKING: list[tuple[Spoil, type[CallFailed]]] = [
    (unknown, FormationViolation),
    (missing, ProtocolError),
    (too_few, OccurenceConstraintViolation),
    (wrong_type, TypeConstraintViolation),
    (wrong_value, PropertyConstraintViolation),
]


@pytest.mark.parametrize(("first", "second"), list(combinations(RANKING, 2)))
@pytest.mark.requirement("RPC-18")
def test_of_two_faults_the_graver_one_is_answered(
    first: tuple[Spoil, type[CallFailed]], second: tuple[Spoil, type[CallFailed]]
) -> None:
    payload = sample("MeterValues")
    payload["meterValue"] = [sample("MeterValues")["meterValue"][0] for _ in range(2)]
    second[0](payload)
    assert type(fault("MeterValues", payload)) is second[1]
    first[0](payload)
    assert type(fault("MeterValues", payload)) is first[1]


CODES = {
    " unknown": FormationViolation,
    " missing": ProtocolError,
    " too few": OccurenceConstraintViolation,
    " is no ": TypeConstraintViolation,
    " is out of range": PropertyConstraintViolation,
    " is not listed": PropertyConstraintViolation,
    " too long": PropertyConstraintViolation,
    " breaks ": PropertyConstraintViolation,
}


@messages
@pytest.mark.requirement("RPC-18", "RPC-32")
def test_every_single_fault_has_its_code_and_a_short_text(
    action: str, answer: bool
) -> None:
    for name, payload in misunderstood(named(action, answer)):
        (code,) = {code for mark, code in CODES.items() if mark in name}
        error = fault(action, payload, answer)
        assert error.code == code.code, name
        assert str(error).isascii()
        assert str(error).isprintable()
        if code is not PropertyConstraintViolation or " breaks " in name:
            assert len(str(error)) < LONGEST_TEXT, name


INTEGER = "is not an integer"
SCHEDULE = "csChargingProfiles.chargingSchedule"


@pytest.mark.parametrize(
    ("action", "payload", "text"),
    [
        ("UnlockConnector", {}, "connectorId: missing"),
        ("UnlockConnector", {"connectorId": None}, f"connectorId: null {INTEGER}"),
        ("UnlockConnector", {"connectorId": 5.0}, f"connectorId: 5.0 {INTEGER}"),
        ("UnlockConnector", {"connectorId": True}, f"connectorId: a boolean {INTEGER}"),
        (
            "UnlockConnector",
            {"connectorId": 2**63},
            "connectorId: the number needs more than 64 bits",
        ),
        ("Reset", {"type": "hard"}, "type: 'hard' is none of Hard, Soft"),
        ("Reset", {"type": "Hard", "colour": 1}, "colour: unknown field"),
        (
            "Reset",
            {"type": "Hard", "fär\n" + "x" * 50: 1},
            f"f\\xe4r\\n{'x' * 36}\\u2026: unknown field",
        ),
        ("GetConfiguration", {"key": ["a", 7]}, "key[1]: a number is not a string"),
        (
            "GetDiagnostics",
            {"location": "x"},
            "location: not a URI; write it like https://host/path",
        ),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": []},
            "meterValue: 0 entries; at least 1 needed",
        ),
        ("CancelReservation", [], "the payload is not an object"),
        (
            "SetChargingProfile",
            scheduled(chargingRateUnit="kW"),
            f"{SCHEDULE}.chargingRateUnit: 'kW' is none of A, W",
        ),
        (
            "SetChargingProfile",
            scheduled(colour=1),
            f"{SCHEDULE}.colour: unknown field",
        ),
        (
            "SetChargingProfile",
            scheduled(startSchedule="now"),
            f"{SCHEDULE}.startSchedule: 'now' is not a time;"
            " write it like 2026-03-02T08:00:00Z",
        ),
    ],
)
def test_the_text_names_the_place_and_the_fault(
    action: str, payload: Any, text: str
) -> None:
    assert str(fault(action, payload)) == text


NO_UNIT = scheduled(chargingRateUnit="X")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("SetChargingProfile", NO_UNIT),
        (
            "RemoteStartTransaction",
            {"idTag": "x", "chargingProfile": NO_UNIT["csChargingProfiles"]},
        ),
        (
            "GetCompositeSchedule",
            {"connectorId": 1, "duration": 60, "chargingRateUnit": "X"},
        ),
    ],
)
@pytest.mark.requirement("RPC-19")
def test_an_unknown_charging_rate_unit_is_a_property_constraint_violation(
    action: str, payload: Json
) -> None:
    assert fault(action, payload).code == "PropertyConstraintViolation"


SECRET = "hunter2-"


def revealing(node: Json, payload: Any) -> Iterator[Any]:
    """Yield a payload with a secret in every free text, each time wrongly."""
    if node["type"] == "array":
        yield from ([item] for item in revealing(node["items"], payload[0]))
    elif node["type"] == "object":
        for key, part in node["properties"].items():
            for value in revealing(part, payload[key]):
                yield {**payload, key: value}
    elif "maxLength" in node or node.get("format") == "uri":
        yield SECRET * 2000
        yield [SECRET]
        yield {SECRET: SECRET}


@pytest.mark.parametrize("action", sorted(ACTIONS_FROM_CSMS))
@pytest.mark.requirement("RPC-33")
def test_no_text_repeats_what_may_be_secret(action: str) -> None:
    for payload in revealing(schema(action), sample(action)):
        error = fault(action, payload)
        assert SECRET not in str(error)
        assert error.__suppress_context__


RULES = {"type", "enum", "required", "minItems", "maxLength", "format", "multipleOf"}
RULES |= {"additionalProperties"}
SILENT = {"$schema", "$id", "id", "title", "description", "definitions", "javaType"}
SILENT |= {"properties", "items", "additionalItems"}


def nodes(node: Json) -> Iterator[Json]:
    yield node
    for part in (*node.get("properties", {}).values(), node.get("items")):
        if part is not None:
            yield from nodes(part)


@messages
def test_the_schemas_have_no_rules_but_those_that_have_a_text(
    action: str, answer: bool
) -> None:
    for node in nodes(schema(named(action, answer))):
        assert node.keys() <= RULES | SILENT
        assert node.get("format") in (None, "date-time", "uri")


@pytest.mark.parametrize("limit", [math.inf, -math.inf, math.nan, 10**400])
@pytest.mark.requirement("RPC-27")
def test_a_number_beyond_all_reckoning_is_refused(limit: float) -> None:
    periods = [{"startPeriod": 0, "limit": limit}]
    error = fault("SetChargingProfile", scheduled(chargingSchedulePeriod=periods))
    assert str(error) == "a number is out of range"
    assert error.code == "PropertyConstraintViolation"


@pytest.mark.requirement("RPC-10")
def test_null_is_taken_for_an_empty_payload_but_never_sent() -> None:
    assert decode_request("ClearCache", None) == call.ClearCache()
    assert decode_answer("StatusNotification", None) == call_result.StatusNotification()
    with pytest.raises(FormationViolation):
        check("ClearCache", None, answer=False)


@pytest.mark.parametrize(
    "action", ["Nonsense", "reset", "", "../Reset", "ResetResponse"]
)
@pytest.mark.requirement("RPC-12")
def test_an_action_that_ocpp_does_not_know_is_not_implemented(action: str) -> None:
    error = fault(action, {})
    assert isinstance(error, NotImplementedHere)
    assert str(error) == f"{action!r} is no action of OCPP 1.6"


@pytest.mark.requirement("RPC-25")
def test_an_answer_that_breaks_its_schema_is_refused_too() -> None:
    payload = sample("BootNotificationResponse") | {"currentTime": "soon"}
    error = fault("BootNotification", payload, answer=True)
    assert str(error).startswith("currentTime: 'soon' is not a time")
    with pytest.raises(ProtocolError, match=r"^status: missing$"):
        check("Reset", {}, answer=True)

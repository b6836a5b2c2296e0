"""A canned station behind a real control socket, and chargerctl run against it.

The happy path is a two-connector cabinet in trouble enough to show everything:
a profile limits ccs1, a contactor of ccs2 is welded, the link is down, and the
CSMS has refused a message until it went to quarantine.
"""

import asyncio
import base64
import copy
import os
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chargerd import control
from chargerd.runtime import varlink
from chargerd.runtime.control_server import ControlFailed, ControlServer, Interface
from chargerd.runtime.control_socket import Peer

Values = Mapping[str, Any]

FIRST = "a3f2c9e1-5b1d-4a52-9d3c-0c6f8f1b2a77"
SECOND = "a3f27700-1111-4222-8333-944455556666"
NOW = "2026-03-02T14:21:24Z"

FAULT: dict[str, Any] = {
    "id": 17,
    "name": "contactor-weld",
    "connector": 2,
    "count": 3,
    "error_code": "PowerSwitchFailure",
    "vendor_id": "https://chargex.inl.gov",
    "vendor_code": "CX017",
    "consequence": "stop",
    "since": "2026-03-01T12:11:24Z",
    "value": "closed 212 ms after the command to open",
    "means": "a contactor was told to open and did not",
    "remedy": "switch the cabinet off; replace the contactor",
    "part": "main contactors",
    "recovers": "by hand",
    "clears_after_s": 0.0,
}
FAILURES: list[dict[str, Any]] = [
    {
        "connector": 2,
        "cause": "PRECHARGE_TIMEOUT",
        "count": 4,
        "last": "2026-03-01T09:58:00Z",
    },
    {"connector": 1, "cause": "FAULT", "count": 1, "last": "2026-02-20T17:03:10Z"},
]
CLEARED: dict[str, Any] = {
    **FAULT,
    "id": 11,
    "name": "reader-silent",
    "connector": 0,
    "count": 1,
    "error_code": "ReaderFailure",
    "vendor_id": "org.chargerd",
    "vendor_code": "reader-silent",
    "consequence": "warning",
    "since": "2026-02-27T08:00:00Z",
    "until": "2026-02-27T08:03:10Z",
    "means": "the card reader does not answer; drivers can start by app",
    "remedy": "check its cable",
    "part": "card reader and its cable",
    "recovers": "by itself",
    "clears_after_s": 2.0,
}
del CLEARED["value"]

CHARGING: dict[str, Any] = {
    "number": 1,
    "name": "ccs1",
    "status": "Charging",
    "error_code": "NoError",
    "phase": "energized",
    "since": "2026-03-02T14:03:22Z",
    "plugged": True,
    "session": FIRST,
    "tag": "04A1…9C",
    "soc_percent": 63.4,
    "power_w": 59_870.0,
    "voltage_v": 731.2,
    "current_a": 81.9,
    "energy_wh": 1_225_711,
    "session_energy_wh": 21_400,
    "limit": {"power_w": 60_000.0, "set_by": "profile"},
    "plug_temperature_c": 41.0,
    "module_temperature_c": 52.5,
    "reason": "a charging profile of the CSMS allows 60 kW",
}
FAULTED: dict[str, Any] = {
    "number": 2,
    "name": "ccs2",
    "status": "Faulted",
    "error_code": "PowerSwitchFailure",
    "phase": "finished",
    "since": "2026-03-01T12:11:24Z",
    "plugged": False,
    "reason": "a contactor is welded",
}
AVAILABILITY: list[dict[str, Any]] = [
    {"connector": 0, "operative": True, "scheduled": False},
    {
        "connector": 1,
        "operative": False,
        "scheduled": True,
        "by": "csms",
        "since": "2026-03-02T14:10:00Z",
    },
    {
        "connector": 2,
        "operative": False,
        "scheduled": False,
        "by": "cli",
        "since": "2026-03-01T12:30:00Z",
    },
]
RESERVATIONS: list[dict[str, Any]] = [
    {"id": 5, "connector": 2, "tag": "04A1…9C", "expires": "2026-03-02T15:00:00Z"},
    {
        "id": 6,
        "connector": 0,
        "tag": "04B7…11",
        "group": "FL…ET",
        "expires": "2026-03-02T18:00:00Z",
    },
]
OFFLINE: dict[str, Any] = {
    "state": "offline",
    "url": "wss://csms.example/ocpp",
    "identity": "DC-0417",
    "security_profile": 2,
    "registration": "unknown",
    "since": "2026-03-02T14:07:00Z",
    "failed_at": "dns",
    "failure": "csms.example: name or service not known",
    "next_try_s": 12.4,
    "last_heartbeat": "2026-03-02T14:06:41Z",
    "clock_offset_s": 0.3,
}
ONLINE: dict[str, Any] = {
    "state": "online",
    "url": "wss://csms.example/ocpp",
    "identity": "DC-0417",
    "security_profile": 2,
    "registration": "accepted",
    "since": "2026-03-02T12:07:00Z",
    "rtt_ms": 61.2,
    "last_heartbeat": "2026-03-02T14:21:01Z",
    "clock_offset_s": 0.3,
}
STATUS: dict[str, Any] = {
    "station": "DC-0417",
    "vendor": "Example",
    "model": "Cabinet 240",
    "version": "0.1.0",
    "hardware": "mock",
    "uptime_s": 1_048_000.0,
    "time": NOW,
    "clock": "ocpp",
    "link": OFFLINE,
    "connectors": [CHARGING, FAULTED],
    "faults": [FAULT],
    "messages_waiting": 3,
    "messages_quarantined": 1,
    "storage": "ok",
    "simulated": True,
}
WELL: dict[str, Any] = {
    **STATUS,
    "link": ONLINE,
    "connectors": [
        {
            **FAULTED,
            "number": number,
            "name": f"ccs{number}",
            "status": "Available",
            "error_code": "NoError",
            "phase": "idle",
            "reason": "free",
        }
        for number in (1, 2)
    ],
    "faults": [],
    "messages_waiting": 0,
    "messages_quarantined": 0,
    "simulated": False,
}
MESSAGES: list[dict[str, Any]] = [
    {
        "id": 401,
        "state": "quarantine",
        "action": "StopTransaction",
        "session": SECOND,
        "queued": "2026-02-28T14:00:00Z",
        "attempts": 5,
        "waits_for": "hand",
        "last_error": 'InternalError "FK violation\x1b[31m"',
    },
    {
        "id": 402,
        "state": "waiting",
        "action": "MeterValues",
        "session": FIRST,
        "queued": "2026-03-02T14:08:22Z",
        "attempts": 0,
        "waits_for": "link",
    },
    {
        "id": 403,
        "state": "waiting",
        "action": "StatusNotification",
        "queued": "2026-03-02T14:09:00Z",
        "attempts": 1,
        "waits_for": "retry",
        "next_try_s": 75.0,
        "last_error": "no answer within 30 s",
    },
]
SESSIONS: list[dict[str, Any]] = [
    {
        "id": FIRST,
        "connector": 1,
        "state": "running",
        "transaction_id": 190344,
        "tag": "04A1…9C",
        "started": "2026-03-02T14:01:41Z",
        "meter_start_wh": 1_204_311,
        "energy_wh": 21_400,
        "messages_waiting": 1,
    },
    {
        "id": SECOND,
        "connector": 2,
        "state": "ended",
        "tag": "0B77…01",
        "started": "2026-02-28T13:20:00Z",
        "ended": "2026-02-28T14:00:00Z",
        "meter_start_wh": 880_000,
        "meter_stop_wh": 911_250,
        "energy_wh": 31_250,
        "stop_reason": "EVDisconnected",
        "messages_waiting": 0,
    },
]
STEPS = [
    {"time": "2026-03-02T14:01:12Z", "what": "plugged in"},
    {"time": "2026-03-02T14:01:40Z", "what": "tag 04A1…9C accepted by the cache"},
    {"time": "2026-03-02T14:02:08Z", "what": "energy flows"},
]
KEYS: list[dict[str, Any]] = [
    {
        "name": "AuthorizationKey",
        "default": "",
        "readonly": False,
        "origin": "station file",
        "reboot_required": False,
        "meaning": "the password of the station at the CSMS",
    },
    {
        "name": "HeartbeatInterval",
        "value": "60",
        "default": "300",
        "readonly": False,
        "origin": "csms",
        "reboot_required": False,
        "meaning": "seconds between two heartbeats",
    },
    {
        "name": "NumberOfConnectors",
        "value": "2",
        "default": "2",
        "readonly": True,
        "origin": "default",
        "reboot_required": False,
        "meaning": "how many connectors there are",
    },
    {
        "name": "WebSocketPingInterval",
        "value": "60",
        "default": "60",
        "readonly": False,
        "origin": "default",
        "reboot_required": True,
        "meaning": "seconds between two pings",
    },
]
METERS: list[dict[str, Any]] = [
    {
        "connector": 1,
        "energy_wh": 1_225_711,
        "register_wh": 25_716,
        "offset_wh": 1_199_995,
        "serial": "20-774",
        "exchanges": [
            {
                "time": "2026-02-11T09:02:11Z",
                "why": "another serial number",
                "old_serial": "18-016",
                "new_serial": "20-774",
                "old_wh": 800_000,
                "new_wh": 5,
                "offset_wh": 1_199_995,
            },
            {
                "time": "2025-07-30T16:40:00Z",
                "why": "the register went back",
                "old_wh": 401_200,
                "new_wh": 1_200,
                "offset_wh": 400_000,
            },
        ],
        "energy_export_wh": 12,
        "power_w": 59_870.0,
        "voltage_v": 731.2,
        "current_a": 81.9,
        "quality": "good",
        "age_s": 0.6,
    },
    {
        "connector": 2,
        "energy_wh": 911_250,
        "register_wh": 911_250,
        "offset_wh": 0,
        "exchanges": [],
        "power_w": 0.0,
        "voltage_v": 0.4,
        "current_a": 0.0,
        "quality": "doubtful",
        "age_s": 4.2,
    },
]
DEVICES: list[dict[str, Any]] = [
    {
        "connector": 0,
        "kind": "safety",
        "driver": "mock",
        "alive": True,
        "age_s": 0.1,
    },
    {
        "connector": 2,
        "kind": "contactor",
        "driver": "mock",
        "alive": False,
        "error": "no answer",
    },
]
PROFILES: list[dict[str, Any]] = [
    {
        "id": 8,
        "connector": 0,
        "purpose": "ChargePointMaxProfile",
        "stack_level": 0,
        "kind": "Recurring",
        "power_w": 100_000.0,
        "until": "2026-03-02T16:00:00Z",
        "rules": True,
    },
    {
        "id": 9,
        "connector": 0,
        "purpose": "TxDefaultProfile",
        "stack_level": 0,
        "kind": "Absolute",
        "power_w": 50_000.0,
        "rules": False,
    },
    {
        "id": 91,
        "connector": 1,
        "purpose": "TxProfile",
        "stack_level": 3,
        "kind": "Relative",
        "session": "a3f2c9e1-0000-4000-8000-000000000001",
        "rules": False,
    },
]
LIMITS: dict[str, Any] = {
    "station": {
        "power_w": 100_000.0,
        "taking_w": 87_400.0,
        "caps": [
            {
                "set_by": "profile",
                "power_w": 100_000.0,
                "what": "ChargePointMaxProfile 8, stack level 0, period 2",
                "until": "2026-03-02T16:00:00Z",
                "rules": True,
                "profile": 8,
                "purpose": "ChargePointMaxProfile",
                "stack_level": 0,
                "period": 2,
            },
            {
                "set_by": "configuration",
                "power_w": 200_000.0,
                "what": "the station file ([power] max_power_w)",
                "rules": False,
            },
        ],
        "waiting": [2],
    },
    "connectors": [
        {
            "connector": 1,
            "power_w": 60_000.0,
            "taking_w": 59_870.0,
            "caps": [
                {
                    "set_by": "sharing",
                    "power_w": 60_000.0,
                    "what": "its share of the 100 kW of the station",
                    "rules": True,
                },
                {
                    "set_by": "hardware",
                    "power_w": 300_000.0,
                    "what": "what the modules of ccs1 and ccs2 can do",
                    "rules": False,
                },
            ],
        },
        {"connector": 2, "power_w": 0.0, "taking_w": 0.0, "caps": []},
    ],
}
GROUPS: dict[str, Any] = {
    "groups": [
        {
            "connector": 1,
            "serves": 1,
            "answers": True,
            "max_power_w": 150_000.0,
            "max_current_a": 400.0,
            "power_w": 29_950.0,
            "voltage_v": 731.2,
            "current_a": 40.96,
            "temperature_c": 52.5,
            "failed_modules": [2, 5],
        },
        {
            "connector": 2,
            "serves": 1,
            "answers": False,
            "max_power_w": 150_000.0,
            "max_current_a": 400.0,
            "failed_modules": [],
        },
    ],
    "bridge": {"joins": [1, 2], "position": "closed", "lender": 2, "borrower": 1},
}
CAUSES: dict[int, dict[str, Any]] = {
    1: {
        "what": "ccs1 gets 60 kW",
        "since": "2026-03-02T14:03:22Z",
        "because": [
            "limit is 60 kW",
            "ChargePointMaxProfile 8, stack level 3, from the CSMS",
            "period 2 until 16:00:00",
        ],
    },
    2: {
        "what": "ccs2 is Faulted",
        "because": ["a contactor was told to open and did not"],
    },
}
REFUSALS: list[dict[str, Any]] = [
    {
        "time": "2026-03-02T14:10:07Z",
        "connector": 2,
        "asked": "RemoteStartTransaction",
        "answer": "Rejected",
        "reason": "CONNECTOR_FAULTED",
        "detail": "ccs2 has the fault contactor-weld",
    },
    {
        "time": "2026-03-02T09:00:00Z",
        "connector": 1,
        "asked": "token",
        "answer": "Blocked",
        "reason": "CSMS_REFUSED",
        "detail": "the CSMS does not know 0B77…01",
    },
]
HAPPENINGS: list[dict[str, Any]] = [
    {"time": "2026-03-02T14:21:20Z", "connector": 1, "what": "MeterValues queued"},
    {"time": "2026-03-02T14:21:23Z", "connector": 0, "what": "dialling csms.example"},
]
BUNDLE = "DC-0417_diagnostics_20260302T142124Z.tar.gz"
SECURITY_EVENTS: list[dict[str, Any]] = [
    {
        "id": 42,
        "time": "2026-03-02T14:20:11Z",
        "type": "FailedToAuthenticateAtCentralSystem",
        "info": "the CSMS answers 401",
        "waiting": True,
    },
    {
        "id": 41,
        "time": "2026-03-01T09:00:00Z",
        "type": "StartupOfTheDevice",
        "waiting": False,
    },
]
JOB: dict[str, Any] = {
    "id": "5be1c0de-0000-4000-8000-000000000032",
    "state": "waiting for idle",
    "over": False,
    "status": "InstallScheduled",
    "origin": "csms",
    "signed": True,
    "request_id": 77,
    "location": "https://***@files.example/chargerd-0.2.0.whl",
    "attempts": 2,
    "size_bytes": 4_215_008,
    "version_before": "0.1.0",
    "expected_version": "0.2.0",
    "retrieve_at": "2026-03-02T13:58:00Z",
    "left_s": 83_520,
}
UPDATE: dict[str, Any] = {
    "version": "0.1.0",
    "job": JOB,
    "held": True,
    "transactions": 1,
}
UPDATES: list[dict[str, Any]] = [
    {name: value for name, value in JOB.items() if name != "left_s"},
    {
        "id": "77aa10b2-0000-4000-8000-000000000031",
        "state": "download failed",
        "over": True,
        "origin": "file",
        "signed": False,
        "location": "sent",
        "attempts": 1,
        "version_before": "0.1.0",
        "retrieve_at": "2026-02-20T09:30:00Z",
        "why": "cancelled by a technician",
    },
    {
        "id": "1104f7aa-0000-4000-8000-000000000030",
        "state": "installed",
        "over": True,
        "origin": "usb",
        "signed": False,
        "location": "***",
        "attempts": 1,
        "size_bytes": 812,
        "version_before": "0.0.9",
        "expected_version": "0.1.0",
        "retrieve_at": "2026-01-11T07:12:00Z",
    },
]
ATTACHMENT: dict[str, Any] = {
    "settled": {
        "url": "wss://csms.example/ocpp",
        "identity": "DC-0417",
        "security_profile": 2,
        "has_key": True,
        "source": "csms",
    },
    "trial": {
        "attachment": {
            "url": "wss://new.example/ocpp",
            "identity": "DC-0417",
            "security_profile": 3,
            "has_key": True,
            "source": "cli",
        },
        "linked": False,
        "left_s": 84.3,
        "refusals": 1,
        "failed_at": "tls-trust",
        "failure": "unable to get local issuer certificate",
    },
    "before": {
        "url": "ws://csms.example/ocpp",
        "identity": "DC-0417",
        "security_profile": 0,
        "has_key": False,
        "source": "file",
    },
    "outcome": {
        "number": 1,
        "committed": False,
        "what": "http-path: HTTP 404: the CSMS does not know this URL or identity",
    },
}
COMMITTED = {"number": 2, "committed": True, "what": "wss://new.example/ocpp works"}
FELL_BACK = {"number": 2, "committed": False, "what": "tls-trust: no such root"}
CERTIFICATE: dict[str, Any] = {
    "fingerprint": "3f9a01c2" * 8,
    "use": "csms",
    "subject": "CN=Example Root,O=Example",
    "issuer": "CN=Example Root,O=Example",
    "serial": "5a01",
    "key": "EC secp256r1",
    "begins": "2016-03-02T00:00:00Z",
    "ends": "2026-03-14T00:00:00Z",
    "days_left": 11,
    "source": "station file",
    "in_use": True,
    "link": True,
}
CERTIFICATES: list[dict[str, Any]] = [
    CERTIFICATE,
    {
        **CERTIFICATE,
        "fingerprint": "77b0e4d1" * 8,
        "use": "manufacturer",
        "subject": "CN=Maker Root",
        "issuer": "CN=Maker Above",
        "ends": "2026-03-01T00:00:00Z",
        "days_left": -2,
        "source": "installed",
        "link": False,
    },
    {
        **CERTIFICATE,
        "fingerprint": "c0ffee00" * 8,
        "use": "station",
        "subject": "CN=SN-0042,O=Example",
        "ends": "2026-08-30T00:00:00Z",
        "days_left": 180,
        "source": "installed",
    },
    {
        **CERTIFICATE,
        "fingerprint": "c0ffee11" * 8,
        "use": "station",
        "subject": "CN=SN-0042,O=Example",
        "ends": "2026-03-20T00:00:00Z",
        "days_left": 17,
        "source": "installed",
        "in_use": False,
        "link": False,
        "renewal_refused": True,
    },
]
NEW_CERTIFICATE = {**CERTIFICATES[2], "fingerprint": "5eed0000" * 8}
REQUEST: dict[str, Any] = {"origin": "chargerctl", "key": "ab" * 32}
ACCEPTED = {**REQUEST, "accepted": "2026-03-02T14:20:00Z"}
BY_HAND = {**REQUEST, "origin": "hand"}
CSR = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n"

MOCK_FAULTS = ["contactor-weld", "emergency-stop", "reader-silent"]


class Station:
    """What the canned station answers, and what it was asked to do."""

    def __init__(self) -> None:
        self.status = copy.deepcopy(STATUS)
        self.faults = copy.deepcopy([FAULT, CLEARED])
        self.messages = copy.deepcopy(MESSAGES)
        self.reservations = copy.deepcopy(RESERVATIONS)
        self.simulated = True
        self.lists = True
        self.update = copy.deepcopy(UPDATE)
        self.course: list[dict[str, Any]] = []
        """How an update stands, each time that it is asked for; then ``update``."""
        self.sent = bytearray()
        self.done: list[tuple[str, dict[str, Any]]] = []
        self.watchers = 0
        self.bundle: list[bytes | None] = [b"first ", b"second"]
        """The pieces of a bundle; ``None``: it fails there."""
        self.certificates = copy.deepcopy(CERTIFICATES)
        self.request: Values | None = None
        self.course_of_request: list[Values | None] = []
        """How the request stands, each time that it is asked for."""
        self.knows = False
        """What is imported is here already."""
        self.outcome: Values | None = COMMITTED
        self.looks = 0
        self.updates: list[dict[str, Any]] = []
        """What ``Watch`` tells after its first answer, before it falls silent."""

    def interfaces(self) -> tuple[Interface, ...]:
        station = Interface(
            control.STATION,
            varlink.shipped(control.STATION),
            {name: self._method(control.STATION, name) for name in _ANSWERS},
            {"Watch": self._watch, "MakeBundle": self._bundle},
        )
        described = varlink.parse(varlink.shipped(control.MOCK))
        mock = Interface(
            control.MOCK,
            varlink.shipped(control.MOCK),
            {name: self._method(control.MOCK, name) for name in described.methods},
        )
        return (station, mock) if self.simulated else (station,)

    def _method(self, interface: str, name: str) -> Any:
        description = varlink.parse(varlink.shipped(interface))
        gives = description.methods[name].gives
        answers = _ANSWERS if interface == control.STATION else _MOCK_ANSWERS

        def answer(parameters: Values, _peer: Peer) -> Values:
            given: Values = answers.get(name, _note(name))(self, dict(parameters))
            description.check(gives, given)
            return given

        return answer

    async def _watch(
        self, _parameters: Values, _peer: Peer
    ) -> AsyncGenerator[Values, None]:
        self.watchers += 1
        try:
            yield {"status": self.status, "happenings": HAPPENINGS}
            for update in self.updates:
                yield update
            await asyncio.Event().wait()
        finally:
            self.watchers -= 1

    async def _bundle(
        self, parameters: Values, _peer: Peer
    ) -> AsyncGenerator[Values, None]:
        self.done.append(("MakeBundle", dict(parameters)))
        name, left = BUNDLE, len(self.bundle)
        yield {"name": name, "piece": ""}
        for piece in self.bundle:
            if piece is None:
                why = {"reason": "STORAGE_FAILING", "detail": "the disk is full"}
                raise ControlFailed(f"{control.STATION}.Refused", why)
            left -= 1
            text = base64.b64encode(piece).decode()
            yield {"name": name, "piece": text, "left_bytes": left}

    def connector(self, parameters: Values, interface: str) -> None:
        number = parameters.get("connector")
        if number is not None and number not in (1, 2):
            raise ControlFailed(f"{interface}.NoSuchConnector", {"connector": number})

    def session(self, parameters: Values) -> Values:
        wanted = parameters["id"]
        found = [one for one in SESSIONS if one["id"].startswith(wanted)]
        if not found:
            raise ControlFailed(f"{control.STATION}.NoSuchSession", {"id": wanted})
        if len(found) > 1:
            raise ControlFailed(
                f"{control.STATION}.AmbiguousSession",
                {"id": wanted, "candidates": [one["id"] for one in found]},
            )
        return {"session": found[0], "steps": STEPS, "messages": self.messages[1:2]}

    def list_messages(self, parameters: Values) -> Values:
        given_up = [one for one in self.messages if one["state"] == "quarantine"]
        messages = given_up if parameters.get("quarantine") else self.messages
        oldest = {"oldest": messages[0]["queued"]} if messages else {}
        return {
            "messages": messages[: parameters.get("limit")],
            "total": len(self.messages),
            "quarantined": len(given_up),
            **oldest,
            "filled_percent": 0.4,
            "capacity_days": 30.0,
        }

    def get_message(self, parameters: Values) -> Values:
        found = [one for one in self.messages if one["id"] == parameters["id"]]
        if not found:
            unknown = {"id": parameters["id"]}
            raise ControlFailed(f"{control.STATION}.NoSuchMessage", unknown)
        payload = '{"idTag": "0B77…01", "meterStop": 911250, "reason": "Local"}'
        return {"message": found[0], "payload": payload}

    def move(self, method: str, parameters: Values) -> Values:
        message = self.get_message(parameters)["message"]
        if message["state"] != "quarantine":
            why = {"reason": "STILL_WAITING", "detail": "it is not in quarantine"}
            raise ControlFailed(f"{control.STATION}.Refused", why)
        self.done.append((method, dict(parameters)))
        return {}

    def keys(self, parameters: Values) -> Values:
        known = {key["name"]: key for key in KEYS}
        for name in parameters["names"]:
            if name not in known:
                raise ControlFailed(f"{control.STATION}.NoSuchKey", {"name": name})
        return {"keys": [known[name] for name in parameters["names"]]}

    def set_key(self, parameters: Values) -> Values:
        name = parameters["name"]
        key = self.keys({"names": [name]})["keys"][0]
        if key["readonly"]:
            raise ControlFailed(
                f"{control.STATION}.Refused",
                {"reason": "READ_ONLY", "detail": f"{name} is read-only"},
            )
        if name == "AuthorizationKey":
            group = {"group": "chargerd-admin"}
            raise ControlFailed(f"{control.STATION}.NotPermitted", group)
        self.done.append(("SetKey", dict(parameters)))
        return {"outcome": "RebootRequired" if key["reboot_required"] else "Accepted"}

    def set_availability(self, parameters: Values) -> Values:
        number, waits = parameters["connector"], parameters.get("until_idle")
        self.connector({"connector": number or None}, control.STATION)
        in_use = not parameters["operative"] and number != 2
        if in_use and not waits:
            reason = {"reason": "CONNECTOR_OCCUPIED", "detail": "a driver is there"}
            raise ControlFailed(f"{control.STATION}.Refused", reason)
        self.done.append(("SetAvailability", dict(parameters)))
        return {"outcome": "Scheduled" if in_use else "Accepted"}

    def cancel_reservation(self, parameters: Values) -> Values:
        if parameters["id"] not in [one["id"] for one in self.reservations]:
            raise ControlFailed(f"{control.STATION}.NoSuchReservation", parameters)
        self.done.append(("CancelReservation", dict(parameters)))
        return {}

    def explain(self, parameters: Values) -> Values:
        self.connector(parameters, control.STATION)
        wanted = [parameters["connector"]] if "connector" in parameters else [1, 2]
        return {
            "causes": [CAUSES[number] for number in wanted],
            "refusals": [one for one in REFUSALS if one["connector"] in wanted],
        }

    def meters(self, parameters: Values) -> Values:
        self.connector(parameters, control.STATION)
        wanted = parameters.get("connector")
        return {"meters": [m for m in METERS if wanted in (None, m["connector"])]}

    def get_update(self, _: Values) -> Values:
        return self.course.pop(0) if self.course else self.update

    def send_firmware(self, given: Values) -> Values:
        assert given["offset"] == len(self.sent)
        self.sent += base64.b64decode(given["content"], validate=True)
        return {"size": len(self.sent)}

    def install_update(self, given: Values) -> Values:
        if given.get("location") == "http://busy.example/":
            why = {"reason": "INSTALLING", "detail": "an update is being installed"}
            raise ControlFailed(f"{control.STATION}.Refused", why)
        self.done.append(("InstallUpdate", dict(given)))
        return {"id": "new"}

    def cancel_update(self, _: Values) -> Values:
        if self.update.get("job", JOB)["over"]:
            why = {"reason": "NO_JOB", "detail": "there is no job"}
            raise ControlFailed(f"{control.STATION}.Refused", why)
        self.done.append(("CancelUpdate", {}))
        return {}

    def clear_fault(self, given: Values) -> Values:
        self.done.append(("ClearFault", dict(given)))
        return {}

    def attachment(self, _: Values) -> Values:
        """Tell of a trial once, then how it ended."""
        document = dict(ATTACHMENT)
        if self.outcome is not None and self.looks:
            document["outcome"] = self.outcome
            del document["trial"]
        self.looks += 1
        return document

    def set_attachment(self, parameters: Values) -> Values:
        if parameters.get("security_profile") == 1:
            detail = "SecurityProfile: 1 needs an AuthorizationKey; set that first"
            why = {"reason": "BAD_VALUE", "detail": detail}
            raise ControlFailed(f"{control.STATION}.Refused", why)
        self.done.append(("SetAttachment", dict(parameters)))
        return {"number": 2}

    def roll_back(self, parameters: Values) -> Values:
        self.done.append(("RollBackAttachment", dict(parameters)))
        return {"number": 2, "given_up": self.outcome is FELL_BACK}

    def list_certificates(self, _: Values) -> Values:
        """Tell how a request goes on, step by step; at its end there is more."""
        requests = sum(name == "RenewCertificate" for name, _ in self.done)
        if requests and self.course_of_request:
            self.request = self.course_of_request.pop(0)
            if self.request == NEW_CERTIFICATE:
                self.request = None
                self.certificates.append(NEW_CERTIFICATE)
        told = {"certificates": self.certificates, "requests": requests}
        return told | ({"request": self.request} if self.request else {})

    def act_on_certificates(self, method: str, parameters: Values) -> Values:
        if parameters.get("fingerprint") in ("c0", "zz"):
            why = {"reason": "NO_SUCH_CERTIFICATE", "detail": "no root begins with it"}
            raise ControlFailed(f"{control.STATION}.Refused", why)
        self.done.append((method, dict(parameters)))
        named = {key: CERTIFICATE[key] for key in ("fingerprint", "subject")}
        return named | ({"known": self.knows} if "Install" in method else {})

    def make_request(self, _: Values) -> Values:
        """Tell of the key that is being made once, then of its request."""
        self.looks += 1
        if self.request is None:
            self.request = BY_HAND
            return {"request": {"origin": "hand"}}
        return {"request": self.request, "csr": CSR}

    def renew(self, _: Values) -> Values:
        self.done.append(("RenewCertificate", {}))
        return {"number": 1}

    def set_fault(self, parameters: Values) -> Values:
        if parameters["name"] not in MOCK_FAULTS:
            raise ControlFailed(
                f"{control.MOCK}.BadValue",
                {"parameter": "name", "detail": "no such fault; see: mock fault list"},
            )
        self.done.append(("SetFault", dict(parameters)))
        return {}


def _note(name: str) -> Any:
    def note(station: Station, parameters: dict[str, Any]) -> Values:
        station.connector(parameters, control.MOCK)
        station.done.append((name, parameters))
        return {}

    return note


TAG: dict[str, Any] = {
    "tag": "04a1…9c",
    "status": "Accepted",
    "group": "fl…et",
    "expires": "2027-01-01T00:00:00Z",
    "conflict": False,
}
TAGS: list[dict[str, Any]] = [
    TAG,
    {"tag": "0b77…01", "status": "Blocked", "conflict": True},
    {"tag": "0b77…02", "status": "Expired", "conflict": False},
]
EXPLAINED: dict[str, Any] = {
    "tag": "04A1…9C",
    "listed": TAG,
    "online": False,
    "if_online": {"verdict": "ask", "source": "the CSMS"},
    "if_offline": {"verdict": "accept", "source": "the local list"},
}
BARRED: dict[str, Any] = {
    **EXPLAINED,
    "tag": "0B77…01",
    "listed": TAGS[1],
    "cached": TAGS[2],
    "online": True,
    "if_offline": {
        "verdict": "refuse",
        "source": "the local list",
        "reason": "TAG_BLOCKED",
    },
}

_ANSWERS: dict[str, Any] = {
    "GetAttachment": lambda station, given: (
        station.attachment(given) if station.done else ATTACHMENT
    ),
    "SetAttachment": lambda station, given: station.set_attachment(given),
    "RollBackAttachment": lambda station, given: station.roll_back(given),
    "ListCertificates": Station.list_certificates,
    "InstallCertificate": lambda station, given: station.act_on_certificates(
        "InstallCertificate", given
    ),
    "InstallOwnCertificate": lambda station, given: station.act_on_certificates(
        "InstallOwnCertificate", given
    ),
    "RemoveCertificate": lambda station, given: station.act_on_certificates(
        "RemoveCertificate", given
    ),
    "MakeSigningRequest": Station.make_request,
    "RenewCertificate": Station.renew,
    "ListTags": lambda station, given: {
        "tags": TAGS[: given.get("limit")] if station.lists else [],
        "total": len(TAGS) if station.lists else 0,
        "version": 7 if station.lists else -1,
        "enabled": station.lists,
    },
    "ListCachedTags": lambda station, given: {
        "tags": TAGS[2:] if station.lists else [],
        "total": 1 if station.lists else 0,
        "enabled": station.lists,
    },
    "ExplainTag": lambda _, given: EXPLAINED if given["tag"] == "04A1B29C" else BARRED,
    "ClearCache": lambda station, _: (
        station.done.append(("ClearCache", {})) or {"count": 1}
    ),
    "ListSecurityEvents": lambda _, given: {
        "events": SECURITY_EVENTS[: given.get("limit")]
    },
    "ClearSecurityLog": lambda station, _: (
        station.done.append(("ClearSecurityLog", {})) or {}
    ),
    "GetStatus": lambda station, _: {"status": station.status},
    "GetLink": lambda station, _: {"link": station.status["link"]},
    "ListSessions": lambda _, given: {"sessions": SESSIONS[: given.get("limit")]},
    "GetSession": Station.session,
    "ListMessages": Station.list_messages,
    "GetMessage": Station.get_message,
    "RetryMessage": lambda station, given: station.move("RetryMessage", given),
    "RetryMessages": lambda _, given: {"ids": [] if given["after"] else [401, 407]},
    "DropMessage": lambda station, given: station.move("DropMessage", given),
    "ListKeys": lambda _, given: {
        "keys": KEYS[1:2] if given.get("changed_only") else KEYS
    },
    "GetKeys": Station.keys,
    "SetKey": Station.set_key,
    "ReadMeters": Station.meters,
    "GetPowerLimits": lambda *_: LIMITS,
    "ListProfiles": lambda *_: {"profiles": PROFILES},
    "GetPower": lambda *_: GROUPS,
    "ListDevices": lambda *_: {"devices": DEVICES},
    "ListFaults": lambda station, given: {
        "faults": station.faults if given.get("history") else station.faults[:1]
    },
    "ListFailures": lambda *_: {"failures": FAILURES},
    "ClearFault": Station.clear_fault,
    "GetUpdate": Station.get_update,
    "ListUpdates": lambda _, given: {"updates": UPDATES[: given.get("limit")]},
    "SendFirmware": Station.send_firmware,
    "InstallUpdate": Station.install_update,
    "CancelUpdate": Station.cancel_update,
    "Explain": Station.explain,
    "ListAvailability": lambda *_: {"availability": AVAILABILITY},
    "SetAvailability": Station.set_availability,
    "ListReservations": lambda station, _: {"reservations": station.reservations},
    "CancelReservation": Station.cancel_reservation,
}
_MOCK_ANSWERS: dict[str, Any] = {
    "ListFaults": lambda *_: {"names": MOCK_FAULTS},
    "SetFault": Station.set_fault,
}


@contextmanager
def served(station: Station, path: str) -> Iterator[None]:
    """Serve the station from a thread of its own, as a daemon would."""
    ready, loops = threading.Event(), []

    async def serve() -> None:
        stop = asyncio.Event()
        async with ControlServer(path, station.interfaces(), mode=0o666):
            loops.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(5), "the canned station did not start"
        yield
    finally:
        for loop, stop in loops:
            loop.call_soon_threadsafe(stop.set)
        thread.join(5)


ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if k in ("PATH", "HOME")},
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "PYTHONIOENCODING": "utf-8",
}
"""What a chargerctl under test inherits: nothing that changes its output."""

"""What the control socket tells: true, and as its description says."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chargerd import control
from chargerd.core import events
from chargerd.core.authorization import masked
from chargerd.core.events import Standing, TagInfo
from chargerd.core.permissive import Loss
from chargerd.core.policy import Policy
from chargerd.core.power import Limit, Setter
from chargerd.core.reasons import Cause
from chargerd.core.session import Phase
from chargerd.ocpp16.keys import KEYS
from chargerd.ocpp16.ledger import DropWanted, RetryWanted
from chargerd.ocpp16.records import MessageQuarantined
from chargerd.ocpp16.rpc import Asked, Failed, FailureKind
from chargerd.runtime import varlink, why
from chargerd.runtime.aftermath import Aftermath
from chargerd.runtime.control_server import ControlFailed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.csms import CsmsLink
from chargerd.runtime.devices import Devices, StationDevices
from chargerd.runtime.guard import Guard
from chargerd.runtime.journal import INFO, Journal
from chargerd.runtime.lights import Lights
from chargerd.runtime.link_settings import LinkSettings
from chargerd.runtime.log_methods import LogMethods
from chargerd.runtime.logs.archive import Archive, Places
from chargerd.runtime.logs.present import Present
from chargerd.runtime.senses import Health, Senses
from chargerd.runtime.station_interface import StationInterface
from chargerd.runtime.views import Identity, Views
from chargerd.steps import (
    DeadlinePassed,
    FrameReceived,
    Happening,
    KeyWanted,
    LinkUp,
    Tried,
)
from chargerd.store.database import Store
from chargerd.store.reader import Reader
from hal.values import (
    ContactorReading,
    IsolationReading,
    Position,
    PowerReading,
    Reading,
    SafetyReading,
    TemperatureReading,
    Token,
    VehiclePhase,
    VehicleReading,
)
from tests.clock import FakeClock
from tests.runtime.points import ANSWERS, CARD, METER, charge_point

DESCRIPTION = varlink.parse(varlink.shipped(control.STATION))
PEER = Peer(1, 0, 0, frozenset())
PASSWORD = "open sesame 4711"


class Bench:
    """A station whose control socket is asked directly."""

    def __init__(self, folder: Path) -> None:
        self.clock = clock = FakeClock()
        self.store = Store(folder / "chargerd.db")
        self.reader = Reader(self.store.path)
        self.point = charge_point()
        self.asked: list[Happening] = []
        fitted = self.point.station.fittings[1].fitted

        def monotonic() -> float:
            return clock.now().monotonic_s

        self.guard = Guard({1: fitted}, monotonic, self.asked.append)
        settings = LinkSettings("ws://csms.example/ocpp", "DC-1")
        self.link = CsmsLink(lambda: settings, self.asked.append, monotonic)
        drivers = {(0, "safety"): "mock", (1, "meter"): "mock", (1, "vehicle"): "mock"}
        devices = Devices(StationDevices(None), {1: None}, drivers)  # type: ignore[arg-type, dict-item]
        self.senses = Senses(devices, self.guard, self.asked.append, monotonic)
        self.journal = Journal(lambda *_: None, INFO, clock)
        self.steps: list[float] = []
        self.percent: int | None = None
        """How far an install is."""
        self.aftermath = Aftermath(
            self.point,
            self.journal,
            self.link,
            self.senses,
            Lights({}),
            self.steps.append,
        )
        started_s = clock.now().monotonic_s
        identity = Identity(
            "DC-1", "v", "m", "1", "mock", True, {1: "ccs1"}, drivers, started_s
        )
        views = Views(identity, self.point, self.link, self.guard, clock)
        self.views = views
        present = Present(
            views, self.point, self.guard, self.senses, self.journal, clock
        )
        self.places = Places(
            self.store.path, folder / "station.toml", (str(folder / "journalctl"),)
        )
        self.archive = Archive(self.places, present, clock, lambda: (PASSWORD,))
        self.cache = folder / "cache"
        self.interface = StationInterface(
            views,
            self.point,
            self.guard,
            self.senses,
            self.journal,
            self.reader,
            clock,
            self.asked.append,
            lambda: self.aftermath.steps,
            LogMethods(
                self.archive,
                self.cache,
                self.reader,
                clock,
                self.asked.append,
                "technicians",
            ),
            firmware_folder=folder / "firmware",
            firmware_most_bytes=100_000,
            firmware_percent=lambda: self.percent,
        ).interface(varlink.shipped(control.STATION))

    def close(self) -> None:
        self.archive.close()
        self.reader.close()
        self.store.close()

    def happen(self, happening: Happening) -> None:
        """Let something happen; a friendly CSMS answers at once if it is there."""
        step = self.point.apply(happening, self.clock.advance(0.1))
        self.store.commit(step.records)
        self.aftermath.stepped(happening, step)
        for type_, id_, *question in map(json.loads, step.frames):
            if type_ == 2:
                answer = [3, id_, ANSWERS.get(question[0], {})]
                self.happen(FrameReceived(json.dumps(answer)))

    def sense(self, reading: Reading) -> None:
        reading = replace(reading, at_s=self.clock.advance(0.1).monotonic_s)
        self.guard.learn(1, reading)
        self.happen(events.Sensed(1, reading))

    def vehicle(self, phase: VehiclePhase) -> None:
        self.sense(
            VehicleReading(
                at_s=0, phase=phase, target_voltage_v=400.0, soc_percent=41.0
            )
        )

    def go_online(self) -> None:
        self.link.state.up = True
        self.link.state.rtt_ms = 12.5
        self.happen(LinkUp())

    def charge(self) -> None:
        self.sense(SafetyReading(at_s=0))
        self.sense(METER)
        self.vehicle(VehiclePhase.AUTHORIZING)
        self.happen(events.TokenPresented(1, Token(CARD)))
        self.vehicle(VehiclePhase.CABLE_CHECK)
        self.sense(ContactorReading(at_s=0, position=Position.CLOSED))
        power = PowerReading(at_s=0, voltage_v=400, current_a=9, temperature_c=40)
        self.happen(events.SelfTested(1))
        self.sense(power)
        self.sense(IsolationReading(at_s=0, resistance_ohm=1e6))
        self.sense(replace(power, voltage_v=0.0))
        self.vehicle(VehiclePhase.PRECHARGE)
        self.sense(power)
        self.sense(TemperatureReading(at_s=0, temperature_c=31.0))
        self.vehicle(VehiclePhase.CHARGING)
        self.clock.advance(60)
        self.sense(replace(METER, energy_wh=1600, power_w=36_000.0))

    def ask(self, method: str, **given: Any) -> Any:
        """Ask as the socket does, and hold the answer against the description."""
        DESCRIPTION.check(DESCRIPTION.methods[method].takes, given)
        answer = self.interface.methods[method](given, PEER)
        plain = json.loads(json.dumps(answer, allow_nan=False))
        DESCRIPTION.check(DESCRIPTION.methods[method].gives, plain)
        return plain

    def refusal(self, method: str, **given: Any) -> tuple[str, Mapping[str, Any]]:
        with pytest.raises(ControlFailed) as raised:
            self.interface.methods[method](given, PEER)
        name = raised.value.error.removeprefix(f"{control.STATION}.")
        plain = dict(raised.value.parameters)
        DESCRIPTION.check(DESCRIPTION.errors[name], plain)
        return name, plain


def idle(_: Bench) -> None:
    """Nothing was ever read."""


def online(bench: Bench) -> None:
    bench.go_online()


def charging(bench: Bench) -> None:
    bench.go_online()
    bench.charge()


def charging_offline(bench: Bench) -> None:
    bench.charge()


def faulted(bench: Bench) -> None:
    bench.charge()
    bench.sense(SafetyReading(at_s=0, door_open=True))
    bench.happen(events.StorageChanged(0, failing=True))


def ended(bench: Bench) -> None:
    bench.charge()
    bench.vehicle(VehiclePhase.UNPLUGGED)
    bench.sense(ContactorReading(at_s=0, position=Position.OPEN))
    bench.sense(replace(METER, energy_wh=1600))


def refused(bench: Bench) -> None:
    bench.happen(events.TokenPresented(0, Token("04FFFFFF")))
    bench.happen(events.ErrorCodeSet(0, "door-open", "OtherError"))


def lossy(bench: Bench) -> None:
    bench.senses.health[1, "meter"] = Health(3, "no answer", 1000.0)
    bench.link.state.failed_at = "dns"
    bench.link.state.failure = "unknown host"
    bench.link.state.next_try_s = 1060.0


SCENES = (idle, online, charging, charging_offline, faulted, ended, refused, lossy)


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("scene", SCENES)
async def test_every_answer_is_as_the_description_says(
    bench: Bench, scene: Any
) -> None:
    scene(bench)
    plain = ("GetStatus", "GetLink", "ListSessions", "ListMessages", "ListKeys")
    for method in (*plain, "ReadMeters", "ListDevices", "ListFaults", "Explain"):
        assert bench.ask(method)
    assert bench.ask("ListFaults", history=True).keys() == {"faults"}
    assert bench.ask("Explain", connector=1)["causes"][0]["because"]
    assert bench.ask("ListKeys", changed_only=True)["keys"] is not None
    stream = bench.interface.streams["Watch"]({}, PEER)
    told = json.loads(json.dumps(await anext(stream)))
    DESCRIPTION.check(DESCRIPTION.methods["Watch"].gives, told)
    await stream.aclose()
    assert bench.views.one_line()


async def test_every_method_of_the_description_is_there(bench: Bench) -> None:
    have = set(bench.interface.methods) | set(bench.interface.streams)
    assert have == set(DESCRIPTION.methods)


async def test_an_idle_station_is_seen_since_the_daemon_started(bench: Bench) -> None:
    bench.clock.advance(3600)
    status = bench.ask("GetStatus")["status"]
    assert status["uptime_s"] == 3600.0
    (connector,) = status["connectors"]
    assert connector["since"] == "2026-03-02T08:00:00.000Z"
    assert bench.ask("Explain")["causes"][0]["since"] == connector["since"]


async def test_a_charging_connector_is_told_in_full(bench: Bench) -> None:
    charging(bench)
    status = bench.ask("GetStatus")["status"]
    (connector,) = status["connectors"]
    assert connector | {"since": "", "session": ""} == {
        "number": 1,
        "name": "ccs1",
        "status": "Charging",
        "error_code": "NoError",
        "phase": "energized",
        "since": "",
        "plugged": True,
        "session": "",
        "tag": "04…B2",
        "soc_percent": 41.0,
        "power_w": 36_000.0,
        "voltage_v": 0.0,
        "current_a": 0.0,
        "energy_wh": 1600,
        "session_energy_wh": 600,
        "limit": {"power_w": 150_000.0, "set_by": "hardware"},
        "plug_temperature_c": 31.0,
        "module_temperature_c": 40.0,
        "reason": connector["reason"],
    }
    assert status["link"]["state"] == "online"
    assert status["clock"] == "ocpp"
    assert status["storage"] == "ok"
    assert bench.views.one_line() == (
        "ccs1 Charging; link online; "
        f"{bench.point.dialogue.ledger.outbox.waiting} messages waiting"
    )


async def test_a_meter_is_told_with_what_is_added_to_it_and_with_those_before_it(
    bench: Bench,
) -> None:
    bench.sense(replace(METER, serial="A"))
    bench.sense(replace(METER, serial="B", energy_wh=7, energy_export_wh=3))
    (meter,) = bench.ask("ReadMeters")["meters"]
    (exchange,) = meter.pop("exchanges")
    assert meter == {
        "connector": 1,
        "energy_wh": 1000,
        "register_wh": 7,
        "offset_wh": 993,
        "serial": "B",
        "energy_export_wh": 3,
        "power_w": 0.0,
        "voltage_v": 0.0,
        "current_a": 0.0,
        "quality": "good",
        "age_s": 0.1,
    }
    assert exchange | {"time": ""} == {
        "time": "",
        "why": "another serial number",
        "old_serial": "A",
        "new_serial": "B",
        "old_wh": 1000,
        "new_wh": 7,
        "offset_wh": 993,
    }


async def test_a_meter_that_is_not_believed_says_so_with_its_own_register(
    bench: Bench,
) -> None:
    bench.sense(METER)
    for energy_wh in (7, 6, 5):
        bench.sense(replace(METER, energy_wh=energy_wh))
    (meter,) = bench.ask("ReadMeters")["meters"]
    assert (meter["energy_wh"], meter["register_wh"]) == (1000, 5)
    assert meter["quality"] == "lost"


async def test_nobody_learns_a_whole_id_tag(bench: Bench) -> None:
    charging(bench)
    key = bench.ask("ListSessions")["sessions"][0]["id"]
    for method, given in (
        ("GetStatus", {}),
        ("ListSessions", {}),
        ("GetSession", {"id": key}),
        ("ListMessages", {}),
        ("Explain", {}),
    ):
        assert CARD not in json.dumps(bench.ask(method, **given))


async def test_a_transaction_is_told_with_its_story_and_its_messages(
    bench: Bench,
) -> None:
    ended(bench)
    (session,) = bench.ask("ListSessions")["sessions"]
    assert session["state"] == "ended"
    assert session["energy_wh"] == 600
    assert session["stop_reason"] == "PLUG_REMOVED"
    told = bench.ask("GetSession", id=session["id"][:4])
    assert told["session"] == session
    assert {step["what"] for step in told["steps"]} >= {"cable check", "energized"}
    actions = [message["action"] for message in told["messages"]]
    assert actions[0] == "StartTransaction"
    assert "StopTransaction" in actions
    assert {message["waits_for"] for message in told["messages"]} == {"link"}
    assert bench.ask("ListMessages")["total"] == session["messages_waiting"]


async def test_a_running_transaction_is_told_as_far_as_the_meter_has_come(
    bench: Bench,
) -> None:
    charging(bench)
    (session,) = bench.ask("ListSessions")["sessions"]
    assert (session["state"], session["energy_wh"]) == ("running", 600)


async def test_a_fault_is_told_while_it_is_there_and_afterwards(bench: Bench) -> None:
    faulted(bench)
    names = [fault["name"] for fault in bench.ask("ListFaults")["faults"]]
    assert names == ["door-open", "storage"]
    assert bench.ask("GetStatus")["status"]["storage"] == "failing"
    (cause,) = bench.ask("Explain")["causes"]
    assert cause["what"] == "ccs1 is Faulted"
    assert cause["because"][0].startswith("the cabinet door is open; close the door")

    bench.sense(SafetyReading(at_s=0))
    history = bench.ask("ListFaults", history=True)["faults"]
    (closed,) = [fault for fault in history if "until" in fault]
    assert closed["name"] == "door-open"


async def test_a_fault_says_how_often_it_came_and_what_the_csms_is_told(
    bench: Bench,
) -> None:
    lost = events.DeviceLost(1, "meter", Loss("no answer in 0.3 s"))
    for happened in (lost, events.DeviceBack(1, "meter"), lost):
        bench.happen(happened)
        bench.clock.advance(6.0)
        bench.happen(DeadlinePassed())
    bench.sense(SafetyReading(at_s=0, emergency_stop=True))
    bench.happen(KeyWanted("VendorErrorDialect", "ChargeX", "csms"))
    silent, stop = bench.ask("ListFaults")["faults"]
    told = ("name", "connector", "count", "value", "part", "recovers", "clears_after_s")
    assert [silent[name] for name in told] == [
        "meter-silent",
        1,
        2,
        "no answer in 0.3 s",
        "energy meter and its line",
        "by itself",
        2.0,
    ]
    codes = [
        (fault["error_code"], fault["vendor_id"], fault["vendor_code"])
        for fault in (silent, stop)
    ]
    assert codes == [
        ("PowerMeterFailure", "org.chargerd", "meter-silent"),
        ("OtherError", "https://chargex.inl.gov", "CX008"),
    ]
    _, newest, oldest = bench.ask("ListFaults", history=True)["faults"]
    assert (newest["count"], oldest["count"]) == (2, 2)
    assert "until" in oldest
    assert "until" not in newest
    shown = bench.ask("GetStatus")["status"]["faults"]
    assert [fault["vendor_code"] for fault in shown] == ["meter-silent", "CX008"]
    assert not any("count" in fault for fault in shown)


async def test_a_device_is_told_as_it_answers(bench: Bench) -> None:
    lossy(bench)
    devices = bench.ask("ListDevices")["devices"]
    assert devices[1] == {
        "connector": 1,
        "kind": "meter",
        "driver": "mock",
        "alive": False,
        "age_s": 0.0,
        "error": "no answer",
    }
    assert devices[0] == {
        "connector": 0,
        "kind": "safety",
        "driver": "mock",
        "alive": True,
    }


async def test_a_refusal_is_told_with_its_reason(bench: Bench) -> None:
    refused(bench)
    (refusal,) = bench.ask("Explain")["refusals"]
    assert refusal["asked"] == "token"
    assert refusal["reason"]


async def test_a_lost_link_is_told_with_its_layer(bench: Bench) -> None:
    lossy(bench)
    link = bench.ask("GetLink")["link"]
    assert link["state"] == "offline"
    assert (link["failed_at"], link["failure"]) == ("dns", "unknown host")
    assert link["next_try_s"] == 60.0


async def test_keys_are_told_and_set_but_no_secret_is(bench: Bench) -> None:
    bench.happen(KeyWanted("HeartbeatInterval", "120", "cli"))
    changed = bench.ask("ListKeys", changed_only=True)["keys"]
    assert [(k["name"], k["value"]) for k in changed if k["origin"] == "cli"] == [
        ("HeartbeatInterval", "120")
    ]
    assert len(bench.ask("ListKeys")["keys"]) == len(KEYS)
    (secret,) = bench.ask("GetKeys", names=["authorizationkey"])["keys"]
    assert "value" not in secret

    assert bench.ask("SetKey", name="HeartbeatInterval", value="60") == {
        "outcome": "Accepted"
    }
    assert bench.asked == [KeyWanted("HeartbeatInterval", "60", "cli")]


async def test_what_cannot_be_answered_is_an_error_of_the_description(
    bench: Bench,
) -> None:
    ended(bench)
    bench.sense(METER)
    assert bench.refusal("ReadMeters", connector=9) == (
        "NoSuchConnector",
        {"connector": 9},
    )
    assert bench.refusal("GetSession", id="zz")[0] == "NoSuchSession"
    assert bench.refusal("GetKeys", names=["Colour"])[0] == "NoSuchKey"
    assert bench.refusal("SetKey", name="Colour", value="1")[0] == "NoSuchKey"
    name, told = bench.refusal("SetKey", name="HeartbeatInterval", value="x")
    assert (name, told["reason"]) == ("Refused", "BAD_VALUE")
    name, told = bench.refusal("SetKey", name="NumberOfConnectors", value="2")
    assert (name, told["reason"]) == ("Refused", "READ_ONLY")


async def test_two_transactions_that_begin_alike_are_both_named(bench: Bench) -> None:
    ended(bench)
    bench.charge()
    name, told = bench.refusal("GetSession", id="id-")
    assert name == "AmbiguousSession"
    assert len(told["candidates"]) == 2


# the queue


async def test_what_was_given_up_is_told_and_brought_back(bench: Bench) -> None:
    bench.charge()
    queued = bench.ask("ListMessages")
    assert queued["quarantined"] == 0
    assert queued["oldest"] == queued["messages"][0]["queued"]
    assert bench.reader.used_bytes() > 0
    assert queued["filled_percent"] < 0.1
    assert queued["capacity_days"] == 30.0
    outbox = bench.point.dialogue.ledger.outbox
    entry = outbox.entries[0]
    asked = Asked(entry.action, entry.payload, entry)
    failed = Failed(asked, FailureKind.ERROR, "InternalError", "no")
    once = Policy(message_attempts=1)
    ledger, now = bench.point.dialogue.ledger, bench.clock.now()
    bench.store.commit(ledger.failed(entry, failed, now, once))

    (message,) = bench.ask("ListMessages", quarantine=True)["messages"]
    assert (message["state"], message["waits_for"]) == ("quarantine", "hand")
    assert message["last_error"] == "InternalError: no"
    told = bench.ask("GetMessage", id=message["id"])
    assert told["message"] == message
    assert json.loads(told["payload"])["idTag"] == "04…B2"

    bench.ask("RetryMessage", id=message["id"])
    assert bench.ask("RetryMessages") == {"ids": [message["id"]]}
    assert bench.ask("RetryMessages", after=message["id"]) == {"ids": []}
    wanted, again = bench.asked
    assert isinstance(wanted, RetryWanted)
    assert wanted == again
    bench.happen(wanted)
    assert bench.ask("ListMessages", quarantine=True)["messages"] == []
    assert outbox.quarantined == 0


async def test_only_what_was_given_up_can_be_brought_back_or_dropped(
    bench: Bench,
) -> None:
    bench.charge()
    (start, *_) = bench.ask("ListMessages")["messages"]
    for method in ("RetryMessage", "DropMessage"):
        name, told = bench.refusal(method, id=start["id"])
        assert (name, told["reason"]) == ("Refused", "STILL_WAITING")
        assert bench.refusal(method, id=999) == ("NoSuchMessage", {"id": 999})
    assert bench.refusal("GetMessage", id=999)[0] == "NoSuchMessage"
    stats = bench.ask("GetMessage", id=start["id"])
    assert stats["message"]["action"] == "StartTransaction"
    assert bench.asked == []


async def test_only_who_may_act_can_drop_a_message(bench: Bench) -> None:
    bench.charge()
    bench.store.commit((MessageQuarantined(1, 3, "no"),))
    stranger = Peer(1, os.geteuid() + 1, 4711, frozenset())
    with pytest.raises(ControlFailed, match="NotPermitted"):
        bench.interface.methods["DropMessage"]({"id": 1}, stranger)
    bench.ask("DropMessage", id=1)
    assert bench.asked == [DropWanted(1)]


# faults


async def test_a_technician_who_may_act_clears_what_is_latched(bench: Bench) -> None:
    bench.happen(events.CommandFailed(1, "lock", "no feedback"))
    bench.sense(ContactorReading(at_s=0, position=Position.CLOSED))
    (weld,) = bench.ask("ListFaults")["faults"]
    assert (weld["name"], weld["recovers"]) == ("contactor-weld", "by hand")
    stranger = Peer(1, os.geteuid() + 1, 4711, frozenset())
    with pytest.raises(ControlFailed, match="NotPermitted"):
        bench.interface.methods["ClearFault"]({"id": weld["id"]}, stranger)
    assert bench.ask("ClearFault", id=weld["id"]) == {}
    assert bench.asked == [events.FaultCleared(1, "contactor-weld")]
    assert bench.refusal("ClearFault", id=999) == ("NoSuchFault", {"id": 999})


async def test_what_clears_otherwise_is_not_cleared_by_hand(bench: Bench) -> None:
    bench.sense(SafetyReading(at_s=0, door_open=True))
    (door,) = bench.ask("ListFaults")["faults"]
    name, told = bench.refusal("ClearFault", id=door["id"])
    assert (name, told["reason"]) == ("Refused", "NOT_LATCHED")
    assert told["detail"] == "door-open clears by itself, with its reason"


async def test_sessions_that_failed_are_counted(bench: Bench) -> None:
    assert bench.ask("ListFailures") == {"failures": []}
    bench.go_online()
    bench.charge()
    bench.happen(events.Aborted(1, Cause.FAULT))
    bench.sense(ContactorReading(at_s=0, position=Position.OPEN))
    bench.sense(replace(METER, energy_wh=1600))
    (failure,) = bench.ask("ListFailures")["failures"]
    assert (failure["connector"], failure["cause"], failure["count"]) == (1, "FAULT", 1)


# why


def test_every_phase_and_setter_has_words() -> None:
    assert set(why._PHASES) == set(Phase)
    assert set(why._SETTERS) == set(Setter)


async def test_why_names_the_decisive_reason_first(bench: Bench) -> None:
    station = bench.point.station
    assert why.because(station, 1)[0] == "nobody is plugged in"
    bench.charge()
    assert why.because(station, 1) == (
        "150 kW are offered: the power modules give no more",
        "the output is joined to the battery",
    )
    bench.vehicle(VehiclePhase.PAUSED)
    assert why.because(station, 1)[0] == "the vehicle has paused"
    bench.happen(events.StorageChanged(0, failing=True))
    assert "nothing new may start" in why.because(station, 1)[-1]
    bench.happen(events.StorageChanged(0, failing=False))
    bench.happen(events.RestartRequested(0, Cause.SOFT_RESET))
    assert why.because(station, 1)[0] == "the transaction ended: SOFT_RESET"
    assert why.because(station, 1)[-1] == "the daemon is about to restart"
    nothing = Limit(0.0, Setter.AUTHORIZATION)
    session = station.sessions[1]
    assert why._power(session, nothing) == ["the CSMS has refused the id tag"]


async def test_why_says_who_took_a_connector_out_of_service(bench: Bench) -> None:
    station = bench.point.station
    at = f"{bench.clock.now().utc:%F}"
    bench.happen(events.AvailabilityWanted(1, operative=False, origin="cli"))
    first = why.because(station, 1)[0]
    assert first.startswith(f"out of service since {at}")
    assert first.endswith("see: chargerctl connector enable")
    bench.happen(events.AvailabilityWanted(1, operative=True, origin="cli"))
    assert why.because(station, 1) == ("nobody is plugged in",)
    bench.charge()
    bench.happen(events.AvailabilityWanted(0, operative=False, origin="csms"))
    assert why.because(station, 1)[0] == (
        "out of service once its driver is done:"
        " the CSMS wants it so (ChangeAvailability)"
    )


async def test_why_says_for_whom_a_connector_is_kept(bench: Bench) -> None:
    station = bench.point.station
    until = bench.clock.now().utc + timedelta(hours=1)
    kept = events.Reservation(5, 1, CARD, until)
    bench.happen(events.ReservationWanted(1, kept))
    assert why.because(station, 1)[0] == (
        f"kept for {masked(CARD)} until {until:%F %T} UTC (reservation 5)"
    )
    bench.happen(events.ReservationWanted(0, replace(kept, connector=0)))
    assert why.because(station, 1)[0] == (
        "the last one for who has reserved any connector"
    )


# what is kept from drivers


async def test_a_connector_is_taken_out_of_service_on_the_spot(bench: Bench) -> None:
    bench.go_online()
    wishes = bench.ask("ListAvailability")["availability"]
    assert wishes == [
        {"connector": number, "operative": True, "scheduled": False}
        for number in (0, 1)
    ]
    told = bench.ask("SetAvailability", connector=1, operative=False)
    assert told == {"outcome": "Accepted"}
    bench.happen(bench.asked.pop())
    assert bench.views.status()["connectors"][0]["status"] == "Unavailable"
    (_, wish) = bench.ask("ListAvailability")["availability"]
    assert (wish["operative"], wish["by"]) == (False, "cli")
    name, told = bench.refusal("SetAvailability", connector=2, operative=True)
    assert (name, told) == ("NoSuchConnector", {"connector": 2})
    bench.happen(events.StorageChanged(0, failing=True))
    name, told = bench.refusal("SetAvailability", connector=1, operative=True)
    assert (name, told["reason"]) == ("Refused", "STORAGE_FAILING")


@pytest.mark.parametrize("connector", [0, 1])
async def test_a_driver_is_only_sent_away_after_the_end(
    bench: Bench, connector: int
) -> None:
    bench.go_online()
    bench.charge()
    wanted = {"connector": connector, "operative": False}
    name, told = bench.refusal("SetAvailability", **wanted)
    assert (name, told["reason"]) == ("Refused", "CONNECTOR_OCCUPIED")
    told = bench.ask("SetAvailability", **wanted, until_idle=True)
    assert told == {"outcome": "Scheduled"}
    bench.happen(bench.asked.pop())
    assert bench.ask("ListAvailability")["availability"][1]["scheduled"]
    assert bench.views.status()["connectors"][0]["status"] == "Charging"


async def test_reservations_are_shown_and_given_up(bench: Bench) -> None:
    until = bench.clock.now().utc + timedelta(hours=1)
    for id_, group in ((5, None), (6, "FLEET")):
        kept = events.Reservation(id_, 1, CARD, until, group)
        bench.happen(events.ReservationWanted(1, kept))
    shown = bench.ask("ListReservations")["reservations"]
    assert [one["tag"] for one in shown] == [masked(CARD)] * 2
    assert [one.get("group") for one in shown] == [None, masked("FLEET")]
    assert bench.ask("CancelReservation", id=5) == {}
    bench.happen(bench.asked.pop())
    assert [r["id"] for r in bench.ask("ListReservations")["reservations"]] == [6]
    assert bench.refusal("CancelReservation", id=5) == ("NoSuchReservation", {"id": 5})


# how the CSMS is reached


async def test_another_way_to_the_csms_is_tried_and_given_up(bench: Bench) -> None:
    assert set(bench.ask("GetAttachment")) == {"settled"}
    asked = {"url": "ws://new.example/ocpp", "key": "sixteen-letters-"}
    assert bench.ask("SetAttachment", **asked) == {"number": 1}
    wish = bench.asked.pop()
    assert "sixteen" not in repr(wish)
    bench.happen(wish)
    bench.happen(Tried(stored=True))
    told = bench.ask("GetAttachment")
    assert told["trial"]["attachment"] == {
        "url": "ws://new.example/ocpp",
        "identity": "DC-1",
        "security_profile": 0,
        "has_key": True,
        "source": "cli",
    }
    assert told["trial"]["left_s"] == 120
    name, why = bench.refusal("SetAttachment", identity="DC-2")
    assert (name, why["reason"]) == ("Refused", "TRIAL_RUNNING")
    assert bench.ask("RollBackAttachment") == {"number": 1, "given_up": True}
    bench.happen(bench.asked.pop())
    told = bench.ask("GetAttachment")
    assert "trial" not in told
    assert told["outcome"]["what"] == "given up by cli"
    assert bench.refusal("RollBackAttachment")[0] == "Refused"


async def test_what_worked_before_is_tried_by_a_rollback(bench: Bench) -> None:
    bench.ask("SetAttachment", key="00" * 16)
    bench.happen(bench.asked.pop())
    bench.happen(Tried(stored=True))
    told = bench.ask("GetAttachment")
    assert told["settled"]["has_key"]
    assert not told["before"]["has_key"]
    assert bench.ask("RollBackAttachment") == {"number": 2, "given_up": False}
    bench.happen(bench.asked.pop())
    bench.happen(Tried(stored=True))
    assert not bench.ask("GetAttachment")["settled"]["has_key"]


async def test_only_who_may_act_can_change_the_way_to_the_csms(bench: Bench) -> None:
    stranger = Peer(1, os.geteuid() + 1, 4711, frozenset())
    for method in ("SetAttachment", "RollBackAttachment"):
        with pytest.raises(ControlFailed, match="NotPermitted"):
            bench.interface.methods[method]({}, stranger)
    name, why = bench.refusal("SetAttachment", key="short")
    assert (name, why["reason"]) == ("Refused", "BAD_VALUE")
    assert "short" not in str(why["detail"])
    name, why = bench.refusal("SetKey", name="AuthorizationKey", value="00" * 16)
    assert (name, why["reason"]) == ("Refused", "NOT_HERE")
    assert bench.asked == []


# what follows from a step


async def test_a_changed_key_reaches_the_link(bench: Bench) -> None:
    bench.happen(KeyWanted("WebSocketPingInterval", "15", "cli"))
    assert bench.link.pace.ping_interval_s == 15


async def test_the_clock_follows_the_csms(bench: Bench) -> None:
    bench.clock.correct(-3600)
    bench.go_online()
    assert bench.steps
    assert bench.steps[0] == pytest.approx(3600, abs=5)


async def test_the_senses_know_which_connector_is_in_use(bench: Bench) -> None:
    assert not bench.senses._busy[1].is_set()
    bench.charge()
    assert bench.senses._busy[1].is_set()


# id tags


async def test_the_list_and_the_cache_are_shown_masked(bench: Bench) -> None:
    until = bench.clock.now().utc + timedelta(seconds=5)
    entries = {
        "04ffee11": TagInfo(Standing.ACCEPTED, "04a2fleet", until),
        "04ffee22": TagInfo(Standing.BLOCKED),
        "04ffee33": TagInfo(Standing.ACCEPTED),
    }
    bench.happen(events.ListReplaced(0, 7, entries))
    told = bench.ask("ListTags", limit=2)
    assert (told["total"], told["version"], told["enabled"]) == (3, 7, True)
    first, second = told["tags"]
    assert (first["tag"], first["status"], first["group"]) == (
        "04…11",
        "Accepted",
        "04…et",
    )
    assert second == {"tag": "04…22", "status": "Blocked", "conflict": False}
    bench.clock.advance(5)
    bench.happen(events.TagAnswered(0, "04FFEE22", TagInfo(Standing.ACCEPTED)))
    passed, contradicted, _ = bench.ask("ListTags")["tags"]
    assert passed["status"] == "Expired"
    assert contradicted["conflict"]

    cached = bench.ask("ListCachedTags")
    assert (cached["total"], cached["enabled"]) == (1, True)
    assert bench.ask("ClearCache") == {"count": 1}
    assert bench.asked[-1] == events.TagsCleared(0)


async def test_what_would_be_decided_on_an_id_tag_is_explained(bench: Bench) -> None:
    bench.happen(events.ListReplaced(0, 7, {"bad": TagInfo(Standing.BLOCKED)}))
    known = bench.ask("ExplainTag", tag=CARD)
    assert "listed" not in known
    assert known["cached"]["status"] == "Accepted"
    assert not known["online"]
    assert known["if_online"] == {"verdict": "ask", "source": "the CSMS"}
    assert known["if_offline"] == {"verdict": "accept", "source": "the cache"}
    refused = bench.ask("ExplainTag", tag="BAD")
    assert refused["listed"]["status"] == "Blocked"
    assert refused["if_offline"] == {
        "verdict": "refuse",
        "source": "the local list",
        "reason": "TAG_BLOCKED",
    }

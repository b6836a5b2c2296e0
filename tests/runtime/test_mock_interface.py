"""The hands of the simulated station, over its own description."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chargerd import control
from chargerd.core.events import ErrorCodeSet
from chargerd.runtime import varlink
from chargerd.runtime.control_server import ControlFailed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.csms import CsmsLink, Hold
from chargerd.runtime.link_settings import LinkSettings
from chargerd.runtime.mock_interface import MockInterface
from chargerd.steps import Happening
from hal.values import VehiclePhase
from tests.hal.virtual_time import instantly
from tests.runtime.rig import Rig, rig

DESCRIPTION = varlink.parse(varlink.shipped(control.MOCK))
PEER = Peer(1, 0, 0, frozenset())


class Bench:
    """A simulated station and the methods that play with it."""

    def __init__(self, station: Rig) -> None:
        self.station = station
        self.told: list[Happening] = []
        time = asyncio.get_running_loop().time
        settings = LinkSettings("ws://h/ocpp", "DC-1")
        self.link = CsmsLink(lambda: settings, self.told.append, time)
        mock = MockInterface(station.simulation, self.link, (1,), self.told.append)
        self.interface = mock.interface(varlink.shipped(control.MOCK))

    def ask(self, method: str, **given: Any) -> Any:
        DESCRIPTION.check(DESCRIPTION.methods[method].takes, given)
        answer = self.interface.methods[method](given, PEER)
        DESCRIPTION.check(DESCRIPTION.methods[method].gives, answer)
        return answer

    def refusal(self, method: str, **given: Any) -> tuple[str, Mapping[str, Any]]:
        with pytest.raises(ControlFailed) as raised:
            self.ask(method, **given)
        name = raised.value.error.removeprefix(f"{control.MOCK}.")
        DESCRIPTION.check(DESCRIPTION.errors[name], dict(raised.value.parameters))
        return name, raised.value.parameters


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    async with rig(folder) as station:
        yield Bench(station)


@instantly
async def test_each_verb_reaches_the_world(tmp_path: Path) -> None:
    async with bench(tmp_path) as mock:
        assert set(mock.interface.methods) == set(DESCRIPTION.methods)
        controller = mock.station.outlet.controller
        mock.ask("Plug", connector=1, soc_percent=55.0, evccid=None)
        assert controller.car is not None
        assert controller.car.battery.soc == pytest.approx(0.55)
        mock.ask("Pause", connector=1)
        assert not controller.car.asks
        mock.ask("Resume", connector=1)
        assert controller.car.asks
        mock.ask("PresentTag", uid="04A224B2")
        mock.ask("SetRate", factor=2.0)
        assert mock.station.outlet.rate == 2.0
        mock.ask("SetMeter", connector=1, energy_wh=5000, power_w=11.0)
        assert mock.station.outlet.register.energy_wh == 5000
        mock.ask("SetMeter", connector=1)
        assert mock.station.outlet.register.forced_w == 11.0
        mock.ask("SetMeter", connector=1, power_w=None)
        assert mock.station.outlet.register.forced_w is None
        mock.ask("Unplug", connector=1)
        assert controller.phase is VehiclePhase.UNPLUGGED
        mock.ask("SetLink", mode="blackhole")
        assert mock.link._hold is Hold.BLACKHOLE


@instantly
async def test_a_fault_is_reported_under_its_name_in_the_catalogue(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as mock:
        names = mock.ask("ListFaults")["names"]
        assert "module-3" in names
        mock.ask("SetFault", name="module-3", on=True, error_code="InternalError")
        mock.ask("SetFault", name="meter-backwards", on=False, error_code="Ignored")
        assert mock.told == [
            ErrorCodeSet(0, "module-failure", "InternalError"),
            ErrorCodeSet(0, "meter-implausible", None),
        ]
        assert mock.station.world.faults.has("module-3", 1)


@instantly
async def test_what_cannot_be_done_is_told_with_the_parameter(tmp_path: Path) -> None:
    async with bench(tmp_path) as mock:
        assert mock.refusal("Plug", connector=2) == (
            "NoSuchConnector",
            {"connector": 2},
        )
        for method, given, parameter in (
            ("Plug", {"connector": 1, "soc_percent": 101.0}, "soc_percent"),
            ("Pause", {"connector": 1}, "connector"),
            ("PresentTag", {"uid": "xyz"}, "uid"),
            ("SetFault", {"name": "gremlins", "on": True}, "name"),
            ("SetLink", {"mode": "sideways"}, "mode"),
            ("SetRate", {"factor": 0.0}, "factor"),
            ("SetMeter", {"connector": 1, "energy_wh": -1}, "energy_wh"),
        ):
            name, told = mock.refusal(method, **given)
            assert (name, told["parameter"]) == ("BadValue", parameter)
            assert told["detail"]
        assert mock.told == []

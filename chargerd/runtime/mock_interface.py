"""``org.chargerd.Mock``: the hands of the simulated station, by the control socket."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from chargerd import control
from chargerd.core.events import WHOLE_STATION, ErrorCodeSet
from chargerd.runtime.control_server import Interface, failed
from chargerd.runtime.control_socket import Peer
from chargerd.runtime.csms import CsmsLink, Hold
from chargerd.steps import Happening
from hal.interfaces import Simulation

Parameters = Mapping[str, Any]

_FAULTS: Final[Mapping[str, str]] = {
    "contactor-weld-hidden": "contactor-weld",
    "meter-backwards": "meter-implausible",
    "meter-spread": "measurement-spread",
}
"""What a broken part of the world is called in ``core.faults``, where it differs."""


class MockInterface:
    """Passes each verb on to the world, and link and error codes to their owners."""

    def __init__(
        self,
        simulation: Simulation,
        link: CsmsLink,
        connectors: tuple[int, ...],
        soon: Callable[[Happening], None],
    ) -> None:
        self._simulation = simulation
        self._link = link
        self._connectors = connectors
        self._soon = soon

    def interface(self, description: str) -> Interface:
        """Return the methods for the control server."""
        verbs = {
            "Plug": self._plug,
            "Unplug": self._unplug,
            "PresentTag": self._present,
            "Pause": self._pause,
            "Resume": self._resume,
            "SetFault": self._fault,
            "ListFaults": lambda _: {"names": list(self._simulation.faults())},
            "SetLink": self._hold,
            "SetRate": self._rate,
            "SetMeter": self._meter,
        }
        methods = {name: self._guarded(verb) for name, verb in verbs.items()}
        return Interface(control.MOCK, description, methods)

    def _guarded(
        self, verb: Callable[[Parameters], Mapping[str, Any] | None]
    ) -> Callable[[Parameters, Peer], Mapping[str, Any]]:
        def method(parameters: Parameters, _peer: Peer) -> Mapping[str, Any]:
            connector = parameters.get("connector")
            if connector is not None and connector not in self._connectors:
                raise _failed("NoSuchConnector", connector=connector)
            try:
                return verb(parameters) or {}
            except ValueError as error:
                name, _, detail = str(error).partition(": ")
                raise _failed("BadValue", parameter=name, detail=detail) from error

        return method

    def _plug(self, parameters: Parameters) -> None:
        given = {name: v for name, v in parameters.items() if v is not None}
        self._simulation.plug(given.pop("connector"), **given)

    def _unplug(self, parameters: Parameters) -> None:
        self._simulation.unplug(parameters["connector"])

    def _present(self, parameters: Parameters) -> None:
        self._simulation.present(parameters["uid"], parameters.get("connector"))

    def _pause(self, parameters: Parameters) -> None:
        self._simulation.pause(parameters["connector"])

    def _resume(self, parameters: Parameters) -> None:
        self._simulation.resume(parameters["connector"])

    def _fault(self, parameters: Parameters) -> None:
        name, on = parameters["name"], parameters["on"]
        fault = "module-failure" if _is_module(name) else _FAULTS.get(name, name)
        code = parameters.get("error_code") if on else None
        self._simulation.set_fault(name, on, parameters.get("connector"))
        self._soon(ErrorCodeSet(WHOLE_STATION, fault, code))

    def _hold(self, parameters: Parameters) -> None:
        words = [mode.value for mode in Hold]
        if parameters["mode"] not in words:
            raise ValueError(f"mode: is none of {', '.join(words)}")
        self._link.hold(Hold(parameters["mode"]))

    def _rate(self, parameters: Parameters) -> None:
        self._simulation.set_rate(parameters["factor"])

    def _meter(self, parameters: Parameters) -> None:
        connector = parameters["connector"]
        if (energy_wh := parameters.get("energy_wh")) is not None:
            self._simulation.set_register(connector, energy_wh)
        if "power_w" in parameters:
            self._simulation.set_power(connector, parameters["power_w"])


def _is_module(name: str) -> bool:
    return name.startswith("module-") and name.removeprefix("module-").isdigit()


_failed = partial(failed, control.MOCK)

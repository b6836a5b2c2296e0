"""What can be called on each kind of device, for the checks that call all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hal.values import Setpoint, Signal, StationReport


@dataclass(frozen=True, slots=True)
class Call:
    """One call that must work on a healthy device without a vehicle."""

    method: str
    arguments: tuple[Any, ...] = ()

    async def on(self, device: Any) -> Any:
        """Make the call."""
        return await getattr(device, self.method)(*self.arguments)


_READ = Call("read")
_REPORT = StationReport(False, 0.0, 0.0, 1_000_000.0, 1000.0, 100.0, 50_000.0)

CALLS: Final[Mapping[str, tuple[Call, ...]]] = {
    "power_module": (
        _READ,
        Call("supply", (Setpoint(200.0, 1.0, 0.2),)),
        Call("shut_off"),
    ),
    "contactor": (Call("close"), _READ, Call("open")),
    "bridge": (Call("close"), _READ, Call("open")),
    "meter": (_READ,),
    "isolation": (_READ, Call("self_test")),
    "vehicle": (
        _READ,
        Call("report", (_REPORT,)),
        Call("authorize", (False,)),
        Call("stop"),
    ),
    "lock": (Call("engage"), _READ, Call("release")),
    "safety": (_READ,),
    "temperature": (_READ,),
    "supply": (_READ,),
    "reader": (_READ,),
    "light": tuple(Call("show", (signal,)) for signal in Signal),
    "simulation": (),
}
"""In an order that leaves the device safe."""

STREAMS: Final[Mapping[str, str]] = {
    "vehicle": "changes",
    "safety": "changes",
    "supply": "changes",
    "reader": "tokens",
}

STAMPED: Final = frozenset(CALLS) - {"reader", "light", "simulation"}
"""The kinds whose ``read`` returns a :class:`hal.values.Reading`."""

"""The hands of a simulated cabinet that runs as a program of its own.

The devices of the station are then driven by their real drivers, over the cabinet's
ports and buses; this driver only lets whoever plays plug cars in and break things.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from hal.errors import HardwareError
from hal.resources import Place
from hal.wire import play

_ANSWERS_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Config:
    """Where the cabinet listens."""

    socket: str
    """The Unix socket in the directory of the cabinet."""


class Simulation:
    """Passes every verb on; the cabinet answers within a turn of its loop."""

    def __init__(self, connection: socket.socket, answers: BufferedReader) -> None:
        self._connection = connection
        self._answers = answers

    def plug(
        self,
        connector: int,
        *,
        soc_percent: float = 20.0,
        capacity_wh: float = 77_000.0,
        max_power_w: float = 150_000.0,
        max_voltage_v: float = 800.0,
        evccid: str | None = None,
    ) -> None:
        self._ask(
            "plug",
            connector=connector,
            soc_percent=soc_percent,
            capacity_wh=capacity_wh,
            max_power_w=max_power_w,
            max_voltage_v=max_voltage_v,
            evccid=evccid,
        )

    def unplug(self, connector: int) -> None:
        self._ask("unplug", connector=connector)

    def present(self, uid: str, connector: int | None = None) -> None:
        self._ask("present", uid=uid, connector=connector)

    def pause(self, connector: int) -> None:
        self._ask("pause", connector=connector)

    def resume(self, connector: int) -> None:
        self._ask("resume", connector=connector)

    def set_fault(self, name: str, on: bool, connector: int | None = None) -> None:
        self._ask("set_fault", name=name, on=on, connector=connector)

    def faults(self) -> tuple[str, ...]:
        return tuple(self._ask("faults"))

    def set_rate(self, factor: float) -> None:
        self._ask("set_rate", factor=factor)

    def set_register(self, connector: int, energy_wh: int) -> None:
        self._ask("set_register", connector=connector, energy_wh=energy_wh)

    def set_power(self, connector: int, power_w: float | None) -> None:
        self._ask("set_power", connector=connector, power_w=power_w)

    def _ask(self, verb: str, **arguments: Any) -> Any:
        try:
            self._connection.sendall(play.request(verb, arguments))
            line = self._answers.readline(play.LONGEST)
        except OSError as error:
            raise play.Refused(f"cabinet: {error}; start it again") from error
        if not line:
            raise play.Refused("cabinet: has ended; start it again")
        return play.result(line)


@asynccontextmanager
async def connect(config: Config, _place: Place) -> AsyncIterator[Simulation]:
    """Connect to the cabinet.

    Raises:
        HardwareError: Nobody listens there.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWERS_WITHIN_S)
        try:
            connection.connect(config.socket)
        except OSError as error:
            raise HardwareError(
                f"{config.socket}: no cabinet listens there ({error.strerror}); "
                "start one first"
            ) from error
        with connection.makefile("rb") as answers:
            yield Simulation(connection, answers)

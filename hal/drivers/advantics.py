"""ADVANTICS CCS controllers (ADM-CS-SECC, ADM-CS-SPCC) with EVSE Generic v3, on CAN.

Manual: "EVSE Generic interface v3". In the controller's configuration file
``charger_type`` must be ``Advantics_Generic_DC_v3`` and ``use_sequence_flags`` true.
The controller's interlock must be wired to the supply of the contactors: it opens them
when this side is silent for too long.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from hal.bounds import check
from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.parts.advantics import Secc
from hal.parts.advantics_answers import Answers
from hal.parts.news import changes, comes
from hal.resources import Place
from hal.transport.bus import Bus
from hal.transport.can import CanSettings, open_bus
from hal.transport.rank import Rank
from hal.transport.watchers import Watchers
from hal.values import JOINED, StationReport, VehiclePhase, VehicleReading
from hal.wire.advantics import (
    FAMILY_MASK,
    HIGHEST_INDEX,
    Message,
    PowerModulesStatus,
    PowerParameters,
    SequenceControl,
    identifier,
    without_index,
)
from hal.wire.frame import Frame

PERIOD_S: Final = 0.1
"""How often the controller wants to hear of the power modules."""
REPORT_HOLDS_S: Final = 0.3
"""An older report is not told any more: the controller shall find us silent."""

_SHORTEST_SILENCE_S: Final = 0.15
"""The controller itself speaks every 100 ms."""
_REPEAT_S: Final = 1.0
"""Nobody acknowledges a message, so what was said is said again."""
_FIRST_WORDS_S: Final = 0.3
_PILOT_HOLDS_S: Final = 1.0
_UNKNOWN_C: Final = 20.0
"""A temperature that makes the controller do nothing."""
_LEAST_A: Final = 0.1
"""Zero would stand for the most that the controller's own configuration allows."""


@dataclass(frozen=True, slots=True)
class Config:
    """Which controller on which bus."""

    channel: str
    """The bus: ``can0``, or the device file of a serial adapter."""
    interface: str = "socketcan"
    """``socketcan``, or ``slcan`` for a serial adapter."""
    bitrate: int = 500_000
    """Of a serial adapter; ``ip link`` sets that of the others."""
    index: int = 0
    """As the controller is configured; 0: the number of the connector."""
    silent_after_s: float = 0.2
    """How long the controller may say nothing; its manual demands this value."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        CanSettings(self.channel, self.interface, self.bitrate)
        check("index", self.index, 0, HIGHEST_INDEX)
        check("silent_after_s", self.silent_after_s, _SHORTEST_SILENCE_S, 1.0)


class Vehicle:
    """One controller: keeps what it says, and says in time what it must hear."""

    def __init__(self, bus: Bus, index: int, config: Config, place: Place) -> None:
        self._bus = bus
        self._index = index
        self._monotonic = place.resources.monotonic
        self._silent_after_s = config.silent_after_s
        self._where = f"{config.channel}: controller {index}"
        self._secc = Secc()
        self._answers = Answers()
        self._news = Watchers()
        self._broken_off = False
        self._complaint: BadAnswer | None = None
        self._report = StationReport(False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        self._report_s = -inf
        self._said: dict[Message, tuple[bytes, float]] = {}

    async def authorize(self, accepted: bool) -> None:
        self._answers.authorize(accepted, self._phase())
        self._say_sequence()

    async def report(self, report: StationReport) -> None:
        switched = report.enabled is not self._report.enabled
        self._report, self._report_s = report, self._monotonic()
        if switched:
            self._say_status()
        # A vehicle keeps a lower limit, or asks for more, only when it hears of it.
        _, said_s = self._said.get(Message.DC_POWER_PARAMETERS, (b"", -inf))
        if self._report_s - said_s >= PERIOD_S:
            self._say_offer()
        self._phase()

    async def stop(self) -> None:
        self._answers.stop(self._phase(), self._monotonic())
        self._say_sequence()

    async def read(self) -> VehicleReading:
        complaint, self._complaint = self._complaint, None
        if complaint is not None:
            raise complaint
        return self._reading()

    def changes(self) -> AsyncIterator[VehicleReading]:
        return changes([self._news], self._reading)

    def hear(self, frame: Frame) -> None:
        """Take what the controller says."""
        message, now_s = without_index(frame.identifier), self._monotonic()
        back = self._silence_s(now_s) > self._silent_after_s
        if back:
            self._secc.forget_wish()
        try:
            new = self._secc.hear(message, frame.data, now_s) or back
        except BadAnswer as error:
            self._complaint = BadAnswer(f"{self._where}: {error}")
            return
        broken_off = self._secc.broken_off(now_s)
        if new or broken_off is not self._broken_off:
            self._broken_off = broken_off
            self._news.tell()
        if new and message == Message.CONTROLLER_STATUS:
            self._said.pop(Message.SEQUENCE_CONTROL, None)
            with suppress(NoAnswer):
                self._say_sequence()

    async def talk(self) -> None:
        """Say what must be said again and again, for ever.

        All talk at the same moments: to wake up costs more than to say it.
        """
        loop = asyncio.get_running_loop()
        while True:
            with suppress(NoAnswer):  # whoever reads learns of it
                self._say_status()
                self._say_offer()
                self._say_sequence()
            await asyncio.sleep(PERIOD_S - loop.time() % PERIOD_S)

    async def first_words(self) -> None:
        """Return once the controller has told where it stands, or is late."""
        await comes([self._news], lambda: self._secc.told, _FIRST_WORDS_S)

    def take_leave(self) -> None:
        """Let the controller serve nobody without us."""
        with suppress(NoAnswer):
            self._report = replace(self._report, enabled=False)
            self._say_status()
            # Nobody is there any more to wait for its turn on the bus.
            self._say(Message.SEQUENCE_CONTROL, SequenceControl().encode(), Rank.SAFETY)

    def _reading(self) -> VehicleReading:
        self._phase()
        return self._secc.reading(self._monotonic())

    def _phase(self) -> VehiclePhase:
        now_s = self._monotonic()
        silence_s = self._silence_s(now_s)
        if silence_s > self._silent_after_s:
            raise NoAnswer(
                f"{self._where}: silent for {self._silent_after_s} s; check its "
                "supply, its cable, its index and the bit rate"
            )
        pilot_s = self._secc.age_s(Message.CCS_EXTRA_INFORMATION, now_s)
        if _PILOT_HOLDS_S < pilot_s < inf:
            raise NoAnswer(
                f"{self._where}: has not told the control pilot for {_PILOT_HOLDS_S} "
                "s; restart the controller"
            )
        return self._secc.phase(now_s)

    def _silence_s(self, now_s: float) -> float:
        return self._secc.age_s(Message.CONTROLLER_STATUS, now_s)

    def _say_status(self) -> None:
        if not self._reported():
            return
        report = self._report
        heat_c = report.module_temperature_c
        status = PowerModulesStatus(
            report.present_voltage_v,
            report.present_current_a,
            _UNKNOWN_C if heat_c is None else heat_c,
            _UNKNOWN_C,
            report.enabled,
            report.resistance_ohm,
        )
        # Not later than other devices' frames: silence would open the contactors.
        self._say(Message.POWER_MODULES_STATUS, status.encode(), Rank.SAFETY)

    def _say_offer(self) -> None:
        if not self._reported():
            return
        report = self._report
        limit_a = report.max_current_a
        joined = self._secc.phase(self._monotonic()) in JOINED
        if joined and report.present_voltage_v > 0.0:
            limit_a = min(limit_a, report.max_power_w / report.present_voltage_v)
        offer = PowerParameters(report.max_voltage_v, max(limit_a, _LEAST_A))
        self._say_anew(Message.DC_POWER_PARAMETERS, offer.encode())

    def _say_sequence(self) -> None:
        now_s, secc = self._monotonic(), self._secc
        told = Message.DC_POWER_PARAMETERS in self._said
        offering = told and self._reported() and self._report.enabled
        self._answers.settle(secc.phase(now_s), secc.state, offering)
        flags = self._answers.flags(secc.over, now_s)
        self._say_anew(Message.SEQUENCE_CONTROL, flags.encode())

    def _reported(self) -> bool:
        return self._monotonic() - self._report_s <= REPORT_HOLDS_S

    def _say_anew(self, message: Message, data: bytes) -> None:
        last, at_s = self._said.get(message, (None, -inf))
        if data != last or self._monotonic() - at_s >= _REPEAT_S:
            self._say(message, data)

    def _say(self, message: Message, data: bytes, rank: Rank = Rank.ROUTINE) -> None:
        self._bus.send(Frame(identifier(message, self._index), data), rank)
        self._said[message] = data, self._monotonic()


@asynccontextmanager
async def connect(config: Config, place: Place) -> AsyncIterator[Vehicle]:
    """Listen to the controller; it serves no vehicle once the block has ended.

    Raises:
        HardwareError: The bus cannot be opened, or the controller is another
            connector's.
    """
    index = config.index or place.connector
    settings = CanSettings(config.channel, config.interface, config.bitrate)
    bus = await open_bus(settings, place)
    vehicle = Vehicle(bus, index, config, place)
    family = identifier(Message.CONTROLLER_STATUS, index) & FAMILY_MASK
    async with _claimed(config.channel, index, place):
        with bus.listen(family, FAMILY_MASK, vehicle.hear):
            talk = asyncio.create_task(vehicle.talk(), name=f"advantics {index}")
            try:
                await vehicle.first_words()
                yield vehicle
            finally:
                talk.cancel()
                vehicle.take_leave()


@asynccontextmanager
async def _claimed(channel: str, index: int, place: Place) -> AsyncIterator[None]:
    """Keep a controller to one connector."""
    taken: set[int] = await place.resources.share(
        ("advantics", channel), lambda: nullcontext(set())
    )
    if index in taken:
        raise HardwareError(
            f"{channel}: controller {index} is another connector's; give each "
            "connector an index of its own"
        )
    taken.add(index)
    try:
        yield
    finally:
        taken.discard(index)

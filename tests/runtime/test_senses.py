"""The senses: how often they look, when they give a device up, what they tell."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chargerd.core.events import DeviceBack, DeviceLost, Sensed, TokenPresented
from chargerd.core.permissive import MAX_AGE_S, Loss
from chargerd.core.session import Phase
from chargerd.runtime.devices import ConnectorDevices
from chargerd.runtime.senses import PACES
from hal.errors import BadAnswer, HardwareError, NoAnswer
from hal.values import (
    ContactorReading,
    MeterReading,
    SafetyReading,
    TemperatureReading,
    Token,
    VehicleReading,
)
from tests.hal.virtual_time import instantly
from tests.runtime.rig import Rig, rig, until


class Thermometer:
    """Answers as the test says, and counts how often it is asked."""

    def __init__(self) -> None:
        self.temperature_c = 20.0
        self.error: HardwareError | None = None
        self.asked_s: list[float] = []

    async def read(self) -> TemperatureReading:
        now_s = asyncio.get_running_loop().time()
        self.asked_s.append(now_s)
        if self.error is not None:
            raise self.error
        return TemperatureReading(at_s=now_s, temperature_c=self.temperature_c)

    def fitted(self, devices: ConnectorDevices) -> ConnectorDevices:
        return replace(devices, temperature=self)


def readings(station: Rig, kind: type[Any]) -> list[Any]:
    return [e.reading for e in station.of(Sensed) if isinstance(e.reading, kind)]


@pytest.mark.parametrize("busy", [False, True])
@instantly
async def test_a_device_is_read_at_the_pace_of_its_connector(
    tmp_path: Path, busy: bool
) -> None:
    thermometer = Thermometer()
    async with rig(tmp_path, thermometer.fitted) as station:
        station.senses.set_busy(1, busy)
        await asyncio.sleep(60.0)
        pace = PACES["temperature"]
        expected = 60.0 / (pace.busy_s if busy else pace.idle_s)
        assert len(thermometer.asked_s) == pytest.approx(expected, abs=2)


@instantly
async def test_a_connector_that_becomes_busy_is_looked_at_at_once(
    tmp_path: Path,
) -> None:
    thermometer = Thermometer()
    async with rig(tmp_path, thermometer.fitted) as station:
        await asyncio.sleep(0.5)
        asked = len(thermometer.asked_s)
        station.senses.set_busy(1, True)
        await until(lambda: len(thermometer.asked_s) > asked, 0.01)


def test_busy_paces_leave_room_for_two_failures_within_the_age_of_a_fact() -> None:
    for kind, limit_s in MAX_AGE_S.items():
        assert 3 * PACES[kind].busy_s <= limit_s, kind


@instantly
async def test_while_idle_only_news_is_told(tmp_path: Path) -> None:
    thermometer = Thermometer()
    async with rig(tmp_path, thermometer.fitted) as station:
        await asyncio.sleep(20)
        thermometer.temperature_c = 30.0
        await asyncio.sleep(20)
        told = readings(station, TemperatureReading)
        assert [reading.temperature_c for reading in told] == [20.0, 30.0]
        # but the guard has the newest
        assert station.facts.temperature is not None
        assert station.facts.temperature.age_s(station.world.monotonic()) <= 2.0


@instantly
async def test_an_input_is_told_when_it_changes_however_often_it_is_read(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as station:
        station.senses.set_busy(1, True)
        await asyncio.sleep(5)
        station.simulation.set_fault("door-open", True, 0)
        await until(lambda: len(readings(station, SafetyReading)) == 2, 0.2)
        await asyncio.sleep(5)
        told = readings(station, SafetyReading)
        assert [reading.door_open for reading in told] == [False, True]
        # but the guard has the newest
        assert station.facts.safety is not None
        assert station.facts.safety.age_s(station.world.monotonic()) <= 0.2


@pytest.mark.parametrize(("charging", "least", "most"), [(False, 50, 70), (True, 0, 1)])
@instantly
async def test_contactors_that_are_still_as_they_were_are_told_until_current_flows(
    tmp_path: Path, charging: bool, least: int, most: int
) -> None:
    async with rig(tmp_path) as station:
        station.senses.set_busy(1, True, charging=charging)
        await asyncio.sleep(1)
        before = len(readings(station, ContactorReading))
        await asyncio.sleep(10)
        assert least <= len(readings(station, ContactorReading)) - before <= most
        assert station.facts.contactor is not None
        assert station.facts.contactor.age_s(station.world.monotonic()) <= 0.2


@instantly
async def test_every_reading_of_the_meter_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await asyncio.sleep(20)
        assert len(readings(station, MeterReading)) >= 20


@instantly
async def test_a_device_is_lost_after_three_failures_and_back_with_one_answer(
    tmp_path: Path,
) -> None:
    thermometer = Thermometer()
    async with rig(tmp_path, thermometer.fitted) as station:
        station.senses.set_busy(1, True)
        await asyncio.sleep(3)
        health = station.senses.health[1, "temperature"]
        thermometer.error = NoAnswer("silent")
        failed_from = len(thermometer.asked_s)
        await until(lambda: len(thermometer.asked_s) == failed_from + 2)
        await asyncio.sleep(0)
        assert station.of(DeviceLost) == []
        assert health.alive
        assert health.error == "silent"

        await asyncio.sleep(5)
        lost = DeviceLost(1, "temperature", Loss("silent"))
        assert station.of(DeviceLost) == [lost]
        assert not health.alive

        thermometer.error = None
        await asyncio.sleep(5)
        assert station.of(DeviceBack) == [DeviceBack(1, "temperature")]
        assert (health.failures, health.error) == (0, None)


@instantly
async def test_a_device_that_speaks_nonsense_is_implausible(tmp_path: Path) -> None:
    thermometer = Thermometer()
    thermometer.error = BadAnswer("-274 °C")
    async with rig(tmp_path, thermometer.fitted) as station:
        await asyncio.sleep(10)
        (lost,) = station.of(DeviceLost)
        assert lost.loss == Loss("-274 °C", implausible=True)


@instantly
async def test_two_failures_and_an_answer_are_no_loss(tmp_path: Path) -> None:
    thermometer = Thermometer()
    async with rig(tmp_path, thermometer.fitted) as station:
        for _ in range(5):
            thermometer.error = NoAnswer("silent")
            asked = len(thermometer.asked_s)
            await until(lambda asked=asked: len(thermometer.asked_s) == asked + 2)  # type: ignore[misc]
            thermometer.error = None
            await asyncio.sleep(2.5)
        assert station.of(DeviceLost) == []
        assert station.of(DeviceBack) == []


@instantly
async def test_an_edge_of_the_safety_inputs_is_told_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await asyncio.sleep(0.55)
        station.simulation.set_fault("emergency-stop", True)
        await until(lambda: readings(station, SafetyReading)[-1].emergency_stop, 0.01)


class Restless:
    """A vehicle whose own news end in an error."""

    def __init__(self) -> None:
        self.begun = 0
        self._vehicle: Any = None

    def fitted(self, devices: ConnectorDevices) -> ConnectorDevices:
        self._vehicle = devices.vehicle
        return replace(devices, vehicle=self)

    def __getattr__(self, name: str) -> Any:
        if name == "tokens":
            raise AttributeError(name)
        return getattr(self._vehicle, name)

    async def changes(self) -> AsyncIterator[VehicleReading]:
        self.begun += 1
        yield await self._vehicle.read()
        raise NoAnswer("line lost")


@instantly
async def test_news_that_broke_off_are_listened_to_again(tmp_path: Path) -> None:
    vehicle = Restless()
    async with rig(tmp_path, vehicle.fitted):
        await asyncio.sleep(5.5)
        assert vehicle.begun == 6


class Worn:
    """A reader that breaks off after each card."""

    def __init__(self) -> None:
        self.begun = 0

    async def read(self) -> None:
        return None

    async def tokens(self) -> AsyncIterator[Token]:
        self.begun += 1
        yield Token(f"04A224B{self.begun}")
        raise NoAnswer("reader lost")


@instantly
async def test_cards_are_told_and_a_reader_that_broke_off_is_listened_to_again(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path, lambda own: replace(own, reader=Worn())) as station:
        await asyncio.sleep(5)
        cards = ["04A224B1", "04A224B2", "04A224B3"]
        assert station.of(TokenPresented) == [
            TokenPresented(1, Token(card)) for card in cards
        ]


@instantly
async def test_a_card_at_the_reader_of_the_station_is_told_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        station.simulation.present("04A224B2")
        await asyncio.sleep(10)
        assert station.of(TokenPresented) == [TokenPresented(0, Token("04A224B2"))]


@instantly
async def test_each_device_that_is_read_has_a_health(tmp_path: Path) -> None:
    async with rig(tmp_path) as station:
        await station.walk(Phase.ENERGIZED)
        assert set(station.senses.health) == {
            (number, kind)
            for number, kind in station.devices.drivers
            if kind not in ("light",)
        }
        assert all(health.alive for health in station.senses.health.values())
        now_s = station.world.monotonic()
        assert all(
            health.seen_s is not None and now_s - health.seen_s <= 2.0
            for health in station.senses.health.values()
        )

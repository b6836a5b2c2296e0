"""What a driver of a CCS controller must keep while a vehicle is on the plug.

Only a bench with a car can show it; without one these checks pass over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from hal.conformance.subject import Subject, Traffic, expect
from hal.interfaces import Vehicle
from hal.values import POWERED, VehiclePhase, VehicleReading

_ROUND_S: Final = 0.05
_PHASE_WITHIN_S: Final = 30.0
_ENDS_UNREPORTED_WITHIN_S: Final = 1.0
_P = VehiclePhase
_WITH_POWER: Final = (_P.CABLE_CHECK, _P.PRECHARGE, _P.CHARGING)
_DEAD: Final = (_P.WELDING_CHECK, _P.FINISHED, _P.UNPLUGGED)
_ORDER: Final = {phase: place for place, phase in enumerate(VehiclePhase)}


async def vehicle_leads_a_session(subject: Subject) -> None:
    """A car is led through the phases in their order, to its energy and to its end."""
    async with _plugged(subject) as ride:
        if ride is None:
            return
        await ride.until(_P.AUTHORIZING)
        expect(not ride.powered, "read: nothing is asked for before authorization")
        await ride.vehicle.authorize(True)
        last = await ride.until(_P.CHARGING, lambda r: r.target_current_a > 0)
        expect(last.target_voltage_v > 0, "read: a charging vehicle names a voltage")
        expect(last.evccid is not None, "read: evccid of a vehicle that charges")
        for phase in _WITH_POWER:
            wanted = any(r.wants_contactors for r in ride.seen if r.phase is phase)
            expect(wanted, f"read: wants_contactors in {phase.name}")
        await ride.vehicle.stop()
        await ride.until(_P.FINISHED)
        places = [_ORDER[r.phase] for r in ride.seen]
        expect(places == sorted(places), "read: the phases come in their order")
        for reading in ride.seen:
            if reading.phase in _DEAD:
                _expect_nothing_asked(reading)
        ride.traffic.plug(False)
        _expect_no_vehicle(await ride.until(_P.UNPLUGGED))


async def vehicle_that_is_refused_gets_nothing(subject: Subject) -> None:
    """A car that is not authorized is let go without voltage."""
    async with _plugged(subject) as ride:
        if ride is None:
            return
        await ride.until(_P.AUTHORIZING)
        await ride.vehicle.authorize(False)
        await ride.until(_P.FINISHED)
        expect(not ride.powered, "authorize: a refused vehicle asks for nothing")


async def vehicle_ends_without_reports(subject: Subject) -> None:
    """A controller that hears nothing of the station any more breaks off."""
    async with _plugged(subject) as ride:
        if ride is None:
            return
        await ride.until(_P.AUTHORIZING)
        await ride.vehicle.authorize(True)
        await ride.until(_P.CHARGING)
        limit_s = subject.now_s() + _ENDS_UNREPORTED_WITHIN_S
        while (await ride.vehicle.read()).phase is not _P.EMERGENCY:
            expect(subject.now_s() < limit_s, "report: EMERGENCY when it is not called")
            await asyncio.sleep(_ROUND_S)
        _expect_nothing_asked(await ride.vehicle.read())


class _Ride:
    """Does what the vehicle asks, as a station would, and keeps what it said."""

    def __init__(self, vehicle: Vehicle, traffic: Traffic) -> None:
        self.vehicle = vehicle
        self.traffic = traffic
        self.seen: list[VehicleReading] = []

    @property
    def powered(self) -> bool:
        """Whether anything with power has been seen."""
        return any(r.phase in POWERED or r.wants_contactors for r in self.seen)

    async def until(
        self,
        phase: VehiclePhase,
        holds: Callable[[VehicleReading], bool] = lambda _: True,
    ) -> VehicleReading:
        """Serve the vehicle until it stands there."""
        try:
            async with asyncio.timeout(_PHASE_WITHIN_S):
                while True:
                    reading = await self.vehicle.read()
                    self.seen.append(reading)
                    await self.vehicle.report(self.traffic.follow(reading))
                    if reading.phase is phase and holds(reading):
                        return reading
                    await asyncio.sleep(_ROUND_S)
        except TimeoutError:
            last = self.seen[-1].phase.name
            expect(False, f"read: comes to {phase.name}, not to stay in {last}")
            raise


@asynccontextmanager
async def _plugged(subject: Subject) -> AsyncIterator[_Ride | None]:
    if subject.traffic is None:
        yield None
        return
    async with subject.connected() as vehicle:
        subject.traffic.plug(True)
        try:
            yield _Ride(vehicle, subject.traffic)
        finally:
            subject.traffic.plug(False)


def _expect_nothing_asked(reading: VehicleReading) -> None:
    phase = reading.phase.name
    expect(not reading.wants_contactors, f"read: no contactors in {phase}")
    expect(reading.target_current_a == 0, f"read: no current in {phase}")


def _expect_no_vehicle(reading: VehicleReading) -> None:
    _expect_nothing_asked(reading)
    expect(reading.evccid is None, "read: no evccid without a vehicle")
    expect(reading.soc_percent is None, "read: no soc_percent without a vehicle")

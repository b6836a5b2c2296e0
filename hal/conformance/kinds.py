"""What drivers of one kind must keep besides."""

import asyncio
from collections.abc import Callable

from hal.conformance.subject import Subject, expect
from hal.interfaces import (
    Bridge,
    Contactor,
    PowerModule,
    SigningMeter,
    Simulation,
)
from hal.values import (
    SAFE_TO_OPEN_A,
    Position,
    PowerReading,
    Setpoint,
    VehiclePhase,
)

_RISES_WITHIN_S = 10.0
_FALLS_WITHIN_S = 5.0
_LEASE_S = 0.5
_TEST_VOLTAGE_V = 200.0
_GLANCE_S = 0.05
_EXACT_WITHIN = 0.05
_NOISE_W = 50.0
_DEAL = "00000000-0000-4000-8000-000000000001"
_NO_DEAL = "00000000-0000-4000-8000-000000000002"


async def contactor_follows(subject: Subject) -> None:
    """What was commanded is what ``read`` says; leaving opens."""
    async with subject.connected() as contactor:
        await _position(contactor, Position.OPEN, "open before the first command")
        await contactor.close()
        await _position(contactor, Position.CLOSED, "closed after close()")
        await contactor.open()
        await _position(contactor, Position.OPEN, "open after open()")
        await contactor.close()
    async with subject.connected() as contactor:
        await asyncio.sleep(_LEASE_S)
        await _position(contactor, Position.OPEN, "open after the driver was left")


async def bridge_follows(subject: Subject) -> None:
    """A bridge is switched as contactors are."""
    await contactor_follows(subject)


async def power_has_a_rating(subject: Subject) -> None:
    """The rating can be worked with."""
    async with subject.connected() as power:
        rating = power.rating
        expect(
            0 <= rating.min_voltage_v < rating.max_voltage_v,
            "rating: min_voltage_v is below max_voltage_v",
        )
        expect(rating.max_current_a > 0, "rating: max_current_a is positive")
        expect(rating.max_power_w > 0, "rating: max_power_w is positive")


async def power_reaches_what_it_is_told(subject: Subject) -> None:
    """What is read back is volt and ampere, and what was written."""
    setpoint = Setpoint(_TEST_VOLTAGE_V, 1.0, _LEASE_S)

    def arrived(now: PowerReading) -> bool:
        apart_v = abs(now.voltage_v - _TEST_VOLTAGE_V)
        return apart_v <= _EXACT_WITHIN * _TEST_VOLTAGE_V

    async with subject.connected() as power:
        for _ in range(int(_RISES_WITHIN_S / _GLANCE_S)):
            await power.supply(setpoint)
            if arrived(reading := await power.read()):
                break
            await asyncio.sleep(_GLANCE_S)
        await power.shut_off()
    expect(arrived(reading), f"read: {_TEST_VOLTAGE_V:.0f} V, not {reading.voltage_v}")
    expect(-1.0 < reading.current_a < 2.0, "read: no current without a vehicle")


async def power_shuts_off(subject: Subject) -> None:
    """After ``shut_off`` contactors may be opened."""
    async with subject.connected() as power:
        await _energize(power)
        await power.shut_off()
        reading = await power.read()
        expect(
            reading.current_a < SAFE_TO_OPEN_A,
            f"shut_off: returns below {SAFE_TO_OPEN_A} A, not at {reading.current_a} A",
        )


async def power_lease_expires(subject: Subject) -> None:
    """A set-point that nobody renews ends by itself."""
    async with subject.connected() as power:
        await _energize(power)
        fell = await _comes(
            power,
            lambda now: (
                now.voltage_v < _TEST_VOLTAGE_V / 2 and now.current_a < SAFE_TO_OPEN_A
            ),
            _LEASE_S + _FALLS_WITHIN_S,
        )
        expect(fell, "supply: falls to zero when valid_for_s has passed")


async def meter_only_grows(subject: Subject) -> None:
    """The register is a whole number that does not go back."""
    async with subject.connected() as meter:
        first = await meter.read()
        then = await meter.read()
    expect(isinstance(first.energy_wh, int), "read: energy_wh is an int")
    expect(then.energy_wh >= first.energy_wh, "read: energy_wh does not go back")


async def meter_signs(subject: Subject) -> None:
    """A meter with transactions of its own gives the record of each, and again."""
    async with subject.connected() as meter:
        if not isinstance(meter, SigningMeter):
            return
        await meter.begin(_DEAL, "CONFORMANCE")
        await meter.begin(_DEAL, "CONFORMANCE")
        first = await meter.end(_DEAL)
        expect(bool(first), "end: returns the record of the transaction")
        expect(await meter.end(_DEAL) == first, "end: returns the same record again")
        unknown = await meter.end(_NO_DEAL)
        expect(unknown is None, "end: returns nothing for a name that it never had")


async def meter_agrees_with_itself(subject: Subject) -> None:
    """Power is the product of voltage and current, in watt, with its sign."""
    async with subject.connected() as meter:
        reading = await meter.read()
    product_w = reading.voltage_v * reading.current_a
    apart_w = abs(reading.power_w - product_w)
    expect(
        apart_w <= max(_EXACT_WITHIN * abs(product_w), _NOISE_W),
        f"read: power_w is voltage_v times current_a, {product_w:.0f} W, "
        f"not {reading.power_w:.0f} W",
    )


async def isolation_measures(subject: Subject) -> None:
    """The resistance is a resistance."""
    async with subject.connected() as isolation:
        await isolation.self_test()
        expect((await isolation.read()).resistance_ohm >= 0, "read: no negative value")


async def vehicle_starts_unplugged(subject: Subject) -> None:
    """Without a vehicle nothing is asked for, and nothing told of one."""
    async with subject.connected() as vehicle:
        reading = await vehicle.read()
    expect(reading.phase is VehiclePhase.UNPLUGGED, "read: UNPLUGGED without a vehicle")
    expect(not reading.wants_contactors, "read: no contactors without a vehicle")
    expect(reading.target_current_a == 0, "read: no current without a vehicle")
    expect(reading.evccid is None, "read: no evccid without a vehicle")


async def lock_follows(subject: Subject) -> None:
    """What was commanded is what ``read`` says."""
    async with subject.connected() as lock:
        await lock.engage()
        expect((await lock.read()).engaged, "read: engaged after engage()")
        await lock.release()
        expect(not (await lock.read()).engaged, "read: free after release()")


async def temperature_is_earthly(subject: Subject) -> None:
    """A healthy sensor says something between arctic and boiling."""
    async with subject.connected() as sensor:
        temperature_c = (await sensor.read()).temperature_c
        expect(-50 < temperature_c < 120, "read: between -50 and 120 C")


async def simulation_refuses_nonsense(subject: Subject) -> None:
    """An argument that makes no sense is a ``ValueError``, a fault has a name."""
    async with subject.connected() as simulation:
        expect(bool(simulation.faults()), "faults: names what can be broken")
        _refuses(simulation, lambda s: s.set_fault("no such fault", True), "set_fault")
        _refuses(simulation, lambda s: s.set_rate(0.0), "set_rate")
        _refuses(simulation, lambda s: s.plug(999), "plug")


def _refuses(
    simulation: Simulation, act: Callable[[Simulation], None], name: str
) -> None:
    try:
        act(simulation)
    except ValueError:
        return
    expect(False, f"{name}: a ValueError says what is wrong with an argument")


async def _position(contactor: Contactor | Bridge, wanted: Position, when: str) -> None:
    position = (await contactor.read()).position
    expect(position is wanted, f"read: {when}, not {position.value}")


async def _energize(power: PowerModule) -> None:
    setpoint = Setpoint(_TEST_VOLTAGE_V, 1.0, _LEASE_S)

    async def renewed() -> PowerReading:
        await power.supply(setpoint)
        return await power.read()

    for _ in range(int(_RISES_WITHIN_S / _GLANCE_S)):
        if (await renewed()).voltage_v > _TEST_VOLTAGE_V / 2:
            return
        await asyncio.sleep(_GLANCE_S)
    expect(False, f"supply: the output rises within {_RISES_WITHIN_S} s")


async def _comes(
    power: PowerModule, wanted: Callable[[PowerReading], bool], within_s: float
) -> bool:
    for _ in range(int(within_s / _GLANCE_S)):
        if wanted(await power.read()):
            return True
        await asyncio.sleep(_GLANCE_S)
    return False

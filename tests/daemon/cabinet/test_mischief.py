"""Devices of a whole cabinet misbehave in mid-charge, each in bytes on its own wire.

Whatever a device says, the plug is dead before anything is wrong with it, and the CSMS
hears whose fault it was; or the charge goes on, because nothing that matters is lost.
"""

import pytest

from tests.daemon.cabinet.process import Cabinet, CabinetDaemon, dead, flowing

NOTICED_S = 4.0
"""A meter may be silent for three readings, and the current takes its time to fall."""

# fmt: off
ENDS = {
    # what a device does        whose fault it is
    "meter-garbled":            ("meter-implausible", "meter-silent"),
    "meter-wrong-unit":         ("meter-implausible", "meter-silent"),
    "meter-late":               ("meter-silent", "meter-implausible"),
    "isolation-silent":         ("isolation-silent",),
    "isolation-cut":            ("isolation-silent",),
    "vehicle-silent":           ("vehicle-silent",),
    "module-silent":            ("module-silent",),
    "module-1-double":          ("module-silent",),
    "emergency-stop":           ("emergency-stop",),
}
GOES_ON = (
    "meter-doubled",
    "isolation-doubled",
    "module-3-late",
    "module-2-nonsense",
    "module-flood",
)
# fmt: on


@pytest.fixture
async def apart(cabinet: Cabinet, daemon: CabinetDaemon) -> CabinetDaemon:
    """The daemon of a cabinet each of whose connectors has its modules to itself."""
    await cabinet.ask("set_fault", name="bridge-open", on=True)
    return daemon


@pytest.mark.parametrize("fault", ENDS)
async def test_the_charge_ends_and_the_fault_is_told(
    fault: str, apart: CabinetDaemon, cabinet: Cabinet
) -> None:
    await apart.charge_remotely()
    await cabinet.until(flowing, 10)
    await apart.call("Mock.SetRate", factor=1.0)
    since = apart.csms.log()[-1].seq
    station = {} if fault == "emergency-stop" else {"connector": 1}
    await cabinet.ask("set_fault", name=fault, on=True, **station)
    seen = await cabinet.until(dead, NOTICED_S)
    stop = (await apart.heard("StopTransaction", since=since)).payload or {}
    assert 0 <= seen["energy_wh"] - stop["meterStop"] < 200
    told = None
    while told not in ENDS[fault]:
        entry = await apart.heard("StatusNotification", since=since)
        told, since = (entry.payload or {}).get("vendorErrorCode"), entry.seq


async def test_the_charge_goes_on_where_nothing_that_matters_is_lost(
    apart: CabinetDaemon, cabinet: Cabinet
) -> None:
    await apart.charge_remotely()
    await cabinet.until(flowing, 10)
    await apart.call("Mock.SetRate", factor=1.0)
    for fault in GOES_ON:
        await cabinet.ask("set_fault", name=fault, on=True, connector=1)
        before_wh = (await cabinet.sees())["energy_wh"]
        seen = await cabinet.until(lambda s, b=before_wh: s["energy_wh"] > b + 20, 4)  # type: ignore[misc]
        assert seen["contacts"] == "closed", fault
        await cabinet.ask("set_fault", name=fault, on=False, connector=1)
    assert apart.csms.transactions(apart.identity)[0].meter_stop is None

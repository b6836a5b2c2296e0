"""Every fault of the catalogue can be provoked on the simulated station."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from chargerd.core.faults import FAULTS, Recovers
from chargerd.core.session import Phase
from hal.world.faults import names
from tests.hal.virtual_time import instantly
from tests.runtime.pair import CARDS, STATION, Pair, pair
from tests.runtime.rig import until

Setup = Callable[[Pair], Awaitable[None]]

WITHIN_S: Final = 30.0
CABINET: Final = (
    STATION.replace("[bridge]", '[supply]\ndriver = "mock"\n[bridge]')
    .replace('[[connector]]\ndriver = "mock"', '[[connector]]\ndriver = "mock"\n%s', 1)
    .replace("%s", 'cable = "socket"\nmax_power_w = 40_000\n%s', 1)
    .replace("%s", '[connector.meter]\ndriver = "mock"\nsigning = true', 1)
)


async def _free(_: Pair) -> None:
    """Nobody is there."""


async def _arriving(both: Pair) -> None:
    both.arrives(1)


async def _checked(both: Pair) -> None:
    both.arrives(1)
    await until(lambda: both.phase(1) is Phase.CABLE_CHECK, WITHIN_S)


async def _matching(both: Pair) -> None:
    both.arrives(1)
    await until(lambda: both.phase(1) is Phase.PRECHARGE, WITHIN_S)


async def _charging(both: Pair) -> None:
    await both.charges(1)
    await until(lambda: both.power_w(1) > 39_000.0, WITHIN_S)


OTHERWISE: Final[Mapping[str, str]] = {
    "cable-check": "insulation",
    "cable-check-voltage": "module-weak",
    "precharge": "module-weak",
    "discharge": "plug-charged",
    "contactor-weld": "contactor-weld",
    "meter-implausible": "meter-backwards",
    "measurement-spread": "meter-spread",
    "module-failure": "module-2",
}
"""What the world calls it, where that is something else."""

SETUPS: Final[Mapping[str, Setup]] = {
    "cable-check": _checked,
    "contactor-open": _arriving,
    "cable-check-voltage": _arriving,
    "isolation-self-test": _arriving,
    "precharge": _matching,
    "short-circuit": _arriving,
    "lock-stuck": _arriving,
    "lock-silent": _free,
    "reader-silent": _free,
    "supply-silent": _free,
}
"""What happens before; else a car charges."""

STOPPED: Final = ("contactor-weld", "current-stuck", "discharge", "meter-unsigned")
"""What shows when the driver ends the transaction."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "bridge-weld": "test_bridging.py",
    "bridge-open": "test_bridging.py",
    "bridge-silent": "test_bridging.py",
    "control-late": "test_dead_man.py",
    "reset": "../daemon/test_reset.py",
    "storage": "test_engine.py",
    "storage-short": "test_engine.py",
}
"""No part of the world alone brings these; the tests that do."""

PROVOKED: Final = [name for name in FAULTS if name not in ELSEWHERE]


def test_there_is_no_fault_that_cannot_be_provoked() -> None:
    known = names(modules=5)
    for name in PROVOKED:
        assert OTHERWISE.get(name, name) in known
    for name, file in ELSEWHERE.items():
        assert name in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize("name", PROVOKED)
@instantly
async def test_a_broken_part_is_found_under_its_name_in_the_catalogue(
    tmp_path: Path, name: str
) -> None:
    fault, cause = FAULTS[name], OTHERWISE.get(name, name)
    place = None if fault.of_station and name != "reader-silent" else 1
    async with pair(tmp_path, CABINET) as both:
        await SETUPS.get(name, _charging)(both)
        both.simulation.set_fault(cause, True, place)
        if name in STOPPED:
            both.simulation.present(CARDS[1], 1)
        await until(lambda: name in both.faults, WITHIN_S)
        if fault.stops:
            await until(lambda: both.charge_point.station.faulted(1), 1.0)
        both.simulation.set_fault(cause, False, place)
        if fault.recovers is Recovers.BY_ITSELF:
            await until(lambda: name not in both.faults, WITHIN_S)
            return
        both.simulation.unplug(1)
        await until(lambda: both.phase(1) is Phase.IDLE, WITHIN_S)
        assert (name in both.faults) is (fault.recovers is Recovers.BY_HAND)

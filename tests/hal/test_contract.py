"""Every installed driver keeps its interface; a new one joins by existing."""

import asyncio

import pytest

from hal import discovery
from hal.conformance.checks import Check, checks
from hal.conformance.form import check_form
from hal.conformance.subject import Breach, Reached, Subject
from hal.resources import Place, Resources
from tests.hal.benches import Bench, bench

DRIVERS = [
    (kind, name) for kind in discovery.KINDS for name in discovery.installed(kind)
]
PROMISES = [
    pytest.param(kind, name, check, id=f"{kind}-{name}-{check.__name__}")
    for kind, name in DRIVERS
    for check in checks(kind)
]


@pytest.mark.parametrize(("kind", "name"), DRIVERS)
def test_a_driver_has_the_form_of_a_driver(kind: str, name: str) -> None:
    driver = discovery.load(kind, name)

    check_form(driver)

    assert driver.Config.__module__ == getattr(driver, "__name__", "")


@pytest.mark.parametrize(("kind", "name", "check"), PROMISES)
def test_a_driver_keeps_its_promises(kind: str, name: str, check: Check) -> None:
    stand = bench(kind, name)

    broken = stand.run(_broken_promise(stand, kind, name, check))

    assert broken is None


def test_every_kind_has_a_mock() -> None:
    assert all("mock" in discovery.installed(kind) for kind in discovery.KINDS)


def test_an_unknown_driver_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        discovery.UnknownDriver, match='no meter driver "dmz1"; installed: .*mock'
    ):
        discovery.load("meter", "dmz1")


async def _broken_promise(
    stand: Bench, kind: str, name: str, check: Check
) -> str | None:
    clock = asyncio.get_running_loop().time
    async with stand.device() as device, Resources(clock) as resources:
        driver = discovery.load(kind, name)
        reached = device if isinstance(device, Reached) else Reached(device)
        subject = Subject(
            kind,
            driver,
            reached.config,
            Place(1, resources),
            reached.troubles,
            reached.traffic,
        )
        try:
            await check(subject)
        except Breach as breach:
            return str(breach)
    return None

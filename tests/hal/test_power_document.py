"""What docs/power-modules.md shows can be written into a station file as it stands."""

from typing import Any

import pytest

from hal import discovery
from tests.hal.examples import accepted, shown

SHOWN = shown("power-modules.md")


@pytest.mark.parametrize(
    ("kind", "table"), SHOWN, ids=[table["driver"] for _, table in SHOWN]
)
def test_an_example_of_the_document_is_accepted(
    kind: str, table: dict[str, Any]
) -> None:
    assert accepted(kind, table)


def test_the_document_names_every_driver_of_power_modules() -> None:
    named = {(kind, table["driver"]) for kind, table in SHOWN}
    installed = set(discovery.installed("power_module")) - {"mock"}
    assert named == {("power_module", name) for name in installed}

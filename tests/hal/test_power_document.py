"""docs/power-modules.md tells of every driver that there is."""

import re
from pathlib import Path

from hal import discovery

DOCUMENT = Path(__file__).parents[2] / "docs" / "power-modules.md"
DRIVER = re.compile(r'^driver = "(\w+)"$', re.MULTILINE)


def test_the_document_names_every_driver_of_power_modules() -> None:
    named = DRIVER.findall(DOCUMENT.read_text())
    assert sorted([*named, "mock"]) == list(discovery.installed("power_module"))

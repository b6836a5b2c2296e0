"""What docs/meters.md shows can be written into a station file as it stands."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hal import discovery
from hal.wire import isocha

DOCUMENT = Path(__file__).parents[2] / "docs" / "meters.md"
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
COMMENTED = re.compile(r"^#(\w+ = )", re.MULTILINE)

SHOWN = [
    pytest.param(kind, table, id=f"{table['driver']}-{index}")
    for index, block in enumerate(BLOCK.findall(DOCUMENT.read_text()))
    for kind, table in tomllib.loads(COMMENTED.sub(r"\1", block))["connector"].items()
]


@pytest.mark.parametrize(("kind", "table"), SHOWN)
def test_an_example_of_the_document_is_accepted(
    kind: str, table: dict[str, Any]
) -> None:
    driver = discovery.load(kind, table.pop("driver"))
    lists = {k: tuple(v) for k, v in table.items() if isinstance(v, list)}
    assert driver.Config(**{**table, **lists})


def test_the_document_names_every_driver_of_these_kinds() -> None:
    shown = {(parameters.values[0], parameters.id) for parameters in SHOWN}
    named = {(kind, str(name).rsplit("-", 1)[0]) for kind, name in shown}
    installed = {
        (kind, name)
        for kind in ("meter", "isolation")
        for name in discovery.installed(kind)
    }
    assert named == installed - {("meter", "mock"), ("isolation", "mock")}


def test_the_document_names_every_setting_of_the_insulation_monitor() -> None:
    text = DOCUMENT.read_text()
    assert [name for name in isocha.SETTINGS if f"`{name}`" not in text] == []

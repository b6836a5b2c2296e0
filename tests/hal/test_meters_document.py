"""What docs/meters.md shows can be written into a station file as it stands."""

from typing import Any

import pytest

from hal import discovery
from hal.wire import isocha
from tests.hal.examples import DOCUMENTS, accepted, shown

DOCUMENT = DOCUMENTS / "meters.md"
SHOWN = shown("meters.md")


@pytest.mark.parametrize(
    ("kind", "table"), SHOWN, ids=[table["driver"] for _, table in SHOWN]
)
def test_an_example_of_the_document_is_accepted(
    kind: str, table: dict[str, Any]
) -> None:
    assert accepted(kind, table)


def test_the_document_names_every_driver_of_these_kinds() -> None:
    named = {(kind, table["driver"]) for kind, table in SHOWN}
    installed = {
        (kind, name)
        for kind in ("meter", "isolation")
        for name in discovery.installed(kind)
    }
    assert named == installed - {("meter", "mock"), ("isolation", "mock")}


def test_the_document_names_every_setting_of_the_insulation_monitor() -> None:
    text = DOCUMENT.read_text()
    assert [name for name in isocha.SETTINGS if f"`{name}`" not in text] == []

"""What the documents say is so, and what they tell people to write can be written."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chargerd.forms import fill
from hal import discovery

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCRIPTS = (
    "draw_states.py",
    "list_drivers.py",
    "list_faults.py",
    "list_keys.py",
    "list_safety.py",
)
BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENTED = re.compile(r"^#(?=[a-z_]+ = )", re.MULTILINE)
OF_THE_STATION = {"connectors"}
"""What stands in a device's table and is not the driver's."""

EXAMPLES = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in sorted(DOCS.glob("*.md"))
    for number, block in enumerate(BLOCK.findall(path.read_text()), 1)
    if "driver = " in block
]


def configs(block: str) -> list[Any]:
    """Return the ``Config`` of each device in an example."""
    station = tomllib.loads(block)
    tables = {**station, **station.pop("connector", {})}
    return [config(kind, t) for kind, t in tables.items() if kind != "connector"]


def config(kind: str, table: dict[str, Any]) -> Any:
    settings = {k: v for k, v in table.items() if k not in OF_THE_STATION}
    driver = discovery.load(kind, settings.pop("driver"))
    filled, mistakes = fill(driver.Config, settings, kind)
    assert mistakes == []
    return filled


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_page_that_is_drawn_from_the_code_is_current(script: str) -> None:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, "--check"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_fits_its_drivers_with_what_it_comments_out(block: str) -> None:
    assert len(configs(block)) == len(configs(COMMENTED.sub("", block)))


def test_what_the_page_of_field_devices_comments_out_is_the_default() -> None:
    blocks = BLOCK.findall((DOCS / "field-devices.md").read_text())
    assert blocks
    for block in blocks:
        assert configs(block) == configs(COMMENTED.sub("", block))

"""docs/security.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path

from chargerd.ocpp16.security import WEIGHTS, SecurityEventType, Weight
from chargerd.sections import CsmsSection

PAGE = (Path(__file__).parents[1] / "docs/security.md").read_text()
SENT = {Weight.CRITICAL: "critical", Weight.TOLD: "yes", Weight.LOGGED: "if wanted"}
NEVER = {SecurityEventType.CENTRAL_SYSTEM_FAILED}


def rows(section: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    body = PAGE.split(f"## {section}")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.*) \|$", body, re.MULTILINE)
    return [line.split(" | ") for line in lines[2:]]


def test_every_security_event_stands_there_with_its_weight() -> None:
    assert {row[0].strip("`"): row[-1] for row in rows("What the CSMS is told")} == {
        str(type_): "–" if type_ in NEVER else SENT[weight]
        for type_, weight in WEIGHTS.items()
    }


def test_every_setting_of_the_link_stands_there() -> None:
    named = [
        name for row in rows("Settings") for name in re.findall(r"`(\w+)`", row[0])
    ]
    assert named == [field.name for field in fields(CsmsSection)]

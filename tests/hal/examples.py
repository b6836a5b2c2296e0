"""The examples of station files in a document."""

import re
import tomllib
from pathlib import Path
from typing import Any

from hal import discovery

DOCUMENTS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
_COMMENTED = re.compile(r"^#(\w+ = )", re.MULTILINE)


def shown(document: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the kinds and tables, with what is commented out as if it were not."""
    return [
        (kind, table)
        for block in _BLOCK.findall((DOCUMENTS / document).read_text())
        for kind, table in tomllib.loads(_COMMENTED.sub(r"\1", block))[
            "connector"
        ].items()
    ]


def accepted(kind: str, table: dict[str, Any]) -> Any:
    """Return the settings that a table makes; ``ValueError`` if it is wrong."""
    settings = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in table.items()
        if name != "driver"
    }
    return discovery.load(kind, table["driver"]).Config(**settings)

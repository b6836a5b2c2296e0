#!/usr/bin/env python3
"""List the drivers and their settings in docs/drivers.md.

With ``--check`` nothing is written; the exit code tells whether it is current.
"""

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from documents import keep
from hal import discovery
from hal.conformance.meanings import meanings

_PAGE = """\
# Drivers

Drawn from the drivers themselves by `scripts/list_drivers.py`. A device of the station
file names its driver, `driver = "NAME"`, and after it the settings listed here; what is
left out stands at its default. How to write one more is told in
[writing-a-driver.md](writing-a-driver.md).

{index}

{kinds}"""

_TITLES: Final = {
    "power_module": "Power modules",
    "contactor": "Contactors",
    "bridge": "Bridges between two connectors",
    "meter": "Energy meters",
    "isolation": "Insulation monitors",
    "vehicle": "CCS controllers",
    "lock": "Plug locks",
    "safety": "Safety inputs",
    "temperature": "Temperature sensors",
    "supply": "Supply monitors",
    "reader": "Card readers",
    "light": "Status lights",
    "simulation": "Simulated worlds",
}


def _page() -> str:
    index = "\n".join(
        f"* {title}: {', '.join(f'`{n}`' for n in discovery.installed(kind))}"
        for kind, title in _TITLES.items()
    )
    kinds = "\n".join(
        f"## {title} (`{kind}`)\n\n" + "\n".join(_driver(kind, name) for name in names)
        for kind, title in _TITLES.items()
        if (names := [n for n in discovery.installed(kind) if n != "mock"])
    )
    return _PAGE.format(index=index, kinds=kinds)


def _driver(kind: str, name: str) -> str:
    driver = discovery.load(kind, name)
    words = [f"### `{name}`", "", inspect.getdoc(driver), ""]
    words += [inspect.getdoc(driver.Config), ""]
    words += ["| setting | default | meaning |", "| --- | --- | --- |"]
    words += [*_settings(driver.Config), ""]
    return "\n".join(map(str, words)).replace("``", "`")


def _settings(config: type[Any]) -> Iterator[str]:
    hints = get_type_hints(config)
    told = meanings(config)
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING:
            default = f"*needed*, {_type(hints[field.name])}"
        elif field.default is None:
            default = "left out"
        else:
            default = f"`{_toml(field.default)}`"
        meaning = told[field.name].replace("|", "\\|")
        yield f"| `{field.name}` | {default} | {meaning} |"


def _type(hint: Any) -> str:
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(hint, "list")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)


if __name__ == "__main__":
    sys.exit(keep({"docs/drivers.md": _page()}))

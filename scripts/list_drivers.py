#!/usr/bin/env python3
"""List the drivers and their settings in docs/drivers.md.

With ``--check`` nothing is written; the exit code tells whether it is current.
"""

import ast
import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from documents import keep
from hal import discovery

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
    words = [f"### `{name}`", "", inspect.getdoc(driver) or "", ""]
    if rows := list(_settings(driver.Config)):
        words += ["| setting | default | meaning |", "| --- | --- | --- |", *rows, ""]
    if own := inspect.getdoc(driver.Config):
        words += [own, ""]
    return "\n".join(words)


def _settings(config: type[Any]) -> Iterator[str]:
    hints = get_type_hints(config)
    meanings = _meanings(config)
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING:
            default = f"*needed*, {_type(hints[field.name])}"
        elif field.default is None:
            default = "left out"
        else:
            default = f"`{_toml(field.default)}`"
        yield f"| `{field.name}` | {default} | {meanings.get(field.name, '')} |"


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


def _meanings(config: type[Any]) -> dict[str, str]:
    """Return what stands below each field in the source of the class or its bases."""
    found: dict[str, str] = {}
    for owner in reversed(config.__mro__[:-1]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(tree, ast.ClassDef)
        for field, words in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(words, ast.Expr)
                and isinstance(words.value, ast.Constant)
            ):
                meaning = inspect.cleandoc(str(words.value.value))
                found[field.target.id] = " ".join(meaning.split()).replace("|", "\\|")
    return found


if __name__ == "__main__":
    sys.exit(keep({"docs/drivers.md": _page()}))

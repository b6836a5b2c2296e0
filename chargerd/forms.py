"""Fills config dataclasses from tables, and lists in words what does not fit."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import field
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_type_hints

C = TypeVar("C")
Table = dict[str, Any]


class ConfigError(Exception):
    """The file is wrong; ``mistakes`` has a line for each thing to mend."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def bounded(default: Any, low: float, high: float) -> Any:
    """Declare a number between two bounds, both included."""
    return field(default=default, metadata={"bounds": (low, high)})


def text(longest: int, default: Any = dataclasses.MISSING) -> Any:
    """Declare a string of so many characters at the most; without a default: needed."""
    return field(default=default, metadata={"longest": longest})


def chosen(default: str, *words: str) -> Any:
    """Declare one of several words."""
    return field(default=default, metadata={"words": words})


def fill(cls: type[C], table: Mapping[str, Any], where: str) -> tuple[C, list[str]]:
    """Build a config dataclass from a table, and list what does not fit it.

    Where there are mistakes the object is made of defaults, and must not be used.

    Raises:
        ConfigError: The values do not go together, as the dataclass itself says.
    """
    hints = {name: _present(hint) for name, hint in get_type_hints(cls).items()}
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    mistakes: list[str] = []
    good: Table = {}
    for name, value in table.items():
        if name not in fields:
            known = ", ".join(fields) or "none"
            mistakes.append(f"{where}.{name}: unknown key; known: {known}")
        elif wrong := _wrong(value, hints[name], fields[name]):
            mistakes.append(f"{where}.{name}: {wrong}")
        else:
            good[name] = tuple(value) if isinstance(value, list) else value
    for name, each in fields.items():
        if each.default is dataclasses.MISSING and name not in good:
            if name not in table:
                wanted, sample = _WORDS[hints[name]]
                mistakes.append(f"{where}.{name}: missing; add {wanted} like {sample}")
            good[name] = _ZERO[hints[name]]
    try:
        return cls(**good), mistakes
    except ValueError as error:
        raise ConfigError([*mistakes, f"{where}: {error}"]) from error


_STRINGS: Final = tuple[str, ...]
_NUMBERS: Final = tuple[int, ...]
_ITEMS: Final[Mapping[Any, type]] = {_STRINGS: str, _NUMBERS: int}
_WORDS: Final[Mapping[Any, tuple[str, str]]] = {
    str: ("a string", '"…"'),
    int: ("a whole number", "12"),
    float: ("a number", "0.5"),
    bool: ("true or false", "true"),
    _STRINGS: ("a list of strings", '["…"]'),
    _NUMBERS: ("a list of whole numbers", "[1, 2]"),
}
_ZERO: Final[Mapping[Any, Any]] = {
    str: "",
    int: 0,
    float: 0.0,
    bool: False,
    _STRINGS: (),
    _NUMBERS: (),
}


def _present(hint: Any) -> Any:
    """Return the type of a field that is there: what may be ``None`` is left out."""
    if not isinstance(hint, UnionType):
        return hint
    (there,) = set(get_args(hint)) - {NoneType}
    return there


def _wrong(value: Any, hint: Any, each: "dataclasses.Field[Any]") -> str:
    wanted, sample = _WORDS[hint]
    if not _fits(value, hint):
        return f"{value!r} is not {wanted}; write it like {sample}"
    low, high = each.metadata.get("bounds", (value, value))
    if hint in (int, float) and not low <= value <= high:
        return f"{value!r} is out of bounds; write {low:g} to {high:g}"
    longest = each.metadata.get("longest")
    if longest is not None and len(value) > longest:
        return f"{value!r} is too long; write {longest} characters at the most"
    if value == "" and each.default is dataclasses.MISSING:
        return f"is empty; write it like {sample}"
    words = each.metadata.get("words", (value,))
    if value not in words:
        return f"{value!r} is unknown; write one of {', '.join(words)}"
    return ""


def _fits(value: Any, hint: Any) -> bool:
    if hint is float:
        return type(value) in (int, float)
    if hint in _ITEMS:
        item = _ITEMS[hint]
        return isinstance(value, list) and all(type(v) is item for v in value)
    return type(value) is hint

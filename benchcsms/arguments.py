"""Named arguments of a command, checked before it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchcsms.settings import Json, NotDone


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument must be."""

    words: str
    holds: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: Any) -> bool:
    return _is_whole(value) and value > 0


def _is_seconds(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and value >= 0)


def _is_anything(_value: Any) -> bool:
    return True


TEXT = Kind("a text", _is_text)
OBJECT = Kind("an object", _is_object)
LIST = Kind("a list", _is_list)
WHOLE = Kind("a whole number from 0", _is_whole)
POSITIVE = Kind("a whole number from 1", _is_positive)
SECONDS = Kind("a number of seconds", _is_seconds)
ANYTHING = Kind("anything", _is_anything)


def one_of(*words: str) -> Kind:
    """Return the kind that is one of these texts."""
    return Kind(f"one of {', '.join(words)}", words.__contains__)


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of one command."""

    needs: Mapping[str, Kind] = field(default_factory=dict)
    may: Mapping[str, Kind] = field(default_factory=dict)

    def check(self, command: str, arguments: Json) -> None:
        """Raise ``NotDone`` with the first mistake; ``null`` is as good as nothing."""
        kinds = {**self.needs, **self.may}
        for name, value in arguments.items():
            if name not in kinds:
                known = ", ".join(kinds) or "none"
                raise NotDone(f"{command}: {name}: no such argument; known: {known}")
            if value is not None and not kinds[name].holds(value):
                raise NotDone(
                    f"{command}: {name}: {value!r} is not {kinds[name].words}"
                )
        for name in self.needs:
            if arguments.get(name) is None:
                raise NotDone(f"{command}: {name}: missing; write {kinds[name].words}")

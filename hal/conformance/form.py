"""What can be told of a driver without connecting to anything."""

import dataclasses
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from hal.conformance.meanings import meanings
from hal.conformance.subject import expect

_PLAIN: Final = (str, int, float, bool, NoneType)


def check_form(driver: Any) -> None:
    """Check the module, its ``Config`` and its ``connect``.

    Raises:
        Breach: With the first thing that is missing.
    """
    name = getattr(driver, "__name__", driver)
    expect(bool(driver.__doc__), f"{name} says in its docstring which device it drives")
    config: Any = getattr(driver, "Config", None)
    expect(
        isinstance(config, type) and dataclasses.is_dataclass(config),
        f"{name}.Config is a dataclass",
    )
    expect(_frozen(config), f"{name}.Config is frozen")
    expect(bool(config.__doc__), f"{name}.Config has a docstring")
    _check_fields(config, f"{name}.Config")
    connect = getattr(driver, "connect", None)
    expect(callable(connect), f"{name}.connect opens the device")
    expect(bool(connect.__doc__), f"{name}.connect has a docstring")


def _check_fields(config: type[Any], name: str) -> None:
    told, hints = meanings(config), get_type_hints(config)
    for field in (field.name for field in dataclasses.fields(config)):
        expect(_plain(hints[field]), f"{name}.{field} is of a type that TOML has")
        expect(field in told, f"{name}.{field} says below it what it means")


def _frozen(config: Any) -> bool:
    parameters = config.__dataclass_params__
    return bool(parameters.frozen)


def _plain(hint: Any) -> bool:
    if hint in _PLAIN or hint is Ellipsis:
        return True
    nested = get_origin(hint) in (Union, UnionType, tuple)
    return nested and all(_plain(part) for part in get_args(hint))

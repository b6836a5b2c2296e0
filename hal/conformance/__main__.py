"""Try a driver on a device: ``python -m hal.conformance KIND DRIVER KEY=VALUE …``.

The device is moved, as :mod:`hal.conformance.checks` says: never try it with a vehicle
on the plug. Exit code 0 only if the driver keeps every promise.
"""

import argparse
import asyncio
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, cast

from hal import discovery
from hal.conformance.checks import TROUBLED, WITH_CAR, Check, checks
from hal.conformance.form import check_form
from hal.conformance.subject import Breach, Subject, Trouble, Troubles
from hal.errors import HardwareError
from hal.interfaces import DriverModule
from hal.resources import Place, Resources

_DO: Final[Mapping[Trouble, tuple[str, str]]] = {
    Trouble.SILENT: ("switch the device off", "switch the device on"),
    Trouble.GARBLED: ("disturb its wire", "let its wire be"),
    Trouble.PULLED: ("pull the adapter", "put the adapter back"),
}


def main(words: list[str] | None = None) -> int:
    """Run all checks; print a line for each."""
    wanted = _parser().parse_args(words)
    try:
        driver = _driver(wanted.kind, wanted.driver)
        config = driver.Config(**_settings(wanted.settings))
    except (LookupError, ImportError, TypeError, ValueError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    troubles = _troubles() if wanted.hands else {}
    broken = 0
    for check in (_form, *checks(wanted.kind)):
        if check in TROUBLED and not troubles:
            print(f"left    {_promise(check)} Needs --hands.")
            continue
        if check in WITH_CAR:
            print(f"left    {_promise(check)} Needs a bench with a car.")
            continue
        breach = asyncio.run(_tried(check, wanted, driver, config, troubles))
        print(f"{'FAILED' if breach else 'ok':7} {_promise(check)}")
        if breach:
            print(f"        {breach}")
            broken += 1
    print(f"{broken} broken" if broken else "the driver keeps every promise")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hal.conformance")
    parser.add_argument("kind", choices=discovery.KINDS)
    parser.add_argument("driver", help="an installed name, or a module to import")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="as in TOML")
    parser.add_argument("--connector", type=int, default=1)
    parser.add_argument(
        "--hands", action="store_true", help="somebody is there to pull cables"
    )
    return parser


def _driver(kind: str, name: str) -> DriverModule:
    if "." in name:
        return cast(DriverModule, import_module(name))
    return discovery.load(kind, name)


def _settings(pairs: list[str]) -> dict[str, Any]:
    try:
        table = tomllib.loads("\n".join(pairs))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(
            f"settings: {error}; write them as in TOML: 'port=\"/dev/ttyS1\"' unit=3"
        ) from error
    return {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}


def _troubles() -> Troubles:
    def ask(trouble: Trouble) -> Callable[[bool], None]:
        begin, end = _DO[trouble]
        return lambda on: _wait_for(begin if on else end)

    return {trouble: ask(trouble) for trouble in Trouble}


def _wait_for(deed: str) -> None:
    input(f"        {deed}, then press Enter: ")


async def _form(subject: Subject) -> None:
    """The module, its Config and its connect have the form of a driver."""
    check_form(subject.driver)


async def _tried(
    check: Check,
    wanted: argparse.Namespace,
    driver: DriverModule,
    config: Any,
    troubles: Troubles,
) -> str | None:
    async with Resources(time.monotonic) as resources:
        place = Place(wanted.connector, resources)
        try:
            await check(Subject(wanted.kind, driver, config, place, troubles))
        except Breach as breach:
            return str(breach)
        except HardwareError as error:
            return f"the device could not be used: {error}"
    return None


def _promise(check: Check) -> str:
    name = check.__name__.strip("_").replace("_", " ")
    first = (check.__doc__ or "").splitlines()[0].replace("``", "")
    return f"{name}: {first}"


if __name__ == "__main__":
    sys.exit(main())

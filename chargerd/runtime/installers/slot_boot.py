"""Goes on as the chosen version of chargerd, before anything else is done.

The program always begins as the version that the system installed. If a slot is
chosen, it counts the start and becomes that slot's version: the same process, with
the slot first on PYTHONPATH. A version that dies before it has been marked good is
started anew by systemd, until its tries are used up; then the one before starts. A
restart of the daemon itself begins at the system's version too.

Standard library alone. Whatever is broken here, some version runs.
"""

import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from chargerd.places import STATION_FILE, state_directory
from chargerd.runtime.installers import slot_state
from chargerd.runtime.installers.slot_state import SYSTEM

_MARK: Final = "CHARGERD_SLOT"
"""Stands in the environment of a process that has just become a slot's version."""
_KEPT: Final = "CHARGERD_KEPT_"
"""Before the names of variables whose values come back then."""
_CHANGED: Final = ("PYTHONPATH", "PYTHONSAFEPATH")
_LOOKS: Final = ("--ch", "--v", "--h", "-h")
"""How options begin with which the daemon only says something and ends."""


def enter(arguments: Sequence[str]) -> None:
    """Become the chosen version; return if this is it, or if there is none."""
    if _has_entered():
        return
    try:
        directory = _directory(arguments)
        looks = any(argument.startswith(_LOOKS) for argument in arguments)
        slot = SYSTEM if directory is None else chosen(directory, not looks)
        if directory is not None and slot != SYSTEM:
            _become(directory / slot)
    # Whatever it is: to start as this version is the remedy.
    except Exception as error:  # noqa: BLE001 -- a station that does not start is lost
        _say(f"no slot is looked at: {error}")


def chosen(directory: Path, counts: bool) -> str:
    """Return the version to start.

    Args:
        directory: Where the slots are.
        counts: Whether this start is a try that is counted.
    """
    choice = slot_state.read(directory)
    able = slot_state.is_there(directory, choice.slot)
    if able and choice.good:
        return choice.slot
    if able and choice.tries_left > 0:
        after = slot_state.tried(choice)
    else:
        after = slot_state.left(choice)
        wrong = "has not proven itself" if able else "holds no version"
        _say(f"slot {choice.slot} {wrong}; {_name(after.slot)} starts")
    # What cannot be counted must not be tried: it might be tried for ever.
    if counts and not _is_kept(directory, after):
        after = slot_state.left(choice)
    return after.slot if slot_state.is_there(directory, after.slot) else SYSTEM


def _directory(arguments: Sequence[str]) -> Path | None:
    """Return where the slots are; ``None``: this station has another updater."""
    table = tomllib.loads(_station_file(arguments).read_text("utf-8"))
    if _value(table, "firmware", "installer") not in ("", "slots"):
        return None
    named = _value(table, "storage", "directory")
    return slot_state.slots_directory(Path(named) if named else state_directory())


def _value(table: dict[str, Any], section: str, key: str) -> str:
    found = table.get(section)
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _station_file(arguments: Sequence[str]) -> Path:
    following = iter(arguments)
    for argument in following:
        option, _, value = argument.partition("=")
        # argparse takes a beginning for the whole.
        if option.startswith("--co") and "--config".startswith(option):
            return Path(value or next(following, STATION_FILE))
    return STATION_FILE


def _is_kept(directory: Path, choice: slot_state.Choice) -> bool:
    try:
        slot_state.write(directory, choice)
    except OSError as error:
        _say(f"{directory}: {error.strerror}; mend the disk")
        return False
    return True


def _become(slot: Path) -> None:
    environment = dict(os.environ)
    for name in _CHANGED:
        if name in environment:
            environment[_KEPT + name] = environment[name]
    rest = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{slot}{os.pathsep}{rest}" if rest else str(slot)
    # Else the working directory would come before the slot.
    environment["PYTHONSAFEPATH"] = "1"
    environment[_MARK] = slot.name
    arguments = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, arguments, environment)


def _has_entered() -> bool:
    """Tell whether this is the chosen version; what it starts finds a plain world."""
    if os.environ.pop(_MARK, None) is None:
        return False
    for name in _CHANGED:
        kept = os.environ.pop(_KEPT + name, None)
        if kept is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = kept
    return True


def _name(slot: str) -> str:
    return "the system's version" if slot == SYSTEM else f"slot {slot}"


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"chargerd: {text}\n")

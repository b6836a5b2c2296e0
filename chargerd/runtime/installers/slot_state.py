"""Which version of chargerd shall start: one small file beside two slots.

There are three versions at the most: what the system installed, and what lies in the
slots a and b. The file is replaced as a whole, so that a power cut leaves the old one
or the new one. Standard library alone: it is read before anything else.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from chargerd.runtime.lasting import sync

SYSTEM: Final = ""
"""The version that the system installed; it starts if no slot is chosen."""
SLOTS: Final = ("a", "b")
TRIES: Final = 3
"""So often a version may start before it has been marked good."""
_FILE, _NEXT = "chosen.json", "chosen.json.next"


@dataclass(frozen=True, slots=True)
class Choice:
    """What starts next."""

    slot: str = SYSTEM
    before: str = SYSTEM
    """What starts instead, if ``slot`` does not prove itself; it has."""
    tries_left: int = 0
    good: bool = True
    job: str = ""
    """Which job installed it."""

    @property
    def proven(self) -> str:
        """The last version that has been marked good."""
        return self.slot if self.good else self.before


def slots_directory(state_directory: Path) -> Path:
    """Return where the slots are."""
    return state_directory / "firmware" / "slots"


def read(directory: Path) -> Choice:
    """Return what is chosen; what the system installed, if the file says nothing."""
    try:
        table = json.loads((directory / _FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return Choice()
    return _choice(table) if isinstance(table, dict) else Choice()


def write(directory: Path, choice: Choice) -> None:
    """Choose, so that it holds after a power cut.

    Raises:
        OSError: Nothing has changed; or the disk does not say whether it has.
    """
    directory.mkdir(parents=True, exist_ok=True)
    following = directory / _NEXT
    with following.open("wb") as file:
        file.write(json.dumps(asdict(choice)).encode())
        file.flush()
        os.fsync(file.fileno())
    following.replace(directory / _FILE)
    sync(directory)


def tried(choice: Choice) -> Choice:
    """Count one start of a version that has yet to prove itself."""
    return replace(choice, tries_left=choice.tries_left - 1)


def left(choice: Choice) -> Choice:
    """Go back to the version before."""
    return Choice(slot=choice.before)


def is_there(directory: Path, slot: str) -> bool:
    """Tell whether a version can be started at all."""
    return slot == SYSTEM or (directory / slot / "chargerd/__main__.py").is_file()


def _choice(table: dict[str, Any]) -> Choice:
    names = (SYSTEM, *SLOTS)
    slot, before, tries = (table.get(n) for n in ("slot", "before", "tries_left"))
    if slot not in names or before not in names or type(tries) is not int:
        return Choice()
    good, job = table.get("good") is True, table.get("job")
    return Choice(str(slot), str(before), tries, good, str(job))

"""Where things are on this machine, unless the station file names another place.

Standard library alone: the choice of a firmware slot needs it before anything else.
"""

import os
from pathlib import Path
from typing import Final

STATION_FILE: Final = Path("/etc/chargerd/chargerd.toml")


def state_directory() -> Path:
    """Return where the state is: systemd's word, root's place, or the user's own."""
    return _place("STATE_DIRECTORY", "/var/lib", "XDG_STATE_HOME", ".local/state")


def cache_directory() -> Path:
    """Return where downloads go, found in the same way."""
    return _place("CACHE_DIRECTORY", "/var/cache", "XDG_CACHE_HOME", ".cache")


def _place(of_systemd: str, of_root: str, of_user: str, in_home: str) -> Path:
    if systemd := os.environ.get(of_systemd):
        return Path(systemd.split(":")[0])
    if os.geteuid() == 0:
        return Path(of_root, "chargerd")
    return Path(os.environ.get(of_user) or Path.home() / in_home, "chargerd")

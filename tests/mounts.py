"""A command with mounts of its own, for tests that need a disk to fill."""

import os
from pathlib import Path


def on_a_small_disk(place: Path, size: str) -> tuple[str, ...]:
    """Return what to put before a command that finds a tmpfs at ``place``.

    Nobody outside sees it, and it goes with the command. Whoever is not root needs
    a user namespace as well, which not every place allows.
    """
    namespaces = ("--mount",) if os.geteuid() == 0 else ("--map-root-user", "--mount")
    mount = f'mount -t tmpfs -o size={size} tmpfs {place} && exec "$0" "$@"'
    return ("unshare", *namespaces, "sh", "-c", mount)

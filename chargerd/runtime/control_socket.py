"""The control socket as a file, and who is at its other end."""

import grp
import os
import socket
import stat
import struct
from dataclasses import dataclass
from typing import Final

_SO_PEERGROUPS: Final = 59  # the socket module has no name for it
_MAX_GROUPS: Final = 65_536  # Linux's NGROUPS_MAX


class SocketUnusableError(Exception):
    """The control socket cannot be opened. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]

    def belongs_to(self, group: str) -> bool:
        """Whether it is root or in the Unix group; nobody is in one that is not."""
        if self.uid == 0:
            return True
        try:
            group_id = grp.getgrnam(group).gr_gid
        except KeyError:
            return False
        return group_id == self.gid or group_id in self.groups


def peer_of(connection: socket.socket) -> Peer:
    """Ask the kernel who has connected."""
    credentials = struct.Struct("3i")  # struct ucred of unix(7)
    pid, uid, gid = credentials.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    )
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MAX_GROUPS)
    except OSError:
        raw = b""  # a kernel before 4.13
    groups = struct.unpack(f"{len(raw) // 4}I", raw)
    return Peer(pid, uid, gid, frozenset(groups))


def bind(path: str, mode: int, group: str | None) -> socket.socket:
    """Return a socket at ``path`` that nobody can connect to before it listens.

    Its directory is made, and the socket of a dead daemon replaced; what else
    is in the way raises ``SocketUnusableError``.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
        _clear(path)
        kept = os.umask(0o777 & ~mode)
        try:
            listener.bind(path)
        finally:
            os.umask(kept)
        if group is not None:
            os.chown(path, -1, _group_id(group))
    except OSError as error:
        listener.close()
        raise SocketUnusableError(
            f"{path}: {error.strerror or error}; make it writable for this user, or "
            "set control.socket to another path"
        ) from error
    except SocketUnusableError:
        listener.close()
        raise
    return listener


def _clear(path: str) -> None:
    """Remove the socket of a daemon that has died, and nothing else."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketUnusableError(
            f"{path}: there is something that is no socket; remove it, or set "
            "control.socket to another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass  # alive, but busy
    raise SocketUnusableError(
        f"{path}: a chargerd is listening here already; stop it, or set "
        "control.socket to another path"
    )


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise SocketUnusableError(
            f"control.group: no group {name!r} on this system; create it with "
            f"groupadd {name}, or name another"
        ) from None

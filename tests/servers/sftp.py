"""An SFTP server on the loopback; it is gone when its block ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tests.servers.login import PASSWORD, USER


@dataclass
class Sftp:
    """An SFTP server, and what one must know to trust it."""

    folder: Path
    port: int = 0
    fingerprint: str = ""
    known_hosts: str = ""
    stall_after: int | None = None
    """Give nothing beyond so many bytes of a file, until the end."""
    cut_after: int | None = None
    """Hang up when so many bytes of a file have come."""
    came_bytes: int = 0
    """Of files that were sent here."""
    offsets: list[int] = field(default_factory=list)
    """From where on pieces of files were read."""


class _Shelf(asyncssh.SFTPServer):
    """Files, of which it may hold back the rest, or not take it."""

    def __init__(self, channel: Any, sftp: Sftp) -> None:
        super().__init__(channel, chroot=str(sftp.folder).encode())
        self._sftp = sftp
        self._channel = channel

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        self._sftp.offsets.append(offset)
        most = self._sftp.stall_after
        if most is not None and offset >= most:
            try:
                await asyncio.Event().wait()
            finally:
                file_obj.close()
        end = offset + size if most is None else min(offset + size, most)
        found: bytes = super().read(file_obj, offset, end - offset)  # type: ignore[assignment]
        return found

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        most = self._sftp.cut_after
        if most is not None and offset >= most:
            self._channel.get_connection().abort()
            raise asyncssh.SFTPFailure("cut off")
        self._sftp.came_bytes += len(data)
        written: int = super().write(file_obj, offset, data)  # type: ignore[assignment]
        return written


class _Door(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@asynccontextmanager
async def sftp_server(sftp: Sftp) -> AsyncIterator[Sftp]:
    """Serve SFTP on the loop of the test."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    server = await asyncssh.create_server(
        _Door,
        "127.0.0.1",
        0,
        server_host_keys=[key],
        sftp_factory=lambda c: _Shelf(c, sftp),
    )
    sftp.port = server.get_port()
    sftp.fingerprint = key.get_fingerprint()
    public = key.export_public_key().decode().strip()
    sftp.known_hosts = f"[127.0.0.1]:{sftp.port} {public}\n"
    try:
        yield sftp
    finally:
        server.close()
        await server.wait_closed()

"""Delivers one file, by PUT or POST, by FTP or by SFTP; goes on where it stopped."""

import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

import pycurl

from chargerd.runtime.transfer.beside import beside_loop, on_loop
from chargerd.runtime.transfer.handle import Transfer
from chargerd.runtime.transfer.places import WEB, Place
from chargerd.runtime.transfer.reasons import TransferFailed, Why, disk_failure
from chargerd.runtime.transfer.values import Access, Limits, Progress, Report

_NOT_SHOWN: Final = (Why.NOT_FOUND, Why.DENIED, Why.SERVER_ERROR)
"""Why a server that is there does not tell how much of a file it has."""


async def upload(
    path: Path,
    url: str,
    limits: Limits,
    access: Access,
    report: Report | None = None,
    *,
    resume: bool = False,
) -> None:
    """Deliver a file under its own name into the folder ``url``.

    A URL with a query that does not end its path in ``/`` is taken as it is, since it
    is signed; so is every URL if ``access.post``.

    Args:
        path: The file.
        url: The folder.
        limits: What the transfer may take.
        access: Whom we trust.
        report: Called on the loop, at most once a second.
        resume: What the server has under this name is a beginning of this very file,
            so that only the rest need go; HTTP knows no such thing and sends all.

    Raises:
        TransferFailed: with the reason, and whether the next attempt may resume.
    """
    place = Place.of(url)
    if not (access.post and place.scheme in WEB):
        place = place.holding(path.name)
    job = _Upload(place, path, limits, access, on_loop(report))
    job.resumable = resume and place.scheme not in WEB
    await beside_loop(job.run, job.stop)


class _Upload(Transfer):
    """One file on its way to a server, as long as it was when it was opened."""

    def __init__(
        self, place: Place, path: Path, limits: Limits, access: Access, report: Report
    ) -> None:
        super().__init__(place, limits, access, report)
        self.resumable = False
        """Whether what the server has of the file is a beginning of ours."""
        self._path = path
        self._size_bytes = self._at = self._offset_bytes = 0
        self._head = self._tail = b""
        self._file: BinaryIO

    def run(self) -> None:
        """Deliver the file."""
        try:
            with self._path.open("rb") as self._file:
                self._size_bytes = os.fstat(self._file.fileno()).st_size
                with closing(self._handle()) as curl:
                    if not (self.resumable and self._go_on(curl)):
                        self._send(curl, 0)
        except OSError as error:
            raise disk_failure(self._place.shown, error) from None
        except TransferFailed as error:
            error.resumable = self.resumable
            raise

    def _go_on(self, curl: pycurl.Curl) -> bool:
        """Send the rest; return whether the server has just our file then."""
        there_bytes = self._look(curl)
        if 0 < there_bytes < self._size_bytes:
            self._send(curl, there_bytes)
            # What the broken connection had still in it may have come in between.
            there_bytes = self._look(curl)
        return there_bytes == self._size_bytes

    def _look(self, curl: pycurl.Curl) -> int:
        """Return how much of the file the server has; zero if it does not tell."""
        curl.setopt(pycurl.UPLOAD, 0)
        curl.setopt(pycurl.NOBODY, 1)
        curl.setopt(pycurl.RESUME_FROM_LARGE, 0)
        curl.setopt(pycurl.WRITEFUNCTION, len)
        try:
            self._perform(curl)
        except TransferFailed as error:
            if error.why in _NOT_SHOWN:
                return 0
            raise
        return max(int(curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T)), 0)

    def _send(self, curl: pycurl.Curl, offset_bytes: int) -> None:
        """Send the file from an offset on; what the server has before it stays."""
        self._at = self._offset_bytes = offset_bytes
        curl.setopt(pycurl.NOBODY, 0)
        self._offer(curl)
        curl.setopt(pycurl.RESUME_FROM_LARGE, offset_bytes)
        self._perform(curl)

    def _offer(self, curl: pycurl.Curl) -> None:
        curl.setopt(pycurl.WRITEFUNCTION, len)
        if self._access.post and self._place.scheme in WEB:
            kind = self._wrap()
            curl.setopt(pycurl.CUSTOMREQUEST, "POST")
            curl.setopt(pycurl.HTTPHEADER, [f"Content-Type: {kind}"])
        whole = len(self._head) + self._size_bytes + len(self._tail)
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.INFILESIZE_LARGE, whole)
        curl.setopt(pycurl.READFUNCTION, self._on_want)
        curl.setopt(pycurl.SEEKFUNCTION, self._on_seek)

    def _wrap(self) -> str:
        """Make the file a field of a form (RFC 7578), and return the form's type."""
        line = secrets.token_hex(16)
        name = quote(self._path.name, safe=" ")
        self._head = (
            f"--{line}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{line}--\r\n".encode()
        return f"multipart/form-data; boundary={line}"

    def _on_want(self, most: int) -> bytes | int:
        try:
            piece = self._piece(most)
        except OSError as error:
            self._failure = error
            return int(pycurl.READFUNC_ABORT)
        self._at += len(piece)
        # Bytes are asked for once the server has emptied the file or keeps it.
        self.resumable = self._place.scheme not in WEB
        return piece

    def _piece(self, most: int) -> bytes:
        """Return the next of what is before, in and after the file."""
        at = self._at - len(self._head)
        if at < 0:
            return self._head[at:][:most]
        if at < self._size_bytes:
            self._file.seek(at)
            return self._file.read(min(most, self._size_bytes - at))
        return self._tail[at - self._size_bytes :][:most]

    def _on_seek(self, offset: int, origin: int) -> int:
        """Go where libcurl wants: back for a redirect, on for a rest."""
        self._at = offset
        return int(pycurl.SEEKFUNC_OK)

    def _progress(self, up: int) -> Progress:
        return Progress(self._offset_bytes + up, self._size_bytes)

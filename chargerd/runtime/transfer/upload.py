"""Delivers one file: by PUT or POST, by FTP or by SFTP."""

import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import pycurl

from chargerd.runtime.transfer.beside import beside_loop, on_loop
from chargerd.runtime.transfer.handle import Transfer
from chargerd.runtime.transfer.places import WEB, Place
from chargerd.runtime.transfer.reasons import disk_failure
from chargerd.runtime.transfer.values import Access, Limits, Progress, Report


async def upload(
    path: Path,
    url: str,
    limits: Limits,
    access: Access,
    report: Report | None = None,
) -> None:
    """Deliver a file under its own name into the folder ``url``.

    A URL with a query that does not end its path in ``/`` is taken as it is, since it
    is signed; so is every URL if ``access.post``.

    Raises:
        TransferFailed: with the reason.
    """
    place = Place.of(url)
    if not (access.post and place.scheme in WEB):
        place = place.holding(path.name)
    job = _Upload(place, path, limits, access, on_loop(report))
    await beside_loop(job.run, job.stop)


class _Upload(Transfer):
    """One file on its way to a server, as long as it was when it was opened."""

    def __init__(
        self, place: Place, path: Path, limits: Limits, access: Access, report: Report
    ) -> None:
        super().__init__(place, limits, access, report)
        self._path = path
        self._size_bytes = self._at = 0
        self._head = self._tail = b""
        self._file: BinaryIO

    def run(self) -> None:
        """Deliver the file."""
        try:
            with self._path.open("rb") as self._file:
                self._size_bytes = os.fstat(self._file.fileno()).st_size
                with closing(self._handle()) as curl:
                    self._offer(curl)
                    self._perform(curl)
        except OSError as error:
            raise disk_failure(self._place.shown, error) from None

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
        """Go back, to send the file again where a redirect leads."""
        self._at = offset
        return int(pycurl.SEEKFUNC_OK)

    def _progress(self, up: int) -> Progress:
        return Progress(up, self._size_bytes)

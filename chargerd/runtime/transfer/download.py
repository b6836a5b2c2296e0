"""Fetches one file, and goes on where it stopped."""

import hashlib
from contextlib import closing
from pathlib import Path

import pycurl

from chargerd.runtime.transfer.beside import beside_loop, on_loop
from chargerd.runtime.transfer.handle import Transfer
from chargerd.runtime.transfer.part import Part
from chargerd.runtime.transfer.places import WEB, Place
from chargerd.runtime.transfer.reasons import TransferFailed, Why, disk_failure
from chargerd.runtime.transfer.values import Access, Limits, Progress, Received, Report
from chargerd.runtime.transfer.versions import Version, span, stamp, whole_number


class _Changed(Exception):
    """The server cannot go on with the part that we have."""


async def download(
    url: str,
    to: Path,
    limits: Limits,
    access: Access,
    report: Report | None = None,
) -> Received:
    """Fetch a file, or the rest of it, and put it at ``to`` when it is whole.

    Until then it grows beside it as ``NAME.part``, with what tells whether the server
    still has the same file in ``NAME.part.json``.

    Args:
        url: Where the file is; it may hold a user and a password.
        to: Where it shall be; its folder must exist.
        limits: What the transfer may take.
        access: Whom we trust.
        report: Called on the loop, at most once a second.

    Raises:
        TransferFailed: with the reason; what came may be gone on with.
    """
    job = _Download(Place.of(url), to, limits, access, on_loop(report))
    return await beside_loop(job.run, job.stop)


class _Download(Transfer):
    """One file, or the rest of it, on its way to the disk."""

    def __init__(
        self, place: Place, to: Path, limits: Limits, access: Access, report: Report
    ) -> None:
        super().__init__(place, limits, access, report)
        self._part = Part(to, limits, place.shown)
        self._is_from = hashlib.sha256(place.address.encode()).hexdigest()
        self._kept: Version | None = None
        self._offset_bytes = 0
        self._headers: dict[str, str] = {}
        self._status = 0
        self._begun = False

    def run(self) -> Received:
        """Fetch, going on with a part if there is one, anew if that cannot be."""
        try:
            with self._part.opened():
                self._fetch_or_anew()
                return self._part.settle()
        except OSError as error:
            failure = disk_failure(self._place.shown, error)
        except TransferFailed as error:
            failure = error
        self._part.drop_if_worthless(failure.why)
        raise failure from None

    def _fetch_or_anew(self) -> None:
        kept = self._part.kept()
        try:
            self._fetch(kept if kept and kept.url_sha256 == self._is_from else None)
            return
        except _Changed:
            pass
        try:
            self._fetch(None)
        except _Changed:
            raise self._failed(Why.SERVER_ERROR, "a part, unasked") from None

    def _fetch(self, kept: Version | None) -> None:
        self._begun = False
        if kept is None:
            self._part.empty()
        self._part.take_in(self.stop)
        self._kept, self._offset_bytes = kept, self._part.done_bytes
        with closing(self._handle()) as curl:
            if self._place.scheme in WEB:
                self._ask_for_rest(curl)
            else:
                self._look_before(curl)
            curl.setopt(pycurl.WRITEFUNCTION, self._on_bytes)
            self._perform_or_change(curl)
        if not self._begun:
            self._begin()

    def _ask_for_rest(self, curl: pycurl.Curl) -> None:
        """Ask for what is missing of the same file (RFC 9110 section 13.1.5)."""
        if self._kept is None or not self._offset_bytes:
            return
        curl.setopt(pycurl.RANGE, f"{self._offset_bytes}-")
        if self._kept.stamp is not None:
            curl.setopt(pycurl.HTTPHEADER, [f"If-Range: {self._kept.stamp}"])

    def _look_before(self, curl: pycurl.Curl) -> None:
        """Ask for size and age of a file first, where no header tells them."""
        curl.setopt(pycurl.WRITEFUNCTION, len)
        curl.setopt(pycurl.NOBODY, 1)
        curl.setopt(pycurl.OPT_FILETIME, 1)
        self._perform(curl)
        size = curl.getinfo(pycurl.CONTENT_LENGTH_DOWNLOAD_T)
        age = curl.getinfo(pycurl.INFO_FILETIME)
        version = Version(
            self._is_from,
            size if size >= 0 else None,
            str(age) if age >= 0 else None,
        )
        if self._offset_bytes and (size < 0 or version != self._kept):
            raise _Changed
        curl.setopt(pycurl.NOBODY, 0)
        curl.setopt(pycurl.RESUME_FROM_LARGE, self._offset_bytes)
        self._begun = True
        self._part.admit(version)

    def _perform_or_change(self, curl: pycurl.Curl) -> None:
        try:
            self._perform(curl)
        except TransferFailed:
            unsatisfied = curl.getinfo(pycurl.RESPONSE_CODE) == 416
            if unsatisfied and self._offset_bytes:
                raise _Changed from None
            raise

    def _on_header(self, line: bytes) -> None:
        super()._on_header(line)
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            # Of an answer after a redirect, only the last one counts.
            status = text.split()[1:2]
            self._status = whole_number(status[0]) or 0 if status else 0
            self._headers = {}
        name, colon, value = text.partition(":")
        if colon:
            self._headers[name.lower()] = value.strip()

    def _on_bytes(self, chunk: bytes) -> int:
        """Keep what came; libcurl takes a short count for a failure."""
        try:
            if not self._begun:
                self._begin()
            self._part.write(chunk)
        except (OSError, TransferFailed, _Changed) as error:
            self._failure = error
            return 0
        return len(chunk)

    def _begin(self) -> None:
        """Judge an answer of HTTP: the rest of our file, a whole one, or neither."""
        self._begun = True
        if self._status == 206:
            start, size = span(self._headers.get("content-range", ""))
            version = Version(self._is_from, size, stamp(self._headers))
            if start != self._offset_bytes or (start and version != self._kept):
                raise _Changed
        else:
            size = whole_number(self._headers.get("content-length", ""))
            version = Version(self._is_from, size, stamp(self._headers))
            self._part.empty()
        self._part.admit(version)

    def _progress(self, up: int) -> Progress:
        return Progress(self._part.done_bytes, self._part.version.size_bytes)

"""A file that grows beside its place, and takes it when it is whole."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Final

from chargerd.runtime.lasting import sync
from chargerd.runtime.transfer.beside import Stopped
from chargerd.runtime.transfer.reasons import TransferFailed, Why, failure
from chargerd.runtime.transfer.values import Limits, Received
from chargerd.runtime.transfer.versions import Version

CHUNK_BYTES: Final = 65_536
_WORTHLESS: Final = (Why.TOO_LARGE, Why.NO_ROOM, Why.EMPTY)


class Part:
    """``NAME.part``, and in ``NAME.part.json`` what it is a part of.

    Its methods raise ``TransferFailed`` about what is beyond the limits, and
    ``OSError`` when the disk fails.
    """

    def __init__(self, to: Path, limits: Limits, shown: str) -> None:
        self.done_bytes = 0
        self.version = Version("")
        self._to = to
        self._limits = limits
        self._shown = shown
        self._path = to.with_name(f"{to.name}.part")
        self._note = to.with_name(f"{to.name}.part.json")
        self._hash = hashlib.sha256()
        self._file: BinaryIO

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the file open for the length of the block."""
        with self._path.open("ab+") as self._file:
            yield

    def kept(self) -> Version | None:
        """Return what the part is of, as noted when it was begun."""
        with suppress(OSError, ValueError, TypeError):
            return Version(**json.loads(self._note.read_text()))
        return None

    def empty(self) -> None:
        """Forget what has come."""
        self._rewind()
        self._file.truncate(0)

    def take_in(self, stop: threading.Event) -> None:
        """Hash what is there, to go on behind it; raise ``Stopped`` on ``stop``."""
        self._rewind()
        while chunk := self._file.read(CHUNK_BYTES):
            if stop.is_set():
                raise Stopped
            self._hash.update(chunk)
            self.done_bytes += len(chunk)

    def admit(self, version: Version) -> None:
        """Refuse what cannot be taken before it is; note what will come."""
        self.version = version
        size = version.size_bytes
        if size == 0:
            raise self._failed(Why.EMPTY)
        if size is not None:
            self._check_size(size)
            self._check_room(size - self.done_bytes)
        self._note.write_text(json.dumps(asdict(version)))

    def write(self, chunk: bytes) -> None:
        """Take what came next."""
        done, size = self.done_bytes + len(chunk), self.version.size_bytes
        self._check_size(done)
        if size is not None and done > size:
            raise self._failed(Why.CUT_OFF, f"more than the {size} bytes announced")
        self._check_room(len(chunk))
        self._file.write(chunk)
        self._hash.update(chunk)
        self.done_bytes = done

    def settle(self) -> Received:
        """Give the whole file its name, so that a power cut does not take it."""
        size = self.version.size_bytes
        if size is not None and self.done_bytes != size:
            raise self._failed(Why.CUT_OFF, f"{self.done_bytes} of {size} bytes came")
        if not self.done_bytes:
            raise self._failed(Why.EMPTY)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.replace(self._to)
        self._note.unlink(missing_ok=True)
        sync(self._to.parent)
        return Received(self.done_bytes, self._hash.hexdigest())

    def drop_if_worthless(self, why: Why) -> None:
        """Leave no part that nobody can go on with, after a failure."""
        if why in _WORTHLESS or not self.done_bytes:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
                self._note.unlink(missing_ok=True)

    def _rewind(self) -> None:
        self._hash = hashlib.sha256()
        self.done_bytes = 0
        self._file.seek(0)

    def _check_size(self, bytes_: int) -> None:
        limit = self._limits.max_bytes
        if bytes_ > limit:
            raise self._failed(Why.TOO_LARGE, f"{bytes_} bytes, {limit} allowed")

    def _check_room(self, bytes_: int) -> None:
        free = shutil.disk_usage(self._to.parent).free
        needed = bytes_ + self._limits.reserve_bytes
        if free < needed:
            raise self._failed(Why.NO_ROOM, f"{free} bytes free, {needed} needed")

    def _failed(self, why: Why, detail: str = "") -> TransferFailed:
        return failure(self._shown, why, detail)

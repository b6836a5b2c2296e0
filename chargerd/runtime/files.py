"""How files are fetched and delivered here, as the station file says."""

import asyncio
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from chargerd.runtime.transfer.places import redacted
from chargerd.runtime.transfer.reasons import Why, failure
from chargerd.runtime.transfer.values import Access, Limits, Progress
from chargerd.sections import FilesSection

_KIB, _MIB = 1024, 1024 * 1024


class Files:
    """Fetches and delivers, with the operator's trust and limits."""

    def __init__(self, section: FilesSection) -> None:
        """Read what the section names.

        Raises:
            OSError: A file of roots cannot be read.
        """
        roots = "".join(Path(name).read_text() for name in section.root_files)
        self._access = Access(
            roots_pem=roots or None,
            known_hosts=Path(section.known_hosts) if section.known_hosts else None,
            any_host_key=section.any_host_key,
            ftp_tls=section.ftp_tls,
            post=section.post,
        )
        self._limits = Limits(
            max_bytes=section.max_mib * _MIB, most_bytes_s=section.most_kib_s * _KIB
        )

    async def fetch(self, url: str, to: Path, told: Callable[[int], None]) -> int:
        """Fetch a file, or the rest of it; return its bytes.

        Args:
            url: Where it is.
            to: Where it shall be.
            told: Given now and then how much of it is there, in percent, where the
                server has said how long it is.

        Raises:
            TransferFailed: With the reason; what came may be gone on with.
        """
        await _libcurl(url)
        from chargerd.runtime.transfer.download import download  # noqa: PLC0415  # see _libcurl

        def report(progress: Progress) -> None:
            if progress.size_bytes:
                told(100 * progress.done_bytes // progress.size_bytes)

        done = await download(url, to, self._limits, self._access, report)
        return done.size_bytes

    async def deliver(self, path: Path, url: str, resume: bool) -> None:
        """Deliver a file under its own name into a folder of a server.

        Args:
            path: The file.
            url: The folder.
            resume: The server has a beginning of this very file.

        Raises:
            TransferFailed: With the reason, and whether the next attempt may resume.
        """
        await _libcurl(url)
        from chargerd.runtime.transfer.upload import upload  # noqa: PLC0415  # see _libcurl

        await upload(path, url, self._limits, self._access, resume=resume)


async def _libcurl(url: str) -> None:
    """Load it when the first file moves, beside the loop.

    It brings thirty libraries and a tenth of the daemon's memory, for what most days
    do not see.
    """
    try:
        await asyncio.to_thread(import_module, "pycurl")
    except ImportError as error:
        raise failure(redacted(url), Why.NO_LIBRARY, str(error)) from None

"""A device that answers HTTP: one connection, kept alive, on a thread of its own."""

import asyncio
import select
import socket
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, NamedTuple

from hal.bounds import check
from hal.errors import BadAnswer, HardwareError, NoAnswer

_LONGEST: Final = 256 * 1024
"""No answer of a meter has more bytes."""
_LAST_PORT: Final = 65_535
_LIMITS_S: Final = (0.05, 1.0)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where a device is; its driver's ``Config`` begins so."""

    host: str
    """Its name or address in the network."""
    port: int = 80
    """The TCP port that it listens on."""
    tls: bool = False
    """Speak TLS with it, and with nobody who has not its certificate."""
    certificate: str = ""
    """File with the certificate of the device, or of who signed it, for TLS."""
    timeout_s: float = 0.5
    """How long one question and its answer may take."""

    def __post_init__(self) -> None:
        """Refuse what no device can be."""
        if not self.host:
            raise ValueError('host: is empty; write one like "192.168.1.12"')
        check("port", self.port, 1, _LAST_PORT)
        if self.tls and not self.certificate:
            raise ValueError(
                "certificate: is missing; write the file of the device's certificate"
            )
        check("timeout_s", self.timeout_s, *_LIMITS_S)


class HttpAnswer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class HttpClient:
    """Asks one device; whoever is cancelled leaves the exchange to end by itself."""

    def __init__(self, settings: HttpSettings, context: ssl.SSLContext | None) -> None:
        self.where = f"{settings.host}:{settings.port}"
        self._settings = settings
        self._context = context
        self._connection: HTTPConnection | None = None
        self._worker = ThreadPoolExecutor(1, f"http {self.where}")

    async def ask(self, method: str, path: str, body: bytes = b"") -> HttpAnswer:
        """Return the answer of the device, whatever its status.

        Raises:
            NoAnswer: The device cannot be reached, or says nothing in time.
            BadAnswer: It does not speak HTTP, or is not the one expected.
        """
        loop = asyncio.get_running_loop()
        limit_s = self._settings.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await loop.run_in_executor(
                    self._worker, self._exchange, method, path, body
                )
        except TimeoutError as error:
            self._give_up()
            raise NoAnswer(
                f"{self.where}: no answer in {limit_s * 1000:.0f} ms; "
                "check its supply and its cable"
            ) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self._meaning(error) from error

    async def close(self) -> None:
        """Let go of the device; what is under way ends."""
        self._give_up()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._worker, self._drop)
        self._worker.shutdown(wait=False)

    def _meaning(self, error: Exception) -> HardwareError:
        """Say in a technician's words why an exchange has failed."""
        if isinstance(error, ssl.SSLError):
            return BadAnswer(
                f"{self.where}: TLS failed ({error.reason or error}); "
                "check the certificate, or switch tls off"
            )
        if isinstance(error, OSError):
            reason = (error.strerror or "it has hung up").lower()
            return NoAnswer(f"{self.where}: {reason}; check its address and its cable")
        return BadAnswer(
            f"{self.where}: does not speak HTTP ({error!r}); check its address"
        )

    def _give_up(self) -> None:
        """Let the exchange that is under way fail."""
        taken = self._connection and self._connection.sock
        if taken:
            with suppress(OSError):
                # Not that of the class: a TLS socket would be torn in mid-read.
                socket.socket.shutdown(taken, socket.SHUT_RDWR)

    def _exchange(self, method: str, path: str, body: bytes) -> HttpAnswer:
        """Ask and wait, on the thread."""
        try:
            connection = self._fresh()
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body or None, headers)
            with connection.getresponse() as response:
                if (response.length or 0) > _LONGEST:
                    raise HTTPException(f"{response.length} bytes are too many")
                # Without a length given, it is read up to the longest.
                known = response.length is not None
                content = response.read() if known else response.read(_LONGEST)
                if response.will_close:
                    self._drop()
                return HttpAnswer(response.status, content)
        except BaseException:
            self._drop()
            raise

    def _fresh(self) -> HTTPConnection:
        """Return the connection, a new one if the device has hung up."""
        if self._connection is not None and _stale(self._connection):
            self._drop()
        if self._connection is None:
            self._connection = self._made()
            self._connection.connect()
        return self._connection

    def _made(self) -> HTTPConnection:
        chosen = self._settings
        if self._context is not None:
            return HTTPSConnection(
                chosen.host,
                chosen.port,
                timeout=chosen.timeout_s,
                context=self._context,
            )
        return HTTPConnection(chosen.host, chosen.port, timeout=chosen.timeout_s)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _stale(connection: HTTPConnection) -> bool:
    """Return whether something came unasked: the end, or more than the answer."""
    if connection.sock is None:
        return True
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


@asynccontextmanager
async def open_http(settings: HttpSettings) -> AsyncIterator[HttpClient]:
    """Yield a client; the device itself is not asked for yet.

    Raises:
        HardwareError: The certificate cannot be read.
    """
    client = HttpClient(settings, _context(settings) if settings.tls else None)
    try:
        yield client
    finally:
        await client.close()


def _context(settings: HttpSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A meter's certificate names the meter, not where it stands.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(settings.certificate)
    except (OSError, ssl.SSLError) as error:
        raise HardwareError(
            f"{settings.certificate}: cannot be read as a certificate ({error}); "
            "write the name of a PEM file"
        ) from error
    return context

"""The daemon's end of the control socket: a Varlink server.

It knows the protocol and no method but those of ``org.varlink.service``: what
else can be called comes as tables of functions. A client can be slow, silent or
hostile; it holds up nobody but itself.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from chargerd import control
from chargerd.runtime import varlink
from chargerd.runtime.control_socket import Peer, bind, peer_of

_MAX_REQUEST_BYTES: Final = 65_536
_MAX_CLIENTS: Final = 32
_PAUSE_S: Final = 1.0

Values = Mapping[str, Any]


class ControlFailed(Exception):
    """What a method raises to answer with one of its interface's errors."""

    def __init__(self, error: str, parameters: Values) -> None:
        """Take the full name of the error, "org.chargerd.Station.Refused"."""
        super().__init__(error, parameters)
        self.error = error
        self.parameters = parameters


def failed(interface: str, error: str, **parameters: Any) -> ControlFailed:
    """Return an error that an interface describes."""
    return ControlFailed(f"{interface}.{error}", parameters)


class _LostError(Exception):
    """There is no talking to this client any more."""


Method = Callable[[Values, Peer], Values]
Stream = Callable[[Values, Peer], AsyncGenerator[Values, None]]


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface and the functions behind it.

    The parameters that they get fit the description. A method returns at once.
    A stream yields until it is closed; a client that asks for one answer gets
    its first. Both may raise ``ControlFailed``.
    """

    name: str
    description: str
    methods: Mapping[str, Method]
    streams: Mapping[str, Stream] = field(default_factory=dict)


class ControlServer:
    """Serves interfaces on a Unix socket for the length of its context."""

    def __init__(
        self,
        path: str,
        interfaces: tuple[Interface, ...],
        *,
        mode: int = 0o660,
        group: str | None = None,
        vendor: str = "",
        product: str = "",
        version: str = "",
        url: str = "",
        patience_s: float = 30.0,
    ) -> None:
        """Take what to serve and where.

        Args:
            path: The socket; its directory is made if it is missing.
            interfaces: All but ``org.varlink.service``, which is added.
            mode: Permissions of the socket from its first moment on.
            group: The socket's Unix group; ``None`` leaves the process's own.
            vendor: Told by ``GetInfo``, as are ``product``, ``version``, ``url``.
            product: The name of the program.
            version: Its version.
            url: Where to read about it.
            patience_s: How long a client may leave its answers unread.

        Raises:
            ValueError: The functions of an interface are not those described.
        """
        self._path = path
        self._mode = mode
        self._group = group
        self._patience_s = patience_s
        told = {"vendor": vendor, "product": product, "version": version, "url": url}
        listed = (*interfaces, _service(told, interfaces))
        self._interfaces = {one.name: one for one in listed}
        self._descriptions = {one.name: _described(one) for one in listed}
        self._clients: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Open the socket, or raise ``SocketUnusableError``."""
        self._listener = bind(self._path, self._mode, self._group)
        self._listener.listen()
        self._listener.setblocking(False)
        self._inode = os.stat(self._path).st_ino
        self._open_door()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send every client away and remove the socket."""
        self._close_door()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        self._listener.close()
        with suppress(FileNotFoundError):
            if os.stat(self._path).st_ino == self._inode:  # not a successor's
                os.unlink(self._path)

    def _open_door(self) -> None:
        self._pause = None
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _close_door(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        asyncio.get_running_loop().remove_reader(self._listener)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # out of descriptors, most likely: somebody must leave first
            self._close_door()
            loop = asyncio.get_running_loop()
            self._pause = loop.call_later(_PAUSE_S, self._open_door)
            return
        if len(self._clients) < _MAX_CLIENTS:
            self._welcome(connection)
        else:
            connection.close()

    def _welcome(self, connection: socket.socket) -> None:
        def farewell(client: asyncio.Task[None]) -> None:
            connection.close()
            self._clients.discard(client)
            if not client.cancelled() and (error := client.exception()):
                client.get_loop().call_exception_handler(
                    {"message": "a control method failed", "exception": error}
                )

        client = asyncio.create_task(self._talk(connection))
        self._clients.add(client)
        client.add_done_callback(farewell)

    async def _talk(self, connection: socket.socket) -> None:
        peer = peer_of(connection)
        reader, writer = await asyncio.open_unix_connection(
            sock=connection, limit=_MAX_REQUEST_BYTES
        )
        try:
            while (request := await _hear(reader)) is not None:
                await self._serve(request, peer, writer)
            await self._flush(writer)
        except _LostError:
            pass
        finally:
            writer.transport.abort()

    async def _flush(self, writer: asyncio.StreamWriter) -> None:
        """Send what is left to a client that has said all that it wanted to."""
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await writer.wait_closed()

    async def _serve(
        self, request: dict[str, Any], peer: Peer, writer: asyncio.StreamWriter
    ) -> None:
        answer: Values
        silent = request.get("oneway") is True
        try:
            interface, name, parameters = self._find(request)
            if name in interface.methods:
                answer = {"parameters": interface.methods[name](parameters, peer)}
            else:
                stream = interface.streams[name](parameters, peer)
                endless = request.get("more") is True and not silent
                answer = await self._stream(stream, endless, writer)
        except ControlFailed as failure:
            answer = {"error": failure.error, "parameters": failure.parameters}
        if not silent:
            await self._send(writer, answer)
        # a client that sends faster than it is served takes turns with the rest
        await asyncio.sleep(0)

    async def _stream(
        self,
        stream: AsyncGenerator[Values, None],
        endless: bool,
        writer: asyncio.StreamWriter,
    ) -> dict[str, Any]:
        """Send what a stream yields; return what is left to say at its end."""
        async with aclosing(stream):
            last: Values = {}
            async for last in stream:
                if not endless:
                    break
                await self._send(writer, {"parameters": last, "continues": True})
            return {"parameters": last}

    async def _send(self, writer: asyncio.StreamWriter, message: Values) -> None:
        writer.write(control.encode(message))
        try:
            async with asyncio.timeout(self._patience_s):
                await writer.drain()
        except (OSError, TimeoutError) as error:
            raise _LostError("it has gone, or it reads nothing") from error

    def _find(self, request: dict[str, Any]) -> tuple[Interface, str, Values]:
        called = request.get("method")
        if not isinstance(called, str):
            raise _LostError("it names no method")
        interface_name, _, name = called.rpartition(".")
        interface = self._interfaces.get(interface_name)
        if interface is None:
            raise ControlFailed(
                control.INTERFACE_NOT_FOUND, {"interface": interface_name}
            )
        description = self._descriptions[interface_name]
        method = description.methods.get(name)
        if method is None:
            raise ControlFailed(control.METHOD_NOT_FOUND, {"method": called})
        parameters = request.get("parameters") or {}
        try:
            description.check(method.takes, parameters)
        except varlink.MismatchError as mismatch:
            raise ControlFailed(
                control.INVALID_PARAMETER, {"parameter": mismatch.field}
            ) from mismatch
        return interface, name, parameters


async def _hear(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Return the next request, ``None`` after the last."""
    try:
        return control.decode(await reader.readuntil(control.END))
    except asyncio.IncompleteReadError:
        return None
    except (asyncio.LimitOverrunError, control.MessageError, OSError) as error:
        raise _LostError("it speaks no Varlink, or it has gone") from error


def _described(interface: Interface) -> varlink.Description:
    description = varlink.parse(interface.description)
    served = {*interface.methods, *interface.streams}
    if description.name != interface.name or served != {*description.methods}:
        odd = ", ".join(sorted(served ^ {*description.methods})) or description.name
        raise ValueError(f"{interface.name}: described and served differ: {odd}")
    return description


def _service(told: Values, interfaces: tuple[Interface, ...]) -> Interface:
    """Return org.varlink.service, by which any Varlink tool finds the rest."""
    texts = {one.name: one.description for one in interfaces}
    texts[control.SERVICE] = _SERVICE_DESCRIPTION

    def get_info(_parameters: Values, _peer: Peer) -> Values:
        return {**told, "interfaces": sorted(texts)}

    def get_description(parameters: Values, _peer: Peer) -> Values:
        name = parameters["interface"]
        if name not in texts:
            raise ControlFailed(control.INTERFACE_NOT_FOUND, {"interface": name})
        return {"description": texts[name]}

    methods = {"GetInfo": get_info, "GetInterfaceDescription": get_description}
    return Interface(control.SERVICE, _SERVICE_DESCRIPTION, methods)


_SERVICE_DESCRIPTION = """\
# What every Varlink service can tell about itself.
interface org.varlink.service

method GetInfo() -> (
  vendor: string,
  product: string,
  version: string,
  url: string,
  interfaces: []string
)

method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
"""

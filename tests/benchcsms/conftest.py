"""Fixtures: a bench with a clock of its own, and stations on real WebSockets."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchcsms.server import Csms
from benchcsms.settings import Json, Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
BOOT = {"chargePointVendor": "Open", "chargePointModel": "DC 150"}
START = {
    "connectorId": 1,
    "idTag": "04A1B2C3",
    "meterStart": 1000,
    "timestamp": "2026-03-02T08:00:00Z",
}


class Seconds:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Station:
    """The other end of the wire, frame by frame."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._count = 0

    async def send(self, *frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def receive(self) -> list[Any]:
        frame: list[Any] = json.loads(await self.socket.recv())
        return frame

    async def ask(self, action: str, payload: Json | None = None) -> list[Any]:
        """Return the whole frame that answers."""
        self._count += 1
        await self.send(2, f"{id(self)}-{self._count}", action, payload or {})
        return await self.receive()

    async def told(self, action: str, payload: Json | None = None) -> Json:
        """Return the payload of the CALLRESULT."""
        type_, _, said = await self.ask(action, payload)
        assert type_ == 3
        answer: Json = said
        return answer


def connecting(csms: Csms, identity: str = "CP1", **options: Any) -> connect:
    """Return what opens a connection; ``identity`` is percent-encoded already."""
    offered = options.pop("subprotocols", [Subprotocol("ocpp1.6")])
    url = f"{csms.url}/{identity}"
    return connect(url, subprotocols=offered, proxy=None, **options)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def settings() -> Settings:
    """As a test module likes to have them."""
    return Settings()


@pytest.fixture
async def csms(settings: Settings, seconds: Seconds) -> AsyncIterator[Csms]:
    async with Csms(settings, now=lambda: NOW, monotonic=seconds) as csms:
        yield csms


@pytest.fixture
async def station(csms: Csms) -> AsyncIterator[Station]:
    async with connecting(csms) as socket:
        # the client is through its handshake before the bench has it on its list
        await csms.wait_for(kind="open")
        yield Station(socket)

"""The twin of a contactless card, for the virtual reader of vsmartcard (vpcd).

The reader listens on a TCP port; the card connects, and is in its field for as long
as it stays connected. Each message has its length before it, in two bytes. One byte
alone is for the card's supply, or asks for its ATR; everything else is a command.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

PORT: Final = 0x8C7B
"""Of the first slot; the second one has the next."""

_LENGTH_BYTES: Final = 2
_ASKS_ATR: Final = b"\x04"
_SUPPLY: Final = frozenset({b"\x00", b"\x01", b"\x02"})
"""Power off, power on, reset: a card obeys and says nothing."""
_KINDS: Final[Mapping[int, bytes]] = {4: b"\x00\x01", 7: b"\x00\x03"}
"""Mifare Classic 1K and Ultralight, by the length of the UID."""
_NO_SUCH_COMMAND: Final = b"\x6d\x00"
_NO_SUCH_FUNCTION: Final = b"\x6a\x81"


class VirtualCard:
    """One card."""

    def __init__(self, uid: bytes) -> None:
        self._uid = uid
        self.commands: list[bytes] = []
        """What it was told, LED and buzzer of its reader included."""

    @property
    def atr(self) -> bytes:
        """What PC/SC part 3 makes of a storage card of ISO 14443 A."""
        kind = _KINDS.get(len(self._uid), b"\x00\x00")
        body = bytes.fromhex("8f8001804f0ca000000306 03") + kind + bytes(4)
        check = 0
        for byte in body:
            check ^= byte
        return b"\x3b" + body + bytes((check,))

    def answer(self, message: bytes) -> bytes | None:
        """Return what the card says; ``None``: nothing."""
        if message in _SUPPLY:
            return None
        if message == _ASKS_ATR:
            return self.atr
        self.commands.append(message)
        if message[:4] == b"\xff\xca\x00\x00":
            return self._uid + b"\x90\x00"
        if message[:4] == b"\xff\xca\x01\x00":
            return _NO_SUCH_FUNCTION
        if message[:3] == b"\xff\x00\x40":
            return b"\x90\x02"
        return _NO_SUCH_COMMAND

    async def enter(self, port: int = PORT) -> None:
        """Be in the field until cancelled, or until the reader is gone."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    length = await reader.readexactly(_LENGTH_BYTES)
                    message = await reader.readexactly(int.from_bytes(length))
                    answer = self.answer(message)
                    if answer is not None:
                        writer.write(len(answer).to_bytes(_LENGTH_BYTES) + answer)
        finally:
            writer.close()

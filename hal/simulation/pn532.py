"""The twin of a PN532 on a serial port.

It sleeps until it is woken, takes nothing before it was set up, says nothing to a
frame with a wrong checksum, and looks for a card for ever unless it was told how
often to try.
"""

import asyncio
from contextlib import aclosing

from hal.errors import BadAnswer
from hal.simulation.held_cards import HELD_S, held_cards
from hal.simulation.mischief import Mischief
from hal.simulation.serial_line import SerialLine
from hal.wire import pn532
from hal.world.site import World

_FIRMWARE = (0x32, 0x01, 0x06, 0x07)
_ENDLESS = 0xFF
_SENS_RES = {4: (0x00, 0x04), 7: (0x00, 0x44), 10: (0x00, 0x84)}
_SEL_RES = {4: 0x08, 7: 0x00, 10: 0x00}
"""A Mifare Classic 1K, an Ultralight, and a card of the third cascade level."""


class Pn532:
    """One reader of the station, or of a connector."""

    def __init__(self, world: World, connector: int, line: SerialLine) -> None:
        self._world = world
        self._connector = connector
        self._mischief = Mischief(world, "reader", connector)
        self._line = line
        self._card: bytes | None = None
        self.restart()
        line.attach(self.hear, self._mischief)

    def restart(self) -> None:
        """Lose the supply for a moment: sleep, with no settings."""
        self._asleep = True
        self._set_up = False
        self._tries = _ENDLESS
        self._looking = False

    async def follow(self) -> None:
        """Let the world's cards be held to the reader, for ever."""
        async with aclosing(held_cards(self._world, self._connector)) as cards:
            async for uid in cards:
                await self.hold(uid, HELD_S)

    async def hold(self, uid: bytes, lasts_s: float) -> None:
        """Hold a card to the reader for a while."""
        self._card = uid
        if self._looking:
            self._looking = False
            self._send(self._listed())
        try:
            await asyncio.sleep(lasts_s)
        finally:
            self._card = None

    def hear(self, said: bytes) -> bytes | None:
        """Take what was said since the last silence, and return what to say to it."""
        if self._asleep:
            if pn532.WAKE_UP[:2] not in said:
                return None
            self._asleep = False
        try:
            found = pn532.first_frame(said)
        except BadAnswer:
            return b""
        if found is None:
            return None
        data, _ = found
        if data[:1] != bytes((pn532.TO_CHIP,)) or len(data) < 2:
            return b""
        self._looking = False  # a new command ends the one before
        return pn532.ACK + self._obey(data[1], data[2:])

    def _obey(self, code: int, parameters: bytes) -> bytes:
        if code == pn532.SAM and parameters:
            self._set_up = True
            return pn532.reply(code)
        if not self._set_up:
            return pn532.SYNTAX_ERROR
        return self._answers(code, parameters)

    def _answers(self, code: int, parameters: bytes) -> bytes:
        match code, *parameters:
            case pn532.FIRMWARE, *_:
                return pn532.reply(code, *_FIRMWARE)
            case pn532.RF, 0x05, _, _, tries:
                self._tries = tries
                return pn532.reply(code)
            case pn532.LIST, 1 | 2, 0x00, *_:
                self._looking = self._card is None and self._tries == _ENDLESS
                return b"" if self._looking else self._listed()
            case pn532.RELEASE, _:
                return pn532.reply(code, 0x00)
        return pn532.SYNTAX_ERROR

    def _listed(self) -> bytes:
        uid = self._card
        if uid is None:
            return pn532.reply(pn532.LIST, 0)
        size = len(uid)
        target = (0x01, *_SENS_RES[size], _SEL_RES[size], size, *uid)
        return pn532.reply(pn532.LIST, 1, *target)

    def _send(self, answer: bytes) -> None:
        outgoing = self._mischief.bent(answer)
        if outgoing is not None:
            self._line.terminal.send(outgoing.octets)

"""The field of a card reader: a card in it is one token, however often it is read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from hal.parts.tags import TagFormat
from hal.values import Token

HOLD_S: Final = 2.0
"""How long a card must be gone to be a new one when it comes back."""
_WAITS_S: Final = 2.0
"""How long a token waits for somebody to take it: nobody stands there for longer."""


class Field:
    """What has been read, and who has entered."""

    def __init__(self, form: TagFormat, monotonic: Callable[[], float]) -> None:
        self._form = form
        self._monotonic = monotonic
        self._seen_s: dict[bytes, float] = {}
        self._entered: deque[tuple[float, Token]] = deque()
        self._news = asyncio.Event()

    def read(self, uid: bytes) -> None:
        """Take a card that is in the field now."""
        now_s = self._monotonic()
        self._seen_s = {u: s for u, s in self._seen_s.items() if now_s - s < HOLD_S}
        if uid not in self._seen_s:
            self._entered.append((now_s, self._form.token(uid)))
            self._news.set()
        self._seen_s[uid] = now_s

    def entered(self) -> list[Token]:
        """Return the cards that nobody has taken yet, and forget them."""
        oldest_s = self._monotonic() - _WAITS_S
        tokens = [token for at_s, token in self._entered if at_s >= oldest_s]
        self._entered.clear()
        self._news.clear()
        return tokens

    async def tokens(self) -> AsyncIterator[Token]:
        """Yield each card when it enters, for ever."""
        while True:
            for token in self.entered():
                yield token
            await self._news.wait()

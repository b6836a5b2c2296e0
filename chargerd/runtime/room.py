"""Keeps room on the disk: meter values go before a bill is lost."""

from collections.abc import Awaitable, Callable
from typing import Final

from chargerd.core.events import WHOLE_STATION, RoomChanged
from chargerd.steps import Happening
from chargerd.store.thinning import Piece

ENOUGH_BYTES: Final = 256 * 1024
"""So much has to be free again before the shortage is over."""


class Room:
    """Follows how much room is left; lets go of one piece at a time while none is."""

    def __init__(
        self, soon: Callable[[Happening], None], thin: Callable[[], Awaitable[Piece]]
    ) -> None:
        self._soon = soon
        self._thin = thin
        self._told = RoomChanged(WHOLE_STATION, short=False, exhausted=False)

    async def follow(self, left_bytes: int) -> bool:
        """Take how much room is left; tell whether another piece has to go at once."""
        if left_bytes >= ENOUGH_BYTES:
            self._tell(short=False, exhausted=False)
        if left_bytes >= 0:
            return False
        piece = await self._thin()
        if piece.gone.waiting or piece.gone.quarantined:
            self._soon(piece.gone)
        self._tell(short=True, exhausted=piece.done)
        return not piece.done

    def _tell(self, *, short: bool, exhausted: bool) -> None:
        news = RoomChanged(WHOLE_STATION, short, exhausted)
        if news != self._told:
            self._told = news
            self._soon(news)

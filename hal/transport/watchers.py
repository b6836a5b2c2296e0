"""Who wants to be called when something happens in the event loop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Take = Callable[[], None]


class Watchers:
    """Calls everybody who watches; begins to listen for the first, ends after the last.

    Two watchers may be the same callable: each is called, each leaves by itself.
    """

    def __init__(
        self, listen: Take = lambda: None, ignore: Take = lambda: None
    ) -> None:
        self._listen = listen
        self._ignore = ignore
        self._takes: list[Take] = []

    @contextmanager
    def watch(self, take: Take) -> Iterator[None]:
        """Call ``take`` whenever there is something to tell, while in the block."""
        if not self._takes:
            self._listen()
        self._takes.append(take)
        try:
            yield
        finally:
            self._takes.remove(take)
            if not self._takes:
                self._ignore()

    def tell(self) -> None:
        """Call everybody."""
        for take in tuple(self._takes):
            take()

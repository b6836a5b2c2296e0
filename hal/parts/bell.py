"""Rings for all who wait for news of a device that speaks by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from hal.transport.pins import Take


class Bell:
    """A source of news (:class:`hal.parts.news.Source`)."""

    def __init__(self) -> None:
        self._takes: tuple[Take, ...] = ()

    def ring(self) -> None:
        """Tell everybody that there is something new."""
        for take in self._takes:
            take()

    @contextmanager
    def watch(self, take: Take) -> Iterator[None]:
        """Call ``take`` at each ring."""
        self._takes += (take,)
        try:
            yield
        finally:
            self._takes = tuple(each for each in self._takes if each is not take)

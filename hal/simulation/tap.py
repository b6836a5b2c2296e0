"""What was said on the buses of a simulated cabinet, and when."""

import time
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from typing import Any, Final

from hal.wire.frame import Frame

_KEPT: Final = 20_000


class Tap:
    """Remembers the last frames, each with the monotonic second it came at."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._heard: deque[tuple[float, str, Frame]] = deque(maxlen=_KEPT)

    def on(self, channel: str) -> Callable[[Frame], None]:
        """Return what listens to one bus."""
        return lambda frame: self._heard.append((time.monotonic(), channel, frame))

    def heard(self, channel: str, since_s: float = 0.0) -> list[dict[str, Any]]:
        """Return the frames on a bus since a second, the oldest first."""
        late = takewhile(lambda each: each[0] >= since_s, reversed(self._heard))
        frames = [
            {
                "at_s": at_s,
                "identifier": f"{said.identifier:08X}",
                "data": said.data.hex(),
            }
            for at_s, name, said in late
            if name == channel
        ]
        return frames[::-1]

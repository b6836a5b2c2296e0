"""Where the hands of a cabinet are tried: a cabinet in a thread of its own."""

import asyncio
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hal.drivers.cabinet import Config
from hal.mock import simulation as mock
from hal.resources import Place, Resources
from hal.simulation.control import listening, verbs_of

_STARTS_WITHIN_S = 5.0


@asynccontextmanager
async def cabinet() -> AsyncIterator[Config]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "cabinet.sock"
        begun, over = threading.Event(), threading.Event()
        thread = threading.Thread(target=_run, args=(path, begun, over))
        thread.start()
        try:
            assert begun.wait(_STARTS_WITHIN_S)
            yield Config(str(path))
        finally:
            over.set()
            thread.join()


def _run(path: Path, begun: threading.Event, over: threading.Event) -> None:
    async def play() -> None:
        async with Resources(time.monotonic) as resources:
            place = Place(0, resources)
            async with (
                mock.connect(mock.Config(), place) as hands,
                listening(path, verbs_of(hands)),
            ):
                begun.set()
                await asyncio.to_thread(over.wait)

    asyncio.run(play())

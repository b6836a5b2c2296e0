"""The wires of a simulated cabinet: made when the first device asks for them."""

import asyncio
import re
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from hal.simulation.board import Board, live_board
from hal.simulation.can_adapter import CanAdapter
from hal.simulation.chargebyte import ChargebyteTwin
from hal.simulation.gpio_chip import GpioChip
from hal.simulation.pcscd import virtual_reader
from hal.simulation.ports import PseudoTerminal
from hal.simulation.serial_line import SerialLine
from hal.simulation.tap import Tap
from hal.world.site import World

Table = Mapping[str, Any]
"""The table of one device in a station file."""


class Wires:
    """Each has the name that the station file gives it, and a place of its own."""

    def __init__(self, directory: Path, world: World, stack: AsyncExitStack) -> None:
        """Lay nothing yet; what is laid later is taken away by ``stack``."""
        self.directory = directory
        self.world = world
        self.stack = stack
        self.tap = Tap()
        self._places: dict[str, str] = {}
        self._buses: set[str] = set()
        self._ports: dict[str, int] = {}
        self._lines: dict[str, SerialLine] = {}
        self._adapters: dict[str, CanAdapter] = {}
        self._boards: dict[str, Board] = {}
        self._controllers: dict[str, ChargebyteTwin] = {}

    def line(self, port: str) -> SerialLine:
        """Return the serial line behind a port."""
        if port not in self._lines:
            line = SerialLine(self.place(port))
            self.stack.callback(line.close)
            self._lines[port] = line
        return self._lines[port]

    def adapter(self, channel: str) -> CanAdapter:
        """Return the adapter of a CAN bus."""
        if channel not in self._adapters:
            adapter = CanAdapter(self.place(channel))
            self.stack.callback(adapter.close)
            adapter.watch(self.tap.on(channel))
            self._adapters[channel] = adapter
            self._buses.add(channel)
        return self._adapters[channel]

    def safety_controller(self, port: str, connector: int) -> None:
        """Put a chargebyte board at a port, unless it is there; 0: of the station."""
        if port not in self._controllers:
            outlet = self.world.outlet(connector or 1)
            twin = ChargebyteTwin(self.world, outlet, self.place(port))
            self.stack.callback(twin.terminal.close)
            self.run(twin.run(), f"board {port}")
            self._controllers[port] = twin

    async def wire_board(self, chip: str, lines: Mapping[int, str]) -> None:
        """Put a GPIO chip with these lines onto a board."""
        far = GpioChip(len(lines), lines)
        path = self.place(chip, "unix:")
        await self.stack.enter_async_context(far.listening(path))
        board = await self.stack.enter_async_context(live_board(far, self.world))
        self._boards[chip] = board

    async def wire_reader(self, socket: str, connector: int) -> None:
        """Run the PC/SC daemon with a virtual reader, and hold the world's cards to it.

        Raises:
            NoReader: It cannot be started here.
        """
        directory = self.place(socket).parent
        reader = await self.stack.enter_async_context(virtual_reader(directory))
        self.run(reader.follow(self.world, connector), f"cards {connector}")

    def board(self, chip: str) -> Board:
        """Return the board around a GPIO chip."""
        return self._boards[chip]

    def pull(self, name: str) -> None:
        """Pull the cable that the station file calls ``name``."""
        self._terminal(name).pull()

    def put_back(self, name: str) -> None:
        """Put a pulled cable in again."""
        self._terminal(name).put_back()

    def _terminal(self, name: str) -> PseudoTerminal:
        ends: dict[str, SerialLine | CanAdapter | ChargebyteTwin] = {
            **self._lines,
            **self._adapters,
            **self._controllers,
        }
        if name not in ends:
            known = ", ".join(ends) or "none"
            raise ValueError(f"name: there is no cable {name!r}; known: {known}")
        return ends[name].terminal

    def run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let a twin go on by itself until the cabinet is taken away."""

        async def end() -> None:
            task.cancel()
            await asyncio.wait({task})

        task = asyncio.create_task(work, name=name)
        self.stack.push_async_callback(end)

    def place(self, name: str, scheme: str = "") -> Path:
        """Return where in the directory something is that a file calls ``name``."""
        path = self.directory / name.strip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._places[name] = f"{scheme}{path}"
        return path

    def serve(self, host: str, port: int) -> None:
        """Say at which port of this machine a networked device is."""
        self._ports[host] = port

    def refit(self, text: str) -> str:
        """Return a station file with the cabinet's places instead of its own."""
        for name, place in self._places.items():
            text = text.replace(f'"{name}"', f'"{place}"')
        for host, port in self._ports.items():
            here = f'host = "127.0.0.1"\nport = {port}'
            text = text.replace(f'host = "{host}"', here)
        for channel in self._buses:
            near = re.escape(self._places[channel])
            text = re.sub(_CHANNEL.format(near), _SERIAL_ADAPTER, text, flags=re.M)
        return text


_CHANNEL: Final = r'^channel = "{}"$'
_SERIAL_ADAPTER: Final = r'\g<0>\ninterface = "slcan"'

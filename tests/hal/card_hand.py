"""Holds cards to a virtual reader: a line with a UID holds one, "-" takes it away."""

import asyncio
import sys
from contextlib import suppress

from hal.simulation.virtual_card import VirtualCard


async def main() -> None:
    held: asyncio.Task[None] | None = None
    card = VirtualCard(b"")
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if held is not None:
            held.cancel()
            await asyncio.wait({held})
            held = None
            print_line(" ".join(command.hex() for command in card.commands))
        if line != "-":
            card = VirtualCard(bytes.fromhex(line))
            held = asyncio.create_task(enter(card))


async def enter(card: VirtualCard) -> None:
    while True:
        with suppress(OSError):
            await card.enter()
        await asyncio.sleep(0.02)


def print_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())

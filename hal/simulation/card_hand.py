"""A hand that holds cards to the virtual reader of the network that it runs in.

``python -m hal.simulation.card_hand``: a line with a UID holds a card, "-" takes it
away and is answered with the commands that the card was given, in hex.
"""

import asyncio
import sys
from contextlib import suppress

from hal.simulation.virtual_card import VirtualCard


async def main() -> None:
    """Obey until there are no more lines."""
    held: asyncio.Task[None] | None = None
    card = VirtualCard(b"")
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if held is not None:
            held.cancel()
            await asyncio.wait({held})
            held = None
            _say(" ".join(command.hex() for command in card.commands))
        if line != "-":
            card = VirtualCard(bytes.fromhex(line))
            held = asyncio.create_task(_enter(card))


async def _enter(card: VirtualCard) -> None:
    while True:
        with suppress(OSError):
            await card.enter()
        await asyncio.sleep(0.02)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())

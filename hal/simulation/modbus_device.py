"""The side of a simulated device that speaks Modbus RTU."""

from collections.abc import Callable, Mapping

from hal.wire import modbus, modbus_slave
from hal.wire.modbus_slave import Refusal, Request

Obey = Callable[[Request], bytes]
"""Returns the registers or bits of a read, and nothing for a write that it has done.

It raises ``Refusal`` for what the device does not do.
"""


def answered(frame: bytes, unit: int, obey: Obey) -> bytes | None:
    """Return the answer to a request for ``unit``; ``None``: ``frame`` is none."""
    try:
        request = modbus_slave.request_in(frame, unit)
        if request is None:
            return None
        octets = obey(request)
    except Refusal as refused:
        return modbus_slave.refusal(frame, refused.code)
    if request.function in modbus.READS:
        return modbus_slave.answer(request, octets)
    return modbus_slave.confirmation(frame)


def window(blocks: Mapping[int, bytes], address: int, count: int) -> bytes:
    """Return ``count`` registers from ``address`` on out of one of the blocks.

    Raises:
        Refusal: They do not all stand in one block.
    """
    for first, octets in blocks.items():
        begin, end = 2 * (address - first), 2 * (address - first + count)
        if begin >= 0 and end <= len(octets):
            return octets[begin:end]
    raise Refusal(modbus_slave.ILLEGAL_ADDRESS)


def disguised(answer: bytes) -> bytes:
    """Return an answer as the next unit would give it."""
    return modbus.sealed(bytes((answer[0] % 247 + 1,)) + answer[1:-2])

"""Where a Modbus device keeps its quantities, written as text in the station file.

"input 0x0048 f32 *1000"     function, address, form, factor
"holding 60 text8"           a text in eight registers
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hal.wire.modbus import MOST_REGISTERS, Function
from hal.wire.registers import Form, number, text

_FUNCTIONS: Final = {
    "input": Function.READ_INPUT,
    "holding": Function.READ_HOLDING,
}
_FORMS: Final = "|".join(form.value for form in Form)
_ENTRY: Final = re.compile(
    r"(?P<function>\w+) +(?P<address>0x[0-9a-f]+|\d+) +"
    rf"(?:(?P<form>{_FORMS})(?: *(?P<sign>[*/]) *(?P<factor>-?\d+(?:\.\d+)?))?"
    r"|text(?P<length>\d+))",
    re.IGNORECASE,
)
_LAST_ADDRESS: Final = 0xFFFF
SAMPLE: Final = "input 0x0048 f32 *1000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One quantity: ``form`` is ``None`` of a text."""

    function: Function
    address: int
    count: int
    form: Form | None
    factor: float = 1.0

    def number(self, octets: bytes, index: int, low_first: bool) -> float:
        """Return the quantity that begins with register ``index``.

        Raises:
            BadAnswer: The registers hold no finite number.
        """
        assert self.form is not None
        return number(octets, index, self.form, low_first) * self.factor

    def text(self, octets: bytes, index: int, low_first: bool) -> str:
        """Return the text, or the number as one, that begins with ``index``.

        Raises:
            BadAnswer: The registers hold neither.
        """
        if self.form is None:
            return text(octets[2 * index : 2 * (index + self.count)])
        return f"{self.number(octets, index, low_first):.0f}"


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that are read at once, and the quantities in them by their index."""

    function: Function
    address: int
    count: int
    held: tuple[tuple[str, int], ...]


def entry(written: str) -> Entry:
    """Read one line of a map.

    Raises:
        ValueError: What is wrong with it.
    """
    found = _ENTRY.fullmatch(written.strip())
    if found is None or found["function"].lower() not in _FUNCTIONS:
        raise ValueError(f'{written!r} cannot be read; write it like "{SAMPLE}"')
    form = Form(found["form"].lower()) if found["form"] else None
    count = form.count if form else int(found["length"])
    address = int(found["address"], 0)
    if not 1 <= count <= MOST_REGISTERS or address + count > _LAST_ADDRESS + 1:
        raise ValueError(f"{written!r} ends behind the last register; check it")
    factor = float(found["factor"] or 1)
    if not factor:
        raise ValueError(f"{written!r} makes nothing of every value; check the factor")
    if found["sign"] == "/":
        factor = 1 / factor
    function = _FUNCTIONS[found["function"].lower()]
    return Entry(function, address, count, form, factor)


def blocks(entries: Mapping[str, Entry], most: int, gap: int = 0) -> tuple[Block, ...]:
    """Return the fewest reads that bring all entries.

    Args:
        entries: The quantities by name; each fits into one read.
        most: How many registers the device gives at once.
        gap: How many registers that nobody wants may be read between two neighbors.
    """
    found: list[Block] = []
    for name, each in _sorted(entries):
        last = found[-1] if found else None
        if last is None or not _joins(last, each, most, gap):
            found.append(Block(each.function, each.address, each.count, ((name, 0),)))
            continue
        end = max(last.address + last.count, each.address + each.count)
        held = (*last.held, (name, each.address - last.address))
        found[-1] = Block(last.function, last.address, end - last.address, held)
    return tuple(found)


def _sorted(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    yield from sorted(entries.items(), key=lambda i: (i[1].function, i[1].address))


def _joins(block: Block, each: Entry, most: int, gap: int) -> bool:
    return (
        block.function == each.function
        and each.address <= block.address + block.count + gap
        and each.address + each.count - block.address <= most
    )

"""Text in columns and paragraphs."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from chargerd.cli.terminal import OFF, PLAIN, Cell, Line, Terminal

_GAP: Final = "  "


class Column(NamedTuple):
    """A column of a table; on a narrow terminal the greatest ``drops`` goes first."""

    title: str
    drops: int = 0
    """Zero for a column that always stays."""


def table(
    terminal: Terminal, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]
) -> Iterator[Line]:
    """Lay out rows below a header; nothing is printed of an empty table."""
    header = [Cell(column.title, OFF) for column in columns]
    cells = [[_plain(terminal, one) for one in row] for row in rows]
    if terminal.legend and rows:
        cells.insert(0, header)
    widths = [
        max((len(one.text) for one in column), default=0)
        for column in zip(*cells, strict=True)
    ]
    kept = _fitting(terminal.width, columns, widths)
    for row in cells:
        padded = [Cell(row[at].text.ljust(widths[at]), row[at].tone) for at in kept]
        yield tuple(one for cell in padded for one in (Cell(_GAP), cell))[1:]


def pairs(rows: Sequence[tuple[str, Cell | str | None]]) -> Iterator[Line]:
    """Lay out names and values; a value of ``None`` leaves its row out."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        if value is not None:
            cell = value if isinstance(value, Cell) else Cell(value)
            yield (Cell(name.ljust(width) + _GAP, OFF), cell)


def paragraph(terminal: Terminal, cell: Cell, indent: str = "  ") -> Iterator[Line]:
    """Break a long sentence at the terminal's width, later lines indented."""
    text = terminal.plain(cell.text)
    width = terminal.width or max(len(text), 1)
    for part in textwrap.wrap(text, max(width, 20), subsequent_indent=indent):
        yield (Cell(part, cell.tone),)


def sentence(text: str, tone: str = PLAIN) -> Line:
    """Return a line of one text."""
    return (Cell(text, tone),)


def _plain(terminal: Terminal, one: Cell | str) -> Cell:
    cell = one if isinstance(one, Cell) else Cell(one)
    return Cell(terminal.plain(cell.text), cell.tone)


def _fitting(
    width: int | None, columns: Sequence[Column], widths: Sequence[int]
) -> list[int]:
    """Return which columns are shown."""
    kept = list(range(len(widths)))
    while width is not None:
        needed = sum(widths[at] for at in kept) + len(_GAP) * (len(kept) - 1)
        least = max(kept, key=lambda at: columns[at].drops, default=0)
        if needed <= width or not kept or not columns[least].drops:
            break
        kept.remove(least)
    return kept

"""What the terminal can show: its width, its letters, its colors."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TextIO

GOOD: Final = "good"
WARNING: Final = "warning"
FAULT: Final = "fault"
OFF: Final = "off"
PLAIN: Final = ""

_SYMBOLS: Final = {GOOD: "●", WARNING: "▲", FAULT: "✗", OFF: "○"}
_COLORS: Final = {GOOD: "32", WARNING: "33", FAULT: "31", OFF: "2"}
_ASCII: Final = str.maketrans(
    {
        "●": "*",
        "▲": "!",
        "✗": "x",
        "○": "o",
        "–": "-",
        "…": "..",
        "→": "->",
        "·": ".",
        "└": "`-",
        "█": "#",
        "°": "",
    }
)


class Cell(NamedTuple):
    """A text and how it shall be colored; the color never says more than the text."""

    text: str
    tone: str = PLAIN


Line = tuple[Cell, ...]


def mark(tone: str, word: str) -> Cell:
    """Return a state as a symbol and a word."""
    return Cell(f"{_SYMBOLS[tone]} {word}", tone)


class Terminal:
    """Turns lines into what this terminal can show."""

    def __init__(
        self,
        *,
        width: int | None,
        unicode: bool,
        colors: bool,
        legend: bool = True,
        quiet: bool = False,
    ) -> None:
        """Take what is known of it.

        Args:
            width: In columns; ``None`` where lines may be of any length.
            unicode: Whether more than ASCII can be shown.
            colors: Whether colors can be shown, and are wanted.
            legend: Whether tables have a header and a last line that explains.
            quiet: Whether hints and confirmations are left out.
        """
        self.width = width
        self.unicode = unicode
        self.colors = colors
        self.legend = legend
        self.quiet = quiet

    def plain(self, text: str) -> str:
        """Return the text without what would move the cursor or not be shown."""
        if not self.unicode:
            text = text.translate(_ASCII).encode("ascii", "replace").decode()
        return "".join(c if c.isprintable() else "?" for c in text)

    def plain_line(self, line: Line) -> Line:
        """Return the line as the terminal can show it, cut at its width."""
        left = sys.maxsize if self.width is None else self.width
        cells = []
        for cell in line:
            text = self.plain(cell.text)
            if len(text) > left:
                end = self.plain("…")
                text = (text[: max(0, left - len(end))] + end)[:left]
            cells.append(Cell(text, cell.tone))
            left -= len(text)
        return tuple(cells)

    def show(self, line: Line) -> str:
        """Return one line, ready to be printed."""
        cells = self.plain_line(line)
        if not self.colors:
            return "".join(cell.text for cell in cells).rstrip()
        return "".join(_colored(cell) for cell in cells)

    def print(self, lines: Iterable[Line]) -> None:
        """Print lines to stdout, and have them out before the next wait."""
        for line in lines:
            print(self.show(line))
        sys.stdout.flush()


def terminal_of(
    stream: TextIO,
    environment: Mapping[str, str],
    *,
    legend: bool = True,
    quiet: bool = False,
) -> Terminal:
    """Find out what the terminal at the end of ``stream`` can show."""
    dumb = environment.get("TERM") == "dumb"
    colors = stream.isatty() and not dumb and not environment.get("NO_COLOR")
    return Terminal(
        width=_width(stream, environment),
        unicode=not dumb and _speaks_unicode(stream, environment),
        colors=colors,
        legend=legend,
        quiet=quiet,
    )


def _width(stream: TextIO, environment: Mapping[str, str]) -> int | None:
    if (columns := environment.get("COLUMNS", "")).isdecimal() and int(columns):
        return int(columns)
    if not stream.isatty():
        return None
    return os.get_terminal_size(stream.fileno()).columns or 80


def _speaks_unicode(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Believe a locale that says "C": Python would speak UTF-8 even there."""
    named = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((value for value in named if value), "")
    return locale not in {"C", "POSIX"} and stream.encoding.lower() == "utf-8"


def _colored(cell: Cell) -> str:
    color = _COLORS.get(cell.tone)
    return f"\x1b[{color}m{cell.text}\x1b[0m" if color else cell.text

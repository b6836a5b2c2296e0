"""``chargerctl top``: the live view.

The only module that imports curses, and so imported only when it is asked for.
"""

import curses
import os
import select
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from chargerd import control
from chargerd.cli import overview, problems, tables, units, watch
from chargerd.cli.client import Client
from chargerd.cli.commands import Context
from chargerd.cli.problems import Problem
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, Terminal, mark

Values = Mapping[str, Any]

_WIDTH: Final = 80
_HEIGHT: Final = 24
_BAR: Final = 30
_RETRY_S: Final = 1.0
_SILENCE_S: Final = 5.0
_COLORS: Final = {
    GOOD: curses.COLOR_GREEN,
    WARNING: curses.COLOR_YELLOW,
    FAULT: curses.COLOR_RED,
}
_QUIT_KEYS: Final = frozenset({ord("q"), ord("Q"), 27, curses.ERR})


def run(context: Context) -> int:
    """Show the live view, or one frame of it where there is no screen for more."""
    answer = context.station("Watch")
    if context.arguments.json:
        context.print_json("top", answer)
    elif context.arguments.once or not (sys.stdin.isatty() and sys.stdout.isatty()):
        terminal = _sized(context.terminal, context.terminal.width or _WIDTH)
        terminal.print(frame(answer, answer["happenings"], terminal, _HEIGHT))
    else:
        _run_live(context, answer)
    return 0


def frame(
    answer: Values, happenings: Iterable[Values], terminal: Terminal, height: int
) -> list[Line]:
    """Return the whole view, its least important lines cut off at the end."""
    status = answer["status"]
    names = {one["number"]: one["name"] for one in status["connectors"]}
    lines = list(overview.header(status))
    for connector in status["connectors"]:
        lines += [(), *_block(connector, status["time"])]
    told = list(overview.hints(status))
    if told:
        lines.append(())
    for hint in told:
        lines += tables.paragraph(terminal, hint)
    left = height - len(lines) - 2
    events = [watch.happened(one, names) for one in happenings]
    if left > 0 and events:
        lines += [(), (Cell("Events", OFF),), *events[-left:]]
    return lines[:height]


def _block(connector: Values, now: str) -> Iterator[Line]:
    since = units.between(connector["since"], now)
    yield (
        Cell(f"{connector['name']:6}"),
        overview.status_cell(connector),
        Cell(f"  {connector['phase']}  for {since}"),
    )
    if connector.get("power_w") is None and connector.get("session") is None:
        yield (Cell(f"      {connector['reason']}", OFF),)
        return
    yield (
        Cell("      "),
        *_bar(connector),
        Cell(f"  {overview.power(connector)}{_set_by(connector)}"),
    )
    volt, ampere = (
        units.number(connector.get(name), unit, 1)
        for name, unit in (("voltage_v", "V"), ("current_a", "A"))
    )
    plug, module = (
        units.number(connector.get(f"{name}_temperature_c"), "°C")
        for name in ("plug", "module")
    )
    yield (Cell(f"      {volt}  {ampere}  plug {plug}  modules {module}"),)
    yield (
        Cell(f"      SoC {overview.soc(connector)}  "),
        Cell(f"{units.energy(connector.get('session_energy_wh'))}  "),
        Cell(f"session {units.short(connector.get('session'))}  "),
        Cell(f"tag {connector.get('tag') or units.NOTHING}"),
    )


def _bar(connector: Values) -> Line:
    """Draw the power against its limit."""
    bound = connector.get("limit")
    limit_w = bound["power_w"] if bound else 0.0
    share = connector.get("power_w", 0.0) / limit_w if limit_w > 0 else 0.0
    filled = round(_BAR * min(max(share, 0.0), 1.0))
    return (Cell("["), Cell("█" * filled, GOOD), Cell("·" * (_BAR - filled) + "]"))


def _set_by(connector: Values) -> str:
    bound = connector.get("limit")
    return f"  limit set by {bound['set_by']}" if bound else ""


def _sized(terminal: Terminal, width: int) -> Terminal:
    return Terminal(width=width, unicode=terminal.unicode, colors=terminal.colors)


def _run_live(context: Context, answer: Values) -> None:
    os.environ.setdefault("ESCDELAY", "25")  # Esc quits at once
    try:
        curses.wrapper(_live, context, answer)
    except curses.error as error:
        raise Problem(
            problems.FAILED,
            "NO_SCREEN",
            f"this terminal cannot be drawn on ({error}); use: chargerctl top --once",
        ) from error


class _Feed:
    """What the station said last, and what is wrong if it says no more."""

    def __init__(self, client: Client, answer: Values) -> None:
        self._client = client
        self.answer = answer
        self.happenings = deque(answer["happenings"], maxlen=_HEIGHT)
        self.problem: Problem | None = None

    def wait(self) -> bool:
        """Wait for news or a key, and return whether there is a key."""
        if self.problem and select.select([sys.stdin], [], [], _RETRY_S)[0]:
            return True
        try:
            return self._wait()
        except Problem as problem:
            self.problem = problem
            self._client.close()
            return False

    def _wait(self) -> bool:
        if self._client.fileno() < 0:
            self._client.subscribe(f"{control.STATION}.Watch")
        if not self._client.waiting():
            ready = select.select([sys.stdin, self._client], [], [], _SILENCE_S)[0]
            if sys.stdin in ready:
                return True
        self.answer, self.problem = self._client.receive(), None
        self.happenings.extend(self.answer["happenings"])
        return False


def _live(screen: curses.window, context: Context, answer: Values) -> None:
    """Draw until somebody has had enough; only what changed goes to the terminal."""
    _prepare(screen)
    context.client.close()  # the feed asks for a stream
    feed = _Feed(context.client, answer)
    while True:
        _draw(screen, context, feed)
        # a key that cannot be read means that the terminal is gone
        if feed.wait() and screen.getch() in _QUIT_KEYS:
            return


def _prepare(screen: curses.window) -> None:
    screen.nodelay(True)
    with suppress(curses.error):  # some terminals cannot hide the cursor
        curses.curs_set(0)
    if curses.has_colors():
        curses.use_default_colors()
        for number, color in enumerate(_COLORS.values(), start=1):
            curses.init_pair(number, color, -1)


def _draw(screen: curses.window, context: Context, feed: _Feed) -> None:
    height, width = screen.getmaxyx()
    terminal = _sized(context.terminal, width - 1)
    foot = Cell("q quit", OFF)
    if feed.problem is not None:
        foot = mark(FAULT, f"trying again: {feed.problem}")
    screen.erase()
    with suppress(curses.error):  # it shrinks at this very moment
        lines = frame(feed.answer, feed.happenings, terminal, height - 1)
        for row, line in enumerate(lines):
            _put(screen, row, line, terminal)
        _put(screen, height - 1, (foot,), terminal)
    screen.refresh()


def _put(screen: curses.window, row: int, line: Line, terminal: Terminal) -> None:
    column = 0
    for cell in terminal.plain_line(line):
        screen.addstr(row, column, cell.text, _attribute(cell.tone, terminal))
        column += len(cell.text)


def _attribute(tone: str, terminal: Terminal) -> int:
    if tone == OFF:
        return curses.A_DIM
    if not terminal.colors or tone not in _COLORS:
        return curses.A_NORMAL
    return curses.color_pair(1 + list(_COLORS).index(tone))

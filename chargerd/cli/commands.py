"""What every command is made of: a question, an answer, and its two forms."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from chargerd import control
from chargerd.cli import problems
from chargerd.cli.client import Client
from chargerd.cli.problems import Problem
from chargerd.cli.terminal import Line, Terminal

Document = dict[str, Any]


class Context:
    """What a command works with."""

    def __init__(
        self, client: Client, arguments: argparse.Namespace, terminal: Terminal
    ) -> None:
        self.client = client
        self.arguments = arguments
        self.terminal = terminal

    def station(self, method: str, **parameters: Any) -> Document:
        """Call a method of the station."""
        return self.client.call(f"{control.STATION}.{method}", **parameters)

    def mock(self, method: str, **parameters: Any) -> Document:
        """Call a method of the simulated station's world."""
        return self.client.call(f"{control.MOCK}.{method}", **parameters)

    @cached_property
    def names(self) -> Mapping[int, str]:
        """The connectors' names by number; asked for once."""
        status = self.station("GetStatus")["status"]
        return {one["number"]: one["name"] for one in status["connectors"]}

    def name(self, number: int) -> str:
        """Return a connector's name, "station" for 0."""
        return self.names.get(number, str(number)) if number else "station"

    def number(self, text: str | None) -> int | None:
        """Return the number of a connector that is written "2" or "ccs2"."""
        if text is None:
            return None
        if text.isdecimal():
            return int(text)
        found = next((n for n, name in self.names.items() if name == text), None)
        if found is None:
            known = ", ".join(self.names.values())
            raise Problem(
                problems.NOT_FOUND,
                "NO_SUCH_CONNECTOR",
                f"there is no connector {text!r}; there are: {known}",
                connector=text,
            )
        return found

    def confirm(self, question: str) -> None:
        """Return if somebody says yes, or has said ``--yes`` already."""
        if self.arguments.yes:
            return
        try:
            answer = input(f"{self.terminal.plain(question)} [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            text = "not done; say y, or give --yes"
            raise Problem(problems.REFUSED, "NOT_CONFIRMED", text)

    def say(self, line: Line) -> None:
        """Print a line of what goes on, unless a document is wanted, or silence."""
        if not (self.arguments.json or self.terminal.quiet):
            self.terminal.print((line,))

    def print_json(self, schema: str, document: Mapping[str, Any]) -> None:
        """Print one document in the form that ``--json`` asks for."""
        indent = 2 if self.arguments.json == "pretty" else None
        separators = (",", ": ") if indent else (",", ":")
        whole = {"schema": f"chargerctl/{schema}/1", **document}
        print(json.dumps(whole, indent=indent, separators=separators), flush=True)


Run = Callable[[Context], int]
Fetch = Callable[[Context], Document]
Render = Callable[[Document, Context], Iterable[Line]]


def reads(schema: str, fetch: Fetch, render: Render) -> Run:
    """Return a command that shows what it fetches, as JSON or as text."""

    def run(context: Context) -> int:
        document = fetch(context)
        if context.arguments.json:
            context.print_json(schema, document)
        else:
            context.terminal.print(render(document, context))
        return 0

    return run


def acts(schema: str, act: Fetch, render: Render) -> Run:
    """Return a command that says what it did, unless it shall be quiet."""

    def confirm(document: Document, context: Context) -> Iterator[Line]:
        if not context.terminal.quiet:
            yield from render(document, context)

    return reads(schema, act, confirm)

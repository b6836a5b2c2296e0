"""``chargerctl config``: the OCPP configuration keys."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, problems, tables
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.problems import Problem
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import GOOD, WARNING, Cell, Line, mark

_COLUMNS: Final = (
    Column("KEY"),
    Column("VALUE"),
    Column("DEFAULT", drops=2),
    Column("ORIGIN", drops=1),
    Column("CHANGE", drops=3),
    Column("MEANING", drops=4),
)
_OUTCOMES: Final = {
    "Accepted": (GOOD, "set"),
    "RebootRequired": (WARNING, "stored; in force after a restart"),
}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    config = options.command(nouns, "config", "OCPP configuration keys", _list)
    verbs = options.verbs(config, "VERB")
    list_ = options.command(verbs, "list", "all keys (default)", _list)
    for parser in (config, list_):
        options.option(
            parser,
            "--changed",
            action="store_true",
            help="only those that differ from their default",
        )
    get = options.command(verbs, "get", "the values of some keys", _get)
    get.add_argument("keys", nargs="+", metavar="KEY")
    set_ = options.command(verbs, "set", "change keys, as the CSMS can", _set)
    set_.add_argument("keys", nargs="+", metavar="KEY=VALUE")


def _fetch_list(context: Context) -> Document:
    changed = context.arguments.changed or None
    return context.station("ListKeys", changed_only=changed)


def _render_list(document: Document, context: Context) -> Iterator[Line]:
    rows = [_row(one) for one in document["keys"]]
    if not rows:
        yield sentence("Every key has its default.")
    yield from tables.table(context.terminal, _COLUMNS, rows)


def _row(key: Mapping[str, Any]) -> Sequence[Cell | str]:
    change = "read-only" if key["readonly"] else "at once"
    if key["reboot_required"]:
        change = "restart"
    return (
        key["name"],
        _value(key),
        key["default"],
        key["origin"],
        change,
        key["meaning"],
    )


def _value(key: Mapping[str, Any]) -> str:
    """Return a value as it is; one that may be written but not read is hidden."""
    return str(key["value"]) if key.get("value") is not None else "(hidden)"


def _fetch_some(context: Context) -> Document:
    return context.station("GetKeys", names=context.arguments.keys)


def _render_some(document: Document, _context: Context) -> Iterator[Line]:
    for key in document["keys"]:
        yield sentence(f"{key['name']}={_value(key)}")


def _change(context: Context) -> Document:
    wanted = [_split(text) for text in context.arguments.keys]
    outcomes = []
    for name, value in wanted:
        answer = context.station("SetKey", name=name, value=value)
        outcomes.append({"name": name, "value": value, "outcome": answer["outcome"]})
    return {"keys": outcomes}


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Problem(
            problems.USAGE,
            "USAGE",
            f"{text!r} names no value; write it like HeartbeatInterval=300",
        )
    return name, value


def _render_change(document: Document, _context: Context) -> Iterator[Line]:
    for key in document["keys"]:
        tone, words = _OUTCOMES[key["outcome"]]
        yield (mark(tone, f"{key['name']}={key['value']} "), Cell(words))


_list = reads("config-list", _fetch_list, _render_list)
_get = reads("config", _fetch_some, _render_some)
_set = acts("config-set", _change, _render_change)

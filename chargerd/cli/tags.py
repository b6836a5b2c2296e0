"""``chargerctl tag``: whom the station knows, and what it would decide on a driver."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import options, tables, units
from chargerd.cli.commands import Context, Document, acts, reads
from chargerd.cli.tables import Column, sentence
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

_COLUMNS: Final = (
    Column("TAG"),
    Column("STATUS"),
    Column("GROUP", drops=2),
    Column("EXPIRES", drops=1),
    Column("CSMS", drops=3),
)
_VERDICTS: Final = {
    "accept": (GOOD, "accepted by {source}"),
    "refuse": (FAULT, "refused by {source}: {reason}"),
    "ask": (OFF, "{source} is asked"),
}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    tag = options.command(nouns, "tag", "id tags in the local list", _list)
    options.limit(tag)
    verbs = options.verbs(tag, "VERB")
    options.limit(options.command(verbs, "list", "the local list (default)", _list))
    show = options.command(verbs, "show", "what would be decided on one", _show)
    show.add_argument("tag", metavar="TAG", help="an id tag, in upper or lower case")
    cache = options.command(verbs, "cache", "what the CSMS said of others", _cache)
    options.limit(cache)
    verbs = options.verbs(cache, "VERB")
    options.limit(options.command(verbs, "show", "the cache (default)", _cache))
    options.command(verbs, "clear", "forget them, as ClearCache does", _clear)


def _fetch_list(context: Context) -> Document:
    return context.station("ListTags", limit=context.arguments.limit)


def _render_list(document: Document, context: Context) -> Iterator[Line]:
    version = f", version {document['version']}" if document["enabled"] else ""
    where = f"in the local list{version}"
    yield from _known(document, where, "LocalAuthListEnabled", context)


def _fetch_cache(context: Context) -> Document:
    return context.station("ListCachedTags", limit=context.arguments.limit)


def _render_cache(document: Document, context: Context) -> Iterator[Line]:
    yield from _known(document, "in the cache", "AuthorizationCacheEnabled", context)


def _known(
    document: Document, where: str, key: str, context: Context
) -> Iterator[Line]:
    """Lay id tags out, and say how many there are and whether they are used."""
    rows = [_row(one) for one in document["tags"]]
    yield from tables.table(context.terminal, _COLUMNS, rows)
    if not context.terminal.legend:
        return
    if rows:
        yield ()
    if not document["enabled"]:
        yield (mark(WARNING, f"not in use: {key} is false"),)
    total = document["total"]
    some = units.shown(len(document["tags"]), total)
    text = f"{units.count(total, 'id tag')} {where}{some}."
    yield from tables.paragraph(context.terminal, Cell(text))


def _row(tag: Values) -> Sequence[Cell | str]:
    return (
        tag["tag"],
        mark(GOOD if tag["status"] == "Accepted" else OFF, tag["status"]),
        tag.get("group") or units.NOTHING,
        units.day(tag.get("expires")),
        mark(WARNING, "disagrees") if tag["conflict"] else units.NOTHING,
    )


def _fetch_one(context: Context) -> Document:
    return context.station("ExplainTag", tag=context.arguments.tag)


def _render_one(document: Document, _context: Context) -> Iterator[Line]:
    now = "online" if document["online"] else "offline"
    yield from tables.pairs(
        (
            ("id tag", document["tag"]),
            ("list", _entry(document.get("listed"))),
            ("cache", _entry(document.get("cached"))),
            ("online", _verdict(document["if_online"])),
            ("offline", _verdict(document["if_offline"])),
            ("now", now),
        )
    )


def _entry(tag: Values | None) -> str:
    if tag is None:
        return units.NOTHING
    group = f", group {tag['group']}" if "group" in tag else ""
    until = f", until {units.day(tag['expires'])}" if "expires" in tag else ""
    conflict = "; the CSMS disagrees" if tag["conflict"] else ""
    return f"{tag['status']}{group}{until}{conflict}"


def _verdict(decision: Values) -> Cell:
    tone, words = _VERDICTS[decision["verdict"]]
    return mark(tone, words.format(**decision))


def _forget(context: Context) -> Document:
    return context.station("ClearCache")


def _render_clear(document: Document, _context: Context) -> Iterator[Line]:
    yield sentence(f"{units.count(document['count'], 'id tag')} forgotten")


_list = reads("tag-list", _fetch_list, _render_list)
_show = reads("tag", _fetch_one, _render_one)
_cache = reads("tag-cache", _fetch_cache, _render_cache)
_clear = acts("tag-cache-clear", _forget, _render_clear)

"""``chargerctl csms``: how the CSMS is reached, and how to change that safely."""

import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chargerd.cli import certificates, options, problems, tables, units
from chargerd.cli.commands import Context, Document, reads
from chargerd.cli.problems import Problem
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

LOOKS_EVERY_S: Final = 0.2
WAITS_S: Final = 150.0
"""A little longer than a trial lasts."""

_PROFILES: Final = {
    0: "0: no password, no TLS; only in a trusted network such as a VPN",
    1: "1: password, no TLS; only in a trusted network such as a VPN",
    2: "2: password over TLS",
    3: "3: TLS with a certificate of the station",
}
_SOURCES: Final = {
    "file": "the station file",
    "csms": "the CSMS",
    "cli": "chargerctl",
}


def add(nouns: options.Verbs) -> None:
    """Add the commands of this module."""
    csms = options.command(nouns, "csms", "how the CSMS is reached", _show)
    verbs = options.verbs(csms, "VERB")
    options.command(verbs, "show", "what works, is tried, was before (default)", _show)
    set_ = options.command(
        verbs, "set", "try another address, identity, profile or key", _set
    )
    set_.add_argument("url", nargs="?", metavar="URL", help="as wss://host/path")
    set_.add_argument("--id", metavar="ID", help="who this station is there")
    set_.add_argument(
        "--profile", type=int, choices=tuple(_PROFILES), help="the security profile"
    )
    key = options.command(verbs, "key", "try another AuthorizationKey", _set)
    key.set_defaults(url=None, id=None, profile=None)
    back = options.command(
        verbs, "rollback", "give a trial up, or try what worked before", _roll_back
    )
    for parser in (set_, key):
        parser.add_argument(
            "--key-file",
            metavar="FILE",
            help='the AuthorizationKey, in hex or plain; "-" reads it from stdin',
        )
    certificates.add(verbs)
    for parser in (set_, key, back):
        parser.add_argument(
            "--no-wait", action="store_true", help="do not wait for the outcome"
        )


def _fetch(context: Context) -> Document:
    return context.station("GetAttachment")


def _render(document: Document, context: Context) -> Iterator[Line]:
    trial, before = document.get("trial"), document.get("before")
    yield (mark(GOOD, "in force"),)
    yield from _attachment(document["settled"])
    if trial:
        yield ()
        yield (mark(WARNING, f"on trial, {_left(trial)}"),)
        yield from _attachment(trial["attachment"], _course(trial))
    if before:
        yield ()
        yield (mark(OFF, "before; to go back: chargerctl csms rollback"),)
        yield from _attachment(before)
    if (outcome := document.get("outcome")) and not outcome["committed"]:
        yield ()
        text = f"The last change was given up: {outcome['what']}."
        yield from tables.paragraph(context.terminal, Cell(text))


def _attachment(of: Values, course: str | None = None) -> Iterator[Line]:
    profile = of["security_profile"]
    yield from tables.pairs(
        (
            ("CSMS", of["url"]),
            ("Identity", of["identity"]),
            ("Profile", _PROFILES[profile]),
            ("Key", "is known" if of["has_key"] else "none"),
            ("From", _SOURCES[of["source"]]),
            ("Course", course),
        )
    )


def _left(trial: Values) -> str:
    left_s = trial.get("left_s")
    if left_s is None:
        return "until the CSMS has taken one of both keys"
    return f"{units.duration(left_s)} left"


def _course(trial: Values) -> str:
    if trial["linked"]:
        return "linked; waits for an answer of the CSMS"
    if "failed_at" in trial:
        return f"{trial['failed_at']}: {trial['failure']}"
    return "dialing"


def _set(context: Context) -> int:
    given = context.arguments
    key = _key(given.key_file)
    if (given.url, given.id, given.profile, key) == (None,) * 4:
        text = "what shall change? give a URL, --id, --profile or --key-file FILE"
        raise Problem(problems.USAGE, "USAGE", text)
    asked = context.station(
        "SetAttachment",
        url=given.url,
        identity=given.id,
        security_profile=given.profile,
        key=key,
    )
    return _followed(context, asked["number"])


def _roll_back(context: Context) -> int:
    asked = context.station("RollBackAttachment")
    code = _followed(context, asked["number"])
    return 0 if asked["given_up"] else code


def _key(file: str | None) -> str | None:
    """Read a key; on the command line everybody could see it in the process list."""
    if file is None:
        return None
    try:
        if file == "-":
            return sys.stdin.readline().strip()
        with open(file, encoding="utf-8") as opened:
            return opened.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "holds no text"
        text = f"{file}: {why}; name a file with the key, or - for stdin"
        raise Problem(problems.USAGE, "USAGE", text) from None


def _followed(context: Context, number: int) -> int:
    """Show the course of a trial; return 0 if it was committed."""
    if context.arguments.no_wait:
        context.say((mark(WARNING, "on trial; see: chargerctl csms show"),))
        return 0
    shown = ""
    end_s = time.monotonic() + WAITS_S
    while time.monotonic() < end_s:
        document = context.station("GetAttachment")
        outcome, trial = document.get("outcome"), document.get("trial")
        if outcome and outcome["number"] >= number:
            return _told(context, document)
        if trial and (course := _course(trial)) != shown:
            shown = course
            context.say((mark(WARNING, f"trying: {course}"),))
        time.sleep(LOOKS_EVERY_S)
    text = "not decided yet; it is tried on, see: chargerctl csms show"
    raise Problem(problems.TIMED_OUT, "TIMEOUT", text, pending=True)


def _told(context: Context, document: Document) -> int:
    outcome = document["outcome"]
    if context.arguments.json:
        context.print_json("csms-set", document)
    elif outcome["committed"]:
        undo = "; undo: chargerctl csms rollback" if "before" in document else ""
        context.say((mark(GOOD, f"committed: {outcome['what']}{undo}"),))
    else:
        context.say((mark(FAULT, f"fell back: {outcome['what']}"),))
    return 0 if outcome["committed"] else problems.FAILED


_show = reads("csms", _fetch, _render)

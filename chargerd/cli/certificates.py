"""``chargerctl csms cert``: who is believed, and who the station is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chargerd.cli import certificate_requests, options, pem, problems, tables, units
from chargerd.cli.commands import Context, Document, acts
from chargerd.cli.problems import Problem
from chargerd.cli.tables import Column
from chargerd.cli.terminal import FAULT, GOOD, OFF, WARNING, Cell, Line, mark

Values = Mapping[str, Any]

SOON_DAYS: Final = 30
"""An end that is nearer is a matter for people."""

_COLUMNS: Final = (
    Column("ID"),
    Column("USE"),
    Column("SUBJECT"),
    Column("ISSUER", drops=3),
    Column("ENDS", drops=1),
    Column("LEFT"),
    Column("FROM", drops=2),
    Column("NOW", drops=1),
)
_USES: Final = {
    "csms": "csms root",
    "manufacturer": "manufacturer root",
    "station": "station",
}
_VOUCHES: Final = {"csms": "the CSMS", "manufacturer": "who signs firmware"}
_NEXT: Final = {
    "csms": "ask the operator of the CSMS for the next one, then: chargerctl csms cert "
    "import --root csms FILE",
    "manufacturer": "ask the manufacturer for the next one, then: chargerctl csms cert "
    "import --root manufacturer FILE",
    "station": "chargerctl csms cert renew",
}
_BY_HAND: Final = (
    "the CSMS does not renew it; have one signed: chargerctl csms cert csr"
)


def add(verbs: options.Verbs) -> None:
    """Add the commands of this module."""
    cert = options.command(verbs, "cert", "certificates and their ends", _list)
    below = options.verbs(cert, "VERB")
    list_ = options.command(below, "list", "all certificates (default)", _list)
    for parser in (cert, list_):
        options.option(
            parser,
            "--check",
            action="store_true",
            help=f"exit code 1 if one in use ends within {SOON_DAYS} days",
        )
    import_ = options.command(below, "import", "install a certificate", _import)
    what = import_.add_mutually_exclusive_group(required=True)
    what.add_argument("--root", choices=tuple(_VOUCHES), help="a root, and of whom")
    what.add_argument(
        "--own",
        action="store_true",
        help="the certificate of the station, with what leads to its root",
    )
    import_.add_argument(
        "--key-file", metavar="FILE", help="the private key of --own, if made elsewhere"
    )
    import_.add_argument("file", metavar="FILE", help='in PEM; "-": from stdin')
    certificate_requests.add(below)
    remove = options.command(below, "remove", "believe a root no more", _remove)
    remove.add_argument(
        "fingerprint", metavar="FINGERPRINT", help="or its beginning, the ID of list"
    )
    options.option(remove, "--yes", action="store_true", help="do not ask")


def hints(document: Document) -> Iterator[Cell]:
    """Yield which certificates in use will end soon, the first one first."""
    for one in sorted(_ending(document), key=lambda one: str(one["ends"])):
        what = f"the {_USES[one['use']]} certificate {one['subject']}"
        tone = FAULT if one["days_left"] < 0 else WARNING
        yield mark(tone, f"{what} {_end(one['days_left'])}. Do: {_remedy(one)}")


def _ending(document: Document) -> list[Values]:
    return [
        one
        for one in document["certificates"]
        if one["in_use"] and one["days_left"] < SOON_DAYS
    ]


def _end(days_left: int) -> str:
    if days_left < 0:
        return "has ended"
    return f"ends in {units.count(days_left, 'day')}" if days_left else "ends today"


def _remedy(one: Values) -> str:
    do = _BY_HAND if one.get("renewal_refused") else _NEXT[one["use"]]
    if one["use"] == "station" or one["source"] != "installed" or one["link"]:
        return do
    id_ = units.short(one["fingerprint"])
    return f"{do}; once nobody needs it: chargerctl csms cert remove {id_}"


def _list(context: Context) -> int:
    document = context.station("ListCertificates")
    if context.arguments.json:
        context.print_json("certificate-list", document)
    else:
        context.terminal.print(_render(document, context))
    ends = context.arguments.check and _ending(document)
    return problems.FAILED if ends else 0


def _render(document: Document, context: Context) -> Iterator[Line]:
    rows = [_row(one) for one in document["certificates"]]
    if not rows:
        yield (mark(OFF, "there is no certificate"),)
    yield from tables.table(context.terminal, _COLUMNS, rows)
    told = list(hints(document))
    if request := document.get("request"):
        told.insert(0, mark(WARNING, certificate_requests.course(request)))
    if context.terminal.quiet:
        return
    if told:
        yield ()
    for hint in told:
        yield from tables.paragraph(context.terminal, hint)


def _row(one: Values) -> Sequence[Cell | str]:
    return (
        units.short(one["fingerprint"]),
        _USES[one["use"]],
        one["subject"],
        "itself" if one["issuer"] == one["subject"] else one["issuer"],
        f"{units.moment(one['ends']).astimezone():%F}",
        _left(one),
        one["source"],
        _now(one),
    )


def _left(one: Values) -> Cell:
    days = one["days_left"]
    if days < 0:
        return mark(FAULT, "ended")
    return mark(WARNING if days < SOON_DAYS else GOOD, f"{days} d")


def _now(one: Values) -> str:
    if one["link"]:
        return "is shown" if one["use"] == "station" else "the link rests on it"
    return units.NOTHING if one["in_use"] else "spare"


def _import(context: Context) -> int:
    given = context.arguments
    if given.key_file and not given.own:
        text = "--key-file: only the certificate of the station has a key; give --own"
        raise Problem(problems.USAGE, "USAGE", text)
    return _import_own(context) if given.own else _import_root(context)


def _take_root(context: Context) -> Document:
    given = context.arguments
    text = pem.certificates(given.file)
    return context.station("InstallCertificate", use=given.root, certificate=text)


def _render_root(document: Document, context: Context) -> Iterator[Line]:
    whom, subject = _VOUCHES[context.arguments.root], document["subject"]
    if document["known"]:
        yield (mark(OFF, f"{subject} is here already, and vouches for {whom}"),)
        return
    yield (mark(GOOD, f"{subject} vouches for {whom} from now on"),)
    id_ = units.short(document["fingerprint"])
    yield (Cell(f"Undo: chargerctl csms cert remove {id_}"),)


def _take_own(context: Context) -> Document:
    given = context.arguments
    key = pem.private_key(given.key_file) if given.key_file else None
    chain = pem.certificates(given.file)
    return context.station("InstallOwnCertificate", chain=chain, key=key)


def _render_own(document: Document, _context: Context) -> Iterator[Line]:
    if document["known"]:
        yield (mark(OFF, f"{document['subject']} is here already"),)
        return
    yield (mark(GOOD, f"{document['subject']} is the station's certificate"),)
    yield (
        Cell("It is shown with security profile 3: chargerctl csms set --profile 3"),
    )


def _remove(context: Context) -> int:
    wanted = context.arguments.fingerprint.replace(":", "").lower()
    listed = context.station("ListCertificates")["certificates"]
    found = {
        one["subject"]
        for one in listed
        if one["use"] in _VOUCHES and one["fingerprint"].startswith(wanted)
    }
    if len(found) == 1:  # what fits several, or none, is not done anyhow
        context.confirm(f"{found.pop()}. Believe it no more?")
    return _forget(context)


def _render_removed(document: Document, _context: Context) -> Iterator[Line]:
    yield (mark(GOOD, f"{document['subject']} is not believed any more"),)


_import_root = acts("certificate-import", _take_root, _render_root)
_import_own = acts("certificate-import", _take_own, _render_own)
_forget = acts(
    "certificate-remove",
    lambda context: context.station(
        "RemoveCertificate", fingerprint=context.arguments.fingerprint
    ),
    _render_removed,
)

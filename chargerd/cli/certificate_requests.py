"""``chargerctl csms cert csr`` and ``renew``: another certificate for the station."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chargerd.cli import options, problems, units
from chargerd.cli.commands import Context, Document
from chargerd.cli.problems import Problem
from chargerd.cli.tables import sentence
from chargerd.cli.terminal import GOOD, OFF, WARNING, Line, mark

Values = Mapping[str, Any]

LOOKS_EVERY_S: Final = 0.2
WAITS_S: Final = 60.0
"""An authority that is no machine takes longer."""
_BY_HAND: Final = "hand"


def add(verbs: options.Verbs) -> None:
    """Add the commands of this module."""
    csr = options.command(
        verbs, "csr", "a signing request, for who signs by hand", _sign
    )
    options.option(
        csr, *("-o", "--output"), metavar="FILE", help="where to (the terminal)"
    )
    renew = options.command(
        verbs, "renew", "ask the CSMS for a new certificate of the station", _renew
    )
    renew.add_argument(
        "--no-wait", action="store_true", help="do not wait for the certificate"
    )


def course(request: Values) -> str:
    """Return how far a request is, in words."""
    if "key" not in request:
        return "a key is being made for a new certificate of the station"
    if request["origin"] == _BY_HAND:
        return (
            "a signing request waits for its certificate: chargerctl csms cert csr "
            "shows it, chargerctl csms cert import --own FILE brings the certificate"
        )
    if "accepted" in request:
        since = units.day(request["accepted"])
        return f"the CSMS has a new certificate made since {since}"
    return "the CSMS is asked for a new certificate of the station"


def _sign(context: Context) -> int:
    document = _with_csr(context)
    path = context.arguments.output
    if path is not None:
        _write(path, document["csr"])
    if context.arguments.json:
        context.print_json("certificate-request", document)
    elif path is None:
        context.terminal.print(map(sentence, document["csr"].splitlines()))
    elif not context.terminal.quiet:
        context.terminal.print(_render_written(document, path))
    return 0


def _with_csr(context: Context) -> Document:
    """Return the open request once its key is made."""
    end_s = time.monotonic() + WAITS_S
    while time.monotonic() < end_s:
        document = context.station("MakeSigningRequest")
        if "csr" in document:
            return document
        time.sleep(LOOKS_EVERY_S)
    text = "the key is still being made; ask again"
    raise Problem(problems.TIMED_OUT, "TIMEOUT", text, pending=True)


def _write(path: str, csr: str) -> None:
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(csr)
    except FileExistsError:
        text = f"{path} is there already; name another file with -o"
        raise Problem(problems.REFUSED, "FILE_EXISTS", text, file=path) from None
    except OSError as error:
        text = f"{path}: {error.strerror}; name another file with -o"
        raise Problem(problems.FAILED, "NOT_WRITTEN", text, file=path) from None


def _render_written(document: Document, path: str) -> Iterator[Line]:
    yield (mark(GOOD, f"{path} is written"),)
    yield sentence("When it is signed: chargerctl csms cert import --own FILE")
    if document["request"]["origin"] != _BY_HAND:
        yield (mark(OFF, "the CSMS is asked for this certificate, too"),)


def _renew(context: Context) -> int:
    before = _owns(context.station("ListCertificates"))
    number = context.station("RenewCertificate")["number"]
    if context.arguments.no_wait:
        context.say((mark(WARNING, "asked for; see: chargerctl csms cert"),))
        return 0
    shown = ""
    end_s = time.monotonic() + WAITS_S
    while time.monotonic() < end_s:
        document = context.station("ListCertificates")
        if new := _owns(document) - before:
            return _installed(context, document, new.pop())
        request = document.get("request")
        if request is None and document["requests"] >= number:
            text = "the CSMS refused; have one signed: chargerctl csms cert csr"
            raise Problem(problems.FAILED, "NOT_CERTIFIED", text)
        if request and (words := course(request)) != shown:
            shown = words
            context.say((mark(WARNING, words),))
        time.sleep(LOOKS_EVERY_S)
    text = "not certified yet; it comes by itself, see: chargerctl csms cert"
    raise Problem(problems.TIMED_OUT, "TIMEOUT", text, pending=True)


def _owns(document: Document) -> set[str]:
    """Return the station's own certificates by their fingerprints."""
    every = document["certificates"]
    return {one["fingerprint"] for one in every if one["use"] == "station"}


def _installed(context: Context, document: Document, fingerprint: str) -> int:
    own = next(
        one for one in document["certificates"] if one["fingerprint"] == fingerprint
    )
    if context.arguments.json:
        context.print_json("certificate-renew", {"certificate": own})
    text = f"{own['subject']} is certified until {units.day(own['ends'])}"
    context.say((mark(GOOD, text),))
    return 0

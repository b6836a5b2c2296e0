"""The words of the command line, and what they mean."""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from benchcsms.client import control_path
from benchcsms.settings import Files, Json, NotDone, Settings, Signing, Tls

_PORT: Final = 9000
_TAG_STATUSES: Final = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")

_MOST: Final = 36_500.0
"""Days that a certificate may live; of seconds it is plenty."""

Key = tuple[str | None, bytes]
Tag = tuple[str, Json]


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    top = argparse.ArgumentParser(
        prog="benchcsms",
        description="An OCPP 1.6 central system for the bench. Without a command: "
        "serve.",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--control",
        type=Path,
        default=control_path(),
        metavar="PATH",
        help="the control socket (%(default)s)",
    )
    _add_serve(commands.add_parser("serve", parents=[shared], help="be the bench"))
    call = commands.add_parser("call", parents=[shared], help="ask a station")
    call.add_argument("station", metavar="STATION")
    call.add_argument("action", metavar="ACTION")
    call.add_argument(
        "payload",
        metavar="JSON",
        type=_payload,
        nargs="?",
        default={},
        help='a text "@FILE" in it stands for what the file says',
    )
    _add_authority(commands)
    commands.add_parser("stations", parents=[shared], help="list who was here")
    log = commands.add_parser("log", parents=[shared], help="print the dialogue")
    log.add_argument("-f", "--follow", action="store_true", help="and what follows")
    bills = commands.add_parser("transactions", parents=[shared], help="print bills")
    bills.add_argument("station", metavar="STATION")
    return top


def settings(options: argparse.Namespace) -> Settings:
    """Return the settings of ``benchcsms serve``."""
    keys = dict(options.key)
    key = keys.pop(None, None)
    return Settings(
        host=options.host,
        port=options.port,
        stations=frozenset(options.station),
        keys=keys,
        key=key,
        tls=_tls(options),
        tls_port=options.tls_port,
        common_names=dict(options.common_name),
        signing=Signing(
            options.authority, options.certificate_days, options.sign_after
        ),
        files=_files(options),
        tags=dict(options.tag),
        heartbeat_interval_s=options.heartbeat_interval,
        first_transaction_id=options.first_transaction_id,
    )


def _tls(options: argparse.Namespace) -> Tls | None:
    if options.certificate is None:
        if options.tls_port is not None or options.files_tls:
            raise NotDone("TLS: no certificate; name one with --certificate")
        return None
    key = options.private_key or options.certificate
    return Tls(options.certificate, key, options.client_roots)


def _files(options: argparse.Namespace) -> Files | None:
    if options.files is None:
        return None
    return Files(
        options.files,
        options.files_port,
        options.files_tls,
        options.files_user,
        options.files_limit << 20,
    )


def _add_authority(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    ca = commands.add_parser(
        "ca", help="make a throw-away authority, and what it issues"
    )
    ca.add_argument("directory", metavar="DIRECTORY", type=Path)
    ca.add_argument("--host", default="localhost", help="of the bench (%(default)s)")
    ca.add_argument("--serial", default="SN-1", help="of the station (%(default)s)")
    ca.add_argument("--cpo", default="Bench", help="its operator (%(default)s)")
    ca.add_argument("--force", action="store_true", help="replace one that is there")
    sign = commands.add_parser(
        "sign-firmware", help="print a signature for SignedUpdateFirmware"
    )
    sign.add_argument("file", metavar="FILE", type=Path)
    sign.add_argument(
        "--authority",
        metavar="DIRECTORY",
        type=Path,
        required=True,
        help="that benchcsms ca has made",
    )


def _add_serve(serve: argparse.ArgumentParser) -> None:
    add = serve.add_argument
    add("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    add("--port", type=int, default=_PORT, help="0 is a free one (%(default)s)")
    add("--heartbeat-interval", type=int, default=300, metavar="SECONDS")
    add("--first-transaction-id", type=int, default=1, metavar="N")
    add("--log", type=Path, metavar="FILE", help="append the dialogue, as JSON lines")
    for name, words in (
        ("--certificate", "of the bench: security profile 2"),
        ("--private-key", "of the bench (default: in the same file)"),
        ("--client-roots", "of the stations' certificates: security profile 3"),
    ):
        add(name, type=Path, metavar="PEM", help=words)
    add("--tls-port", type=int, metavar="PORT", help="TLS here, beside a plain --port")
    _add_signing(serve)
    _add_files(serve)
    add("--verbose", action="store_true", help="print the dialogue on stderr")
    for name, kind, metavar, words in (
        ("--station", str, "ID", "who is welcome (default: everybody)"),
        ("--key", _key, "[ID=]HEX|@FILE", "an AuthorizationKey: security profile 1"),
        ("--common-name", _name, "ID=NAME", "in the certificate of a station"),
        ("--tag", _tag, "UID=STATUS[/PARENT]", "an id tag that is not just Accepted"),
        ("--answer", Path, "FILE", "scripts: a JSON list of the command script's"),
    ):
        add(name, type=kind, metavar=metavar, help=words, action="append", default=[])


def _add_signing(serve: argparse.ArgumentParser) -> None:
    add = serve.add_argument
    add(
        "--authority",
        type=Path,
        metavar="DIRECTORY",
        help="of benchcsms ca: certifies stations that ask (default: none is)",
    )
    add("--certificate-days", type=_positive, default=365.0, metavar="DAYS")
    add("--sign-after", type=_number, default=0.0, metavar="SECONDS")


def _add_files(serve: argparse.ArgumentParser) -> None:
    add = serve.add_argument
    add(
        "--files",
        type=Path,
        metavar="DIRECTORY",
        help="serve firmware/NAME, and take uploads/NAME, over HTTP",
    )
    add("--files-port", type=int, default=0, metavar="PORT", help="0 is a free one")
    add("--files-tls", action="store_true", help="over HTTPS, by --certificate")
    add("--files-user", type=_user, metavar="NAME:PASSWORD", help="who may use them")
    add("--files-limit", type=_whole, default=1024, metavar="MIB", help="of an upload")


def _positive(words: str) -> float:
    """Read a number above zero; certificates of no days at all are not issued."""
    number = _number(words)
    if not number:
        raise argparse.ArgumentTypeError(f"{words!r}; write a number above 0")
    return number


def _number(words: str) -> float:
    try:
        number = float(words)
    except ValueError:
        number = -1.0
    if not 0.0 <= number < _MOST:
        raise argparse.ArgumentTypeError(f"{words!r}; write a number from 0")
    return number


def _whole(words: str) -> int:
    if not (words.isascii() and words.isdigit() and int(words)):
        raise argparse.ArgumentTypeError(f"{words!r}; write a whole number from 1")
    return int(words)


def _user(words: str) -> str:
    name, colon, _ = words.partition(":")
    if not name or not colon:
        # no echo: it may be the password
        raise argparse.ArgumentTypeError("not NAME:PASSWORD")
    return words


def _key(words: str) -> Key:
    owner, at, file = words.partition("@")
    if at and (not owner or owner.endswith("=")):
        identity, digits = owner.removesuffix("="), _content(file)
    else:
        identity, _, digits = words.rpartition("=")
    try:
        return identity or None, bytes.fromhex(digits)
    except ValueError:
        # no echo: it may be most of a secret
        raise argparse.ArgumentTypeError("not HEX or ID=HEX") from None


def _content(file: str) -> str:
    try:
        # Any bytes are text to it; what is no key is seen by who reads the digits.
        return Path(file).read_text(encoding="latin-1").strip()
    except OSError as error:
        text = f"{file}: {error.strerror}; name another file"
        raise argparse.ArgumentTypeError(text) from None


def _name(words: str) -> tuple[str, str]:
    identity, _, name = words.partition("=")
    if not identity or not name:
        raise argparse.ArgumentTypeError(f"{words!r}; write ID=NAME")
    return identity, name


def _tag(words: str) -> Tag:
    uid, _, rest = words.partition("=")
    status, _, parent = rest.partition("/")
    if not uid or status not in _TAG_STATUSES:
        raise argparse.ArgumentTypeError(
            f"{words!r}; write UID=STATUS or UID=STATUS/PARENT, "
            f"STATUS one of {', '.join(_TAG_STATUSES)}"
        )
    return uid, {"status": status} | ({"parentIdTag": parent} if parent else {})


def _payload(words: str) -> Json:
    try:
        payload = json.loads(words)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(payload, dict):
        raise argparse.ArgumentTypeError(f"{words!r} is no object; write '{{…}}'")
    read: Json = _read(payload)
    return read


def _read(value: Any) -> Any:
    """Put in what files say, a last line break apart."""
    if isinstance(value, dict):
        return {name: _read(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_read(inner) for inner in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text().removesuffix("\n")
    except OSError as error:
        text = f"{value}: {error.strerror}; write @ and a file, or another text"
        raise argparse.ArgumentTypeError(text) from None
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value}: not a text in UTF-8") from None

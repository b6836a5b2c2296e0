"""How station and bench of the stage know each other, in each security profile."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchcsms import authority

PROFILES: Final = (0, 1, 2, 3)

_HOST: Final = "127.0.0.1"
_OPERATOR: Final = "Demo"
_KEY_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Whose security it is, and where its files are."""

    directory: Path
    authority: Path
    """What ``benchcsms ca`` makes; it may be there already."""
    identity: str
    serial: str
    """The serial number of the station, which its certificate says."""


@dataclass(frozen=True, slots=True)
class Security:
    """What a security profile takes at both ends."""

    bench: tuple[str | Path, ...] = field(default=(), repr=False)
    """Arguments of ``benchcsms``."""
    station: Mapping[str, Any] = field(default_factory=dict)
    """What stands under ``[csms]`` of the station file, besides the URL."""


def make(profile: int, place: Place) -> Security:
    """Make what one of ``PROFILES`` takes, and return how it is used."""
    if profile >= 2 and not place.authority.exists():
        authority.make(place.authority, _HOST, place.serial, _OPERATOR)
    parts = [Security(station={"security_profile": profile})]
    parts += [make_part(place) for make_part in _TAKES[profile]]
    return Security(
        tuple(argument for part in parts for argument in part.bench),
        {key: value for part in parts for key, value in part.station.items()},
    )


def over(link: Mapping[str, Any]) -> str:
    """Return over what a station speaks, for people."""
    profile = link["security_profile"]
    return f"{link['url']}, security profile {profile}: {_WORDS[profile]}"


def _password(place: Place) -> Security:
    key, file = secrets.token_hex(_KEY_BYTES), place.directory / "authorization-key"
    file.touch(mode=0o600)
    file.write_text(key)
    return Security(("--key", f"@{file}"), {"authorization_key_file": str(file)})


def _tls(place: Place) -> Security:
    bench = place.authority / authority.BENCH
    return Security(
        ("--certificate", f"{bench}.pem", "--private-key", f"{bench}.key"),
        {"root_files": [f"{place.authority / authority.ROOT}.pem"]},
    )


def _certificate(place: Place) -> Security:
    roots, own = (place.authority / of for of in (authority.ROOT, authority.STATION))
    name = f"{place.identity}={place.serial}"
    return Security(
        ("--client-roots", f"{roots}.pem", "--common-name", name),
        {"certificate_file": f"{own}.pem", "private_key_file": f"{own}.key"},
    )


_TAKES: Final[Mapping[int, Sequence[Callable[[Place], Security]]]] = {
    0: (),
    1: (_password,),
    2: (_password, _tls),
    3: (_tls, _certificate),
}
_WORDS: Final[Mapping[int, str]] = {
    0: "nobody proves anything",
    1: "the station has a password",
    2: "TLS, and the station has a password",
    3: "TLS, and the station has a certificate",
}

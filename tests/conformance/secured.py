"""The stage with real time, and with all that security and files need beside it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from benchcsms.dialogue import BOTH
from benchcsms.server import Csms
from benchcsms.settings import Files, Settings, Signing, Tls
from tests.conformance import states
from tests.conformance.front import Front, front_of
from tests.conformance.guests import Guest, guests
from tests.conformance.on_daemon import DaemonStage, Listener
from tests.conformance.order import Ear, Json
from tests.daemon.process import Daemon

KEY: Final = b"a password of 20 B.."
SERIAL: Final = "SN-1"
OPERATOR: Final = "Bench"
"""For whom the authority was made."""

_KEY_LINE: Final = 'authorization_key_file = "{folder}/password"\n'
_ROOT_LINE: Final = 'root_files = ["{authority}/root.pem"]\n'
_OWN_LINES: Final = (
    'certificate_file = "{authority}/station.pem"\n'
    'private_key_file = "{authority}/station.key"\n'
)
_NEEDS: Final = {
    0: "",
    1: _KEY_LINE,
    2: _KEY_LINE + _ROOT_LINE,
    3: _ROOT_LINE + _OWN_LINES,
}
"""What the station file must say for a security profile, and nothing beyond."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a station."""

    profile: int
    authority: Path
    """Of roots and keys, as ``benchcsms ca`` makes it."""
    files: Path
    """``firmware`` in it is served, ``uploads`` in it is taken."""
    front: Front
    guests: list[Guest]


class SecuredStage(DaemonStage):
    """A station of some security profile, in the start state."""

    def __init__(self, daemon: Daemon, listener: Listener, around: Surroundings):
        super().__init__(daemon, listener, None)
        self.daemon = daemon
        self.csms = daemon.csms
        self.around = around

    def pem(self, name: str) -> str:
        """Return a certificate of the authority."""
        return (self.around.authority / f"{name}.pem").read_text()

    def location(self, path: str) -> str:
        """Return where something of the file server is."""
        return f"{self.csms.files_url}/{path}"

    async def guest(self, number: int) -> Guest:
        """Wait until it has come in so often; return what it showed then."""
        opened = {"kind": "open", "direction": BOTH, "station": self.daemon.identity}
        patience_s = self.times.patience_s
        await self.csms.wait_for(**opened, count=number, timeout_s=patience_s)  # type: ignore[arg-type]
        return self.around.guests[number - 1]

    async def installs(self, kind: str, certificate: str) -> Json:
        """Ask it to believe in a root; return its answer."""
        return await self.asks(
            "InstallCertificate",
            certificateType=f"{kind}RootCertificate",
            certificate=certificate,
        )

    async def resets(self) -> None:
        """Reset it, and hear it come back."""
        assert await self.asks("Reset", type="Hard") == states.ACCEPTED
        await states.until_booted(self)


Begin: TypeAlias = Callable[..., Awaitable[SecuredStage]]
"""Takes the security profile, and whatever else ``secured`` does."""


@asynccontextmanager
async def secured(
    folder: Path,
    authority: Path,
    profile: int,
    signing: Signing | None = None,
    configuration: str = "",
) -> AsyncIterator[SecuredStage]:
    """Be a station of a security profile, and its CSMS, which does all of them.

    Args:
        folder: Of this stage alone.
        authority: Who certifies all that are there.
        profile: Under which the station begins; with what that needs, and no more.
        signing: How it gets certificates; ``None``: by the authority, at once.
        configuration: Keys that its file sets.
    """
    listener, files = Listener(Ear()), folder / "files"
    settings = Settings(
        key=KEY if profile else None,
        tls=Tls(*(authority / f for f in ("bench.pem", "bench.key", "root.pem"))),
        tls_port=0,
        signing=signing or Signing(authority),
        files=Files(files, tls=profile > 1),
    )
    (folder / "password").write_text(KEY.hex())
    with guests() as seen:
        async with Csms(settings, [listener]) as csms, front_of(csms.urls) as front:
            lines = f"security_profile = {profile}\n{_NEEDS[profile]}"
            daemon = Daemon(
                csms,
                folder / "station",
                url=front.url("wss" if profile > 1 else "ws"),
                station_lines=f'serial_number = "{SERIAL}"',
                csms_lines=lines.format(folder=folder, authority=authority),
                configuration=configuration,
                firmware_lines=f"[files]\n{_ROOT_LINE}".format(authority=authority),
            )
            around = Surroundings(profile, authority, files, front, seen)
            stage = SecuredStage(daemon, listener, around)
            try:
                await stage.starts()
                await states.until_booted(stage)
                yield stage
                assert csms.violations(daemon.identity) == []
            finally:
                await daemon.kill()
                daemon.manager.close()

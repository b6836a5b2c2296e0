"""The real daemon restarts into another version of itself, and back."""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from chargerd.runtime.installers import slot_state
from chargerd.runtime.installers.slot_state import SYSTEM, Choice
from chargerd.runtime.installers.slots import SlotsInstaller
from tests.daemon.process import Daemon
from tests.runtime.installers import wheels

NEW = "9.0"


async def booted(daemon: Daemon, version: str, since: int) -> None:
    match = {"firmwareVersion": version}
    await daemon.heard("BootNotification", match=match, since=since)
    await daemon.status_is("Available", connector=2, since=since)


async def test_a_reset_starts_what_is_installed_and_then_what_is_good(
    make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon = make_daemon()
    await daemon.start()
    await booted(daemon, metadata.version("chargerd"), since=0)
    state = daemon.directory / "state"
    slots = slot_state.slots_directory(state)
    file = wheels.wheel(tmp_path / "new.whl", wheels.own(NEW))
    await SlotsInstaller(state).install(file, "J", lambda _: None)

    restarted = daemon.csms.log()[-1].seq
    await daemon.csms.call("DC1", "Reset", {"type": "Soft"})
    await booted(daemon, NEW, restarted)
    await daemon.charge()
    # No job is there that would judge it first.
    assert slot_state.read(slots).good
    await daemon.kill()

    slot_state.write(slots, Choice("a", SYSTEM, 0, good=False))
    restarted = daemon.csms.log()[-1].seq
    await daemon.start()
    await booted(daemon, metadata.version("chargerd"), restarted)
    assert slot_state.read(slots) == Choice()

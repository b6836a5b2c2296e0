"""RAUC over D-Bus. The only module that speaks D-Bus.

Interface: de.pengutronix.rauc.Installer of RAUC 1.8, which newer ones have too; what
newer ones can do besides is used if it is there.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dbus_fast import BusType, DBusFastError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.unpack import unpack_variants

from chargerd.runtime.installers.interface import (
    InstallError,
    InstallRefused,
    Progress,
    Refusal,
    Slot,
    Trouble,
)

_NAME: Final = "de.pengutronix.rauc"
_INTERFACE: Final = "de.pengutronix.rauc.Installer"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_BUS: Final = "org.freedesktop.DBus"
_MATCHES: Final = (
    f"type='signal',sender='{_NAME}'",
    f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{_NAME}'",
)
_LOST: Final = (OSError, EOFError, DBusFastError)
"""What dbus-fast raises when there is no bus."""
_GONE: Final = "NoReply: it has ended"
_SQUASHFS: Final = b"hsqs"
_REFUSALS: Final[Mapping[str, Refusal]] = {
    "signature": Refusal.NOT_TRUSTED,
    "verify error": Refusal.NOT_TRUSTED,
    "hash": Refusal.NOT_TRUSTED,
    "compatible mismatch": Refusal.OTHER_STATION,
    "invalid bundle format": Refusal.NO_PACKAGE,
}
"""What RAUC's words mean; the first that it uses counts."""
_TROUBLES: Final[Mapping[str, Trouble]] = {
    "already processing": Trouble.BUSY,
    "serviceunknown": Trouble.UNREACHABLE,
    "namehasnoowner": Trouble.UNREACHABLE,
    "noreply": Trouble.UNREACHABLE,
    "accessdenied": Trouble.UNREACHABLE,
}
_REMEDY: Final = "see journalctl -u rauc"


class _Failed(Exception):
    """RAUC, or the bus, answers with an error, or not at all."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle says of itself."""

    version: str | None
    manifest_hash: str = ""
    """Empty: this RAUC does not tell it."""


@asynccontextmanager
async def connected(address: str) -> AsyncIterator["Rauc"]:
    """Connect to RAUC.

    Args:
        address: ``system``, or the address of another bus.

    Raises:
        InstallError: RAUC is not there, or does not do what it is asked.
        InstallRefused: It does not like the file.
    """
    try:
        bus = MessageBus(None if address == "system" else address, BusType.SYSTEM)
        await bus.connect()
    except _LOST as error:
        text = f"firmware.rauc_bus {address}: {error}; see that D-Bus runs there"
        raise InstallError(Trouble.UNREACHABLE, text) from None
    rauc = Rauc(bus)
    watch = asyncio.create_task(rauc.watch())
    try:
        await rauc.listen()
        yield rauc
    except _Failed as error:
        raise _trouble(str(error)) from None
    finally:
        watch.cancel()
        bus.disconnect()


class Rauc:
    """RAUC at the other end of one connection."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._heard_of: asyncio.Queue[Message | None] = asyncio.Queue()

    async def listen(self) -> None:
        """Hear of progress and of the end."""
        self._bus.add_message_handler(self._heard)
        for match in _MATCHES:
            await self._call(_BUS, _BUS, "AddMatch", "s", match)

    async def watch(self) -> None:
        """Notice when the bus is gone."""
        with suppress(*_LOST):
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._heard_of.put_nowait(None)

    async def bundle(self, file: Path) -> Bundle:
        """Return what a bundle is; refuse what RAUC would not install."""
        try:
            compatible, bundle = await self._inspect(file)
        except _Failed as error:
            raise _unopened(file, str(error)) from None
        own = await self._property("Compatible")
        if compatible != own:
            text = f"the bundle is for {compatible!r}, not for {own!r}; give another"
            raise InstallRefused(Refusal.OTHER_STATION, text)
        return bundle

    async def install(
        self, file: Path, job: str, manifest_hash: str, progress: Progress
    ) -> None:
        """Install a bundle and wait for the end."""
        more = {"transaction-id": Variant("s", job)}
        if manifest_hash:
            # What has been checked is what shall be installed.
            more["require-manifest-hash"] = Variant("s", manifest_hash)
        try:
            await self._ask("InstallBundle", "sa{sv}", str(file), more)
        except _Failed as error:
            if "Unsupported key" not in str(error):
                raise
            await self._ask("InstallBundle", "sa{sv}", str(file), {})
        if await self._completed(progress) != 0:
            raise _refusal(str(await self._property("LastError")))

    async def rest(self) -> None:
        """Wait until RAUC does nothing."""
        if await self._property("Operation") == "idle":
            return
        async for signal in self._signals():
            if _changed(signal, "Operation") == "idle":
                return

    async def booted(self) -> Slot:
        """Return the slot that runs."""
        for slot in await self.slots():
            if slot.runs:
                return slot
        text = f"RAUC does not know which slot has been booted; {_REMEDY}"
        raise InstallError(Trouble.FAILED, text)

    async def slots(self) -> list[Slot]:
        """Return what can be booted; what starts next is not looked at."""
        (found,) = await self._ask("GetSlotStatus")
        return [
            Slot(
                name=name,
                version=status.get("bundle.version"),
                runs=status.get("state") == "booted",
                starts_next=False,
                good=status.get("boot-status") == "good",
            )
            for name, status in sorted(found)
            if "bootname" in status
        ]

    async def primary(self) -> str:
        """Return the slot that is booted next; empty if there is none."""
        try:
            (name,) = await self._ask("GetPrimary")
        except _Failed:
            return ""
        return str(name)

    async def mark(self, state: str, slot: str) -> None:
        """Tell the boot loader of a slot."""
        await self._ask("Mark", "ss", state, slot)

    async def _inspect(self, file: Path) -> tuple[str, Bundle]:
        try:
            (found,) = await self._ask("InspectBundle", "sa{sv}", str(file), {})
        except _Failed as error:
            if "UnknownMethod" not in str(error):
                raise
            compatible, version = await self._ask("Info", "s", str(file))
            return compatible, Bundle(version or None)
        update = found.get("update", {})
        version = update.get("version") or None
        bundle = Bundle(version, found.get("manifest-hash", ""))
        return update.get("compatible", ""), bundle

    async def _completed(self, progress: Progress) -> int:
        """Return the result of what is installed now, once it is."""
        begun = False  # until then it is the progress of an inspection
        async for signal in self._signals():
            if signal.member == "Completed":
                return int(signal.body[0])
            begun = begun or _changed(signal, "Operation") == "installing"
            done = _changed(signal, "Progress")
            if begun and done is not None:
                progress(done[0])
        raise _Failed(_GONE)

    async def _signals(self) -> AsyncIterator[Message]:
        """Yield what RAUC says, as long as it is there."""
        while True:
            signal = await self._heard_of.get()
            if signal is None or signal.member == "NameOwnerChanged":
                raise _Failed(_GONE)
            yield signal

    def _heard(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.member in (
            "Completed",
            "NameOwnerChanged",
            "PropertiesChanged",
        ):
            self._heard_of.put_nowait(message)

    async def _property(self, name: str) -> Any:
        arguments = (_INTERFACE, name)
        (value,) = await self._call(_NAME, _PROPERTIES, "Get", "ss", *arguments)
        return value

    async def _ask(self, member: str, signature: str = "", *arguments: Any) -> Any:
        return await self._call(_NAME, _INTERFACE, member, signature, *arguments)

    async def _call(
        self, name: str, interface: str, member: str, signature: str, *arguments: Any
    ) -> Any:
        call = Message(
            destination=name,
            path="/",
            interface=interface,
            member=member,
            signature=signature,
            body=list(arguments),
        )
        try:
            reply = await self._bus.call(call)
        except _LOST:
            raise _Failed(_GONE) from None
        if reply.message_type is MessageType.ERROR:
            words = " ".join(str(word) for word in reply.body)
            raise _Failed(f"{reply.error_name}: {words}")
        return unpack_variants(reply.body)


def _changed(signal: Message, name: str) -> Any:
    """Return what a property has become; ``None`` if it has not changed."""
    if signal.member != "PropertiesChanged" or name not in signal.body[1]:
        return None
    return signal.body[1][name].value


def _unopened(file: Path, text: str) -> InstallRefused | InstallError:
    """Return why a bundle could not be inspected; RAUC 1.8 does not say it."""
    refusal = _refusal(text)
    if isinstance(refusal, InstallRefused) or refusal.why is not Trouble.FAILED:
        return refusal
    try:
        with file.open("rb") as opened:
            whole = opened.read(len(_SQUASHFS)) == _SQUASHFS
    except OSError as error:
        told = f"{file}: {error.strerror}; fetch it again"
        return InstallRefused(Refusal.NO_PACKAGE, told)
    if whole:
        told = f"RAUC does not trust the bundle, or it is damaged; {_REMEDY}"
        return InstallRefused(Refusal.NOT_TRUSTED, told)
    return InstallRefused(Refusal.NO_PACKAGE, f"{file}: no bundle; fetch it again")


def _refusal(text: str) -> InstallRefused | InstallError:
    for words, why in _REFUSALS.items():
        if words in text.lower():
            return InstallRefused(why, f"RAUC: {text}; {_REMEDY}")
    return _trouble(text)


def _trouble(text: str) -> InstallError:
    found = (why for words, why in _TROUBLES.items() if words in text.lower())
    return InstallError(next(found, Trouble.FAILED), f"RAUC: {text}; {_REMEDY}")

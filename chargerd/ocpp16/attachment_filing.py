"""How the station file and what was changed since come together at a start."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from chargerd.core.effects import Noted
from chargerd.core.events import WHOLE_STATION
from chargerd.ocpp16.attachment_values import TRIAL, Attachment, Kept, Origin
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped
from chargerd.ocpp16.security import SecurityEventType

SETTLED: Final = "settled"
BEFORE: Final = "before"
SPARE: Final = "spare"
FILE: Final = "file"
"""What the station file said when something was changed."""

CALLED: Final[Mapping[str, str]] = {
    "url": "URL",
    "identity": "identity",
    "profile": "SecurityProfile",
    "key": "AuthorizationKey",
}
"""The fields of an attachment, for people."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a start goes on with, and what must be kept of that."""

    settled: Kept
    trial: Kept | None = None
    before: Kept | None = None
    spare: Kept | None = None
    following: Consequences = Consequences()


def found(sheets: Mapping[str, Sheet], filed: Attachment, older_key: str) -> Found:
    """Return what counts now.

    Args:
        sheets: What was changed since the station file was written.
        filed: What the station file says now.
        older_key: An AuthorizationKey that a version without sheets has kept.
    """
    kept = {name: Kept.read(sheet) for name, sheet in sheets.items()}
    on_disk = Found(
        kept.get(SETTLED) or Kept(filed),
        kept.get(TRIAL),
        kept.get(BEFORE),
        kept.get(SPARE),
    )
    if FILE in kept:
        return _filed_anew(on_disk, kept[FILE].attachment, filed)
    if older_key in ("", filed.key):
        return on_disk
    settled = Kept(replace(filed, key=older_key), Origin.CSMS)
    return replace(
        on_disk, settled=settled, following=Consequences(as_settled(settled, filed))
    )


def as_settled(settled: Kept, filed: Attachment) -> tuple[Record, ...]:
    """Return what must be on the disk of what works."""
    return (settled.record(SETTLED), Kept(filed).record(FILE))


def _filed_anew(on_disk: Found, then: Attachment, filed: Attachment) -> Found:
    """Let what the file says otherwise than before count, and nothing else of it.

    A key that the CSMS has changed since is not in the file, and must not be lost
    because somebody writes another URL there; or because the file of the first key
    was cleared away.
    """
    said = {name: getattr(filed, name) for name in filed.differing(then)}
    news = {name: value for name, value in said.items() if value != ""}
    if not news:
        return on_disk
    before = on_disk.settled
    settled = Kept(replace(before.attachment, **news).secured, Origin.FILE)
    records: tuple[Record, ...] = (
        *as_settled(settled, filed),
        before.record(BEFORE),
        SheetDropped(Drawer.LINK, TRIAL),
        SheetDropped(Drawer.LINK, SPARE),
    )
    names = ", ".join(CALLED[name] for name in news)
    alarm = Concern(SecurityEventType.RECONFIGURATION, f"{names}, by {Origin.FILE}")
    words = f"csms: the station file was changed ({names}) and counts again"
    following = Consequences(
        records, concerns=(alarm,), told=(Noted(WHOLE_STATION, words),)
    )
    return Found(settled, None, before, None, following)

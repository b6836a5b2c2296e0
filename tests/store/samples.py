"""One record of each type, as a session of one driver writes them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from chargerd.core import effects
from chargerd.core.events import Reservation, Standing, TagInfo
from chargerd.core.locallist import LocalList
from chargerd.core.profiles import Profile, Purpose
from chargerd.core.reasons import Cause
from chargerd.core.recovery import Interrupted
from chargerd.core.register import Break, Register
from chargerd.core.schedules import Kind, Period, Recurrency, Schedule
from chargerd.ocpp16 import records
from chargerd.ocpp16.records import Drawer, Entry, Record, Snapshot
from chargerd.ocpp16.security import SecurityEvent, SecurityEventType
from chargerd.ocpp16.wire import Json

T0: Final = datetime(2026, 3, 2, 8, 0, 0, 250_000, tzinfo=UTC)
EARLY, LATE = "aaaa-ended", "bbbb-running"
SAMPLE: Final[Json] = {"timestamp": "2026-03-02T08:01:00Z", "sampledValue": []}
CSMS: Final = "ws://csms.example/ocpp/DC-1"


def at(minute: int) -> datetime:
    return T0 + timedelta(minutes=minute)


def queued(id_: int, key: str = LATE, action: str = "MeterValues") -> Record:
    payload: Json = {"connectorId": 1, "meterValue": [SAMPLE], "ü": 0.5}
    return records.MessageQueued(id_, key, action, payload, at(id_))


def started(key: str = LATE, minute: int = 0) -> effects.TransactionStarted:
    return effects.TransactionStarted(
        key, 1, "04A224B2", "FLEET", at(minute), 120_000, 7
    )


def ended(key: str = LATE, minute: int = 30) -> effects.TransactionEnded:
    return effects.TransactionEnded(key, at(minute), 136_600, Cause.TOKEN, "04A224B2")


def _security(type_: str) -> SecurityEvent:
    return SecurityEvent(SecurityEventType(type_), at(11), None)


WISHES: Final = (
    effects.AvailabilityKept(0, True, False, "csms", at(1)),
    effects.AvailabilityKept(1, False, True, "cli", at(2)),
)
KEPT: Final = (
    Reservation(-1, 0, "04D", at(99), "FLEET"),
    Reservation(8, 2, "04E", at(90)),
)

PLAIN: Final = Schedule(Kind.ABSOLUTE, (Period(0.0, 60_000.0),), at(0))
PROFILES: Final = (
    Profile(-3, 0, Purpose.STATION, 0, PLAIN),
    Profile(
        5,
        1,
        Purpose.DEFAULT,
        9,
        Schedule(
            Kind.RECURRING,
            (Period(0.0, 11_000.0), Period(0.5, 6_000.5)),
            at(-60),
            3_600.0,
            Recurrency.WEEKLY,
            4_000.0,
        ),
        at(1),
        at(9),
    ),
)


METER: Final = Register(1, 120_000, 0, at(0), "A-1", 3)
EXCHANGED: Final = Register(1, 5, 120_495, at(9), "B-2", 0, 3)
METERS: Final = (
    replace(EXCHANGED, raw_wh=121_000 - 120_495, at=at(10)),
    Register(2, 900, 0, at(3)),
)
"""How far the meters had come: the first one in a transaction that still runs."""


HISTORY: Final[tuple[Record, ...]] = (
    records.AcceptedOnce(CSMS),
    records.KeyKept("HeartbeatInterval", "120", "csms"),
    records.KeyKept("HeartbeatInterval", "60", "cli"),
    effects.TagLearned("04B", TagInfo(Standing.BLOCKED), at(0)),
    effects.TagLearned("04A", TagInfo(Standing.ACCEPTED, "FLEET", at(99)), at(1)),
    effects.TagLearned("04C", TagInfo(Standing.INVALID), at(2)),
    effects.TagsForgotten(("04C",)),
    effects.TagLearned("04D", TagInfo(Standing.ACCEPTED), at(2)),
    effects.ListKept(3, True, (("04E", TagInfo(Standing.BLOCKED)),)),
    effects.ListKept(
        4,
        False,
        (("04D", TagInfo(Standing.ACCEPTED, "FLEET", at(99))),),
        ("04E",),
        ("04D",),
    ),
    effects.RegisterKept(METER),
    effects.RegisterKept(Register(2, 900, 0, at(3))),
    started(EARLY),
    queued(1, EARLY, "StartTransaction"),
    records.TransactionNumberKept(EARLY, 7),
    records.MessageSettled(1),
    records.StopDataKept(EARLY, SAMPLE),
    ended(EARLY, 5),
    queued(2, EARLY, "StopTransaction"),
    effects.RegisterKept(EXCHANGED),
    effects.MeterExchanged(METER, EXCHANGED, Break.BACK, at(9)),
    effects.FaultOpened(1, 1, "insulation", at(6), "20 kohm"),
    effects.FaultClosed(1, 1, "insulation", at(7)),
    effects.FaultOpened(2, 0, "door-open", at(8), None),
    started(LATE, 9),
    queued(3, LATE, "StartTransaction"),
    records.StopDataKept(LATE, SAMPLE),
    records.StopDataKept(LATE, {"second": True}),
    effects.AvailabilityKept(1, True, False, "csms", at(1)),
    *WISHES,
    effects.ReservationKept(Reservation(7, 1, "04C", at(20))),
    effects.ReservationKept(Reservation(8, 1, "04E", at(20), "FLEET")),
    *map(effects.ReservationKept, KEPT),
    effects.ReservationEnded(7),
    effects.ProfileKept(Profile(5, 0, Purpose.DEFAULT, 0, PLAIN)),
    effects.ProfileKept(Profile(6, 0, Purpose.DEFAULT, 1, PLAIN)),
    *map(effects.ProfileKept, PROFILES),
    effects.ProfilesDropped((6, 7)),
    records.NoteKept(LATE, at(9), "locking"),
    effects.TransactionCheckpoint(LATE, at(10), 121_000),
    queued(4),
    records.MessageQuarantined(4, 1, "InternalError: no"),
    records.MessageRetried(4),
    records.MessageQuarantined(4, 3, "InternalError: no"),
    queued(5),
    queued(6),
    records.MessageSettled(6),
    records.SecurityEventKept(1, _security("InvalidMessages"), False),
    records.SecurityLogCleared(),
    records.SecurityEventKept(1, _security("StartupOfTheDevice"), True),
    records.SecurityEventKept(2, _security("InvalidMessages"), False),
    records.SecurityEventKept(3, _security("ResetOrReboot"), True),
    records.SecurityEventSettled(1),
    queued(6),
    records.MessageQuarantined(6, 3, "InternalError: no"),
    records.MessageDropped(6),
    queued(6, EARLY, "StopTransaction"),
    records.StopToldBlind(6),
    records.ClockCorrected(1.5, 6, 3, (EARLY,)),
    records.SheetKept(Drawer.LINK, "a", {"url": "ws://old.example"}),
    records.SheetKept(Drawer.LINK, "b", {"url": "wss://ü.example", "profile": 2}),
    records.SheetKept(Drawer.LINK, "a", {"url": None, "life_s": 0.5}),
    records.SheetKept(Drawer.KEY, "a", {"pem": "secret"}),
    records.SheetDropped(Drawer.KEY, "a"),
)


def _entry(id_: int, key: str, action: str) -> Entry:
    record = queued(id_, key, action)
    assert isinstance(record, records.MessageQueued)
    return Entry(id_, key, action, record.payload, record.at)


REMEMBERED: Final = Snapshot(
    values={"HeartbeatInterval": ("60", "cli")},
    tags=(
        ("04B", TagInfo(Standing.BLOCKED)),
        ("04A", TagInfo(Standing.ACCEPTED, "FLEET", at(99))),
    ),
    listed=LocalList(4, {"04D": TagInfo(Standing.ACCEPTED, "FLEET", at(99))}),
    entries=(
        _entry(2, EARLY, "StopTransaction"),
        _entry(3, LATE, "StartTransaction"),
        _entry(5, LATE, "MeterValues"),
    ),
    waiting=3,
    quarantined=1,
    last_message_id=5,
    last_fault_id=2,
    interrupted=(Interrupted(LATE, 1, at(10), 121_000),),
    numbers={EARLY: 7, LATE: None},
    stop_data={LATE: (SAMPLE, {"second": True})},
    accepted_by=frozenset({CSMS}),
    security_events=(records.SecurityEventKept(3, _security("ResetOrReboot")),),
    last_security_event_id=3,
    availability=WISHES,
    reservations=KEPT,
    profiles=PROFILES,
    registers=METERS,
    drawers={
        Drawer.LINK: {
            "a": {"url": None, "life_s": 0.5},
            "b": {"url": "wss://ü.example", "profile": 2},
        }
    },
)
"""What a process that starts after ``HISTORY`` must know."""

NEW_IN: Final[Mapping[int, tuple[str, ...]]] = {
    2: (
        "listed",
        "security_events",
        "last_security_event_id",
        "availability",
        "reservations",
        "profiles",
    ),
    4: ("drawers",),
}
"""The fields of a snapshot that a version of the schema brought."""


BILLED: Final = Register(1, 121_000, 0, at(10))
"""What a transaction says of a meter of which nothing else was known."""


def remembered(version: int) -> Snapshot:
    """Return what a store of an older version knew of ``HISTORY``."""
    nothing = Snapshot()
    unknown = (name for v, names in NEW_IN.items() if v > version for name in names)
    known = replace(REMEMBERED, **{name: getattr(nothing, name) for name in unknown})
    return known if version >= 3 else replace(known, registers=(BILLED,))

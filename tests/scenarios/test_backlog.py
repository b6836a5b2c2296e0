"""Long without the CSMS: nothing blocks, nothing is deleted, all is told in the end."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.effects import TransactionEnded, TransactionStarted
from chargerd.core.reasons import Cause
from chargerd.ocpp16.keys import KEYS
from chargerd.ocpp16.outbox import WINDOW
from chargerd.store.database import Store
from tests.scenarios.bench import Bench
from tests.scenarios.csms import SILENCE
from tests.store.golden import rows

QUIET: Final = {"AllowOfflineTxForUnknownId": "true", "MeterValueSampleInterval": "0"}
WHOLE: Final = 200
SOLD: Final = 10_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store.sqlite")
    opened._db.execute("PRAGMA synchronous = OFF")  # nobody cuts the power here
    yield opened
    opened.close()


def session(bench: Bench) -> None:
    bench.charges()
    bench.presents()
    bench.finishes(bench.registers_wh[1] + 900)
    bench.unplugs()


def sells(bench: Bench, count: int) -> None:
    """Sell without hardware: what the core says of a session, and no more."""
    policy, dialogue = bench.charge_point.station.policy, bench.charge_point.dialogue
    records: list[Any] = []
    for n in range(count):
        at = bench.clock.now().utc + timedelta(minutes=n)
        started = TransactionStarted(f"sold-{n}", 1, "TAG", None, at, n)
        ended = TransactionEnded(f"sold-{n}", at, n + 1, Cause.TOKEN, "TAG")
        for effect in (started, ended):
            records += (effect, *dialogue.ledger.tell(effect, policy))
    assert bench.store is not None
    bench.store.commit(records)


@pytest.mark.no_cover
@pytest.mark.requirement("OFFL-01", "OFFL-02", "OFFL-25", "OFFL-19")
def test_ten_thousand_sessions_without_the_csms_are_sold_and_told(
    store: Store,
) -> None:
    bench = Bench(keys=QUIET, store=store)
    bench.disconnects()
    for _ in range(WHOLE):
        session(bench)  # the connector is free whatever waits for the CSMS
    sells(bench, SOLD - WHOLE)
    ledger = bench.charge_point.dialogue.ledger
    assert ledger.outbox.waiting == 2 * SOLD
    assert len(ledger.outbox.entries) == WINDOW
    assert ledger.numbers == {}

    bench.restarts(online=False)
    ledger = bench.charge_point.dialogue.ledger
    assert len(ledger.outbox.entries) == WINDOW
    assert ledger.numbers == {}
    most = 0
    unsaved: list[Any] = []

    def look(step: Any) -> None:
        nonlocal most
        unsaved.extend(step.records)
        if step.load_after is not None:
            store.commit(unsaved)
            unsaved.clear()
        most = max(most, len(ledger.outbox.entries))
        assert len(ledger.numbers) <= 1

    bench.after = look
    bench.connects()
    assert most <= 2 * WINDOW + WINDOW // 4
    assert bench.messages() == ["StartTransaction", "StopTransaction"] * SOLD
    numbers = [stop["transactionId"] for stop in bench.told("StopTransaction")]
    assert numbers == list(range(7, 7 + SOLD))
    store.commit(unsaved)
    assert store.load(0, 1) == ()


CHANGES: Final = st.builds(
    lambda key, value: ("ChangeConfiguration", {"key": key.name, "value": value}),
    st.sampled_from(list(KEYS.values())),
    st.sampled_from(["0", "1", "true", "false", "", "60", "Energy.Active.Import"]),
)
COMMANDS: Final = st.sampled_from(
    [
        ("CancelReservation", {"reservationId": 1}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
        ("ClearCache", {}),
        ("ClearChargingProfile", {}),
        ("DataTransfer", {"vendorId": "v", "data": "delete everything"}),
        ("GetDiagnostics", {"location": "ftp://nowhere.example"}),
        ("RemoteStartTransaction", {"idTag": "APP"}),
        ("RemoteStopTransaction", {"transactionId": -1}),
        ("RemoteStopTransaction", {"transactionId": 7}),
        ("Reset", {"type": "Hard"}),
        ("Reset", {"type": "Soft"}),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full"}),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("UnlockConnector", {"connectorId": 1}),
        ("UpdateFirmware", {"location": "x", "retrieveDate": "2026-03-02T08:00:00Z"}),
    ]
)


def undelivered(store: Store) -> set[tuple[int, bytes]]:
    return {
        (id, payload)
        for id, payload in rows(store.path, "SELECT id, payload FROM message")
    }


@pytest.mark.no_cover
@pytest.mark.requirement("OFFL-01", "OFFL-26")
@settings(max_examples=40, deadline=None)
@given(commands=st.lists(COMMANDS | CHANGES, max_size=12), restart=st.booleans())
def test_no_command_of_the_csms_deletes_what_it_was_not_told(
    commands: list[tuple[str, dict[str, Any]]],
    restart: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = Store(tmp_path_factory.mktemp("backlog") / "store.sqlite")
    bench = Bench(keys={**QUIET, "MessageTimeout": "600"}, store=store)
    bench.disconnects()
    for _ in range(3):
        session(bench)
    bench.csms.always("StartTransaction", SILENCE)
    bench.csms.always("StopTransaction", SILENCE)
    bench.connects()
    before = undelivered(store)
    assert len(before) == 6
    for action, payload in commands:
        bench.asks(action, **payload)
        if restart or bench.restarting:
            bench.restarts(Cause.SOFT_RESET)
    bench.restarts()
    assert before <= undelivered(store)
    store.close()

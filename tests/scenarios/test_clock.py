from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from chargerd.ocpp16.records import Snapshot
from chargerd.ocpp16.wire import moment, timestamp
from chargerd.store.database import Store
from tests.scenarios.bench import CSMS_URL, Bench
from tests.scenarios.csms import Refusal

OFFLINE: Final = {
    "AllowOfflineTxForUnknownId": "true",
    "MeterValueSampleInterval": "60",
    "StopTxnSampledData": "Energy.Active.Import.Register",
}
TRUTH: Final = timedelta(days=40, hours=3)
"""So far behind is the clock of a board without a battery."""


def tells(bench: Bench, ahead: timedelta) -> None:
    """Let the CSMS answer the next boot with a time that is so far ahead."""
    told = timestamp(bench.clock.now().utc + ahead)
    bench.csms.will("BootNotification", {**bench.csms.boot(), "currentTime": told})


def transaction(bench: Bench) -> None:
    bench.charges()
    bench.waits(60)
    bench.meters(121_000)
    bench.presents()
    bench.finishes(121_000)
    bench.unplugs()


def times(payload: Any) -> list[datetime]:
    """Return every timestamp of a message."""
    match payload:
        case dict():
            own = [moment(payload["timestamp"])] if "timestamp" in payload else []
            return own + [at for inner in payload.values() for at in times(inner)]
        case list():
            return [at for inner in payload for at in times(inner)]
    return []


def steps(bench: Bench) -> list[str]:
    events = bench.security_events
    return [e["techInfo"] for e in events if e["type"] == "SettingSystemTime"]


@pytest.mark.requirement("TIME-05", "BOOT-05", "OFFL-06")
def test_what_happened_before_the_time_was_known_is_told_at_its_true_time(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store.sqlite")
    bench = Bench(store=store, keys=OFFLINE)
    began = bench.clock.now().utc
    bench.restarts(online=False)
    before = len(bench.said)
    transaction(bench)
    bench.charges()
    bench.waits(61)
    tells(bench, TRUTH)

    bench.connects()

    told = [payload for _, payload in bench.said[before:]]
    told += [e for e in bench.security_events[2:] if e["type"] != "SettingSystemTime"]
    found = [at for payload in told for at in times(payload)]
    assert len(found) > 10
    now = bench.clock.now().utc
    assert all(began + TRUTH <= at <= now for at in found)
    starts = [moment(p["timestamp"]) for p in bench.told("StartTransaction")]
    stop = bench.told("StopTransaction")[0]
    assert moment(stop["timestamp"]) - starts[0] > timedelta(seconds=60)
    assert timedelta() < starts[1] - moment(stop["timestamp"]) < timedelta(seconds=2)
    (running,) = store.restore(now).interrupted
    assert running.at == now
    assert store.last_moment() == now
    store.close()


@pytest.mark.requirement("TIME-05", "TXN-44")
def test_the_disk_holds_the_true_times_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    bench = Bench(store=store, keys=OFFLINE)
    bench.restarts(online=False)
    bench.charges()
    bench.waits(61)
    began = bench.clock.now().utc - timedelta(seconds=70)
    tells(bench, TRUTH)
    bench.csms.always("StartTransaction", Refusal())
    bench.connects()
    bench.csms.always(
        "StartTransaction", {"transactionId": 9, "idTagInfo": {"status": "Accepted"}}
    )

    bench.restarts()
    bench.waits(100)

    first, *_, again = bench.told("StartTransaction")
    assert first == again
    for message in (again, *bench.told("MeterValues"), *bench.told("StopTransaction")):
        assert all(at >= began + TRUTH for at in times(message))
    store.close()


@pytest.mark.requirement("TIME-05")
def test_the_end_of_a_transaction_of_an_earlier_process_keeps_its_time(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "store.sqlite")
    bench = Bench(store=store, keys=OFFLINE)
    bench.charges()
    bench.waits(61)
    (interrupted,) = store.restore(bench.clock.now().utc).interrupted
    bench.restarts(online=False)
    bench.waits(10)
    tells(bench, TRUTH)
    bench.connects()
    (stop,) = bench.told("StopTransaction")
    assert moment(stop["timestamp"]) - interrupted.at < timedelta(milliseconds=1)
    store.close()


@pytest.mark.requirement("TIME-05", "TIME-02")
def test_a_clock_that_is_set_before_the_csms_is_there_moves_what_waits() -> None:
    bench = Bench(
        keys=OFFLINE, online=False, snapshot=Snapshot(accepted_by=frozenset({CSMS_URL}))
    )
    bench.charges()
    began = bench.clock.now().utc
    bench.clock.correct(TRUTH.total_seconds())
    bench.presents()
    bench.finishes(120_500)
    bench.connects()
    (start,) = bench.told("StartTransaction")
    assert abs(moment(start["timestamp"]) - began - TRUTH) < timedelta(seconds=3)
    assert steps(bench) == [f"by +{TRUTH.total_seconds():.1f} s"]


@pytest.mark.requirement("TIME-02", "TIME-01")
@pytest.mark.parametrize(("ahead_s", "told"), [(1.9, []), (-90.0, ["by -90.0 s"])])
def test_only_a_step_worth_the_name_is_a_security_event(
    ahead_s: float, told: list[str]
) -> None:
    bench = Bench(online=False)
    tells(bench, timedelta(seconds=ahead_s))
    bench.connects()
    for _ in range(3):
        bench.waits(300)
    assert steps(bench) == told


@pytest.mark.requirement("TIME-05", "TIME-03", "OFFL-06")
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_in_mid_transaction_moves_no_timer_and_loses_nothing(
    hours: int,
) -> None:
    bench = Bench(keys=OFFLINE)
    bench.charges()
    begun = moment(bench.told("StartTransaction")[0]["timestamp"])
    bench.waits(90)
    bench.clock.correct(hours * 3600)
    bench.waits(60)
    bench.presents()
    bench.finishes(121_000)

    first_s, second_s = bench.times("MeterValues")
    assert second_s - first_s == 60
    stopped = moment(bench.told("StopTransaction")[0]["timestamp"])
    now = bench.clock.now().utc
    assert stopped == begun if hours < 0 else now - stopped < timedelta(seconds=2)
    assert bench.messages() == [
        "StartTransaction",
        "MeterValues",
        "MeterValues",
        "StopTransaction",
    ]
    assert steps(bench) == [f"by {hours * 3600:+.1f} s"]


@pytest.mark.requirement("BOOT-05")
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_the_clock_follows_any_answer_to_the_boot(status: str) -> None:
    bench = Bench(online=False)
    answer = bench.csms.boot(status)
    later = timestamp(bench.clock.now().utc + timedelta(hours=1))
    bench.csms.will("BootNotification", {**answer, "currentTime": later})
    bench.connects()
    assert bench.clock.now().utc == moment(later)


@pytest.mark.requirement("TIME-07")
def test_a_time_before_this_software_is_no_time() -> None:
    bench = Bench(online=False)
    past = timestamp(datetime(1970, 1, 1, tzinfo=UTC))
    bench.csms.will("BootNotification", {**bench.csms.boot(), "currentTime": past})
    bench.connects()
    assert bench.clock.now().utc.year == 2026
    assert not bench.charge_point.dialogue.registration.synchronized

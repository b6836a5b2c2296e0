from pathlib import Path

import pytest

from chargerd.ocpp16.records import Drawer
from tests.authority import DAY, NOW, root
from tests.scenarios.keyring_bench import (
    DAY_S,
    MANUFACTURER,
    KeyringBench,
    on_disk,
)

CHANGED = "ReconfigurationOfSecurityParameters"


def warnings(bench: KeyringBench) -> list[str]:
    return [note for note in bench.notes if note.startswith("certificate CN=Soon")]


def soon(days: float) -> str:
    """Return a root for a year that ends so many days after the bench begins."""
    end = NOW + 60 * DAY + 9 * DAY / 24 + days * DAY  # 2 March, 9 o'clock
    return root("Soon", not_before=end - 365 * DAY, not_after=end).pem


def test_people_are_warned_before_a_root_ends_and_once_for_each_threshold(
    tmp_path: Path,
) -> None:
    bench = on_disk(tmp_path)
    bench.installs(soon(100))
    assert warnings(bench) == []
    bench.waits_days(101)
    bench.restarts()
    bench.waits_days(3)
    said = [
        text.removeprefix("certificate CN=Soon,O=Example ") for text in warnings(bench)
    ]
    assert said == [
        "ends in 90 days, on 2026-06-10",
        "ends in 30 days, on 2026-06-10",
        "ends in 7 days, on 2026-06-10",
        "has ended, on 2026-06-10",
    ]
    due = [f"due: {text.removeprefix('certificate ')}" for text in warnings(bench)]
    assert [each for each in bench.alarms(CHANGED) if each.startswith("due: ")] == due


def test_of_several_thresholds_that_have_passed_one_is_told(tmp_path: Path) -> None:
    bench = on_disk(tmp_path)
    bench.installs(soon(1.5), MANUFACTURER)
    assert [text[30:] for text in warnings(bench)] == ["ends in 2 days, on 2026-03-03"]
    bench.restarts()
    bench.waits_days(1)
    assert len(warnings(bench)) == 1
    bench.waits_days(1)
    assert len(warnings(bench)) == 2


def test_a_root_of_the_station_file_is_watched_over_restarts(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, file_roots=(soon(6),))
    assert [text[30:] for text in warnings(bench)] == ["ends in 6 days, on 2026-03-08"]
    bench.restarts()
    assert len(warnings(bench)) == 1


def test_a_clock_that_was_ahead_costs_no_warning(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, file_roots=(soon(40),))
    bench.clock.correct(45 * DAY_S)
    bench.restarts()
    assert warnings(bench)[-1].endswith("has ended, on 2026-04-11")
    bench.clock.correct(-45 * DAY_S)
    bench.restarts()
    bench.clock.correct(-60 * DAY_S)
    bench.restarts()
    told = len(warnings(bench))
    bench.clock.correct(60 * DAY_S)
    bench.restarts()
    bench.waits_days(11)
    days = [text.split()[4] for text in warnings(bench)[told:]]
    assert days == ["40", "30"]


def test_a_certificate_that_is_used_no_more_is_forgotten(tmp_path: Path) -> None:
    bench = on_disk(tmp_path, file_roots=(soon(1),))
    assert bench.store is not None
    assert bench.store.restore(bench.clock.now().utc).drawers[Drawer.EXPIRY]
    bench._file_roots = ()
    bench.restarts()
    assert Drawer.EXPIRY not in bench.store.restore(bench.clock.now().utc).drawers


@pytest.mark.parametrize(
    ("life_days", "said"), [(80, [30, 7, 1]), (40, [7, 1]), (10, [1])]
)
def test_of_a_short_life_only_the_second_half_is_warned_of(
    life_days: int, said: list[int]
) -> None:
    bench = KeyringBench()
    begin = bench.clock.now().utc - DAY
    end = begin + life_days * DAY
    bench.installs(root("Soon", not_before=begin, not_after=end).pem)
    bench.waits_days(life_days - 1.5)
    in_days = [text.split()[4] for text in warnings(bench)]
    assert [int(days) for days in in_days] == [days for days in said if days > 1]
    bench.waits_days(1)
    assert len(warnings(bench)) == len(said)


def test_a_certificate_of_the_station_is_watched_while_it_is_in_use() -> None:
    bench = KeyringBench({"CpoName": "Example"})
    bench.csms.always("SignCertificate", {"status": "Rejected"})
    bench.csms.will("SignCertificate", {"status": "Accepted"})
    first = bench.gets_certificate()
    bench.waits_days(100)
    own = [note for note in bench.notes if "CN=SN-0042,O=Example ends" in note]
    assert [note.split()[4] for note in own] == ["90"]
    bench.csms.will("SignCertificate", {"status": "Accepted"})
    assert bench.gets_certificate() != first
    bench.waits_days(85)
    own = [note for note in bench.notes if "CN=SN-0042,O=Example ends" in note]
    assert len(own) == 1

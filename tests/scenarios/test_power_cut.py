"""The power is cut before each commit in turn; no bill may be lost or doubled."""

from functools import cache
from pathlib import Path

import pytest

from chargerd.core.reasons import Cause
from chargerd.steps import Step
from chargerd.store.database import Store
from tests.clock import FakeClock
from tests.scenarios.bench import Bench, PowerCut
from tests.scenarios.csms import Json

REGISTERS = (120_000, 120_900, 121_800, 122_700)
KEYS = {
    "StopTxnSampledData": "Energy.Active.Import.Register",
    "AllowOfflineTxForUnknownId": "true",
}


class Wall:
    """Where the power comes from: it counts commits, and fails before one of them."""

    def __init__(self, store: Store, cut: int | None) -> None:
        self._store = store
        self._cut = cut
        self.commits = 0
        self.live_without_bill = False

    def __call__(self, step: Step) -> None:
        if step.records:
            if self.commits == self._cut:
                raise PowerCut
            self._store.commit(step.records)
            self.commits += 1
        self.live_without_bill |= step.outputs[1].live and not _open_bills(self._store)


def _open_bills(store: Store) -> int:
    return len(store.restore(FakeClock().now().utc).interrupted)


def _session(bench: Bench, *, online: bool) -> None:
    if not online:
        bench.disconnects()
    bench.charges()
    for register_wh in REGISTERS:
        bench.waits(60)
        bench.meters(register_wh)
    bench.presents()
    bench.finishes(REGISTERS[-1])
    bench.unplugs()
    if not online:
        bench.connects()


@cache
def _commits(folder: Path, online: bool) -> int:
    store = Store(folder / "whole.sqlite")
    bench = Bench(store=store, keys=KEYS, online=False)
    bench.after = wall = Wall(store, None)
    bench.connects()
    _session(bench, online=online)
    store.close()
    return wall.commits


def _run(folder: Path, cut: int, *, online: bool) -> tuple[Bench, Wall]:
    store = Store(folder / f"{cut}.sqlite")
    bench = Bench(store=store, keys=KEYS, online=False)
    bench.after = wall = Wall(store, cut)
    try:
        bench.connects()
        _session(bench, online=online)
    except PowerCut:
        pass
    return bench, wall


def _different(messages: list[Json]) -> list[Json]:
    return [m for n, m in enumerate(messages) if m not in messages[:n]]


@pytest.mark.requirement("OFFL-01", "TXN-40", "TXN-41", "TXN-44", "PERS-07")
@pytest.mark.parametrize("online", [True, False])
def test_a_cut_before_any_commit_leaves_one_bill_that_is_right(
    online: bool, tmp_path: Path
) -> None:
    total = _commits(tmp_path, online)
    assert total > 8
    for cut in range(total):
        bench, wall = _run(tmp_path, cut, online=online)
        assert not wall.live_without_bill
        assert bench.store is not None
        register_wh = bench.registers_wh[1]
        bench.after = None
        bench.restarts(Cause.POWER_LOSS)
        bench.waits(400)

        starts = _different(bench.told("StartTransaction"))
        stops = _different(bench.told("StopTransaction"))
        assert len(starts) == len(stops) <= 1
        for stop in stops:
            assert stop["transactionId"] == 7
            assert stop["reason"] in ("PowerLoss", "Local")
            assert starts[0]["meterStart"] == REGISTERS[0]
            assert stop["meterStop"] == register_wh
            first = stop["transactionData"][0]["sampledValue"][0]
            assert first["context"] == "Transaction.Begin"
        assert bench.charge_point.dialogue.ledger.outbox.waiting == 0
        assert _open_bills(bench.store) == 0
        bench.store.close()

"""What becomes of transactions that were running when the power went."""

from datetime import timedelta

import pytest

from chargerd.core.effects import TransactionEnded
from chargerd.core.events import Sensed
from chargerd.core.reasons import Cause
from chargerd.core.recovery import METER_WITHIN_S, Interrupted, Recovery
from tests.clock import FakeClock
from tests.core.bench import isolation, meter

POWER_W = {1: 60_000.0, 2: 60_000.0}
AT = FakeClock().now().utc
LEFT_WH = 5_000


def recovery(*connectors: int) -> Recovery:
    left = [Interrupted(f"key-{n}", n, AT, LEFT_WH) for n in connectors]
    return Recovery(left, Cause.POWER_LOSS)


def reads(register_wh: int, minutes: float = 60) -> TransactionEnded:
    clock = FakeClock()
    now = clock.advance(minutes * 60)
    (ended,) = recovery(1).follow((Sensed(1, meter(0.0, register_wh)),), POWER_W, now)
    return ended.ended


@pytest.mark.requirement("TXN-40", "TXN-41")
def test_the_register_of_the_meter_closes_the_bill_as_of_its_last_record() -> None:
    ended = reads(LEFT_WH + 1_500)
    assert ended == TransactionEnded(
        "key-1", AT, LEFT_WH + 1_500, Cause.POWER_LOSS, None
    )


@pytest.mark.requirement("TXN-23")
@pytest.mark.parametrize(
    ("register_wh", "believed_wh"),
    [
        (LEFT_WH - 1, LEFT_WH),  # gone back
        (LEFT_WH, LEFT_WH),
        (LEFT_WH + 60_001, LEFT_WH + 60_001),
        (LEFT_WH + 60_002, LEFT_WH),  # more than 60 kW for an hour
    ],
)
def test_a_register_that_cannot_be_is_not_believed(
    register_wh: int, believed_wh: int
) -> None:
    assert reads(register_wh).meter_wh == believed_wh


@pytest.mark.parametrize("minutes", [0, -30])
def test_a_minute_is_allowed_for_even_if_the_clock_denies_it(minutes: float) -> None:
    assert reads(LEFT_WH + 1_000, minutes).meter_wh == LEFT_WH + 1_000
    assert reads(LEFT_WH + 1_002, minutes).meter_wh == LEFT_WH


def test_every_connector_waits_for_its_own_meter() -> None:
    clock, waiting = FakeClock(), recovery(1, 2)
    assert waiting.follow((Sensed(1, isolation(0.0)),), POWER_W, clock.now()) == ()
    for number in (2, 1):
        read = Sensed(number, meter(0.0, LEFT_WH))
        (closed,) = waiting.follow((read,), POWER_W, clock.advance(0.1))
        assert closed.ended.key == f"key-{number}"
        assert waiting.follow((read,), POWER_W, clock.now()) == ()


def test_a_silent_meter_is_not_waited_for_for_ever() -> None:
    clock, waiting = FakeClock(), recovery(1)
    assert waiting.next_deadline_s() is None
    began = clock.now()
    assert waiting.follow((), POWER_W, began) == ()
    assert waiting.next_deadline_s() == began.monotonic_s + METER_WITHIN_S
    clock.correct(timedelta(hours=3).total_seconds())
    assert waiting.follow((), POWER_W, clock.advance(METER_WITHIN_S - 0.1)) == ()
    (closed,) = waiting.follow((), POWER_W, clock.advance(0.1))
    assert closed.ended.meter_wh == LEFT_WH
    assert waiting.next_deadline_s() is None


def test_a_connector_that_is_not_there_any_more_is_settled_from_the_disk() -> None:
    waiting, now = recovery(7), FakeClock().now()
    (closed,) = waiting.follow((Sensed(7, meter(0.0, LEFT_WH + 50)),), POWER_W, now)
    assert closed.ended.meter_wh == LEFT_WH

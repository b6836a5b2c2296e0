"""What the CSMS is told of jobs waits in bounds, and each goes once."""

from chargerd.ocpp16.consequences import Notice
from chargerd.ocpp16.notices import MOST_WAITING, Notices
from chargerd.ocpp16.records import Drawer, SheetDropped, SheetKept
from chargerd.ocpp16.wire import Json
from tests.clock import FakeClock


def notice(number: int) -> Notice:
    told: Json = {"status": "Downloading", "requestId": number}
    return Notice("SignedFirmwareStatusNotification", told)


def test_too_many_cost_the_oldest_but_the_one_that_is_under_way() -> None:
    notices, now = Notices({}), FakeClock().now()
    for number in range(MOST_WAITING):
        assert len(notices.queue(notice(number))) == 1
    under_way = notices.next(now)
    kept, dropped = notices.queue(notice(MOST_WAITING))
    assert isinstance(kept, SheetKept)
    assert dropped == SheetDropped(Drawer.NOTICE, "2")
    assert notices.waiting == MOST_WAITING
    assert notices.next(now) == under_way


def test_what_was_told_is_not_there_any_more_however_often_it_is_answered() -> None:
    notices, now = Notices({}), FakeClock().now()
    notices.queue(notice(1))
    told = notices.next(now)
    assert told is not None
    assert notices.delivered(told) == (SheetDropped(Drawer.NOTICE, "1"),)
    assert notices.delivered(told) == ()
    assert notices.next(now) is None


def test_the_order_outlives_a_restart() -> None:
    before, now = Notices({}), FakeClock().now()
    kept = [record for n in range(3) for record in before.queue(notice(n))]
    sheets = {k.name: k.sheet for k in kept if isinstance(k, SheetKept)}
    after = Notices(sheets)
    assert after.next(now) == before.next(now)
    (last,) = after.queue(notice(9))
    assert isinstance(last, SheetKept)
    assert last.name == "4"

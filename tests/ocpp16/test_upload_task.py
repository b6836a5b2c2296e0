"""An upload is the same after the disk has kept it, and after a newer version has."""

from datetime import UTC, datetime

import pytest

from chargerd.core.firmware_events import Rebooted
from chargerd.core.policy import Policy
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.jobs import LogKind
from chargerd.ocpp16.locations import misplaced
from chargerd.ocpp16.upkeep import Given, Upkeep
from chargerd.ocpp16.upload_events import UploadWanted
from chargerd.ocpp16.upload_task import State, Task
from tests.clock import FakeClock

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize("since", [None, AT])
@pytest.mark.parametrize("request_id", [None, 0, 7])
def test_a_row_gives_back_what_it_was_made_of(
    since: datetime | None, request_id: int | None
) -> None:
    wanted = UploadWanted(
        LogKind.SECURITY, "ftp://u:p@h/", "n", since, AT, request_id, 2, 30
    )
    task = Task.of("id-1", wanted)
    row = {**task.row(), "brought by a newer version": 1}
    assert Task.from_row(row) == task
    assert "u:p" not in repr(task) + repr(wanted)


def test_a_request_that_is_numbered_zero_is_one_of_get_log() -> None:
    task = Task.of("id-1", UploadWanted(LogKind.SECURITY, "", "n", request_id=0))
    assert task.status("Uploading") == {"status": "Uploading", "requestId": 0}
    assert task.ended(State.UPLOADED).row()["state"] == "uploaded"


def test_a_station_that_never_uploaded_has_nothing_to_go_on_with() -> None:
    started = Rebooted("1", slot_marked=True)
    given = Given(started=started, new_id=lambda: "id", policy=Policy)
    upkeep = Upkeep({}, given)
    now = FakeClock().now()
    assert upkeep.uploads.begin(now) == upkeep.uploads.expire(now) == Consequences()
    assert not upkeep.uploads.busy


@pytest.mark.parametrize("location", ["http://[::1", "", "ftp://h:port/", "ftp://"])
def test_a_location_that_is_none_is_named_without_repeating_it(location: str) -> None:
    words = misplaced(location)
    assert words is not None
    assert "location" in words

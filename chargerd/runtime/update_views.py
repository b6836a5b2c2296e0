"""The documents of ``org.chargerd.Station`` on firmware jobs."""

from typing import Final

from chargerd.chargepoint import ChargePoint
from chargerd.clock import Instant
from chargerd.core.firmware_effects import OWNER
from chargerd.core.firmware_job import AT_REST, Job, Origin, State
from chargerd.runtime.sent_firmware import LOCATION
from chargerd.runtime.transfer.places import redacted
from chargerd.runtime.views import Json, known, time

_MEASURED: Final = (State.DOWNLOADING, State.INSTALLING)


def update(charge_point: ChargePoint, percent: int | None, now: Instant) -> Json:
    """Return what runs, and the job that there is, or was last.

    Args:
        charge_point: Has the job.
        percent: How far a download or install is; ``None``: nobody knows.
        now: The present.
    """
    updates, station = charge_point.upkeep.updates, charge_point.station
    due_s = updates.next_deadline_s(now)
    return known(
        version=updates.version,
        job=None
        if updates.job.state is State.NONE
        else known(
            **job(updates.job),
            percent=percent if updates.job.state in _MEASURED else None,
            left_s=None if due_s is None else round(max(due_s - now.monotonic_s, 0)),
        ),
        held=OWNER in station.booking.holds.owners,
        transactions=len(station.billed()),
    )


def job(one: Job) -> Json:
    """Return one job, without what is secret of it."""
    return known(
        id=one.id,
        state=one.state.value,
        over=one.state in AT_REST,
        status=str(one.told) if one.told and one.origin is Origin.CSMS else None,
        origin=str(one.origin),
        signed=one.signed,
        request_id=one.request_id,
        location=LOCATION if one.location == LOCATION else redacted(one.location),
        attempts=one.attempts,
        size_bytes=one.size_bytes,
        version_before=one.version_before,
        expected_version=one.expected_version,
        retrieve_at=time(one.retrieve_at),
        install_at=time(one.install_at) if one.install_at else None,
        why=one.why or None,
    )

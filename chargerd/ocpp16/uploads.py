"""The one upload of the station: logs and diagnostics that the CSMS has asked for.

The CSMS is told Uploading once, and once how it ended. A request that comes while an
upload goes on takes its place, and nothing more is said of the one before (OCPP 1.6
section 5.9; whitepaper, N01.FR.11).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from chargerd.clock import Instant
from chargerd.core.effects import Noted
from chargerd.core.events import WHOLE_STATION
from chargerd.ocpp16.consequences import Concern, Consequences, Notice
from chargerd.ocpp16.jobs import StopUpload
from chargerd.ocpp16.records import (
    Drawer,
    SecurityLogCleared,
    Sheet,
    SheetDropped,
    SheetKept,
)
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.upload_events import (
    Failing,
    LogClearWanted,
    UploadDone,
    UploadEvent,
    UploadFailed,
    UploadWanted,
)
from chargerd.ocpp16.upload_task import State, Task
from chargerd.ocpp16.wire import Json

HEARD: Final = get_args(UploadEvent)

_BROKEN_OFF: Final = "the station has started anew in the middle of it"


class Uploads:
    """Walks the one upload there is."""

    def __init__(
        self, sheets: Mapping[str, Sheet], identity: str, new_id: Callable[[], str]
    ) -> None:
        """Go on with what the disk knows.

        Args:
            sheets: The upload there was last, if any.
            identity: What the CSMS calls this station; it begins the names of files.
            new_id: Makes an id that no other ever had.
        """
        tasks = [Task.from_row(sheet) for sheet in sheets.values()]
        self.identity = identity
        self.task = tasks[-1] if tasks else None
        """The upload there is, or was last."""
        self._new_id = new_id
        self._begun = False
        self._due_s: float | None = None

    @property
    def busy(self) -> bool:
        """Whether an upload goes on, if only to be tried again."""
        return self.task is not None and self.task.active

    def status(self, action: str) -> Json:
        """Return what the CSMS is told when it asks by the name of a message."""
        if self.task is None or not self.busy or self.task.action != action:
            return {"status": "Idle"}
        return self.task.status("Uploading")

    def begin(self, now: Instant) -> Consequences:
        """Go on after a restart; the attempt that it broke off counts."""
        task, begun, self._begun = self.task, self._begun, True
        if begun or task is None or not task.active:
            return Consequences()
        if task.state is State.PAUSED:
            # How much of the pause is over, nobody knows.
            self._due_s = now.monotonic_s + task.interval_s
            return Consequences()
        broken = UploadFailed(task.id, Failing.UPLOAD_FAILURE, _BROKEN_OFF)
        return self._failed(broken, now)

    def take(self, event: UploadEvent, now: Instant) -> Consequences:
        """Let one thing happen."""
        return _TAKEN[type(event)](self, event, now)

    def expire(self, now: Instant) -> Consequences:
        """Begin the next attempt, if it is due."""
        if self.task is None or self._due_s is None or now.monotonic_s < self._due_s:
            return Consequences()
        again = self.task.attempts + 1
        task = replace(self.task, state=State.UPLOADING, attempts=again)
        return self._kept(task) + Consequences(jobs=(task.job(),))

    def next_deadline_s(self, _now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""
        return self._due_s

    def _wanted(self, wanted: UploadWanted, _now: Instant) -> Consequences:
        gone = Consequences()
        if self.task is not None:
            old = self.task.id
            gone = Consequences(
                records=(SheetDropped(Drawer.UPLOAD, old),),
                jobs=(StopUpload(old),) if self.busy else (),
            )
        task = Task.of(self._new_id(), wanted)
        return (
            gone
            + self._kept(task)
            + _told(task, task.status("Uploading"))
            + Consequences(jobs=(task.job(),))
        )

    def _done(self, done: UploadDone, _now: Instant) -> Consequences:
        task = self._under_way(done.id)
        if task is None:
            return Consequences()
        over = self._kept(task.ended(State.UPLOADED))
        noted = Noted(WHOLE_STATION, f"{task.kind} is uploaded as {task.file_name}")
        return over + _told(task, task.status("Uploaded")) + Consequences(told=(noted,))

    def _failed(self, failed: UploadFailed, now: Instant) -> Consequences:
        task = self._under_way(failed.id)
        if task is None:
            return Consequences()
        words = f"upload of {task.kind}, attempt {task.attempts}: {failed.text}"
        noted = Consequences(told=(Noted(WHOLE_STATION, words),))
        if not task.repeatable:
            ended = self._kept(task.ended(State.FAILED, failed.text))
            gone = Consequences(jobs=(StopUpload(task.id),))
            return ended + _told(task, task.failure(failed.why)) + noted + gone
        kept = self._kept(replace(task, state=State.PAUSED, text=failed.text))
        self._due_s = now.monotonic_s + task.interval_s
        return kept + noted

    def _cleared(self, wanted: LogClearWanted, _now: Instant) -> Consequences:
        concern = Concern(SecurityEventType.LOG_CLEARED, f"by {wanted.by}")
        return Consequences(records=(SecurityLogCleared(),), concerns=(concern,))

    def _under_way(self, id_: str) -> Task | None:
        """Return the upload that an event of a worker is about, if it is this one."""
        task = self.task
        here = task is not None and task.id == id_ and task.state is State.UPLOADING
        return task if here else None

    def _kept(self, task: Task) -> Consequences:
        self.task, self._due_s = task, None
        return Consequences((SheetKept(Drawer.UPLOAD, task.id, task.row()),))


def _told(task: Task, status: Json) -> Consequences:
    return Consequences(notices=(Notice(task.action, status),))


_TAKEN: Final[
    Mapping[type[UploadEvent], Callable[[Uploads, Any, Instant], Consequences]]
] = {
    UploadWanted: Uploads._wanted,
    UploadDone: Uploads._done,
    UploadFailed: Uploads._failed,
    LogClearWanted: Uploads._cleared,
}

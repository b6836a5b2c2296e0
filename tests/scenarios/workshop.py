"""A board with two slots: does what a firmware job wishes, in no time at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from chargerd.core import firmware_effects as wishes
from chargerd.core import firmware_events as events
from chargerd.core.events import WHOLE_STATION, RestartRequested
from chargerd.core.firmware_events import FirmwareEvent, Rebooted
from chargerd.core.reasons import Cause
from chargerd.ocpp16.jobs import FirmwareJob
from tests.scenarios.bench import Bench
from tests.scenarios.csms import Json

NEW: Final = "2.0"


@dataclass(slots=True)
class Workshop:
    """Grants wishes, and starts what the boot loader would start."""

    bench: Bench
    failing: Mapping[type[FirmwareJob], FirmwareEvent] = field(default_factory=dict)
    """What comes of a wish instead of its success."""
    silent: frozenset[type[FirmwareJob]] = frozenset()
    """Wishes that take for ever."""
    boots: bool = True
    """Whether the new version gets as far as to run."""
    next: Rebooted | None = None
    done: list[str] = field(default_factory=list)

    def works(self) -> None:
        """Do what is wished until nothing is left, or the station restarts."""
        bench = self.bench
        while bench.to_do and not bench.restarting:
            wish = bench.to_do.pop(0)
            assert isinstance(wish, FirmwareJob)
            self.done.append(type(wish).__name__)
            kind = type(wish)
            if kind in self.silent:
                continue
            told = self.failing.get(kind) or _DO[kind](self, wish)
            if told is not None:
                bench.happens(told)
                bench.waits(1)

    def restarts(self) -> None:
        """Start again, with whatever is to run next."""
        if self.next is not None:
            self.bench.runs, self.next = self.next, None
        self.bench.restarts(Cause.RESTART)

    def updates(self) -> None:
        """Work through a whole job, with as many restarts as it takes."""
        for _ in range(4):
            self.works()
            if not self.bench.restarting:
                return
            self.restarts()
        raise AssertionError("restarts for ever")

    def _install(self, wish: wishes.Install) -> FirmwareEvent:
        if self.boots:
            self.next = Rebooted(NEW, slot_marked=False)
        return events.InstallDone(wish.job.id, needs_reboot=True)

    def _mark(self, _wish: wishes.MarkGood) -> None:
        self.bench.runs = replace(self.bench.runs, slot_marked=True)

    def _roll_back(self, _wish: wishes.RollBack) -> RestartRequested | None:
        self.next = Rebooted("1.0", slot_marked=True)
        back = self.bench.runs.version != "1.0"
        return RestartRequested(WHOLE_STATION, Cause.FIRMWARE) if back else None


def told(bench: Bench, action: str = "FirmwareStatusNotification") -> list[str]:
    """Return the statuses that the CSMS was told."""
    return [payload["status"] for payload in bench.told(action)]


def wanted(location: str = "https://example.org/fw", **more: Any) -> Json:
    """Return what an UpdateFirmware asks for."""
    return {"location": location, "retrieveDate": "2020-01-01T00:00:00Z", **more}


def _restart(_workshop: Workshop, _wish: wishes.Reboot) -> RestartRequested:
    return RestartRequested(WHOLE_STATION, Cause.FIRMWARE)


_DO: Final[
    Mapping[type[FirmwareJob], Callable[[Workshop, Any], FirmwareEvent | None | Any]]
] = {
    wishes.Download: lambda w, wish: events.DownloadDone(wish.job.id, 1_000),
    wishes.Verify: lambda w, wish: events.Verified(wish.job.id, NEW),
    wishes.Install: Workshop._install,
    wishes.Reboot: _restart,
    wishes.Confirm: lambda w, wish: events.GatePassed(wish.job.id),
    wishes.MarkGood: Workshop._mark,
    wishes.RollBack: Workshop._roll_back,
    wishes.Discard: lambda w, wish: None,
}

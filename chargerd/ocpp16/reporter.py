"""Which status reports are due: each change, in order, and none twice."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Final

from chargerd.core.policy import Policy
from chargerd.ocpp16.status import Report, between

RETRY_S: Final = 30.0
"""A report that failed is not repeated at once; by then it may be out of date."""
MINUTE_S: Final = 60.0
MOST: Final = 600
"""The highest budget of reports in a minute."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How eager to report."""

    least_s: float = 0.0
    """How long a status must last to be told; zero: no time."""
    most: int = 0
    """Reports of one connector in a minute; zero: any number."""

    @classmethod
    def of(cls, policy: Policy) -> "Pace":
        """Return what the operator has chosen."""
        least_s = policy.minimum_status_duration_s
        return cls(least_s, policy.status_reports_per_minute)


class Reporter:
    """Compares what is with what the CSMS was told (OCPP 1.6 section 4.9)."""

    def __init__(self) -> None:
        self._now: dict[int, tuple[Report, float]] = {}
        self._queue: deque[Report] = deque()
        self._last: dict[int, Report] = {}  # queued or told
        self._bridge: dict[int, tuple[Report, ...]] = {}
        """What has to be told between the last report and the present one."""
        self._acknowledged: dict[int, Report] = {}
        self._retry_s: dict[int, float] = {}
        self._told_s: dict[int, deque[float]] = {}
        self._changes: Counter[int] = Counter()
        """Changes since the last report, from where the budget was used up."""
        self._listening = False

    @property
    def current(self) -> tuple[Report, ...]:
        """What is true of each connector, the station (0) included."""
        return tuple(report for report, _ in self._now.values())

    def update(
        self, reports: Iterable[Report], now_s: float, pace: Pace = Pace()
    ) -> None:
        """Take what is true now; queue what is due to be told."""
        for report in reports:
            known = self._now.get(report.connector)
            if known is None or known[0] != report:
                self._now[report.connector] = (report, now_s)
                if known is not None:
                    self._lead_over(known[0], report)
                self._count(report.connector, now_s, pace)
        if self._listening:
            self._due(now_s, pace)

    def move(self, by: timedelta) -> None:
        """The clock was wrong: move the times of what nobody was told yet."""
        self._now = {
            connector: (replace(report, at=report.at + by), since_s)
            for connector, (report, since_s) in self._now.items()
        }

    def listen(self, *, anew: bool) -> None:
        """Begin to report with the next update; ``anew``: the CSMS knows nothing."""
        self.mute()
        self._listening = True
        if anew:
            self._acknowledged.clear()
        self._last = dict(self._acknowledged)

    def mute(self) -> None:
        """Stop: nobody listens. What happens meanwhile is not told later."""
        self._listening = False
        self._queue.clear()
        self._last.clear()
        self._bridge.clear()
        self._retry_s.clear()
        self._changes.clear()

    def show(self, connector: int) -> None:
        """Tell what is true of a connector, however often it was told."""
        report, _ = self._now[connector]
        if report not in self._queue:
            self._tell(report)

    def next(self) -> Report | None:
        """Take the report that is to be sent next."""
        if not self._queue:
            return None
        report = self._queue.popleft()
        # Until it is acknowledged, nobody knows what the CSMS believes.
        self._acknowledged.pop(report.connector, None)
        return report

    def acknowledged(self, report: Report) -> None:
        """The CSMS has taken a report."""
        self._acknowledged[report.connector] = report

    def failed(self, report: Report, now_s: float) -> None:
        """The CSMS did not take a report; tell it what is true after a pause."""
        self._retry_s[report.connector] = now_s + RETRY_S

    def next_deadline_s(self, pace: Pace) -> float | None:
        """Return when ``update`` may have something new to queue by itself."""
        if not self._listening:
            return None
        due = [
            self._due_s(report, since_s, pace)
            for report, since_s in self._now.values()
            if self._has_news(report)
        ]
        return min([*due, *self._retry_s.values()], default=None)

    def _due(self, now_s: float, pace: Pace) -> None:
        for connector, (report, since_s) in sorted(self._now.items()):
            retry_s = self._retry_s.get(connector)
            again = retry_s is not None and retry_s <= now_s
            due = self._due_s(report, since_s, pace) <= now_s
            if again or (due and self._has_news(report)):
                itself = self._last.get(connector) != report
                left_out = max(self._changes.pop(connector, 0) - itself, 0)
                self._tell(replace(report, left_out=left_out))
                told_s = self._told_s.setdefault(connector, deque(maxlen=MOST))
                told_s.append(now_s)

    def _has_news(self, report: Report) -> bool:
        """Tell whether it was not told, or something was left out before it."""
        connector = report.connector
        return self._last.get(connector) != report or self._changes[connector] > 0

    def _due_s(self, report: Report, since_s: float, pace: Pace) -> float:
        """Return when a report may be told that is true since ``since_s``."""
        last = self._last.get(report.connector)
        if report.status == "Faulted" and (last is None or last.status != "Faulted"):
            # A fault does not wait: it is what people are sent out for.
            return since_s
        least_s = 0.0 if report.status == "Faulted" else pace.least_s
        free_s = self._free_s(report.connector, pace) if last is not None else -inf
        return max(since_s + least_s, free_s)

    def _free_s(self, connector: int, pace: Pace) -> float:
        """Return when the budget of a connector has room."""
        told_s = self._told_s.get(connector, ())
        if not 0 < pace.most <= len(told_s):
            return -inf
        return told_s[-pace.most] + MINUTE_S

    def _count(self, connector: int, now_s: float, pace: Pace) -> None:
        if self._changes[connector] or self._free_s(connector, pace) > now_s:
            self._changes[connector] += 1

    def _tell(self, report: Report) -> None:
        connector = report.connector
        self._queue.extend((*self._bridge.pop(connector, ()), report))
        self._retry_s.pop(connector, None)
        self._last[connector] = report

    def _lead_over(self, before: Report, report: Report) -> None:
        """Find the shortest legal way from the last report over what came since."""
        last = self._last.get(report.connector)
        if last is None:
            return
        way = [last, *self._bridge.get(report.connector, ())]
        if way[-1] != before:
            way.append(before)
        if step := between(before, report):
            way.append(step)
        steps = next(n for n, each in enumerate(way) if not between(each, report))
        self._bridge[report.connector] = tuple(way[1 : steps + 1])

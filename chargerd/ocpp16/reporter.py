"""Which status reports are due: each change, in order, and none twice."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from chargerd.ocpp16.status import Report, between

RETRY_S: Final = 30.0
"""A report that failed is not repeated at once; by then it may be out of date."""


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
        self._listening = False

    @property
    def current(self) -> tuple[Report, ...]:
        """What is true of each connector, the station (0) included."""
        return tuple(report for report, _ in self._now.values())

    def update(
        self, reports: Iterable[Report], now_s: float, least_s: float = 0.0
    ) -> None:
        """Take what is true now; queue what has lasted for ``least_s``."""
        for report in reports:
            known = self._now.get(report.connector)
            if known is None or known[0] != report:
                self._now[report.connector] = (report, now_s)
                if known is not None:
                    self._lead_over(known[0], report)
        if self._listening:
            self._due(now_s, least_s)

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

    def next_deadline_s(self, least_s: float) -> float | None:
        """Return when ``update`` may have something new to queue by itself."""
        if not self._listening:
            return None
        due = [
            since_s + least_s
            for report, since_s in self._now.values()
            if self._last.get(report.connector) != report
        ]
        return min([*due, *self._retry_s.values()], default=None)

    def _due(self, now_s: float, least_s: float) -> None:
        for connector, (report, since_s) in sorted(self._now.items()):
            # A fault does not wait: it is what people are sent out for.
            lasted = since_s + least_s <= now_s or report.status == "Faulted"
            retry_s = self._retry_s.get(connector)
            again = retry_s is not None and retry_s <= now_s
            if again or (lasted and self._last.get(connector) != report):
                self._tell(report)

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

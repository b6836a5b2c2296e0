"""Less power instead of none: what heat and lost modules leave of a connector's power.

Each is a limit like any other (``core.limits``), not a fault: a station that can charge
a little charges. What is too hot altogether is a rule of ``core.permissive``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Final

from chargerd.core.effects import Noted
from chargerd.core.fitting import Knees
from chargerd.core.permissive import MAX_PLUG_C, Facts
from chargerd.core.power import Limit, Setter
from hal.values import PowerRating

MODULE_SPAN_C: Final = 20.0
"""Modules that do not derate themselves give nothing so many degrees further on."""

DERATING: Final = frozenset(
    {Setter.PLUG_TEMPERATURE, Setter.MODULE_TEMPERATURE, Setter.LOST_MODULES}
)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of power modules that serves a connector, and what is known of it."""

    rating: PowerRating
    facts: Facts


def derated(
    plug: Facts, groups: Iterable[Group], most_w: float, knees: Knees
) -> Iterator[Limit]:
    """Yield the limits below ``most_w`` that heat and lost modules set.

    Args:
        plug: What is known of the connector, its plug's temperature among it.
        groups: Its own power modules, and those that help it.
        most_w: What all of these can do when nothing is wrong.
        knees: From which temperatures on there is less.
    """
    serving = tuple(groups)
    heat = plug.temperature
    if heat is not None and heat.temperature_c > knees.plug_c:
        span_c = MAX_PLUG_C - knees.plug_c
        share = _left(heat.temperature_c - knees.plug_c, span_c)
        yield Limit(most_w * share, Setter.PLUG_TEMPERATURE)
    hottest_c = max(_temperatures_c(serving), default=0.0)
    if 0.0 < knees.module_c < hottest_c:
        share = _left(hottest_c - knees.module_c, MODULE_SPAN_C)
        yield Limit(most_w * share, Setter.MODULE_TEMPERATURE)
    lost_w = sum(map(_lost_w, serving))
    if lost_w > 0.0:
        yield Limit(max(most_w - lost_w, 0.0), Setter.LOST_MODULES)


class Deratings:
    """Knows what has been told of each connector."""

    def __init__(self) -> None:
        self._told: dict[int, Setter] = {}

    def follow(self, caps: Mapping[int, tuple[Limit, ...]]) -> tuple[Noted, ...]:
        """Return what people want to read: a derating that begins, or ends."""
        news: list[Noted] = []
        for connector, limits in caps.items():
            first = limits[0]
            now = first.set_by if first.set_by in DERATING else None
            if now is self._told.get(connector):
                continue
            if now is None:
                del self._told[connector]
                news.append(Noted(connector, "derated no more"))
                continue
            self._told[connector] = now
            words = f"derated to {first.power_w / 1000:.1f} kW: {now.value}"
            news.append(Noted(connector, words))
        return tuple(news)


def _left(above_c: float, span_c: float) -> float:
    """Return the share that is left; whole degrees, so that noise moves no limit."""
    return min(max(1.0 - floor(above_c) / span_c, 0.0), 1.0)


def _temperatures_c(groups: Iterable[Group]) -> Iterator[float]:
    for group in groups:
        module = group.facts.power_module
        if module is not None and module.temperature_c is not None:
            yield module.temperature_c


def _lost_w(group: Group) -> float:
    reading, count = group.facts.power_module, group.rating.modules
    if reading is None or not count:
        return 0.0
    return group.rating.max_power_w * min(len(reading.failed_modules) / count, 1.0)

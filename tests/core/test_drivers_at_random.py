"""Random lists, answers, links, keys and cards against a slow and obvious model."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chargerd.core import events
from chargerd.core.authorization import Verdict, decide
from chargerd.core.effects import AuthorizationWanted, Effect, Refused
from chargerd.core.events import Standing, TagInfo
from chargerd.core.locallist import Declined, Sent, updated
from chargerd.core.session import Phase
from tests.core.bench import Bench, of

TAGS: Final = ("Abc", "aBC", "b", "B", "c-1")
SECONDS: Final = (-5, 0, 5, 500)
KEYS: Final = (
    "accept_empty_differential",
    "allow_offline_unknown_id",
    "cache_enabled",
    "list_enabled",
    "list_refuses_first",
    "listed_concurrent_valid",
    "local_authorize_offline",
    "local_pre_authorize",
    "send_needs_list",
    "unknown_covers_known",
)
infos = st.tuples(
    st.sampled_from(Standing),
    st.sampled_from((None, "FLEET")),
    st.none() | st.sampled_from(SECONDS),
)
WHOLE: Final = st.lists(
    st.tuples(st.sampled_from(TAGS), infos), unique_by=lambda pair: pair[0].lower()
)
ANY: Final = st.lists(st.tuples(st.sampled_from(TAGS), st.none() | infos))
Info = tuple[Standing, str | None, int | None]


class Model:
    """What the requirements say, one after the other, over plain lists."""

    def __init__(self) -> None:
        self.version = 0
        self.listed: list[tuple[str, TagInfo]] = []
        self.cached: list[tuple[str, TagInfo]] = []
        self.online = False
        self.keys: dict[str, bool] = {}

    def entry(self, where: list[tuple[str, TagInfo]], tag: str) -> TagInfo | None:
        for known, info in where:
            if known.lower() == tag.lower():
                return info
        return None

    def without(
        self, where: list[tuple[str, TagInfo]], tag: str
    ) -> list[tuple[str, TagInfo]]:
        return [pair for pair in where if pair[0].lower() != tag.lower()]

    def send(
        self, version: int, full: bool, entries: list[tuple[str, TagInfo | None]]
    ) -> str:
        tags = [tag.lower() for tag, _ in entries]
        unused = not self.keys["list_enabled"] and self.keys["send_needs_list"]
        vain = not (full or entries or self.keys["accept_empty_differential"])
        rules = (
            (unused, "NotSupported"),
            (version <= 0, "Failed"),
            (not full and version <= self.version, "VersionMismatch"),
            (any(tags.count(tag) > 1 for tag in tags), "Failed"),
            (full and any(info is None for _, info in entries), "Failed"),
            (vain, "Failed"),
        )
        for broken, word in rules:
            if broken:
                return word
        if full:
            self.listed = []
        for tag, info in entries:
            self.listed = self.without(self.listed, tag)
            if info is not None:
                self.listed.append((tag, info))
                self.cached = self.without(self.cached, tag)
        self.version = version if self.listed else 0
        return "Accepted"

    def learn(self, tag: str, info: TagInfo) -> None:
        if self.keys["list_enabled"] and self.entry(self.listed, tag):
            return
        if self.keys["cache_enabled"]:
            self.cached = [*self.without(self.cached, tag), (tag, info)]

    def good(self, info: TagInfo, now: datetime, *, listed: bool = False) -> bool:
        if info.expires is not None and info.expires <= now:
            return False
        if info.standing is Standing.CONCURRENT_TX:
            return listed and self.keys["listed_concurrent_valid"]
        return info.standing is Standing.ACCEPTED

    def known(self, tag: str, now: datetime) -> tuple[str, bool] | None:
        listed = self.entry(self.listed, tag)
        if self.keys["list_enabled"] and listed is not None:
            return "list", self.good(listed, now, listed=True)
        cached = self.entry(self.cached, tag)
        if self.keys["cache_enabled"] and cached is not None:
            return "cache", self.good(cached, now)
        return None

    def verdict(self, tag: str, now: datetime) -> str:
        known = self.known(tag, now)
        if self.online and (known is None or not self.keys["local_pre_authorize"]):
            return "ask"
        if known is None:
            unknown = self.keys["allow_offline_unknown_id"]
            return "accept: offline" if unknown else "refuse"
        source, good = known
        if self.online and not good:
            final = source == "list" and self.keys["list_refuses_first"]
            return "refuse" if final else "ask"
        covers = self.keys["allow_offline_unknown_id"]
        covers = covers and self.keys["unknown_covers_known"]
        may = self.online or self.keys["local_authorize_offline"] or covers
        return f"accept: {source}" if good and may else "refuse"


class Drivers(RuleBasedStateMachine):
    """One connector with a car on it; every card is tried and taken back again."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(connectors=(1,))
        self.model = Model()
        self.model.keys = {
            name: getattr(self.bench.station.policy, name) for name in KEYS
        }

    @property
    def now(self) -> datetime:
        return self.bench.clock.now().utc

    def info(self, drawn: Info) -> TagInfo:
        standing, parent, seconds = drawn
        until = None if seconds is None else self.now + timedelta(seconds=seconds)
        return TagInfo(standing, parent, until)

    @rule(
        version=st.integers(-1, 9),
        full=st.booleans(),
        entries=WHOLE | ANY,
    )
    def sends(self, version: int, full: bool, entries: list[Any]) -> None:
        told = [(tag, self.info(info) if info else None) for tag, info in entries]
        drivers = self.bench.station.desk.drivers
        found = updated(
            drivers.listed, Sent(version, full, told), self.bench.station.policy
        )
        if isinstance(found, Declined):
            assert found.outcome == self.model.send(version, full, told)
            return
        assert self.model.send(version, full, told) == "Accepted"
        listed, kept = found
        gone = drivers.tags.among(tag for tag, _ in kept.put)
        news = events.ListReplaced(0, listed.version, listed.entries, gone)
        self.bench.happens(news)

    @rule(tag=st.sampled_from(TAGS), drawn=infos)
    def learns(self, tag: str, drawn: Info) -> None:
        info = self.info(drawn)
        self.bench.answers(tag, info)
        self.model.learn(tag, info)

    @rule(keys=st.dictionaries(st.sampled_from(KEYS), st.booleans(), min_size=1))
    def chooses(self, keys: dict[str, bool]) -> None:
        self.bench.allows(**keys)
        self.model.keys |= keys

    @rule(online=st.booleans())
    def links(self, online: bool) -> None:
        self.bench.happens(events.OnlineChanged(0, online))
        self.model.online = online

    @rule(seconds=st.sampled_from((1, 6, 600)))
    def waits(self, seconds: int) -> None:
        self.bench.clock.advance(seconds)

    @rule()
    def clears(self) -> None:
        self.bench.happens(events.TagsCleared(0))
        self.model.cached = []

    @rule(tag=st.sampled_from(TAGS), drawn=st.none() | infos)
    def presents(self, tag: str, drawn: Info | None) -> None:
        wanted = self.model.verdict(tag, self.now)
        told = self.bench.presents(tag)
        if of(AuthorizationWanted, told):
            assert wanted == "ask"
            info = self.info(drawn) if drawn else None
            told = self.bench.answers(tag, info)
            wanted = self.answered(tag, info)
        self.check(wanted, told)

    def answered(self, tag: str, info: TagInfo | None) -> str:
        if info is None:
            online, self.model.online = self.model.online, False
            wanted = self.model.verdict(tag, self.now)
            self.model.online = online
            return wanted
        self.model.learn(tag, info)
        return "accept: csms" if self.model.good(info, self.now) else "refuse"

    def check(self, wanted: str, told: list[Effect]) -> None:
        session = self.bench.session()
        if session.phase is not Phase.AUTHORIZED:
            assert wanted == "refuse"
            assert len(of(Refused, told)) == 1
            return
        assert wanted == f"accept: {session.source.name.lower()}"
        self.bench.happens(events.AuthorizationWithdrawn(1))

    @invariant()
    def both_decide_the_same(self) -> None:
        station = self.bench.station
        for tag in TAGS:
            known = station.desk.drivers.find(tag)
            found = decide(known, station.online, station.policy, self.now)
            verdict = found.verdict.name.lower()
            if found.verdict is Verdict.ACCEPT:
                verdict = f"accept: {found.source.name.lower()}"
            assert verdict == self.model.verdict(tag, self.now)

    @invariant()
    def both_know_the_same(self) -> None:
        drivers = self.bench.station.desk.drivers
        assert drivers.listed.version == self.model.version
        assert len(drivers.listed.entries) == len(self.model.listed)
        for tag in TAGS:
            known = drivers.find(tag)
            assert known.listed == self.model.entry(self.model.listed, tag)
            assert known.cached == self.model.entry(self.model.cached, tag)
        assert drivers.conflict is None or self.model.entry(
            self.model.listed, drivers.conflict
        )


Drivers.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None
)
TestDrivers = pytest.mark.no_cover(Drivers.TestCase)

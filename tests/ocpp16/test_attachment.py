"""What is dialed is always something that worked, or what is being tried."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargerd.core.effects import Noted
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.attachment import MOST_REFUSALS, TRIAL_WITHIN_S, Attachments
from chargerd.ocpp16.attachment_values import (
    TRIAL,
    Attachment,
    AttachmentEvent,
    AttachmentWanted,
    Filed,
    Kept,
    Origin,
    TrialBegun,
    TrialGivenUp,
    TrialRefused,
    address,
    is_websocket,
    key_of,
)
from chargerd.ocpp16.consequences import Consequences
from chargerd.ocpp16.jobs import Redial
from chargerd.ocpp16.keys import BadValue
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.ocpp16.records import Sheet, SheetDropped, SheetKept
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.security import SecurityEventType
from tests.clock import FakeClock

OLD_KEY, NEW_KEY = "00" * 16, "11" * 16
FIRST = Attachment("ws://old.example/ocpp", "DC-1", 1, OLD_KEY)
FILED = Filed(FIRST, roots=True, own=True)
MOVE = AttachmentWanted(Origin.CLI, url="ws://new.example/ocpp")
KEY = AttachmentWanted(Origin.CSMS, key=NEW_KEY)
CLIMB = AttachmentWanted(Origin.CSMS, profile=2)
MOVED = replace(FIRST, url="ws://new.example/ocpp")
KEYED = replace(FIRST, key=NEW_KEY)
CLIMBED = replace(FIRST, url="wss://old.example/ocpp", profile=2)


class Part:
    """One part on its disk, and a runtime that dials as it is told."""

    def __init__(self, filed: Filed = FILED, older_key: str = "") -> None:
        self.clock = FakeClock()
        self.filed = filed
        self.older_key = older_key
        self.disk: dict[str, Sheet] = {}
        self.told: list[Consequences] = []
        self.starts()

    def starts(self) -> None:
        self.attachments = Attachments(
            dict(self.disk), self.filed, self.filed, self.older_key
        )
        self.keep(self.attachments.begin(self.clock.now()))
        assert self.attachments.begin(self.clock.now()) == Consequences()

    def keep(self, following: Consequences) -> Consequences:
        for record in following.records:
            match record:
                case SheetKept(_, name, sheet):
                    self.disk[name] = sheet
                case SheetDropped(_, name):
                    self.disk.pop(name, None)
        self.told.append(following)
        return following

    def happens(self, event: AttachmentEvent) -> Consequences:
        return self.keep(self.attachments.take(event, self.clock.now()))

    def wants(self, wish: AttachmentWanted) -> Consequences:
        planned = self.attachments.planned(wish, self.clock.now())
        assert isinstance(planned, Kept), planned
        record = planned.record(TRIAL)
        self.disk[record.name] = record.sheet
        return self.happens(TrialBegun(planned))

    def is_let_in(self) -> Consequences:
        return self.happens(LinkTried(True, self.attachments.turn))

    def is_refused(self, layer: str = "http-auth") -> Consequences:
        told = LinkTried(False, self.attachments.turn, layer, "no")
        return self.happens(told)

    def is_answered(self, standing: Standing = Standing.ACCEPTED) -> Consequences:
        return self.keep(self.attachments.answered(standing))

    def waits(self, seconds: float) -> Consequences:
        self.clock.advance(seconds)
        return self.keep(self.attachments.expire(self.clock.now()))

    @property
    def dialed(self) -> Attachment:
        return self.attachments.dialed

    def words(self) -> str:
        return " | ".join(
            chain.from_iterable(
                [
                    *(c.info for c in told.concerns),
                    *(e.what for e in told.told if isinstance(e, Noted)),
                ]
                for told in self.told
            )
        )


# what is taken


@pytest.mark.requirement("SEC-30", "SEC-31", "SEC-04")
@pytest.mark.parametrize("profile", [-1, 0, 1, 4])
def test_over_ocpp_a_profile_only_climbs(profile: int) -> None:
    part = Part()
    wish = AttachmentWanted(Origin.CSMS, profile=profile)
    against = part.attachments.planned(wish, part.clock.now())
    assert isinstance(against, Objection)
    assert part.dialed == FIRST


def test_on_the_spot_a_profile_can_be_lowered() -> None:
    part = Part(Filed(CLIMBED))
    part.wants(AttachmentWanted(Origin.CLI, profile=0))
    assert part.dialed.profile == 0
    assert part.dialed.url == CLIMBED.url


REFUSED: dict[str, tuple[Filed, AttachmentWanted]] = {
    "1 needs an AuthorizationKey": (
        Filed(replace(FIRST, profile=0, key="")),
        AttachmentWanted(Origin.CSMS, profile=1),
    ),
    "2 needs an AuthorizationKey": (
        Filed(replace(FIRST, profile=0, key=""), roots=True),
        AttachmentWanted(Origin.CSMS, profile=2),
    ),
    "2 needs a root of the CSMS": (Filed(FIRST), CLIMB),
    "3 needs a root of the CSMS": (
        Filed(FIRST, own=True),
        AttachmentWanted(Origin.CSMS, profile=3),
    ),
    "3 needs a valid certificate of the station": (
        Filed(FIRST, roots=True),
        AttachmentWanted(Origin.CSMS, profile=3),
    ),
    "has a colon": (FILED, AttachmentWanted(Origin.CLI, identity="DC:1")),
    "1 to 48 printable": (FILED, AttachmentWanted(Origin.CLI, identity="")),
    "printable characters": (FILED, AttachmentWanted(Origin.CLI, identity="a\n")),
    "is no WebSocket": (FILED, AttachmentWanted(Origin.CLI, url="https://x")),
    "'ws://[' is no": (FILED, AttachmentWanted(Origin.CLI, url="ws://[", profile=2)),
    "#part' is no": (FILED, AttachmentWanted(Origin.CLI, url="ws://x/#part")),
    "no name and no password": (
        FILED,
        AttachmentWanted(Origin.CLI, url="wss://me:secret@new.example/"),
    ),
}


@pytest.mark.requirement("SEC-07", "SEC-32", "SEC-33", "SEC-34")
@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_work_is_refused_with_a_remedy(words: str) -> None:
    filed, wish = REFUSED[words]
    part = Part(filed)
    against = part.attachments.planned(wish, part.clock.now())
    assert isinstance(against, Objection)
    assert words in against.detail
    assert "secret" not in against.detail


def test_one_thing_is_tried_at_a_time() -> None:
    part = Part()
    part.wants(MOVE)
    against = part.attachments.planned(KEY, part.clock.now())
    assert isinstance(against, Objection)
    assert against.why is Why.TRIAL_RUNNING


@pytest.mark.requirement("SEC-38")
def test_a_profile_with_tls_keeps_host_and_port_and_changes_the_scheme() -> None:
    at_port = replace(FIRST, url="WS://old.example:8080/ocpp?a=1")
    part = Part(Filed(at_port, roots=True))
    part.wants(CLIMB)
    assert part.dialed.url == "wss://old.example:8080/ocpp?a=1"
    wish = AttachmentWanted(Origin.CLI, url="ws://old.example:8443/", profile=2)
    assert wish.applied(FIRST).url == "wss://old.example:8443/"


def test_an_address_is_the_same_place_over_tls() -> None:
    assert CLIMBED.peer == FIRST.peer == "old.example/ocpp/DC-1"
    assert CLIMBED.known({FIRST.where})
    assert not MOVED.known({FIRST.where})
    assert address("ws://h/a/", "x/y") == "ws://h/a/x%2Fy"
    assert not is_websocket("ws://h:0")


def test_keys_are_hex_or_plain_and_never_shown() -> None:
    assert key_of("AB" * 16) == "ab" * 16
    assert key_of("sixteen-letters-") == b"sixteen-letters-".hex()
    for bad in ("short", "ä" * 16, "0123456789abcde\n"):
        with pytest.raises(BadValue, match="32 to 40 hex digits or 16 to 20 plain"):
            key_of(bad)
    shown = repr([KEYED, Kept(KEYED), KEY, Kept(KEYED).record(TRIAL)])
    assert NEW_KEY not in shown


# how a trial ends


@pytest.mark.requirement("SEC-25")
def test_another_csms_counts_once_it_has_accepted_a_boot() -> None:
    part = Part()
    begun = part.wants(MOVE)
    assert begun.jobs == (Redial(),)
    assert part.dialed == MOVED
    assert not part.attachments.unproven
    part.is_let_in()
    assert part.attachments.unproven
    part.is_answered(Standing.UNKNOWN)
    part.is_answered(Standing.PENDING)
    assert part.attachments.trial is not None
    part.is_answered()
    assert part.attachments.trial is None
    assert part.attachments.settled == Kept(MOVED, Origin.CLI)
    assert part.attachments.before == Kept(FIRST, Origin.FILE)
    assert part.attachments.outcome is not None
    assert part.attachments.outcome.committed
    assert set(part.disk) == {"settled", "before", "file"}
    part.waits(TRIAL_WITHIN_S)
    part.is_refused()
    part.starts()
    assert part.dialed == MOVED
    assert "URL, by cli" in part.words()


@pytest.mark.requirement("SEC-37")
@pytest.mark.parametrize("standing", [Standing.ACCEPTED, Standing.PENDING])
def test_a_profile_that_has_worked_is_never_left_by_itself(standing: Standing) -> None:
    part = Part()
    part.wants(CLIMB)
    part.is_let_in()
    part.is_answered(standing)
    for _ in range(9):
        part.is_refused("tls-trust")
        part.waits(1000)
    part.starts()
    assert part.dialed == CLIMBED


@pytest.mark.requirement("SEC-36", "SEC-37")
@pytest.mark.parametrize("layer", ["http-auth", "http-path", "subprotocol", "tls-name"])
def test_a_trial_ends_after_some_definite_refusals(layer: str) -> None:
    part = Part()
    part.wants(CLIMB)
    for _ in range(MOST_REFUSALS - 1):
        assert part.is_refused(layer) == Consequences()
    part.is_refused("tcp")
    assert part.dialed == CLIMBED
    back = part.is_refused(layer)
    assert back.jobs == (Redial(),)
    assert part.dialed == FIRST
    assert part.disk == {}
    assert f"change given up: {layer}: no" in part.words()
    part.waits(10 * TRIAL_WITHIN_S)
    assert part.dialed == FIRST


@pytest.mark.requirement("SEC-36", "SEC-37")
def test_a_trial_ends_when_its_time_is_over() -> None:
    part = Part()
    part.wants(CLIMB)
    assert part.attachments.left_s(part.clock.now()) == TRIAL_WITHIN_S
    part.is_let_in()
    due_s = part.attachments.next_deadline_s(part.clock.now())
    assert due_s == part.clock.now().monotonic_s + TRIAL_WITHIN_S
    part.waits(TRIAL_WITHIN_S - 1)
    assert part.dialed == CLIMBED
    part.waits(1)
    assert part.dialed == FIRST
    assert part.attachments.next_deadline_s(part.clock.now()) is None
    assert "not answered within 120 s" in part.words()
    assert part.attachments.left_s(part.clock.now()) is None


@pytest.mark.requirement("SEC-39")
def test_after_a_power_cut_the_trial_begins_its_time_anew() -> None:
    part = Part()
    part.wants(CLIMB)
    part.waits(TRIAL_WITHIN_S - 1)
    part.starts()
    assert part.dialed == CLIMBED
    part.waits(TRIAL_WITHIN_S - 1)
    assert part.dialed == CLIMBED
    part.waits(1)
    assert part.dialed == FIRST
    part.starts()
    assert part.dialed == FIRST


def test_after_a_power_cut_the_alarm_of_the_trial_is_raised_for_sure() -> None:
    part = Part()
    part.wants(MOVE)
    part.starts()
    (concern,) = part.told[-1].concerns
    assert concern.type is SecurityEventType.RECONFIGURATION
    assert concern.info == "URL, by cli, tried again after a restart"


def test_a_link_that_was_dialed_before_the_trial_proves_nothing() -> None:
    part = Part()
    stale = LinkTried(True, part.attachments.turn)
    part.wants(CLIMB)
    part.happens(stale)
    part.is_answered()
    assert part.attachments.linked is None
    assert part.attachments.trial is not None


def test_a_trial_can_be_given_up_at_once() -> None:
    part = Part()
    assert part.happens(TrialGivenUp(Origin.CLI)) == Consequences()
    part.wants(MOVE)
    part.happens(TrialGivenUp(Origin.CLI))
    assert part.dialed == FIRST
    assert "given up by cli" in part.words()


def test_a_wish_that_was_refused_is_an_outcome_too() -> None:
    part = Part()
    part.happens(TrialRefused("no room"))
    assert part.attachments.outcome is not None
    assert not part.attachments.outcome.committed
    part.wants(MOVE)
    part.happens(TrialRefused("another one runs"))
    assert part.attachments.next_outcome == 2


def test_who_made_the_csms_believed_is_known() -> None:
    part = Part()
    part.happens(LinkTrusted(("ab",)))
    assert part.attachments.trusted == ("ab",)


# keys


@pytest.mark.requirement("SEC-24")
@pytest.mark.parametrize("profile", [0, 3])
def test_a_key_that_is_not_in_use_is_kept_and_not_tried(profile: int) -> None:
    part = Part(Filed(replace(CLIMBED, profile=profile)))
    assert part.wants(KEY).jobs == ()
    part.starts()
    assert part.dialed.key == NEW_KEY
    assert part.attachments.trial is None


def test_the_same_key_once_more_is_dialed_anew() -> None:
    part = Part()
    assert part.wants(AttachmentWanted(Origin.CSMS, key=OLD_KEY)).jobs == (Redial(),)
    part.is_let_in()
    part.is_answered()
    assert part.attachments.before is None
    assert part.attachments.settled == Kept(FIRST, Origin.CSMS)


@pytest.mark.requirement("SEC-27")
def test_while_a_new_key_is_refused_both_are_dialed_in_turns() -> None:
    part = Part()
    part.wants(KEY)
    tried = []
    for _ in range(6):
        tried.append(part.dialed.key)
        part.is_refused()
        part.is_refused("tcp")
    assert tried == [NEW_KEY, OLD_KEY] * 3
    part.waits(TRIAL_WITHIN_S)
    part.starts()
    assert part.dialed == KEYED
    part.is_let_in()
    part.is_answered(Standing.PENDING)
    assert part.attachments.settled.attachment == KEYED


@pytest.mark.requirement("SEC-27")
def test_without_a_csms_neither_key_is_forgotten() -> None:
    part = Part()
    part.wants(KEY)
    for _ in range(100):
        part.is_refused("tcp")
        part.waits(TRIAL_WITHIN_S)
    assert part.attachments.trial is not None
    part.is_refused()
    assert part.dialed == FIRST


def test_a_new_key_is_given_up_if_only_the_old_one_is_let_in() -> None:
    part = Part()
    part.wants(KEY)
    part.is_refused()
    part.is_let_in()
    assert part.attachments.linked == FIRST
    assert part.attachments.trial is not None
    part.is_answered()
    over = part.waits(TRIAL_WITHIN_S)
    assert over.jobs == ()
    assert part.attachments.trial is None
    assert part.dialed == FIRST
    assert "lets in the old AuthorizationKey alone" in part.words()


def test_an_old_key_that_is_let_in_late_ends_the_trial() -> None:
    part = Part()
    part.wants(KEY)
    part.is_refused("tcp")
    part.waits(TRIAL_WITHIN_S)
    part.is_refused()
    part.is_let_in()
    assert part.attachments.trial is None
    assert part.dialed == FIRST


def test_a_csms_that_takes_its_own_new_key_late_finds_it_here() -> None:
    part = Part()
    part.wants(KEY)
    part.is_refused()
    part.is_let_in()
    part.waits(TRIAL_WITHIN_S)
    part.starts()
    assert part.dialed == FIRST
    part.is_refused("tcp")
    assert part.dialed == FIRST
    part.is_refused()
    assert part.dialed == KEYED
    part.is_let_in()
    part.is_answered()
    assert part.attachments.settled.attachment == KEYED
    assert set(part.disk) == {"settled", "before", "file"}


def test_an_old_key_that_is_let_in_and_then_refused_ends_nothing() -> None:
    part = Part()
    part.wants(KEY)
    part.is_refused()
    part.is_let_in()
    part.is_refused()
    part.waits(TRIAL_WITHIN_S)
    assert part.dialed == KEYED


def test_a_key_that_somebody_gave_up_is_not_tried_again() -> None:
    part = Part()
    part.wants(KEY)
    part.is_refused()
    part.is_let_in()
    part.waits(TRIAL_WITHIN_S)
    part.is_refused()
    part.happens(TrialGivenUp(Origin.CLI))
    part.is_refused()
    assert part.attachments.trial is None
    assert part.disk == {}


def test_a_spare_key_of_another_csms_is_not_tried() -> None:
    part = Part()
    part.disk["spare"] = Kept(replace(MOVED, key=NEW_KEY)).record("spare").sheet
    part.starts()
    part.is_refused()
    assert part.attachments.trial is None


# the station file


def committed(part: Part, wish: AttachmentWanted) -> None:
    part.wants(wish)
    part.is_let_in()
    part.is_answered()


def test_a_key_of_an_older_version_is_taken_over() -> None:
    part = Part(older_key=NEW_KEY)
    assert part.dialed == KEYED
    part.older_key = ""
    part.starts()
    assert part.dialed == KEYED
    part = Part(older_key=OLD_KEY)
    assert part.disk == {}


def test_what_was_changed_wins_over_the_file_until_the_file_is_changed() -> None:
    part = Part()
    committed(part, KEY)
    part.starts()
    assert part.dialed == KEYED
    part.filed = replace(FILED, attachment=MOVED)
    part.starts()
    # The key of the file is still the one of then, and says nothing new.
    assert part.dialed == replace(MOVED, key=NEW_KEY)
    assert "the station file was changed (URL) and counts again" in part.words()
    assert part.attachments.before == Kept(KEYED, Origin.CSMS)
    count = len(part.told)
    part.starts()
    assert [told.told for told in part.told[count:]] == [()]


def test_a_first_key_that_was_cleared_away_does_not_take_the_present_one() -> None:
    part = Part()
    committed(part, KEY)
    part.filed = replace(FILED, attachment=replace(FIRST, key=""))
    part.starts()
    assert part.dialed == KEYED


def test_another_file_ends_a_trial() -> None:
    part = Part()
    committed(part, KEY)
    part.wants(MOVE)
    part.filed = replace(FILED, attachment=replace(FIRST, identity="DC-2"))
    part.starts()
    assert part.attachments.trial is None
    assert part.dialed == replace(KEYED, identity="DC-2")


# whatever happens

STEPS = st.sampled_from(
    ["move", "key", "climb", "cli", "give up", "restart", "dial", "answer", "time"]
)


class World:
    """A CSMS that knows what it lets in, and a station that is cut off at any time."""

    def __init__(self) -> None:
        self.part = Part()
        self.worked = {FIRST}
        self.broken: str | None = None

    def go(self, step: str, works: bool) -> None:
        part, attachments = self.part, self.part.attachments
        wishes = {
            "move": MOVE,
            "key": KEY,
            "climb": CLIMB,
            "cli": AttachmentWanted(Origin.CLI, identity="DC-9", key="22" * 16),
        }
        if step in wishes:
            wish = wishes[step]
            if isinstance(attachments.planned(wish, part.clock.now()), Kept):
                part.wants(wish)
        elif step == "give up":
            part.happens(TrialGivenUp(Origin.CLI))
        elif step == "restart":
            part.starts()
        elif step == "dial":
            part.is_let_in() if works else part.is_refused()
        elif step == "answer" and attachments.linked is not None:
            self.worked.add(attachments.linked)
            part.is_answered()
        elif step == "time":
            part.waits(TRIAL_WITHIN_S)

    def check(self) -> None:
        attachments = self.part.attachments
        assert attachments.settled.attachment in self.worked
        if attachments.trial is None:
            assert attachments.dialed in self.worked
        after = Attachments(dict(self.part.disk), FILED, FILED)
        assert after.settled == attachments.settled
        # A spare key comes up again when it is needed.
        if after.trial != attachments.trial:
            assert attachments.of_key
            assert after.trial is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(STEPS, st.booleans()), max_size=40))
def test_what_is_dialed_in_the_end_is_what_worked_or_the_trial(
    history: list[tuple[str, bool]],
) -> None:
    world = World()
    for step, works in history:
        world.go(step, works)
        world.check()


def endings() -> Iterator[list[str]]:
    """Yield every wish with every way to be cut off."""
    for wish in ("move", "climb", "cli"):
        for cut in (["dial"], ["dial", "answer"], ["time"], []):
            yield [wish, *cut, "restart"]


@pytest.mark.parametrize("history", tuple(endings()), ids=" ".join)
def test_once_the_trial_is_over_what_worked_is_dialed(history: list[str]) -> None:
    world = World()
    for step in history:
        world.go(step, True)
    world.go("time", False)
    world.check()
    assert world.part.attachments.trial is None

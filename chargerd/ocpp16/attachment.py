"""How the CSMS is reached: what works is kept until something else has worked.

A change is a trial. What is settled stays on the disk beside it, and counts again
unless the CSMS has answered on a link of the trial (whitepaper A05.FR.08).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from chargerd.clock import Instant
from chargerd.core.effects import Noted
from chargerd.core.events import WHOLE_STATION
from chargerd.core.reasons import Objection, Why
from chargerd.ocpp16.attachment_filing import (
    BEFORE,
    CALLED,
    SPARE,
    as_settled,
    found,
)
from chargerd.ocpp16.attachment_rules import Asked, objection
from chargerd.ocpp16.attachment_values import (
    TRIAL,
    Attachment,
    AttachmentEvent,
    AttachmentWanted,
    Filed,
    Kept,
    TrialBegun,
    TrialGivenUp,
    TrialRefused,
    Trust,
)
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.jobs import Redial
from chargerd.ocpp16.link_news import LinkTried, LinkTrusted
from chargerd.ocpp16.records import Drawer, Record, Sheet, SheetDropped
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.security import SecurityEventType

TRIAL_WITHIN_S: Final = 120.0
"""What has not been confirmed by then is given up; after a restart it begins anew."""
MOST_REFUSALS: Final = 3

HEARD: Final = get_args(AttachmentEvent)

_KEY: Final = ("key",)
_REFUSAL: Final = "http-auth"
_DEFINITE: Final = frozenset({_REFUSAL, "http-path", "subprotocol"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial has ended."""

    number: int
    """Grows by one with each trial since the process started."""
    committed: bool
    what: str


class Attachments:
    """Knows what is dialed, and what is dialed if that does not work."""

    def __init__(
        self,
        sheets: Mapping[str, Sheet],
        filed: Filed,
        trust: Trust,
        older_key: str = "",
    ) -> None:
        """Go on with what the disk knows.

        Args:
            sheets: What was changed since the station file was written.
            filed: What the station file says now.
            trust: What certificates there are.
            older_key: An AuthorizationKey that a version without sheets has kept.
        """
        self._filed = filed.attachment
        self._trust = trust
        at_start = found(sheets, self._filed, older_key)
        self.settled = at_start.settled
        self.trial = at_start.trial
        self.before = at_start.before
        """What was settled until the last change."""
        self._spare = at_start.spare
        """With a key that the CSMS wanted and did not let in; it may do so yet."""
        self.outcome: Outcome | None = None
        """Of the last trial."""
        self.turn = 0
        """Grows whenever something else is to be dialed."""
        self.linked: Attachment | None = None
        """Of the link that is up, or was last; ``None``: it is not to be used."""
        self.trusted: tuple[str, ...] = ()
        """Whose word made the CSMS believed, as ``LinkTrusted`` tells it."""
        self.refusals = 0
        self.failure: tuple[str, str] | None = None
        """Where and why the trial was last refused."""
        self._due_s: float | None = None
        self._overdue = False
        self._old_in_turn = False
        """The old key is dialed, because the CSMS has refused the new one."""
        self._old_let_in = False
        self._ended = 0
        self._opening: Consequences | None = at_start.following

    # --- what others see --------------------------------------------------------

    @property
    def dialed(self) -> Attachment:
        """What is dialed now."""
        if self.trial is None or self._old_in_turn:
            return self.settled.attachment
        return self.trial.attachment

    @property
    def of_key(self) -> bool:
        """Whether the trial is of a new key alone."""
        return self.trial is not None and _is_of_key(self._difference(self.trial))

    @property
    def unproven(self) -> bool:
        """Whether the present link is one of a trial."""
        return self.trial is not None and self.linked == self.trial.attachment

    @property
    def keys(self) -> frozenset[str]:
        """Every AuthorizationKey that is known, in hex."""
        every = (self.settled, self.trial, self.before, self._spare)
        return frozenset(kept.attachment.key for kept in every if kept) - {""}

    @property
    def next_outcome(self) -> int:
        """Which number the trial has that is on, or the next one."""
        return self._ended + 1

    def left_s(self, now: Instant) -> float | None:
        """Return how long the trial may still last; ``None``: until it is decided."""
        return None if self._due_s is None else max(self._due_s - now.monotonic_s, 0.0)

    def planned(self, wish: AttachmentWanted, now: Instant) -> Kept | Objection:
        """Return what is to be tried for a wish, or why it is not."""
        if self.trial is not None:
            detail = "another change is on trial; wait, or: chargerctl csms rollback"
            return Objection(Why.TRIAL_RUNNING, detail)
        old = self.settled.attachment
        new = wish.applied(old)
        against = objection(Asked(wish, old, new, self._trust, now))
        return against or Kept(new, wish.origin)

    # --- what happens -----------------------------------------------------------

    def begin(self, now: Instant) -> Consequences:
        """Go on with the trial that a restart broke off."""
        opening, self._opening = self._opening, None
        if opening is None:
            return Consequences()
        if self.trial is None:
            return opening
        self._due_s = now.monotonic_s + TRIAL_WITHIN_S
        # A power cut may have come before the alarm of its beginning was written.
        return opening + self._alarm(self.trial, ", tried again after a restart")

    def take(self, event: AttachmentEvent, now: Instant) -> Consequences:
        """Let one thing happen."""
        return _TAKES[type(event)](self, event, now)

    def expire(self, now: Instant) -> Consequences:
        """Let the time do what it does."""
        if self._due_s is None or now.monotonic_s < self._due_s:
            return Consequences()
        self._due_s = None
        if not self.of_key:
            return self._fallen_back(self._last_words())
        # Neither key is forgotten before the CSMS has taken one of them.
        self._overdue = True
        return self._decided()

    def next_deadline_s(self, _now: Instant) -> float | None:
        """Return when ``expire`` has something to do."""
        return self._due_s

    def answered(self, standing: Standing) -> Consequences:
        """The CSMS has answered a question of ours on the present link."""
        if self.trial is None or not self.unproven:
            return Consequences()
        moved = self.trial.attachment.peer != self.settled.attachment.peer
        enough = {Standing.ACCEPTED} if moved else {Standing.ACCEPTED, Standing.PENDING}
        return self._settle() if standing in enough else Consequences()

    def _begun(self, event: TrialBegun, now: Instant) -> Consequences:
        self.trial = event.kept
        changed = self._difference(event.kept)
        names = self._names(event.kept)
        alarm = self._alarm(event.kept)
        if _is_of_key(changed) and not event.kept.attachment.secret:
            return alarm + self._settle()
        self._due_s = now.monotonic_s + TRIAL_WITHIN_S
        self._turn()
        told = _told(f"csms: tries {_words(event.kept.attachment)} ({names})")
        return alarm + told + Consequences(jobs=(Redial(),))

    def _refused(self, event: TrialRefused, _now: Instant) -> Consequences:
        if self.trial is None:
            self._end(event.why, committed=False)
        return Consequences()

    def _given_up(self, event: TrialGivenUp, _now: Instant) -> Consequences:
        if self.trial is None:
            return Consequences()
        self._spare = None
        dropped = Consequences((SheetDropped(Drawer.LINK, SPARE),))
        return dropped + self._fallen_back(f"given up by {event.origin}")

    def _trusted(self, event: LinkTrusted, _now: Instant) -> Consequences:
        self.trusted = event.fingerprints
        return Consequences()

    def _tried(self, event: LinkTried, now: Instant) -> Consequences:
        if event.turn != self.turn:
            # Dialed before the present turn; it is made anew.
            self.linked = None
            return Consequences()
        if event.ok:
            self.linked = self.dialed
            self._old_let_in |= self._old_in_turn
            return self._decided()
        if self.trial is None:
            return self._shut_out(event.layer, now)
        self.failure = (event.layer, event.text)
        return self._kept_out(event.layer)

    def _shut_out(self, layer: str, now: Instant) -> Consequences:
        """What works does not work any more; a key that did not work then may do."""
        if layer != _REFUSAL or self._spare is None:
            return Consequences()
        if _is_of_key(self._difference(self._spare)):
            self.trial = self._spare
            self._due_s = now.monotonic_s + TRIAL_WITHIN_S
            self._turn()
        return Consequences()

    def _kept_out(self, layer: str) -> Consequences:
        """The CSMS has not let the trial in."""
        self.refusals += layer in _DEFINITE or layer.startswith("tls-")
        if self.of_key:
            self._take_turns(layer)
            return Consequences()
        if self.refusals < MOST_REFUSALS:
            return Consequences()
        return self._fallen_back(self._last_words())

    def _take_turns(self, layer: str) -> None:
        """Dial with the other key, if it was the key that was refused."""
        if layer == _REFUSAL:
            self._old_let_in &= not self._old_in_turn
            self._old_in_turn = not self._old_in_turn
            self._turn()

    def _decided(self) -> Consequences:
        """Give a new key up when its time is over and the old one is let in.

        It is kept: the CSMS may be slow to take the key that it has wanted.
        """
        if self.trial is None or not (self._overdue and self._old_let_in):
            return Consequences()
        self._spare = self.trial
        kept = Consequences((self.trial.record(SPARE),))
        reason = "the CSMS lets in the old AuthorizationKey alone"
        return kept + self._fallen_back(reason)

    # --- how a trial ends -------------------------------------------------------

    def _settle(self) -> Consequences:
        assert self.trial is not None
        new, old = self.trial, self.settled
        records: tuple[Record, ...] = (
            *as_settled(new, self._filed),
            SheetDropped(Drawer.LINK, TRIAL),
            SheetDropped(Drawer.LINK, SPARE),
        )
        if new.attachment != old.attachment:
            self.before = old
            records += (old.record(BEFORE),)
        self.settled, self._spare = new, None
        text = f"{_words(new.attachment)} works"
        self._end(text, committed=True)
        return Consequences(records) + _told(f"csms: {text}")

    def _fallen_back(self, reason: str) -> Consequences:
        self._end(reason, committed=False)
        jobs = (Redial(),) if self.linked != self.settled.attachment else ()
        if jobs:
            self._turn()
        old = _words(self.settled.attachment)
        return (
            Consequences((SheetDropped(Drawer.LINK, TRIAL),), jobs=jobs)
            + _concerns(f"change given up: {reason}")
            + _told(f"csms: back to {old}; {reason}")
        )

    def _end(self, what: str, *, committed: bool) -> None:
        self.trial, self.failure, self._due_s = None, None, None
        self.refusals = 0
        self._overdue = self._old_in_turn = self._old_let_in = False
        self._ended += 1
        self.outcome = Outcome(self._ended, committed, what)

    def _turn(self) -> None:
        """Let no link count that was dialed until now."""
        self.turn += 1
        self.linked = None

    # --- inside -----------------------------------------------------------------

    def _difference(self, kept: Kept) -> tuple[str, ...]:
        return kept.attachment.differing(self.settled.attachment)

    def _names(self, kept: Kept) -> str:
        return ", ".join(CALLED[name] for name in self._difference(kept)) or "nothing"

    def _alarm(self, kept: Kept, when: str = "") -> Consequences:
        return _concerns(f"{self._names(kept)}, by {kept.origin}{when}")

    def _last_words(self) -> str:
        if self.failure is None:
            return f"the CSMS has not answered within {TRIAL_WITHIN_S:g} s"
        layer, text = self.failure
        return f"{layer}: {text}"


def _is_of_key(changed: tuple[str, ...]) -> bool:
    # The same key once more is dialed anew too.
    return changed in (_KEY, ())


def _words(attachment: Attachment) -> str:
    return f"{attachment.url} as {attachment.identity}, profile {attachment.profile:d}"


def _concerns(info: str) -> Consequences:
    return Consequences(concerns=(Concern(SecurityEventType.RECONFIGURATION, info),))


def _told(what: str) -> Consequences:
    return Consequences(told=(Noted(WHOLE_STATION, what),))


_TAKES: Final[
    Mapping[type[AttachmentEvent], Callable[[Attachments, Any, Instant], Consequences]]
] = {
    TrialBegun: Attachments._begun,
    TrialRefused: Attachments._refused,
    TrialGivenUp: Attachments._given_up,
    LinkTried: Attachments._tried,
    LinkTrusted: Attachments._trusted,
}

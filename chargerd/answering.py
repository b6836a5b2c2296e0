"""How questions are answered: the CSMS's, and wishes that somebody has on the spot."""

from chargerd.core.events import WHOLE_STATION, Event, PolicyChanged
from chargerd.doing import Doing, Parts
from chargerd.ocpp16 import router
from chargerd.ocpp16.answer import Answer, Later, Picture
from chargerd.ocpp16.attachment_values import AttachmentWanted
from chargerd.ocpp16.consequences import Concern, Consequences
from chargerd.ocpp16.errors import INVALID, CallFailed, coarse
from chargerd.ocpp16.handlers.core import attach, consider_here
from chargerd.ocpp16.keys import Judged
from chargerd.ocpp16.registration import Standing
from chargerd.ocpp16.rpc import Question
from chargerd.ocpp16.security import SecurityEventType
from chargerd.ocpp16.wire import encode
from chargerd.steps import KeyWanted

Events = tuple[Event, ...]


class Answering:
    """Answers, and lets happen what was promised; returns what the station hears."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._waiting: tuple[Question | None, Answer] | None = None
        """What is answered once the disk has been tried; nobody may have asked."""

    @property
    def picture(self) -> Picture:
        """What handlers and the control socket may read."""
        parts = self._parts
        return Picture(
            parts.station,
            parts.configuration.values,
            parts.dialogue.ledger.numbers,
            parts.dialogue.registration.standing,
            parts.upkeep,
        )

    def answer(self, question: Question, doing: Doing) -> Events:
        """Answer a question of the CSMS."""
        rpc = self._parts.dialogue.rpc
        if self._parts.dialogue.registration.standing is Standing.REJECTED:
            rpc.ignore(question)
            return ()
        try:
            answer = router.dispatch(self.picture, question, doing.now)
        except CallFailed as error:
            detailed = self._parts.station.policy.detailed_call_errors
            rpc.refuse(question, error if detailed else coarse(error))
            if isinstance(error, INVALID):
                info = f"{question.action}: {error.code}"
                doing.concern(Concern(SecurityEventType.INVALID_MESSAGES, info))
            return ()
        return self._take(question, answer, doing)

    def wanted(self, wish: KeyWanted | AttachmentWanted, doing: Doing) -> Events:
        """Do what somebody on the spot wants, if it can be."""
        if isinstance(wish, AttachmentWanted):
            return self._take(None, attach(self.picture, wish, doing.now), doing)
        judged = consider_here(self.picture, wish.name, wish.value)
        return self._change(judged, wish.origin, doing)

    def tried(self, stored: bool, doing: Doing) -> Events:
        """Go on once the disk has been tried."""
        assert self._waiting is not None
        (question, answer), self._waiting = self._waiting, None
        assert answer.provided is not None
        answer = answer if stored else answer.provided.otherwise
        return self._settle(question, answer, doing)

    def _take(self, question: Question | None, answer: Answer, doing: Doing) -> Events:
        if answer.provided is not None:
            self._waiting = (question, answer)
            doing.attempt = answer.provided.record
            return ()
        return self._settle(question, answer, doing)

    def _settle(
        self, question: Question | None, answer: Answer, doing: Doing
    ) -> Events:
        dialogue, now = self._parts.dialogue, doing.now
        if question is not None and isinstance(answer.response, Later):
            dialogue.postponed.take(question, answer.response, now)
        elif question is not None:
            dialogue.rpc.answer(question, encode(answer.response))
        dialogue.trigger(answer.triggers, now)
        if answer.refused is not None:
            self._parts.station.refusals.append((now.utc, answer.refused))
            doing.told.append(answer.refused)
        doing.keep_up(Consequences(concerns=answer.concerns))
        for event in answer.upkeep:
            doing.keep_up(self._parts.upkeep.take(event, now))
        if answer.change is not None:
            return self._change(answer.change, "csms", doing)
        return answer.events

    def _change(self, judged: Judged, origin: str, doing: Doing) -> Events:
        configuration = self._parts.configuration
        kept = configuration.change(judged, origin)
        if kept is None:
            return ()
        doing.records.append(kept)
        doing.changed_key = judged.name
        doing.records += self._parts.dialogue.ledger.obey(configuration.policy)
        return (PolicyChanged(WHOLE_STATION, configuration.policy),)

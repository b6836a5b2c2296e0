"""What a friendly CSMS answers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from benchcsms.books import Books
from benchcsms.certifier import Certifier
from benchcsms.settings import Json, Settings, moment

VENDOR: Final = "org.chargerd"
"""The one vendor whose DataTransfer is understood."""


class Answers:
    """Answers every CALL as if all were well, and by the table of id tags."""

    def __init__(
        self, settings: Settings, certifier: Certifier, now: Callable[[], datetime]
    ) -> None:
        self._tags = {tag.casefold(): found for tag, found in settings.tags.items()}
        self._now = now
        self.certifier = certifier
        self.heartbeat_interval_s = settings.heartbeat_interval_s

    def friendly(self, books: Books, action: str, payload: Json) -> Json:
        """Return the answer to a CALL that is in the books already."""
        return _TABLE.get(action, _nothing)(self, books, payload)

    def time(self) -> str:
        """Return the present time."""
        return moment(self._now())

    def tag(self, id_tag: str) -> Json:
        """Return the idTagInfo of an id tag, whatever its case."""
        return self._tags.get(id_tag.casefold(), {"status": "Accepted"})


def _nothing(_answers: Answers, _books: Books, _payload: Json) -> Json:
    return {}


def _sign(answers: Answers, books: Books, payload: Json) -> Json:
    return answers.certifier.answer(books.identity, payload)


def _boot(answers: Answers, _books: Books, _payload: Json) -> Json:
    interval_s = answers.heartbeat_interval_s
    return {
        "status": "Accepted",
        "currentTime": answers.time(),
        "interval": interval_s,
    }


def _heartbeat(answers: Answers, _books: Books, _payload: Json) -> Json:
    return {"currentTime": answers.time()}


def _authorize(answers: Answers, _books: Books, payload: Json) -> Json:
    return {"idTagInfo": answers.tag(payload["idTag"])}


def _start(answers: Answers, books: Books, payload: Json) -> Json:
    id = books.started(payload).id
    return {"transactionId": id, **_authorize(answers, books, payload)}


def _stop(answers: Answers, books: Books, payload: Json) -> Json:
    return _authorize(answers, books, payload) if "idTag" in payload else {}


def _data_transfer(_answers: Answers, _books: Books, payload: Json) -> Json:
    known = payload["vendorId"] == VENDOR
    return {"status": "Accepted" if known else "UnknownVendorId"}


_TABLE: Final[Mapping[str, Callable[[Answers, Books, Json], Json]]] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "DataTransfer": _data_transfer,
    "Heartbeat": _heartbeat,
    "SignCertificate": _sign,
    "StartTransaction": _start,
    "StopTransaction": _stop,
}
"""Whoever is not listed only wants to hear that it arrived."""

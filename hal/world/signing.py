"""The part of a simulated billing meter that keeps transactions and signs them.

A record has the form of OCMF 1.0. Nobody can take it for a real one: the algorithm
that it names is no signature, and its clock is marked as never set.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from typing import Final

_KEY: Final = b"chargerd mock meter"
_NO_TIME: Final = "1970-01-01T00:00:00,000+0000 U"
"""The world has no calendar; the U says so (OCMF 1.0, table 7)."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One transaction as the meter keeps it; ``end_wh`` is ``None`` while it runs."""

    name: str
    identification: str
    begin_wh: int
    end_wh: int | None = None


class Notary:
    """Keeps the meter's present transaction, or its last one."""

    def __init__(self) -> None:
        self.deal: Deal | None = None

    def begin(self, name: str, identification: str, register_wh: int) -> None:
        """Open a transaction; one of this name that runs goes on."""
        if self.deal is None or self.deal.name != name:
            self.deal = Deal(name, identification, register_wh)

    def end(self, name: str, register_wh: int, serial: str) -> bytes | None:
        """Close a transaction if it runs; return its record, if it is known."""
        if self.deal is None or self.deal.name != name:
            return None
        if self.deal.end_wh is None:
            self.deal = replace(self.deal, end_wh=register_wh)
        return _record(self.deal, serial)


def _record(deal: Deal, serial: str) -> bytes:
    content = {
        "FV": "1.0",
        "GI": "chargerd mock",
        "GS": serial,
        "PG": "T1",
        "MS": serial,
        "IS": True,
        "IT": "LOCAL",
        "ID": deal.identification,
        "TT": deal.name,
        "RD": [_reading("B", deal.begin_wh), _reading("E", deal.end_wh)],
    }
    text = json.dumps(content, separators=(",", ":"))
    digest = hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest()
    signature = json.dumps({"SA": "mock", "SD": digest}, separators=(",", ":"))
    return f"OCMF|{text}|{signature}".encode()


def _reading(occasion: str, register_wh: int | None) -> dict[str, object]:
    return {
        "TM": _NO_TIME,
        "TX": occasion,
        "RV": register_wh,
        "RI": "1-b:1.8.0",
        "RU": "Wh",
        "ST": "G",
    }

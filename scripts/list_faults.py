#!/usr/bin/env python3
"""List the catalogue of faults in docs/faults.md.

With ``--check`` nothing is written; the exit code tells whether it is current.
"""

import sys

from chargerd.core.dialects import NAMES, VENDOR_IDS, Dialect
from chargerd.core.faults import FAULTS, Fault
from documents import keep

_PAGE = """\
# Faults

Drawn from `chargerd/core/faults.py` by `scripts/list_faults.py`. The names are those
of `chargerctl fault`.

A **stop** takes the energy away: it ends the transaction, nothing new can start, and
the status is Faulted. With a **warning** charging goes on. A fault of the station is
reported for connector 0; if it stops, it stops every connector.

A fault goes away *by itself* once its reason has been gone for so many seconds, so that
what flickers is one fault; with the *unplug* that ends the session; with a *restart* of
chargerd; or *by hand*: it stays, over restarts and power cuts too, until whoever
repaired it says so with `chargerctl fault clear`.

| fault | meaning | part to check | remedy | goes away |
| --- | --- | --- | --- | --- |
{overview}

## What the CSMS is told

Its name in `vendorErrorCode` is in the words that the key `VendorErrorDialect` chooses:
those of this page (`chargerd`), of the [ChargeX
Consortium](https://inl.gov/chargex/mrec/) (`ChargeX`), or of
[EVgo](https://mrec.evgo.com) (`EVgo`). `vendorId` says whose words they are. What a
dialect has no word for is told by its name here, with `vendorId` `org.chargerd`.

| `VendorErrorDialect` | `vendorId` |
| --- | --- |
{vendors}

`errorCode` is OCPP's closest word and the same in every dialect. `info` says what was
measured and against which limit. Of several faults the gravest is told, a stop before a
warning and the older one first; `info` ends with the number of the others, `(+2)`, so
that none comes or goes without a report. When the gravest has gone the next is told,
after the last one NoError.

| fault | consequence | of | errorCode | ChargeX | EVgo | ends a transaction with |
| --- | --- | --- | --- | --- | --- | --- |
{codes}

A session that the vehicle broke off is no fault of the station; it is told as
EVCommunicationError. A time-out of the pre-charge is CX012 PreChargeFailure in the
words of ChargeX.
"""


def _overview(fault: Fault) -> str:
    goes = f"{fault.recovers}"
    if fault.clears_after_s:
        goes = f"{goes}, after {fault.clears_after_s:g} s"
    cells = f"`{fault.name}`", fault.means, fault.part, fault.remedy, goes
    return f"| {' | '.join(cells)} |"


def _codes(fault: Fault) -> str:
    where = "station" if fault.of_station else "connector"
    cause = fault.cause.value if fault.stops else "–"
    words = (_word(fault, dialect) for dialect in (Dialect.CHARGEX, Dialect.EVGO))
    cells = f"`{fault.name}`", fault.consequence, where, fault.error_code, *words, cause
    return f"| {' | '.join(cells)} |"


def _word(fault: Fault, dialect: Dialect) -> str:
    word = fault.words.of(dialect)
    return f"{word} {NAMES[dialect][word]}" if word else "–"


def _page() -> str:
    faults = FAULTS.values()
    vendors = (f"| `{dialect}` | `{id_}` |" for dialect, id_ in VENDOR_IDS.items())
    return _PAGE.format(
        overview="\n".join(map(_overview, faults)),
        vendors="\n".join(vendors),
        codes="\n".join(map(_codes, faults)),
    )


if __name__ == "__main__":
    sys.exit(keep({"docs/faults.md": _page()}))

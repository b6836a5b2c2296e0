#!/usr/bin/env python3
"""List the catalogue of faults in docs/faults.md.

With ``--check`` nothing is written; the exit code tells whether it is current.
"""

import sys

from chargerd.core.faults import FAULTS, Fault
from documents import keep

_PAGE = """\
# Faults

Drawn from `chargerd/core/faults.py` by `scripts/list_faults.py`. The names are those
of `chargerctl fault`, and what the CSMS sees as `vendorErrorCode`.

A **stop** takes the energy away: it ends the transaction, nothing new can start, and
the status is Faulted. With a **warning** charging goes on. A fault of the station is
reported for connector 0; if it stops, it stops every connector.

A fault goes away *by itself* with its reason, with the *unplug* that ends the session,
or *by hand*: it stays until chargerd is restarted, which whoever repaired it does.

| fault | meaning | remedy | goes away |
| --- | --- | --- | --- |
{overview}

| fault | consequence | of | errorCode | ends a transaction with |
| --- | --- | --- | --- | --- |
{codes}
"""


def _overview(fault: Fault) -> str:
    return f"| `{fault.name}` | {fault.means} | {fault.remedy} | {fault.recovers} |"


def _codes(fault: Fault) -> str:
    where = "station" if fault.of_station else "connector"
    cause = fault.cause.value if fault.stops else "–"
    consequence = fault.consequence.value
    return (
        f"| `{fault.name}` | {consequence} | {where} | {fault.error_code} | {cause} |"
    )


def _page() -> str:
    faults = FAULTS.values()
    return _PAGE.format(
        overview="\n".join(map(_overview, faults)),
        codes="\n".join(map(_codes, faults)),
    )


if __name__ == "__main__":
    sys.exit(keep({"docs/faults.md": _page()}))

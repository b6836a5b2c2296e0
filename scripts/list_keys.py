#!/usr/bin/env python3
"""List the configuration keys in docs/keys.md.

With ``--check`` nothing is written; the exit code tells whether it is current.
"""

import sys

from chargerd.ocpp16.keys import KEYS, Access, Key
from documents import keep

_PAGE = """\
# Configuration keys

Drawn from `chargerd/ocpp16/keys.py` by `scripts/list_keys.py`.

The CSMS reads and changes these keys of OCPP 1.6; `chargerctl config` does so on the
spot. `[ocpp.configuration]` in the station file sets what a station begins with; what
was changed since holds, and every change holds at once.

| key | default | can be | meaning |
| --- | --- | --- | --- |
{rows}
"""

_ACCESS = {
    Access.READ_WRITE: "changed",
    Access.READ_ONLY: "read",
    Access.WRITE_ONLY: "changed, not read",
}


def _row(key: Key) -> str:
    default = f"`{key.default}`" if key.default else "–"
    return f"| `{key.name}` | {default} | {_ACCESS[key.access]} | {key.meaning} |"


if __name__ == "__main__":
    page = _PAGE.format(rows="\n".join(map(_row, KEYS.values())))
    sys.exit(keep({"docs/keys.md": page}))

"""Documents that are drawn from code: write them, or tell whether they are current."""

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def keep(documents: Mapping[str, str]) -> int:
    """Write the documents; with ``--check``, return 1 if one is not current."""
    if sys.argv[1:] != ["--check"]:
        for name, text in documents.items():
            (ROOT / name).write_text(text)
        return 0
    stale = [name for name, text in documents.items() if not _is(ROOT / name, text)]
    for name in stale:
        print(f"{name}: not current; write it anew with {sys.argv[0]}", file=sys.stderr)
    return 1 if stale else 0


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text

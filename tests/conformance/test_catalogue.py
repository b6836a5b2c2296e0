import ast
import re
from collections import Counter
from pathlib import Path
from typing import Final

from tests.conformance.catalogue import CASES, NOT_APPLICABLE

_CASE: Final = re.compile(r"test_tc_(\d{3}(?:_\d)?)_")


def written() -> list[str]:
    """Return the cases that the modules beside this one run."""
    return [
        named[1]
        for module in sorted(Path(__file__).parent.glob("test_*.py"))
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.AsyncFunctionDef)
        if (named := _CASE.match(node.name))
    ]


def test_every_case_is_written_or_says_why_it_is_not() -> None:
    places = Counter([*written(), *NOT_APPLICABLE])
    assert [case for case in sorted(CASES) if places[case] != 1] == []
    assert places.keys() <= CASES

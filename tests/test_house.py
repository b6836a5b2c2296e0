"""The rules of the house that no checking tool knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = tuple(
    path.relative_to(ROOT)
    for package in ("chargerd", "hal", "benchcsms")
    for path in sorted((ROOT / package).rglob("*.py"))
)
BENCH = tuple(path for path in MODULES if path.parts[0] == "benchcsms")
CLOCK = Path("chargerd/runtime/system_clock.py")
READ_OF_THE_CLOCK = re.compile(r"\b(datetime\.(utc)?now|date\.today|time\.time(_ns)?)$")

TEXT = {".cfg", ".md", ".py", ".rules", ".service", ".sql", ".toml", ".varlink", ""}
PATH_IN_TEXT = re.compile(r"`(?:\./)?([\w.-]+/[\w./-]*)(?: [^`]*)?`")
WHAT_LOADS_LATE = {
    "chargerd/ocpp16/pki/__init__.py": [
        "import sys",
        "from importlib.util import LazyLoader, find_spec, module_from_spec",
    ]
}
"""The only package that does anything when it is imported."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom))


def late_imports(source: str) -> list[str]:
    """Return the imports inside functions that give no reason on their line."""
    lines = source.splitlines()
    found = [
        lines[node.lineno - 1].strip()
        for function in ast.walk(ast.parse(source))
        if isinstance(function, FUNCTIONS)
        for node in imports(function)
    ]
    return [line for line in found if "  # " not in line]


def clock_reads(source: str) -> list[str]:
    """Return every mention of a function that reads the wall clock."""
    found = (
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
    )
    return [name for name in found if READ_OF_THE_CLOCK.search(name)]


def entry_points() -> Iterator[EntryPoint]:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for group, lines in setup["options.entry_points"].items():
        for line in lines.strip().splitlines():
            name, value = (part.strip() for part in line.split("="))
            yield EntryPoint(name, value, group)


def texts() -> Iterator[Path]:
    """Yield every file that a checkout brings."""
    for top in ROOT.iterdir():
        if top.name == "build" or (top.name[0] == "." and top.name != ".ci"):
            continue
        for path in [top, *top.rglob("*")]:
            if path.is_file() and path.suffix in TEXT:
                yield path


def test_a_late_import_is_found_unless_it_gives_its_reason() -> None:
    assert late_imports("def f():\n    import os\n") == ["import os"]
    assert late_imports("def f():\n    import os  # optional\n") == []
    assert late_imports("import os\n") == []


def test_a_read_of_the_wall_clock_is_found() -> None:
    assert clock_reads("t = datetime.datetime.now(UTC)\n") == ["datetime.datetime.now"]
    assert clock_reads("read = time.time\n") == ["time.time"]
    assert clock_reads("t = time.monotonic()\n") == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_says_what_it_is(module: Path) -> None:
    source = (ROOT / module).read_text()
    assert not source or ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_at_its_top_and_for_everybody(module: Path) -> None:
    source = (ROOT / module).read_text()
    assert late_imports(source) == []
    assert "TYPE_CHECKING" not in source


def test_no_package_re_exports() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py"]
    assert packages
    for package in packages:
        found = map(ast.unparse, imports(ast.parse((ROOT / package).read_text())))
        assert [*found] == WHAT_LOADS_LATE.get(str(package), []), package


def test_a_start_loads_no_library_that_most_days_do_not_need() -> None:
    """They would be a third of the memory, and a fifth of the start."""
    program = "import chargerd.app, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "ocpp" in loaded
    assert loaded & {"cryptography", "packaging", "pycurl"} == set()


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_system_clock_reads_the_wall_clock(module: Path) -> None:
    if module != CLOCK and module not in BENCH:
        assert clock_reads((ROOT / module).read_text()) == []


def test_the_bench_reads_the_wall_clock_in_one_place() -> None:
    assert (
        len([r for path in BENCH for r in clock_reads((ROOT / path).read_text())]) == 1
    )


@pytest.mark.parametrize(
    "entry", list(entry_points()), ids=lambda e: f"{e.group}:{e.name}"
)
def test_an_entry_point_can_be_loaded(entry: EntryPoint) -> None:
    assert entry.load()


@pytest.mark.parametrize(
    "document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
)
def test_every_path_in_a_document_exists(document: str) -> None:
    paths = PATH_IN_TEXT.findall((ROOT / document).read_text())
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    workplaces = re.compile("/" + "(work|tmp/bash_jobs)/")
    paths = list(texts())
    assert ROOT / "setup.cfg" in paths
    assert [p for p in paths if workplaces.search(p.read_text())] == []

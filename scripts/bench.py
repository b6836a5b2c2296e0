"""Measure figures and print them as a table, each against its target."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, Final

import bench_linux as linux
from bench_figures import FIGURES, Figure
from bench_stand import BUILD, BenchFailed
from benchcsms.settings import NotDone

_QUANTILES: Final = {"min": 0.0, "p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
_ROW: Final = "{:29} {:4} {:>5}" + " {:>9}" * len(_QUANTILES) + "  {}"
_FAILED, _INTERRUPTED = 1, 130

Row = dict[str, Any]


def statistics(samples: Sequence[float]) -> dict[str, float]:
    """Return the smallest samples that so many others do not exceed."""
    ranked = sorted(samples)
    return {
        name: ranked[max(ceil(share * len(ranked)) - 1, 0)]
        for name, share in _QUANTILES.items()
    }


async def measure(figures: Sequence[Figure]) -> tuple[list[Row], list[str]]:
    """Measure and print; return the rows, and the figures that could not be had."""
    rows: list[Row] = []
    failed: list[str] = []
    print(_ROW.format("name", "unit", "n", *_QUANTILES, "target"))
    for figure in figures:
        try:
            samples = [sample async for sample in figure.measure()]
        except (BenchFailed, NotDone, OSError) as error:
            print(f"{figure.name:29} failed: {error}")
            failed.append(figure.name)
            continue
        found = statistics(samples)
        rows.append(
            {"name": figure.name, "unit": figure.unit, "n": len(samples), **found}
        )
        told = ", ".join(verdicts(figure, found))
        numbers = (_number(value) for value in found.values())
        line = _ROW.format(figure.name, figure.unit, len(samples), *numbers, told)
        print(line.rstrip(), flush=True)
    return rows, failed


def verdicts(figure: Figure, found: Mapping[str, float]) -> Iterator[str]:
    """Yield each target of a figure, and whether it is met."""
    for name, limit in figure.targets.items():
        word = "✓ met" if found[name] <= limit else "✗ missed"
        yield f"{name} ≤ {limit:,g} {word}"
    if figure.least is not None:
        word = "✓ met" if found["min"] >= figure.least else "✗ missed"
        yield f"min ≥ {figure.least:,g} {word}"


def missed(rows: Sequence[Row]) -> list[str]:
    """Return the names of the figures that miss a target."""
    figures = {figure.name: figure for figure in FIGURES}
    return [
        row["name"]
        for row in rows
        if any("missed" in told for told in verdicts(figures[row["name"]], row))
    ]


def main() -> int:
    """Measure what the command line asks for."""
    options, figures = _options()
    BUILD.mkdir(exist_ok=True)
    machine = linux.machine(BUILD)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    rows, failed = asyncio.run(_interruptible(figures))
    late = missed(rows)
    print(f"missed: {', '.join(late)}" if late else "no target is missed")
    if options.json:
        text = json.dumps({"machine": machine, "figures": rows}, indent=2)
        options.json.write_text(f"{text}\n")
    if failed:
        print(f"bench: not measured: {', '.join(failed)}", file=sys.stderr)
    return _FAILED if failed else 0


async def _interruptible(figures: Sequence[Figure]) -> tuple[list[Row], list[str]]:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await measure(figures)


def _options() -> tuple[argparse.Namespace, list[Figure]]:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure chargerd against benchcsms on loopback."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these figures")
    options = parser.parse_args()
    known = {figure.name: figure for figure in FIGURES}
    for name in options.names:
        if name not in known:
            parser.error(f"{name}: no such figure; known: {', '.join(known)}")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"--json {options.json}: no such directory; make it first")
    return options, [known[name] for name in options.names or known]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except asyncio.CancelledError:
        sys.exit(_INTERRUPTED)

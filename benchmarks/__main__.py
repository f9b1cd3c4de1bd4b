"""Measure Lockyard against what would be used instead: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.builds import bump, cold
from benchmarks.contest import Bench
from benchmarks.report import machine, markdown, record

ROOT = Path(__file__).resolve().parents[1]
CASES: dict[str, Callable[[Bench], None]] = {"cold": cold, "bump": bump}


def main() -> None:
    """Run the cases that are asked for, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--runs", type=int, default=3, help="how often each is run (3)")
    parser.add_argument("--json", type=Path, help="the file to write results to, to compare later")
    parser.add_argument("--output", type=Path, help="the folder to write table and plots to")
    parser.add_argument("--scratch", type=Path, help="where to work, in the store's file system")
    given = parser.parse_args()
    unknown = sorted(set(given.cases) - CASES.keys())
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    with tempfile.TemporaryDirectory(dir=given.scratch, prefix="lockyard-bench-") as folder:
        bench = Bench(folder=Path(folder), runs=given.runs)
        for name in given.cases or CASES:
            CASES[name](bench)
    print(markdown(record(bench, machine())))  # noqa: T201


if __name__ == "__main__":
    main()

"""Measure Lockyard against what would be used instead: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.builds import LARGE, SMALL, bump, cold
from benchmarks.contest import LONG, Bench
from benchmarks.fetching import fetching
from benchmarks.locking import locking
from benchmarks.measure import CommandError
from benchmarks.noop import growth, noop
from benchmarks.pushing import pushing
from benchmarks.report import (
    Results,
    as_json,
    from_json,
    machine,
    markdown,
    plot,
    record,
    write_docs,
)

ROOT = Path(__file__).resolve().parents[1]
CASES: dict[str, Callable[[Bench], None]] = {
    "cold": partial(cold, SMALL),
    "cold-cuda": partial(cold, LARGE),
    "bump": partial(bump, SMALL),
    "bump-cuda": partial(bump, LARGE),
    "noop": noop,
    "growth": growth,
    "locking": locking,
    "fetching": fetching,
    "pushing": pushing,
}


def main() -> None:
    """Run the cases that are asked for, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--runs", type=int, default=3, help="how often each is run (3)")
    parser.add_argument(
        "--long", type=float, default=LONG, help=f"seconds after which once is enough ({LONG:g})"
    )
    parser.add_argument("--json", type=Path, help="the file to write results to, to compare later")
    parser.add_argument("--output", type=Path, help="the folder to write table and plots to")
    parser.add_argument("--scratch", type=Path, help="where to work, in the store's file system")
    parser.add_argument(
        "--write-docs", action="store_true", help="write these cases into docs/performance.md"
    )
    given = parser.parse_args()
    unknown = sorted(set(given.cases) - CASES.keys())
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    results: Results = {}
    for name in given.cases or CASES:
        with tempfile.TemporaryDirectory(dir=given.scratch, prefix="lockyard-bench-") as folder:
            bench = Bench(folder=Path(folder), runs=given.runs, long=given.long)
            try:
                CASES[name](bench)
            except CommandError as error:
                bench.fail(name, error)
        results[name] = record(bench, machine())
        _keep(results, given)
    print(markdown(results))  # noqa: T201
    failures = [line for case in results.values() for line in case["failures"]]
    if failures:
        sys.exit("not measured:\n" + "\n".join(failures))


def _keep(results: Results, given: argparse.Namespace) -> None:
    """Write what was found until now, so that what is interrupted later loses nothing of it."""
    if given.write_docs:
        kept = ROOT / "benchmarks/results.json"
        known = {**from_json(kept.read_text()), **results}
        everything = {name: known[name] for name in CASES if name in known}
        kept.write_text(as_json(everything))
        write_docs(everything, ROOT / "docs/performance.md")
    if given.json:
        given.json.write_text(as_json(results))
    if given.output:
        given.output.mkdir(parents=True, exist_ok=True)
        (given.output / "benchmarks.md").write_text(markdown(results))
        plot(results, given.output / "benchmarks.svg")


if __name__ == "__main__":
    main()

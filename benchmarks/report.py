"""What benchmarks found, as JSON to keep and as tables to read."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

import lockyard
from benchmarks.contest import OURS, Bench
from benchmarks.measure import Sample, Series
from benchmarks.stage import version
from lockyard.docker.engine import BUILDX

Results = dict[str, dict[str, Any]]  # by case: what one run of it found, and where
_BEGIN, _END = "<!-- python -m benchmarks --write-docs -->", "<!-- end -->"
_HEAD = "| what | with | seconds | spread | processors | busy | memory | Lockyard is faster |"
_RULE = "|---|---|--:|--:|--:|--:|--:|--:|"


def machine() -> dict[str, str]:
    """Return the versions of what is measured, and the machine."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "lockyard": lockyard.__version__,
        "python": platform.python_version(),
        "docker": version("docker", "version", "--format", "{{.Server.Version}}"),
        "buildx": version(*BUILDX, "version"),
        "buildah": version("buildah", "--version"),
        "skopeo": version("skopeo", "--version"),
        "processor": models[0] if models else platform.machine(),
        "processors": str(os.cpu_count()),
        "kernel": platform.release(),
    }


def record(bench: Bench, of: dict[str, str]) -> dict[str, Any]:
    """Return what a case found, as JSON has it."""
    return {
        "machine": of,
        "series": [attrs.asdict(each) for each in bench.series],
        "facts": bench.facts,
        "failures": bench.failures,
    }


def all_series(results: Results) -> list[Series]:
    """Return the series of results."""
    return [each for case in results.values() for each in _series(case)]


def _series(case: dict[str, Any]) -> list[Series]:
    return [
        Series(**{**each, "samples": [Sample(**sample) for sample in each["samples"]]})
        for each in case["series"]
    ]


def markdown(results: Results) -> str:
    """Return results as tables."""
    lines = [_HEAD, _RULE]
    for case in results.values():
        lines += _rows(_series(case), int(case["machine"]["processors"]))
    facts = [
        f"| {name} | {_number(value)} |"
        for case in results.values()
        for name, value in case["facts"].items()
    ]
    if facts:
        lines += ["", "| number | |", "|---|--:|", *facts]
    for case in results.values():
        lines += [line for each in case["failures"] for line in ("", f"Not measured: {each}")]
    where = [", ".join(map(" ".join, sorted(case["machine"].items()))) for case in results.values()]
    lines += [line for each in dict.fromkeys(where) for line in ("", each)]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    """Return a count as it is, and a ratio by what of it tells something."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


def as_json(results: Results) -> str:
    """Return results as a text to keep."""
    return json.dumps(results, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> Results:
    """Return results that were kept."""
    results: Results = json.loads(text)
    return results


def write_docs(results: Results, page: Path) -> None:
    """Lay tables between the marks of a page."""
    head, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    tail = rest.partition(_END)[2]
    page.write_text(f"{head}{_BEGIN}\n{markdown(results)}{_END}{tail}", encoding="utf-8")


def plot(results: Results, path: Path) -> None:
    """Draw medians and spreads, and the growth of fleets, as the file's name says."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    series = all_series(results)
    grown = [each for each in series if each.case.startswith("fleet")]
    others = [each for each in series if each not in grown]
    figure, (bars, lines) = pyplot.subplots(1, 2, figsize=(16, 2 + 0.4 * len(others)))
    medians = [each.median() for each in others]
    spreads = [each.spread() for each in others]
    around = [
        [middle - low for middle, (low, _) in zip(medians, spreads, strict=True)],
        [high - middle for middle, (_, high) in zip(medians, spreads, strict=True)],
    ]
    titles = [f"{each.case}, {each.subject}: {each.tool}" for each in others]
    bars.barh(titles, medians, xerr=around)
    bars.invert_yaxis()
    if others:
        bars.set(xscale="log", xlabel="seconds")
    for case in dict.fromkeys(each.case for each in grown):
        points = [(int(e.subject.split()[0]), e.median()) for e in grown if e.case == case]
        lines.plot(*zip(*points, strict=True), marker="o", label=case)
    if grown:
        lines.set(xscale="log", yscale="log", xlabel="envs", ylabel="seconds")
        lines.legend()
    figure.tight_layout()
    figure.savefig(path)


def _rows(series: list[Series], processors: int) -> Iterator[str]:
    """Give the rows of a case; of a run of all processors all the time, they are busy by 100 %."""
    ours = {(each.case, each.subject): each for each in series if each.tool == OURS}
    for each in series:
        low, high = each.spread()
        own = ours.get((each.case, each.subject))
        busy = each.median("cpu") / each.median() / processors
        ratio = ""
        if own is not None and own is not each:
            ratio = f"{each.median() / own.median():.1f}"
            if each.aim:
                ratio += f" (aim: {each.aim:.2g})"
        yield (
            f"| {each.case}, {each.subject} | {each.tool} | {each.median():.2f} "
            f"| {low:.2f} to {high:.2f} | {each.median('cpu'):.2f} | {busy:.0%} "
            f"| {each.median('memory') / 1e6:.0f} MB | {ratio} |"
        )

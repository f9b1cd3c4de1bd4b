"""What benchmarks found, as JSON to keep and as tables to read."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from typing import Any

import attrs

import lockyard
from benchmarks.contest import OURS, Bench
from benchmarks.measure import Series
from benchmarks.stage import version
from lockyard.docker.engine import BUILDX

_HEAD = "| what | with | seconds | spread | processors | memory | Lockyard is faster |"
_RULE = "|---|---|--:|--:|--:|--:|--:|"


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
    """Return results as JSON has them."""
    return {
        "machine": of,
        "series": [attrs.asdict(each) for each in bench.series],
        "facts": bench.facts,
    }


def all_series(results: dict[str, Any]) -> list[Series]:
    """Return the series of results."""
    from benchmarks.measure import Sample  # noqa: PLC0415

    return [
        Series(**{**each, "samples": [Sample(**sample) for sample in each["samples"]]})
        for each in results["series"]
    ]


def markdown(results: dict[str, Any]) -> str:
    """Return results as tables."""
    lines = [_HEAD, _RULE, *_rows(all_series(results))]
    facts = [f"| {name} | {value:,.4g} |" for name, value in results["facts"].items()]
    if facts:
        lines += ["", "| number | |", "|---|--:|", *facts]
    lines += ["", ", ".join(f"{name} {value}" for name, value in results["machine"].items())]
    return "\n".join(lines) + "\n"


def _rows(series: list[Series]) -> Iterator[str]:
    ours = {(each.case, each.subject): each for each in series if each.tool == OURS}
    for each in series:
        low, high = each.spread()
        own = ours.get((each.case, each.subject))
        ratio = ""
        if own is not None and own is not each:
            ratio = f"{each.median() / own.median():.1f}"
            if each.aim:
                ratio += f" (aim: {each.aim:g})"
        yield (
            f"| {each.case}, {each.subject} | {each.tool} | {each.median():.2f} "
            f"| {low:.2f} to {high:.2f} | {each.median('cpu'):.2f} "
            f"| {each.median('memory') / 1e6:.0f} MB | {ratio} |"
        )

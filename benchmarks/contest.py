"""Runs of Lockyard and of what a user would use instead, by turns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from benchmarks.measure import CommandError, Sample, Series

OURS = "lockyard"
LONG = 90.0


@frozen(kw_only=True)
class Way:
    """A way to do something: ``run`` measures it, after ``prepare`` has cleared its path.

    Lockyard has to be ``aim`` times as fast.
    """

    run: Callable[[], Sample]
    prepare: Callable[[], object] = lambda: None
    aim: float = 0.0


@define(kw_only=True)
class Bench:
    """Where benchmarks work, and what they found.

    What takes more than ``long`` seconds isn't run again.
    ``facts`` are numbers that aren't times, by their names: sizes in bytes, counts, ratios.
    ``failures`` say what could not be measured, and why.
    """

    folder: Path
    runs: int
    long: float = LONG
    series: list[Series] = field(factory=list)
    facts: dict[str, float] = field(factory=dict)
    failures: list[str] = field(factory=list)

    def contest(self, case: str, subject: str, ways: Mapping[str, Way]) -> None:
        """Run ways by turns, as often as is asked for; a long one once.

        What fails isn't run again, and takes nothing from the others.
        """
        found = {
            tool: Series(case=case, subject=subject, tool=tool, aim=way.aim)
            for tool, way in ways.items()
        }
        for _ in range(self.runs):
            for tool, series in list(found.items()):
                if series.samples and series.median() > self.long:
                    continue
                try:
                    ways[tool].prepare()
                    sample = ways[tool].run()
                except CommandError as error:
                    self.fail(f"{case}, {subject}, {tool}", error)
                    del found[tool]
                    continue
                series.samples.append(sample)
                say(
                    f"{case}, {subject}, {tool}: {sample.seconds:.2f} s, "
                    f"{sample.cpu:.2f} s of processors, {sample.memory / 1e6:.0f} MB"
                )
        self.series += found.values()

    def fail(self, what: str, error: CommandError) -> None:
        """Keep what could not be measured."""
        say(f"{what}: {error}")
        self.failures.append(f"{what}: {str(error).splitlines()[-1]}")

    def fact(self, name: str, value: float) -> None:
        """Keep a number."""
        say(f"{name}: {value:g}")
        self.facts[name] = value


def say(line: str) -> None:
    """Tell what goes on."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def names(series: Sequence[Series]) -> list[tuple[str, str]]:
    """Return the cases and subjects that there are, in their order."""
    return list(dict.fromkeys((each.case, each.subject) for each in series))

"""Take each guard of the source out, one at a time, and see that a test misses it.

``python -m tests.determinism.mutations [NAME ...]`` runs all mutations of ``mutations.toml``,
or the named ones, and tells of each whether it was caught. What ``NONE`` stands for is the
source as it is, which all the tests must pass.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

# Loaded once, before a process is forked for each mutation; nothing of the source is.
import attrs
import docker
import hypothesis
import pytest
import zstandard
from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
TOLD = Path(__file__).with_name("mutations.toml")
NONE = "none"
_PRELOADED = (attrs, docker, hypothesis, zstandard)
_OWN = ("lockyard", "tests", "docs")
_COPIED = ("src", "tests", "images", "pyproject.toml", "WORKSPACE.toml")
_SAID = "said"
_OPTIONS = (
    *("-q", "-rf", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"),
    *("-c", "pyproject.toml", "-o", "addopts=--strict-markers --import-mode=importlib"),
)
# A mutation that is no sound program shows nothing.
_UNSOUND = re.compile(r"\b(SyntaxError|NameError|ImportError|ModuleNotFoundError)\b")


@frozen(kw_only=True)
class Edit:
    """A text of a file of the source, which has it once, and what stands there instead."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Return the file's text with the edit. Raise ValueError unless it has ``old`` once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {self.old!r} {text.count(self.old)} times, not once")
        return text.replace(self.old, self.new)


@frozen(kw_only=True)
class Mutation:
    """A guard taken out: what it is ``against``, what the guard is, the tests that must fail."""

    name: str
    against: str
    guard: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]


@frozen(kw_only=True)
class Outcome:
    """How the tests of a mutation ended: pytest's exit status, and what it said."""

    status: int
    said: str

    @property
    def caught(self) -> bool:
        """Tell whether tests failed, and not because there was no program to test."""
        return self.status == pytest.ExitCode.TESTS_FAILED and not _UNSOUND.search(self.said)


def read_mutations() -> list[Mutation]:
    """Read ``mutations.toml``."""
    return [
        Mutation(
            name=each["name"],
            against=each["against"],
            guard=each["guard"],
            tests=tuple(each["tests"]),
            edits=tuple(Edit(**edit) for edit in each["edit"]),
        )
        for each in tomllib.loads(TOLD.read_text("utf-8"))["mutation"]
    ]


def run_mutations(mutations: Sequence[Mutation], jobs: int = 2) -> dict[str, Outcome]:
    """Run each mutation's tests on a source with it; also all of them on the source as it is.

    Each has a process and a copy of the tree of its own.
    """
    every = tuple(dict.fromkeys(test for each in mutations for test in each.tests))
    todo: dict[str, tuple[Iterable[Edit], Sequence[str]]] = {NONE: ((), every)}
    todo |= {each.name: (each.edits, each.tests) for each in mutations}
    with tempfile.TemporaryDirectory(prefix="lockyard-mutations-") as folder:
        places = {name: Path(folder) / str(number) for number, name in enumerate(todo)}
        for name, (edits, _) in todo.items():
            lay(places[name], edits)
        statuses = _forked({places[name]: tests for name, (_, tests) in todo.items()}, jobs)
        return {
            name: Outcome(status=statuses[place], said=(place / _SAID).read_text("utf-8"))
            for name, place in places.items()
        }


def lay(place: Path, edits: Iterable[Edit]) -> None:
    """Copy what tests need of the tree, with edits. Raise ValueError for one that doesn't fit."""
    place.mkdir(parents=True)
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name)
        else:
            shutil.copy2(ROOT / name, place / name)
    for edit in edits:
        file = place / edit.file
        file.write_text(edit.applied(file.read_text("utf-8")), "utf-8")


def _forked(todo: Mapping[Path, Sequence[str]], jobs: int) -> dict[Path, int]:
    """Run the tests of each tree, some trees at a time; return pytest's exit statuses."""
    waiting, running, done = list(todo), dict[int, Path](), dict[Path, int]()
    while waiting or running:
        while waiting and len(running) < jobs:
            place = waiting.pop(0)
            child = os.fork()
            if child == 0:
                _end_with(place, todo[place])
            running[child] = place
        child, status = os.wait()
        done[running.pop(child)] = os.waitstatus_to_exitcode(status)
    return done


def _end_with(place: Path, tests: Sequence[str]) -> NoReturn:
    """Run tests in a tree, and end this process with what pytest returns."""
    status = 70  # none of pytest's
    try:
        said = os.open(place / _SAID, os.O_WRONLY | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        for name in [name for name in sys.modules if name.split(".")[0] in _OWN]:
            del sys.modules[name]
        os.chdir(place)
        sys.path[:0] = [str(place / "src"), str(place)]
        os.environ |= {
            "LOCKYARD_REQUIRE": "",
            "LOCKYARD_TESTS_MISSING": "network:it isn't used\nengine:it isn't used",
            "PYTHONPATH": os.pathsep.join(sys.path[:2]),
        }
        options = [*_OPTIONS, f"--rootdir={place}", f"--basetemp={place / 'temporary'}"]
        status = pytest.main([*options, *tests])
    finally:
        sys.stdout.flush()
        os._exit(status)


def main(names: Sequence[str]) -> int:
    """Run mutations, and say how each ended; return an exit status."""
    chosen = [each for each in read_mutations() if not names or each.name in names]
    outcomes = run_mutations(chosen)
    missed = []
    for name, outcome in outcomes.items():
        sound = outcome.status == 0 if name == NONE else outcome.caught
        word = "passes" if name == NONE else "caught"
        print(f"{word if sound else 'NOT ' + word}: {name}")  # noqa: T201
        if not sound:
            missed.append(name)
            print(outcome.said)  # noqa: T201
    print(f"{len(outcomes) - 1} mutations, {len(missed)} not as they should be")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Every guard is missed when it is taken out: see mutations.py, which lists what is done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.build.bytecode.interpreters import python
from tests.conftest import ROOT
from tests.determinism.mutations import NONE, Edit, Outcome, read_mutations

MUTATIONS = read_mutations()

pytestmark = pytest.mark.xdist_group("mutations")


@pytest.fixture(scope="module")
def said() -> Mapping[str, str]:
    """What is said of each mutation, all being run by a process that may fork."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.determinism.mutations"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    lines = (line.partition(": ") for line in done.stdout.splitlines())
    return {name: f"{word}\n{done.stdout}{done.stderr}" for word, _, name in lines}


def test_the_source_as_it_is_passes(said: Mapping[str, str]) -> None:
    assert said[NONE].startswith("passes\n"), said[NONE]


@pytest.mark.parametrize("name", [each.name for each in MUTATIONS])
def test_a_guard_that_is_taken_out_is_missed(name: str, said: Mapping[str, str]) -> None:
    told = said[name]
    (mutation,) = (each for each in MUTATIONS if each.name == name)
    if any("[3.7]" in test for test in mutation.tests):
        python("3.7")  # leaves this out where there is none
    assert told.startswith("caught\n"), told


def test_names_are_each_mutations_own() -> None:
    assert len({each.name for each in MUTATIONS} | {NONE}) == len(MUTATIONS) + 1


@pytest.mark.parametrize("old", ["none of it", "a"])
def test_an_edit_that_does_not_fit_is_refused(old: str) -> None:
    with pytest.raises(ValueError, match="not once"):
        Edit(file="x.py", old=old, new="b").applied("a = a")


@pytest.mark.parametrize(
    ("status", "text", "caught"),
    [
        (pytest.ExitCode.TESTS_FAILED, "AssertionError", True),
        (pytest.ExitCode.TESTS_FAILED, "NameError: name 'x'", False),
        (pytest.ExitCode.OK, "", False),
        (pytest.ExitCode.INTERRUPTED, "SyntaxError", False),
        (pytest.ExitCode.NO_TESTS_COLLECTED, "", False),
        (pytest.ExitCode.USAGE_ERROR, "ERROR: not found", False),
    ],
)
def test_only_a_test_that_fails_catches(status: int, text: str, caught: bool) -> None:
    assert Outcome(status=status, said=text).caught == caught

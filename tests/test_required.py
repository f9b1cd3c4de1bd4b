"""Where LOCKYARD_REQUIRE is set, no test leaves itself out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = """
import pytest

def test_that_leaves_itself_out():
    pytest.skip("there is no such program")

@pytest.mark.skipif(True, reason="not on this system")
def test_that_is_marked():
    pass

@pytest.mark.engine
def test_of_the_engine():
    pass

@pytest.mark.xfail
def test_that_is_known_to_fail():
    raise ValueError
"""


@pytest.mark.parametrize(
    ("required", "counts"),
    [("", "3 skipped, 1 xfailed"), ("network", "1 failed, 1 skipped, 1 xfailed, 1 error")],
)
def test_what_leaves_itself_out_fails(tmp_path: Path, required: str, counts: str) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    options = ["-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest", "-n", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, str(tmp_path)],
        cwd=ROOT,
        env={
            **os.environ,
            "LOCKYARD_REQUIRE": required,
            "LOCKYARD_TESTS_MISSING": "engine:none answers",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert counts in done.stdout
    assert ("LOCKYARD_REQUIRE is set, but: " in done.stdout) == bool(required)

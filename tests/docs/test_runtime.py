"""The page on the running image says what the start script does, and all of it is tried out."""

from __future__ import annotations

import re
import runpy

import pytest

from tests.docs.test_reference import ROOT

PAGE = (ROOT / "docs/runtime.md").read_text("utf-8")
SCRIPT = ROOT / "images/inference/files/start_inference.py"
TRIED = (ROOT / "tests/engine/test_runtime.py").read_text("utf-8")
VARIABLES = re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)
STATUSES = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)


def test_variables_are_those_of_the_script() -> None:
    named = re.findall(r'"((?:AML|AZUREML|WORKER|SERVER)_[A-Z_]*[A-Z])"', SCRIPT.read_text("utf-8"))
    # What the script has no part in, the server or the libraries read.
    assert {*VARIABLES} == {*named} | {"AZUREML_LOG_LEVEL", "TMPDIR", "HOME"}


def test_statuses_are_those_of_the_script() -> None:
    script = runpy.run_path(str(SCRIPT), run_name="start_inference")
    own = {value for name, value in script.items() if name.isupper() and isinstance(value, int)}
    # The server's own, and what a signal makes of it.
    assert {int(status) for status in STATUSES} == own | {3, 143}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_tried_out(status: str) -> None:
    assert re.search(rf"\b{status}\b", TRIED)


@pytest.mark.parametrize("variable", sorted({*VARIABLES} - {"TMPDIR", "HOME"}))
def test_a_variable_is_tried_out(variable: str) -> None:
    assert f'"{variable}"' in TRIED

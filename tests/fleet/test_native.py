"""The first generation's pins, and those that its own Python's pip-compile resolves."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.spec.reader import Fleet
from tests.fleet.locked import locked_pins
from tests.fleet.native import native_pins
from tests.fleet.pythons import Native

pytestmark = pytest.mark.network


# pip downloads all that it has resolved, so the frameworks of a gigabyte are left to whoever
# calls `python -m tests.fleet.native`, which compares all.
@pytest.mark.parametrize("env", ["minimal", "onnxruntime-1.6", "sklearn-0.24.1"])
def test_python_3_7_resolves_the_same_pins(
    env: str, fleet: Fleet, native: Native, tmp_path: Path
) -> None:
    pins = native_pins(fleet, env, native, tmp_path)
    assert pins == locked_pins(env)

"""Whatever a spec holds, at whatever key: faults, and never an exception of another kind."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockyard.errors import Fault, SpecError
from lockyard.spec.model import Env, Recipe, Workspace
from lockyard.spec.reader import read_fleet
from lockyard.spec.structure import converter, structure

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SCALARS = (
    _TEXTS
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=True)
    | st.sampled_from([date(2026, 1, 1), datetime(2026, 1, 1), time(1, 2)])
)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        found += [each for key in value for each in _paths(value[key], (*path, key))]
    if isinstance(value, list):
        found += [
            each for number, held in enumerate(value) for each in _paths(held, (*path, number))
        ]
    return found


def _replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    head, *rest = path
    copy = value.copy()
    copy[head] = _replaced(value[head], tuple(rest), new)
    return copy


@pytest.mark.parametrize(
    "file", ["WORKSPACE.toml", "envs/trial.toml", "images/inference/recipe.toml"]
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_value_at_any_key(root: Path, file: str, data: st.DataObject) -> None:
    sound = tomli.loads((root / file).read_text())
    if file.startswith("envs"):
        sound |= {
            "recipe": "inference",
            "requirements": {"pypi": ["numpy"], "debian": ["libc6"]},
            "variants": {"cpu": {"pypi": ["pandas"]}},
            "platforms": ["linux/amd64"],
            "environment": {"A": "b"},
        }
    path = data.draw(st.sampled_from(_paths(sound)))
    broken = _replaced(sound, path, data.draw(VALUES))
    saved = (root / file).read_bytes()
    (root / file).write_text(tomli_w.dumps(broken))
    try:
        faults = _faults(root)
    finally:
        (root / file).write_bytes(saved)
    # A sound workspace may lack what the env names.
    assert faults is None or {fault.file for fault in faults} in ({file}, {"envs/trial.toml"})


def _faults(root: Path) -> tuple[Fault, ...] | None:
    try:
        fleet = read_fleet(root)
        fleet.env("trial")
        fleet.recipe("inference")
    except SpecError as error:
        return error.faults
    return None


@pytest.mark.parametrize("model", [Env, Recipe, Workspace])
@settings(max_examples=100, deadline=None)
@given(value=VALUES)
def test_any_value_in_place_of_a_file(model: type, value: Any) -> None:
    found = structure(converter({}), value, model, "file.toml")
    assert isinstance(found, list)
    assert found
    for fault in found:
        assert fault.file == "file.toml"
        assert fault.reason
        assert len(str(fault)) < 500


def test_values_are_not_made_to_fit() -> None:
    made = converter({})
    for value in (1, True, 1.0, math.inf, None, b"text", ["text"]):
        found = structure(made, {"title": value, "base": "x"}, Env, "f")
        assert isinstance(found, list), value
        assert [fault.key for fault in found] == ["title"]

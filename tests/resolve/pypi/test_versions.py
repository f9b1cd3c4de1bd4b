from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lockyard.errors import ResolveError
from lockyard.resolve.pypi import versions
from lockyard.resolve.pypi.child import answer
from lockyard.resolve.pypi.explain import explain
from lockyard.resolve.pypi.target import PythonTarget

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_versions_are_those_that_the_project_pins() -> None:
    pinned = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert {f"{name}=={version}" for name, version in versions.PINNED.items()} <= set(pinned)
    versions.check_versions()


@pytest.mark.parametrize("name", ["pip", "pip-tools", "not-installed-anywhere"])
def test_refuses_other_versions_before_it_looks_at_anything(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(versions.PINNED, name, "1.0")
    failure = answer(b"not even a request").failure
    assert failure is not None
    target = PythonTarget("3.11.2", "2.36", "x86_64")
    error = explain(failure, source="pypi", target=target, cutoff=None, askers=())
    assert isinstance(error, ResolveError)
    assert error.reason.startswith(f"{name} 1.0 is needed to resolve, found ")
    assert error.solution == "install the pinned versions: pip install -e ."

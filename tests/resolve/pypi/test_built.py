from __future__ import annotations

import hashlib
from typing import Any

import pytest

from lockyard.errors import BuildError, ResolveError, SpecError, StoreError
from lockyard.lock.model import Sdist
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.resolve.sdist.build import SdistBuilder
from tests.resolve.sdist.conftest import make_sdist, tool_wheel

PY37 = PythonTarget("3.7.16", "2.27", "x86_64")
NEEDY = """
needs = ["lib>=1", 'old; python_version < "3.8"']
return tiny.wheel(out, "app-1.0-py3-none-any.whl", requires=needs)
"""


@pytest.fixture
def build(index: Any, resolve: Any) -> Any:
    """Resolve requirements where ``app`` may be built."""
    index.add("tiny-1.0-py3-none-any.whl", tool_wheel())
    index.wheel("lib", "1.0")
    index.wheel("old", "1.0")

    def run(*requirements: str, **given: Any) -> Any:
        given = {"sdists": {"App": {}}, "build_tools": ["Tiny==1.0"], "target": PY37} | given
        return {wheel.name: wheel for wheel in resolve(*requirements, **given)}

    return run


def test_locks_the_wheel_and_its_sdist(index: Any, build: Any) -> None:
    content = make_sdist(NEEDY)
    index.add("app-1.0.tar.gz", content)
    wheels = build("app", sdists={"app": {"WORD": "x"}})
    app = wheels["app"]
    assert (app.version, app.file) == ("1.0", "app-1.0-py3-none-any.whl")
    assert app.sdist == Sdist(
        file="app-1.0.tar.gz",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        tools=("tiny==1.0",),
        environment={"WORD": "x"},
    )
    assert app.sha256 != app.sdist.sha256
    assert (app.required_by, app.uploaded) == (("env",), "2024-05-06T07:08:09Z")
    assert wheels["lib"].required_by == ("app",)


def test_takes_dependencies_for_the_target_from_what_was_built(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY))
    assert set(build("app")) == {"app", "lib", "old"}
    assert set(build("app", target=PythonTarget("3.11.2", "2.36", "x86_64"))) == {"app", "lib"}


def test_builds_once(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY))
    assert build("app") == build("app")
    assert len(index.fetched("/app-1.0.tar.gz")) == 1


def test_a_fitting_wheel_wins(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY))
    index.wheel("app", "0.9")
    index.wheel("app", "1.0", tags="cp311-cp311-manylinux_2_17_x86_64")
    assert build("app")["app"].version == "0.9"
    assert build("app>=1")["app"].sdist
    assert build("app", pinned={"app": "1.0"})["app"].sdist
    index.wheel("app", "1.0")
    assert build("app")["app"].sdist is None


def test_takes_no_sdist_that_is_not_named(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY))
    with pytest.raises(ResolveError, match="has only source distributions") as error:
        build("app", sdists={"lib": {}})
    assert "sdists" in error.value.solution
    assert not index.fetched("/app-1.0.tar.gz")


def test_a_conflict_is_no_lack_of_wheels(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY))
    index.wheel("top", "1.0", "app<1")
    with pytest.raises(ResolveError, match="no release matches app<1"):
        build("app>=1", "top")


def test_refuses_a_python_that_the_sdist_does_not_support(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY), requires_python=">=3.8")
    with pytest.raises(ResolveError):
        build("app")
    assert not index.fetched("/app-1.0.tar.gz")


def test_refuses_what_is_built_for_another_python(index: Any, build: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY.replace("py3-", "py39-")))
    with pytest.raises(BuildError, match=r"isn't for Python 3\.7"):
        build("app")


def test_refuses_a_platform_wheel(index: Any, build: Any) -> None:
    index.add(
        "app-1.0.tar.gz", make_sdist(NEEDY.replace("py3-none-any", "cp37-cp37m-linux_x86_64"))
    )
    with pytest.raises(BuildError, match="for the machine that builds"):
        build("app")


def test_refuses_tools_that_are_not_pinned(build: Any, index: Any) -> None:
    with pytest.raises(SpecError):
        build("lib", build_tools=["tiny"])
    assert not index.requests


def test_gives_up_where_nothing_is_kept(
    index: Any, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add("app-1.0.tar.gz", make_sdist(NEEDY))
    monkeypatch.setattr(SdistBuilder, "wheel", lambda self, sdist: None)
    with pytest.raises(StoreError, match="what was built of it is gone"):
        build("app")

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from lockyard.errors import FetchError, LockyardError, ResolveError, SpecError
from lockyard.events import Silent
from lockyard.lock.model import Wheel
from lockyard.resolve.pypi.built import Builder, ask_and_build
from lockyard.resolve.pypi.protocol import Answer, Failure, Request
from lockyard.resolve.pypi.resolver import Requirement
from lockyard.resolve.pypi.target import PythonTarget

PY37 = PythonTarget("3.7.16", "2.27", "x86_64")


def versions(wheels: tuple[Wheel, ...]) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in wheels}


def test_gives_all_that_a_lock_records(index: Any, resolve: Any) -> None:
    index.wheel("App", "1.0", "under_score>=2")
    index.pages["app"] = index.pages.pop("App")
    index.wheel("under-score", "2.1")
    app, lib = resolve("App", Requirement("Under.Score", "recipe inference"))
    data = index.files["under_score-2.1-py3-none-any.whl"]
    assert (app.name, app.required_by) == ("app", ("env",))
    assert lib.name == "under-score"
    assert lib.version == "2.1"
    assert lib.file == "under_score-2.1-py3-none-any.whl"
    assert lib.sha256 == hashlib.sha256(data).hexdigest()
    assert lib.size == len(data)
    assert lib.source == "pypi"
    assert lib.required_by == ("app", "recipe inference")
    assert lib.uploaded == "2024-05-06T07:08:09Z"


def test_evaluates_markers_for_the_target(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", 'old; python_version < "3.8"', 'new; python_version >= "3.8"')
    index.wheel("old", "1.0")
    index.wheel("new", "1.0")
    assert set(versions(resolve("app", target=PY37))) == {"app", "old"}
    assert set(versions(resolve("app", target=PythonTarget("3.11.2", "2.36", "x86_64")))) == {
        "app",
        "new",
    }
    assert resolve('app; python_version < "3"', 'new; sys_platform == "linux"')[0].name == "new"


def test_a_marker_that_fails_asks_for_nothing(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", "lib")
    index.wheel("lib", "1.0")
    _, lib = resolve("app", Requirement('lib; python_version < "3"', "recipe"))
    assert lib.required_by == ("app",)


def test_takes_extras(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", 'fast; extra == "speed"', extras=("speed",))
    index.wheel("fast", "1.0")
    app, fast = resolve("app[speed]==1.0")
    assert app.required_by == ("env",)
    assert fast.required_by == ("app",)


def test_takes_the_best_wheel_for_the_target(index: Any, resolve: Any) -> None:
    for tags in (
        "py3-none-any",
        "cp311-cp311-manylinux_2_39_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-manylinux_2_28_aarch64",
        "cp37-cp37m-manylinux2014_x86_64",
    ):
        index.wheel("app", "1.0", tags=tags)
    assert resolve("app")[0].file == "app-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert resolve("app", target=PY37)[0].file == "app-1.0-cp37-cp37m-manylinux2014_x86_64.whl"
    arm = PythonTarget("3.11.2", "2.36", "aarch64")
    assert resolve("app", target=arm)[0].file == "app-1.0-cp311-cp311-manylinux_2_28_aarch64.whl"


def test_takes_an_older_wheel_over_a_newer_sdist(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    index.add("app-2.0.tar.gz", b"never looked at")
    assert versions(resolve("app")) == {"app": "1.0"}
    assert not index.fetched("app-2.0.tar.gz")


def test_obeys_requires_python_of_the_target(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", requires_python=">=3.8")
    assert versions(resolve("app", target=PY37)) == {"app": "1.0"}
    assert versions(resolve("app", target=PythonTarget("3.11.2", "2.36", "x86_64"))) == {
        "app": "2.0"
    }


def test_takes_yanked_releases_only_when_pinned(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    index.wheel("app", "1.1", yanked="breaks")
    assert versions(resolve("app")) == {"app": "1.0"}
    assert versions(resolve("app==1.1")) == {"app": "1.1"}
    assert versions(resolve("app==1.1", pinned={"app": "1.1"})) == {"app": "1.1"}


def test_refuses_a_yanked_release_that_only_the_lock_holds(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    index.wheel("app", "1.1", yanked="breaks")
    with pytest.raises(ResolveError, match=r"app 1\.1, which the lock pins, has been yanked"):
        resolve("app", pinned={"app": "1.1"})
    index.wheel("holder", "1.0", "app==1.1")
    assert versions(resolve("holder", pinned={"app": "1.1", "holder": "1.0"})) == {
        "app": "1.1",
        "holder": "1.0",
    }


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Failure(kind="index", text="answered with HTTP status 503"), FetchError),
        (Failure(kind="metadata", package="app", text="it says nothing"), ResolveError),
    ],
)
def test_a_yanked_release_is_not_blamed_for_another_failure(
    index: Any,
    resolve: Any,
    monkeypatch: pytest.MonkeyPatch,
    failure: Failure,
    told: type[LockyardError],
) -> None:
    index.wheel("app", "1.0")
    index.wheel("app", "1.1", yanked="breaks")

    def answer(request: Request, builder: Builder) -> Answer:
        return ask_and_build(request, builder) if request.pins else Answer(failure=failure)

    monkeypatch.setattr("lockyard.resolve.pypi.resolver.ask_and_build", answer)
    with pytest.raises(told, match=failure.text):
        resolve("app", pinned={"app": "1.1"})


def test_leaves_out_what_came_after_the_cutoff(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    index.wheel("app", "2.0", upload_time="2025-01-01T00:00:00Z")
    assert versions(resolve("app", cutoff=datetime(2025, 1, 1, tzinfo=UTC))) == {"app": "1.0"}
    assert versions(resolve("app", cutoff=datetime(2025, 1, 2, tzinfo=UTC))) == {"app": "2.0"}


@pytest.fixture
def bumped(index: Any) -> Any:
    for version in ("1.0", "1.1", "1.2"):
        index.wheel("one", version, "two")
        index.wheel("two", version)
    return index


def test_pins_win(bumped: Any, resolve: Any) -> None:
    pins = {"one": "1.0", "Two": "1.1", "three": "9"}
    assert versions(resolve("one", pinned=pins)) == {"one": "1.0", "two": "1.1"}


def test_upgrade_moves_one_package_alone(bumped: Any, resolve: Any) -> None:
    pins = {"one": "1.0", "two": "1.0"}
    newest = resolve("one", pinned=pins, upgrade=frozenset({"Two"}))
    assert versions(newest) == {"one": "1.0", "two": "1.2"}
    given = resolve("one", pinned=pins, upgrade=frozenset({"two==1.1"}))
    assert versions(given) == {"one": "1.0", "two": "1.1"}


class Notes(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_drops_pins_that_no_longer_fit_and_says_so(bumped: Any, resolve: Any) -> None:
    bumped.wheel("one", "2.0", "two>1.0")
    bumped.wheel("two", "2.0")
    notes = Notes()
    pins = {"one": "0.9", "two": "1.0"}
    wheels = resolve("one>=2", pinned=pins, reporter=notes)
    assert versions(wheels) == {"one": "2.0", "two": "2.0"}
    assert notes.notes == [
        "one 0.9 no longer fits: 2.0 is taken instead",
        "two 1.0 no longer fits: 2.0 is taken instead",
    ]


def test_the_order_of_requirements_changes_nothing(bumped: Any, resolve: Any) -> None:
    assert resolve("one", "two<1.2") == resolve("two<1.2", "one")


@pytest.mark.parametrize(
    "text",
    [
        "app @ https://host.invalid/app-1.0-py3-none-any.whl",
        "git+https://host.invalid/app.git",
        "-e .",
        "./app",
        "--extra-index-url https://host.invalid/simple",
        "",
        "app==1.0 --hash=sha256:00",
    ],
)
def test_refuses_what_names_more_than_a_package(text: str, index: Any, resolve: Any) -> None:
    with pytest.raises(SpecError):
        resolve(text)
    assert index.requests == []

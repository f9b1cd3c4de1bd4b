"""What is guessed of a resolution, and that a wrong guess does nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.resolve.pypi import foresight
from lockyard.resolve.pypi.foresight import Foresight
from lockyard.resolve.pypi.protocol import Chosen, Request
from lockyard.resolve.pypi.target import PythonTarget
from tests.resolve.pypi.conftest import PY311, Index

Resolve = Callable[..., Any]


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    return Request(
        requirements=(),
        constraints=(),
        pins={},
        target=PY311,
        index="https://me:secret@index.example/simple",
        cert=None,
        cache=str(tmp_path),
        cutoff=None,
    )


def chosen(name: str, *required_by: str) -> Chosen:
    return Chosen(
        name=name,
        version="1",
        file="",
        sha256="",
        size=1,
        uploaded="",
        required_by=required_by,
    )


def test_follows_what_was_learnt(request_: Request) -> None:
    learnt = [chosen("app"), chosen("lib", "app"), chosen("deep", "lib"), chosen("round", "deep")]
    Foresight(request_).learn([*learnt, chosen("lib-two", "round", "app")])
    assert Foresight(request_).beyond(["App", "new"]) == [
        *("app", "new", "lib", "lib-two", "deep", "round")
    ]
    assert Foresight(request_).beyond(["deep"]) == ["deep", "round", "lib-two"]


def test_learns_anew(request_: Request) -> None:
    Foresight(request_).learn([chosen("app"), chosen("lib", "app"), chosen("other")])
    Foresight(request_).learn([chosen("app"), chosen("better", "app")])
    assert Foresight(request_).beyond(["app", "other"]) == ["app", "other", "better"]


def test_knows_another_target_and_index_apart(request_: Request) -> None:
    Foresight(request_).learn([chosen("app"), chosen("lib", "app")])
    for other in (
        evolve(request_, target=PythonTarget("3.12.1", "2.36", "x86_64")),
        evolve(request_, index="https://me:secret@other.example/simple"),
    ):
        assert Foresight(other).beyond(["app"]) == ["app"]
    same = evolve(request_, index="https://you:secret@index.example/simple")
    assert Foresight(same).beyond(["app"]) == ["app", "lib"]


def test_forgets_the_oldest(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "_LARGEST", 3)
    Foresight(request_).learn([chosen("old"), chosen("lib", "old")])
    Foresight(request_).learn([chosen("app"), chosen("deep", "app")])
    assert Foresight(request_).beyond(["old", "app"]) == ["old", "app", "deep"]


@pytest.mark.parametrize(
    "contents",
    [
        b"no JSON",
        b"[]",
        json.dumps({"app": 1}).encode(),
        json.dumps({"app": [1]}).encode(),
        json.dumps({"app": ["../../x"]}).encode(),
        json.dumps({"app": ["lib\n"]}).encode(),
        b"[" * 100_000,
    ],
)
def test_nonsense_is_nothing(contents: bytes, request_: Request) -> None:
    made = Foresight(request_)
    made._memory.put(made._key, contents)
    assert Foresight(request_).beyond(["app"]) == ["app"]


def test_a_resolution_teaches_the_next(
    index: Index, resolve: Resolve, request_: Request, tmp_path: Path
) -> None:
    index.wheel("deep", "1.0")
    index.wheel("lib", "1.0", "deep; extra == 'more'", extras=("more",))
    index.wheel("app", "1.0", "Lib[more]")
    first = resolve("App")
    same = evolve(request_, index=index.url, cache=str(tmp_path / "cache"))
    assert Foresight(same).beyond(["app"]) == ["app", "lib", "deep"]
    assert resolve("App") == first


def test_a_wrong_guess_changes_nothing(index: Index, resolve: Resolve) -> None:
    index.wheel("gone", "1.0")
    index.wheel("app", "1.0", "gone")
    resolve("app")
    del index.pages["gone"]
    index.wheel("app", "2.0")
    assert [wheel.name for wheel in resolve("app")] == ["app"]

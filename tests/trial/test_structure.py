"""Whether config and files are as planned."""

from __future__ import annotations

from typing import Any

import pytest

from lockyard.trial.outcome import WrongError
from lockyard.trial.structure import check_config, check_laid
from lockyard.trial.subject import Laid

PLANNED = {"User": "1000:1000", "Env": ["A=1", "B=2"], "Labels": {"a": "b"}}


def test_what_says_nothing_is_nothing() -> None:
    assert check_config(PLANNED, {**PLANNED, "Entrypoint": None, "Volumes": {}, "OnBuild": []})


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        ({"User": ""}, "User: '1000:1000'", "User: ''"),
        ({"Env": ["A=1", "B=3"]}, "Env: ['B=2']", "Env: ['B=3']"),
        ({"Env": ["B=2", "A=1"]}, "Env: ['A=1', 'B=2']", "Env: ['B=2', 'A=1']"),
        ({"Labels": {"a": "b", "c": "d"}}, "Labels: {}", "Labels: {'c': 'd'}"),
        ({"Entrypoint": ["sh"]}, "Entrypoint: None", "Entrypoint: ['sh']"),
    ],
)
def test_configs_that_differ(change: dict[str, Any], expected: str, found: str) -> None:
    with pytest.raises(WrongError) as wrong:
        check_config(PLANNED, {**PLANNED, **change})
    assert (wrong.value.expected, wrong.value.found) == (expected, found)


def test_laid_files() -> None:
    laid = {
        "/f": Laid(kind="file", uid=0, gid=0, mode="0644", sha256="ab"),
        "/d": Laid(kind="folder", uid=1000, gid=1000),
    }
    right: dict[str, Any] = {"/f": ["-", "0644", 0, 0, "ab"], "/d": ["d", "0755", 1000, 1000, ""]}
    assert check_laid(laid, right) == "2 paths"
    for path, about, said in (
        ("/f", None, "/f: nothing"),
        ("/f", ["-", "0666", 0, 0, "ab"], "/f: file 0666 0:0 ab"),
        ("/f", ["-", "0644", 0, 0, "cd"], "/f: file 0644 0:0 cd"),
        ("/f", ["l", "0777", 0, 0, ""], "/f: of kind 'l' 0777 0:0"),
        ("/d", ["d", "0755", 0, 0, ""], "/d: folder 0:0"),
    ):
        with pytest.raises(WrongError) as wrong:
            check_laid(laid, {**right, path: about})
        assert wrong.value.found == said

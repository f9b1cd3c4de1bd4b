from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockyard.build.conda import process
from lockyard.build.conda.child import Job
from lockyard.build.conda.process import run_jobs
from lockyard.errors import BuildError
from lockyard.fetch.pool import Cancel, CancelledError


def job(folder: Path) -> Job:
    """Return the job of a package that isn't in the cache."""
    record = {
        "name": "app",
        "version": "1.0",
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": "linux-64",
    }
    (folder / "record.json").write_text(json.dumps(record))
    return Job(
        records=(str(folder / "record.json"),),
        cache=str(folder / "cache"),
        target=str(folder / "prefix"),
        prefix="/opt/conda",
    )


def test_what_is_not_in_the_cache_comes_from_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="can't be installed") as caught:
        run_jobs([job(tmp_path)], ["app-1.0-0.conda"], tmp_path)
    assert caught.value.where == "app-1.0-0.conda"
    assert str(tmp_path) not in str(caught.value)


def test_a_child_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TIME_LIMIT", 0)
    monkeypatch.setattr(process, "_LOOK", 0.001)
    with pytest.raises(BuildError, match="it took more than"):
        run_jobs([], ["app-1.0-0.conda"], tmp_path)


def test_a_child_that_nobody_wants_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_LOOK", 0.001)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        run_jobs([], ["app-1.0-0.conda"], tmp_path, cancel)


def test_a_child_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "encoded", lambda jobs: b"no jobs")
    with pytest.raises(BuildError, match="it ended with status 1") as caught:
        run_jobs([], ["a.conda", "b.conda"], tmp_path)
    assert caught.value.where == "a.conda, b.conda"

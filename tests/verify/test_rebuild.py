from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.errors import BuildError, FetchError, LockyardError
from lockyard.store.store import Store
from lockyard.verify.conditions import Machine, conditions
from lockyard.verify.rebuild import Rebuilder, _failure


@pytest.fixture
def rebuilder(tmp_path: Path) -> Rebuilder:
    workspace = tmp_path / "workspace"
    (workspace / "envs").mkdir(parents=True)
    (workspace / "WORKSPACE.toml").write_text("format = 1\n")
    store = Store(tmp_path / "store")
    with store.writer("artifact") as writer:
        writer.write(b"artifact")
        path = writer.commit()
    machine = Machine(uid=os.getuid(), pythons=("/nowhere",))
    return Rebuilder(root=workspace, env="demo", store=store, artifacts=[path], machine=machine)


def test_a_rebuild_has_the_artifacts_and_no_more(
    rebuilder: Rebuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nenv > ../seen\nfind .. -type f > ../files\nexit 1\n")
    python.chmod(0o755)
    given = evolve(conditions(1, rebuilder.machine), python=str(python))
    folder = rebuilder.store.root / "tmp"
    kept: dict[str, str] = {}

    def look(*_: object) -> LockyardError:
        (scratch,) = folder.iterdir()
        kept.update({name: (scratch / name).read_text() for name in ("seen", "files")})
        return BuildError("enough")

    monkeypatch.setattr("lockyard.verify.rebuild._failure", look)
    with pytest.raises(BuildError, match="enough"):
        rebuilder.rebuild(given).__enter__()
    assert list(folder.iterdir()) == []
    names = {line.partition("=")[0] for line in kept["seen"].splitlines()}
    assert {"TZ", "LC_ALL", "SOURCE_DATE_EPOCH", "LOCKYARD_STORE", "HOME", "TMPDIR"} <= names
    # Nothing of the user's own, addresses and credentials among it.
    assert not {name for name in names if name.startswith(("PIP_INDEX", "LOCKYARD_D", "SSH"))}
    assert kept["files"].count("/store/artifacts/sha256/") == 1
    assert "/store/blobs" not in kept["files"]
    assert rebuilder.artifacts[0].read_bytes() == b"artifact"


def test_what_a_killed_rebuild_left_in_memory_goes(rebuilder: Rebuilder, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    for name, age in (("lockyard-verify-old", 90_000), ("lockyard-verify-new", 0), ("x", 90_000)):
        (memory / name / "folder").mkdir(parents=True)
        then = time.time() - age
        os.utime(memory / name, (then, then))
    given = evolve(conditions(1, rebuilder.machine), memory=str(memory))
    with pytest.raises((BuildError, OSError)):
        rebuilder.rebuild(given).__enter__()
    assert {path.name for path in memory.iterdir()} == {"lockyard-verify-new", "x"}


def test_a_failure_keeps_its_family() -> None:
    told = {"family": "fetch", "reason": "r", "where": "w", "solution": "s"}
    error = _failure(json.dumps({"error": told}).encode(), 6, "demo")
    assert isinstance(error, FetchError)
    assert (error.reason, error.where, error.solution) == ("r", "w", "s")


@pytest.mark.parametrize("said", [b"", b"Killed", b"{}", b'{"error": {"family": "none"}}', b"\xff"])
def test_a_breakdown_is_told_by_its_last_words(said: bytes) -> None:
    error = _failure(said, -9, "demo")
    assert isinstance(error, BuildError)
    assert "broke down with status -9" in str(error)

"""The gc task, beside builds and other workspaces that are real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockyard.errors import LockError, StoreError, UsageError
from tests.cli.conftest import CLOSED, SECONDS, Yard

OFFLINE = {"PIP_INDEX_URL": CLOSED, "LOCKYARD_DEBIAN_MIRROR": CLOSED}


def aged(yard: Yard, days: float) -> None:
    """Let what is in the store be so many days old."""
    then = time.time() - days * 86_400
    for path in yard.store.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def files(yard: Yard, folder: str = "") -> list[str]:
    return sorted(path.name for path in (yard.store / folder).rglob("*") if path.is_file())


@contextmanager
def running(yard: Yard, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside the test; it doesn't outlive the block."""
    with subprocess.Popen(
        yard.command(*arguments),
        cwd=yard.root,
        env=yard.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_was_built_is_built_again_without_a_network(yard: Yard) -> None:
    base = yard.base()
    yard.lock("trial", base, yard.wheel("alpha"))
    yard.lock("other", base, yard.wheel("beta"))
    first = yard.run("build", "--all", "--json")
    before = files(yard)
    done = yard.run("gc", "--keep", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("needed by 2 locks in 1 workspace\n")
    assert files(yard) == before
    again = json.loads(yard.run("build", "--all", "--json", **OFFLINE).stdout)
    assert {each["state"] for each in again} == {"unchanged"}
    shutil.rmtree(yard.root / "dist")
    again = json.loads(yard.run("build", "--all", "--json", **OFFLINE).stdout)
    assert [each["new_layers"] for each in again] == [0, 0]
    shutil.rmtree(yard.root / "dist")
    shutil.rmtree(yard.store / "records/layer")
    shutil.rmtree(yard.store / "blobs")
    again = json.loads(yard.run("build", "--all", "--json", **OFFLINE).stdout)
    made = [each["digests"] for each in json.loads(first.stdout)]
    assert [each["digests"] for each in again] == made


def test_what_a_bump_left_behind_goes_after_some_days(yard: Yard) -> None:
    base = yard.base()
    yard.lock("trial", base, yard.wheel("alpha"))
    yard.run("build", "trial")
    before = set(files(yard))
    beta = yard.wheel("beta")
    yard.lock("trial", base, beta)
    yard.run("build", "trial")
    unmoved = yard.run("gc").stdout
    assert f"\n{yard.store}: removed 0 B\nkept " in unmoved
    assert unmoved.endswith(": needed by 1 lock in 1 workspace, or used within 30 days\n")
    aged(yard, 31)
    shown = yard.run("gc", "--dry-run")
    assert len(before - set(files(yard))) == 0
    assert "artifacts: kept 2 (" in shown.stdout
    done = yard.run("gc")
    assert done.stdout == shown.stdout.replace("would remove", "removed")
    # The wheel, its layer, that layer's record.
    assert len(before - set(files(yard))) == 3
    assert files(yard, "artifacts") == sorted([base.sha256, beta.sha256])
    assert "nothing to do" in yard.run("build", "trial", **OFFLINE).stdout


def test_it_stops_while_a_build_runs(yard: Yard) -> None:
    alpha = yard.wheel("alpha")
    yard.lock("trial", yard.base(), alpha)
    yard.site.stalls.add(f"/files/{alpha.file}")
    with running(yard, "build", "trial") as build:
        assert yard.site.stalled.wait(SECONDS)
        done = yard.run("gc", "--keep", "0")
        assert done.returncode == StoreError.status
        told = f"store error: {yard.store}: a build or another task is using it\n"
        assert done.stderr.startswith(told)
        assert yard.run("gc", "--dry-run").returncode == 0
        with running(yard, "gc", "--keep", "0", "--wait") as waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(1)
            build.kill()
            assert waiting.wait(SECONDS) == 0
    # What was on its way to a lock that is still there isn't lost.
    assert files(yard, "partial") == [alpha.sha256]
    yard.site.released.set()
    yard.site.stalls.clear()
    assert yard.run("build", "trial").returncode == 0


def test_locks_of_other_workspaces_count(yard: Yard, tmp_path: Path) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    yard.run("build", "trial")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(yard.root / "WORKSPACE.toml", other)
    aged(yard, 31)
    before = files(yard, "artifacts")
    assert yard.run("gc", "--keep", "0", folder=str(other)).returncode == 0
    assert files(yard, "artifacts") == before
    lock = yard.root / "locks/trial.lock.toml"
    sound = lock.read_text()
    lock.write_text("<<<<<<< HEAD\n")
    done = yard.run("gc", "--keep", "0", "--json", folder=str(other))
    assert done.returncode == LockError.status
    assert json.loads(done.stderr)["error"]["where"] == str(lock)
    assert files(yard, "artifacts") == before
    lock.write_text(sound)
    shutil.rmtree(yard.root)
    yard.run("gc", "--keep", "0", folder=str(other))
    assert files(yard, "artifacts") == []
    assert files(yard, "blobs") == []


def test_a_run_that_shows_leaves_no_record(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    for arguments in (["build", "trial", "--dry-run"], ["gc", "--dry-run"]):
        assert yard.run(*arguments).returncode == 0
        assert files(yard) == ["lock"]


def test_json(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    yard.run("build", "trial")
    (done,) = json.loads(yard.run("gc", "--json").stdout)
    kinds = {each["kind"]: (each["kept"], each["removed"]) for each in done["tallies"]}
    assert kinds["artifact"] == (1, 0)
    assert kinds["layer"] == (2, 0)
    assert done["workspaces"] == [str(yard.root)]


@pytest.mark.parametrize("days", ["-1", "1.5", "many", "", "9" * 400])
def test_days_that_are_none(yard: Yard, days: str) -> None:
    assert "isn't a number of days" in yard.refused(UsageError.status, "gc", f"--keep={days}")

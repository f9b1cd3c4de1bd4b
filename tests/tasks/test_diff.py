"""What a lock changes against a commit, with real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.cli.difference import as_markdown, as_text
from lockyard.errors import LockError, UsageError
from lockyard.lock.file import write_lock
from lockyard.lock.model import Wheel
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.check import check_fleet
from lockyard.tasks.diff import diff_env
from tests.conftest import ROOT
from tests.tasks.reviewed import fleet, known, locked

__all__ = ["fleet"]


@pytest.fixture
def git(fleet: Fleet) -> Git:
    return Git(fleet.root)


class Git:
    """A repository whose settings are its own, whatever the user's are."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self("init", "--quiet", "--initial-branch=main")
        (root / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
        self.commit("First")

    def __call__(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{what}": "a@example.invalid"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    def commit(self, message: str) -> None:
        self("add", "--all")
        self("commit", "--quiet", "--message", message)


def _bump(fleet: Fleet, name: str, version: str) -> None:
    """Move a package in the lock, as locking it again would."""

    def moved(wheel: Wheel) -> Wheel:
        file = wheel.file.replace("1.21", version)
        return known(evolve(wheel, version=version, file=file))

    lock = locked(fleet)
    wheels = tuple(moved(each) if each.name == name else each for each in lock.wheels)
    write_lock(fleet.root, evolve(lock, wheels=wheels))


class TestDiff:
    def test_a_bump_is_told_with_who_asks_for_it(self, fleet: Fleet, git: Git) -> None:
        _bump(fleet, "werkzeug", "10.0")
        done = diff_env(fleet, "trial")
        assert as_text(done).splitlines() == [
            "trial: 1 change against HEAD",
            "  pypi",
            "    ~ werkzeug 1.21 -> 10.0  (110 B, +0 B; required by server)",
            "  cpu-linux-amd64: 2.3 kB -> 2.3 kB (+0 B)",
            "  cpu-linux-arm64: 2.3 kB -> 2.3 kB (+0 B)",
        ]
        assert "| ~ | pypi | werkzeug | 1.21 -\\> 10.0 | 110 B, +0 B | server | all |" in (
            as_markdown(done).splitlines()
        )

    def test_any_commit_may_be_compared_with(self, fleet: Fleet, git: Git) -> None:
        _bump(fleet, "werkzeug", "2.0")
        git.commit("Second")
        assert diff_env(fleet, "trial").changes == ()
        (change,) = diff_env(fleet, "trial", "HEAD~1").changes
        assert (change.name, change.old, change.new) == ("werkzeug", "1.21", "2.0")

    def test_a_commit_without_the_lock_has_everything_added(self, fleet: Fleet, git: Git) -> None:
        git("rm", "--quiet", "--cached", "locks/trial.lock.toml")
        git("commit", "--quiet", "--message", "Without")
        done = diff_env(fleet, "trial")
        assert done.new
        assert {change.old for change in done.changes} == {""}
        assert as_text(done).startswith("trial: HEAD has no lock of it\n")

    def test_a_workspace_may_be_a_folder_of_the_repository(self, fleet: Fleet, git: Git) -> None:
        inner = fleet.root / "team"
        inner.mkdir()
        for part in ("WORKSPACE.toml", "envs", "images", "locks"):
            git("mv", part, f"team/{part}")
        git.commit("Move")
        moved = read_fleet(inner)
        _bump(moved, "server", "1.22")
        assert [change.name for change in diff_env(moved, "trial").changes] == ["server"]

    @pytest.mark.parametrize("against", ["nope", "--output=x", "HEAD:locks", ""])
    def test_what_is_no_commit_is_said(self, fleet: Fleet, git: Git, against: str) -> None:
        with pytest.raises(UsageError, match="there is no commit"):
            diff_env(fleet, "trial", against)

    def test_outside_a_repository_it_says_so(
        self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(fleet.root.parent))
        with pytest.raises(UsageError, match="no git checkout"):
            diff_env(fleet, "trial")

    def test_without_git_it_says_so(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(fleet.root))
        with pytest.raises(UsageError, match="install git"):
            diff_env(fleet, "trial")

    def test_a_damaged_lock_of_a_commit_is_named_with_it(self, fleet: Fleet, git: Git) -> None:
        file = fleet.root / "locks/trial.lock.toml"
        sound = file.read_bytes()
        file.write_bytes(b"\xff")
        git.commit("Damage")
        file.write_bytes(sound)
        with pytest.raises(LockError, match=r"locks/trial\.lock\.toml at HEAD"):
            diff_env(fleet, "trial")

    def test_markdown_of_a_lock_stays_text(self, fleet: Fleet, git: Git) -> None:
        lock = locked(fleet)
        hostile = evolve(lock.wheels[2], required_by=("a|b", "<img src=x>"), sha256="0" * 64)
        write_lock(fleet.root, evolve(lock, wheels=(*lock.wheels[:2], hostile, lock.wheels[3])))
        row = as_markdown(diff_env(fleet, "trial")).splitlines()[4]
        assert "a\\|b, \\<img src=x\\>" in row


def test_two_bumps_of_two_packages_merge_by_themselves(fleet: Fleet, git: Git) -> None:
    git("checkout", "--quiet", "-b", "one")
    _bump(fleet, "server", "1.22")
    git.commit("Bump server")
    git("checkout", "--quiet", "-b", "two", "main")
    _bump(fleet, "werkzeug", "2.0")  # which stands next to it in the lock
    git.commit("Bump werkzeug")
    git("merge", "--quiet", "--no-edit", "one")
    assert [(each.name, each.version) for each in locked(fleet).wheels[2:]] == [
        ("server", "1.22"),
        ("werkzeug", "2.0"),
    ]
    assert not check_fleet(fleet, "").findings
    assert git(
        "check-attr", "eol", "linguist-generated", "--", "locks/trial.lock.toml"
    ).split() == [
        *("locks/trial.lock.toml:", "eol:", "lf"),
        *("locks/trial.lock.toml:", "linguist-generated:", "set"),
    ]

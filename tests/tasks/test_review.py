"""Checking, comparing, explaining and exporting the locks of a workspace on disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli
from attrs import evolve

from lockyard.cli.difference import as_markdown, as_text
from lockyard.errors import IntegrityError, LockError, StoreError, UsageError
from lockyard.lock.file import read_lock, write_lock
from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Wheel
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.check import check_fleet
from lockyard.tasks.diff import diff_env
from lockyard.tasks.export import Export, export_env
from lockyard.tasks.why import why_package
from tests.conftest import ROOT
from tests.lock.sound import DEBIAN_ENV, RECIPE, WORKSPACE, on_debian

BYTES = {name: name.encode() * 10 for name in ("numpy", "server", "werkzeug")}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A workspace of one env and its lock, whose wheels' bytes are known."""
    for file, text in {
        "WORKSPACE.toml": WORKSPACE,
        "images/bare/recipe.toml": RECIPE,
        "envs/trial.toml": DEBIAN_ENV,
    }.items():
        path = tmp_path / "fleet" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    fleet = read_fleet(tmp_path / "fleet")
    sound = on_debian().lock
    write_lock(fleet.root, evolve(sound, wheels=tuple(map(_known, sound.wheels))))
    return fleet


def _known(wheel: Wheel) -> Wheel:
    data = BYTES[wheel.name] + wheel.file.encode()
    return evolve(wheel, sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def _lock(fleet: Fleet) -> Lock:
    lock = read_lock(fleet.root, "trial")
    assert lock is not None
    return lock


def _found(fleet: Fleet, name: str = "") -> list[str]:
    return [str(each) for each in check_fleet(fleet, name).findings]


class TestCheck:
    def test_a_sound_workspace_has_no_finding(self, fleet: Fleet) -> None:
        done = check_fleet(fleet)
        assert (done.locks, done.findings) == (1, ())

    def test_every_fault_of_every_file_is_told_at_once(self, fleet: Fleet) -> None:
        envs, locks = fleet.root / "envs", fleet.root / "locks"
        (envs / "bad.toml").write_text('base = "debian13"\nrecipe = "bare"', encoding="utf-8")
        (envs / "none.toml").write_text(DEBIAN_ENV, encoding="utf-8")
        (envs / "torn.toml").write_text(DEBIAN_ENV, encoding="utf-8")
        (locks / "torn.lock.toml").write_text("format = 1\n[", encoding="utf-8")
        (locks / "stray.lock.toml").write_text("", encoding="utf-8")
        *others, _ = _lock(fleet).wheels
        write_lock(fleet.root, evolve(_lock(fleet), wheels=tuple(others[1:])))
        found = _found(fleet)
        assert [each.partition(":")[0] for each in found] == [
            "envs/bad.toml",
            "envs/bad.toml",
            "locks/none.lock.toml",
            "locks/torn.lock.toml",
            "locks/trial.lock.toml",
            "locks/stray.lock.toml",
        ]
        assert all("\n" not in each for each in found)
        assert found[2] == "locks/none.lock.toml: there is no lock (invoke lock none)"
        assert found[4].endswith("(cpu-linux-arm64) (invoke lock trial)")

    def test_two_envs_of_one_image_are_told(self, fleet: Fleet) -> None:
        text = f"stem = 'trial'\n{DEBIAN_ENV}"
        (fleet.root / "envs/again.toml").write_text(text, encoding="utf-8")
        assert _found(fleet) == [
            "locks/again.lock.toml: there is no lock (invoke lock again)",
            "envs/trial.toml: its image trial-debian12-py311-cpu-bare is that of env again as "
            "well (give one of them another stem)",
        ]

    def test_one_env_alone_is_looked_at_when_it_is_named(self, fleet: Fleet) -> None:
        (fleet.root / "envs/none.toml").write_text(DEBIAN_ENV, encoding="utf-8")
        assert _found(fleet, "trial") == []
        with pytest.raises(UsageError, match="did you mean 'trial'"):
            check_fleet(fleet, "trail")

    def test_several_processes_find_the_same_in_the_same_order(self, fleet: Fleet) -> None:
        for number in range(70):
            (fleet.root / f"envs/e{number}.toml").write_text(DEBIAN_ENV, encoding="utf-8")
        alone, shared = check_fleet(fleet, jobs=1), check_fleet(fleet, jobs=2)
        assert alone == shared
        assert len(alone.findings) == 70

    def test_the_task_tells_faults_on_its_output_and_by_its_status(self, fleet: Fleet) -> None:
        assert _lockyard(fleet, "check", "--env", "trial").returncode == 0
        write_lock(fleet.root, evolve(_lock(fleet), inputs={}))
        done = _lockyard(fleet, "check", "--json")
        assert done.returncode == LockError.status
        (finding,) = json.loads(done.stdout)
        assert finding == {
            "lock": "locks/trial.lock.toml",
            "package": "",
            "reason": "made from another base, env, recipe",
            "solution": "invoke lock trial",
            "targets": [],
        }
        assert done.stderr == ""


def _lockyard(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lockyard", *arguments],
        cwd=fleet.root,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(fleet.root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_why_reads_the_lock_and_the_spec(fleet: Fleet) -> None:
    (route,) = why_package(fleet, "trial", "werkzeug")
    assert route.packages == ("server 1.21", "werkzeug 1.21")
    (fleet.root / "locks/trial.lock.toml").unlink()
    with pytest.raises(LockError, match="invoke lock trial"):
        why_package(fleet, "trial", "werkzeug")


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
        return _known(evolve(wheel, version=version, file=file))

    lock = _lock(fleet)
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
        lock = _lock(fleet)
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
    assert [(each.name, each.version) for each in _lock(fleet).wheels[2:]] == [
        ("server", "1.22"),
        ("werkzeug", "2.0"),
    ]
    assert _found(fleet) == []
    assert git(
        "check-attr", "eol", "linguist-generated", "--", "locks/trial.lock.toml"
    ).split() == [
        *("locks/trial.lock.toml:", "eol:", "lf"),
        *("locks/trial.lock.toml:", "linguist-generated:", "set"),
    ]


@pytest.fixture
def store(fleet: Fleet, tmp_path: Path) -> Store:
    """A store that has every wheel of the lock."""
    store = Store.open(tmp_path / "store")
    for wheel in _lock(fleet).wheels:
        with store.writer("artifact") as writer:
            writer.write(BYTES[wheel.name] + wheel.file.encode())
            writer.commit()
    return store


class TestExport:
    def test_a_pylock_finds_its_wheels_from_where_it_stands(
        self, fleet: Fleet, store: Store, tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        wanted = Export(
            env="trial",
            format="pylock",
            target="cpu-linux-amd64",
            output=tmp_path / "out" / "pylock.toml",
            wheels=tmp_path / "wheels",
        )
        done = export_env(fleet, wanted, lambda: store)
        text = (tmp_path / "out" / "pylock.toml").read_text(encoding="utf-8")
        assert text == done.text
        for package in tomli.loads(text)["packages"]:
            (wheel,) = package["wheels"]
            data = (tmp_path / "out" / wheel["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == wheel["hashes"]["sha256"]
        assert sorted(path.name for path in (tmp_path / "wheels").iterdir()) == sorted(
            Path(file).name for file in done.wheels
        )

    def test_what_the_store_lacks_leaves_nothing_behind(self, fleet: Fleet, tmp_path: Path) -> None:
        wanted = Export(
            env="trial",
            format="pylock",
            target="cpu-linux-amd64",
            output=tmp_path / "pylock.toml",
            wheels=tmp_path / "wheels",
        )
        with pytest.raises(StoreError, match="invoke build trial"):
            export_env(fleet, wanted, lambda: Store.open(tmp_path / "empty"))
        assert not (tmp_path / "wheels").exists()
        assert not (tmp_path / "pylock.toml").exists()

    def test_a_wheel_that_rotted_in_the_store_is_not_handed_out(
        self, fleet: Fleet, store: Store, tmp_path: Path
    ) -> None:
        wheel = _lock(fleet).wheels[2]
        path = store.artifact(wheel.sha256)
        assert path is not None
        path.chmod(0o644)
        path.write_bytes(b"x" * wheel.size)
        wanted = Export(
            env="trial", format="pylock", target="cpu-linux-amd64", wheels=tmp_path / "wheels"
        )
        with pytest.raises(IntegrityError):
            export_env(fleet, wanted, lambda: store)
        assert not (tmp_path / "wheels" / wheel.file).exists()

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({}, "name one: cpu-linux-amd64, cpu-linux-arm64"),
            ({"target": "cpu-linux-arm"}, "did you mean 'cpu-linux-arm64'"),
            ({"format": "explicit", "target": "cpu-linux-arm64"}, "has no conda packages"),
            ({"wheels": Path("wheels")}, "only a pylock names a folder of wheels"),
            ({"output": Path()}, r"\. is a folder"),
            ({"output": Path("/")}, "/ is a folder"),
        ],
    )
    def test_arguments_that_do_not_fit_are_said(
        self, fleet: Fleet, store: Store, changes: Mapping[str, Any], told: str
    ) -> None:
        wanted = evolve(Export(env="trial", format="requirements"), **changes)
        with pytest.raises(UsageError, match=told):
            export_env(fleet, wanted, lambda: store)

    def test_a_place_that_can_not_be_written_is_said(
        self, fleet: Fleet, store: Store, tmp_path: Path
    ) -> None:
        wanted = Export(
            env="trial",
            format="requirements",
            target="cpu-linux-amd64",
            output=tmp_path / "gone" / "requirements.txt",
        )
        with pytest.raises(StoreError, match="it can't be written"):
            export_env(fleet, wanted, lambda: store)


@pytest.mark.network
def test_pip_takes_the_requirements_of_a_real_lock(tmp_path: Path) -> None:
    fleet = read_fleet(ROOT)
    wanted = Export(
        env="sklearn-1.9",
        format="requirements",
        target="cpu-linux-amd64",
        output=tmp_path / "requirements.txt",
    )
    export_env(fleet, wanted, lambda: Store.open(tmp_path / "store"))
    target = PythonTarget(python="3.11.2", glibc="2.36", machine="x86_64")
    report = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps",
         "--require-hashes", "--only-binary", ":all:", "--python-version", "3.11",
         *(f"--platform={each}" for each in target.platforms), "--target", str(tmp_path / "none"),
         "--disable-pip-version-check", "--quiet",
         "--report", str(report), "--requirement", str(wanted.output)],
        check=True,
        timeout=300,
    )  # fmt: skip
    installed = {
        (each["metadata"]["name"].lower().replace("_", "-").replace(".", "-"),
         each["metadata"]["version"])
        for each in json.loads(report.read_bytes())["install"]
    }  # fmt: skip
    lock = read_lock(ROOT, "sklearn-1.9")
    assert lock is not None
    (amd64,) = (each for each in lock.targets if each.name == wanted.target)
    assert installed == {(each.name, each.version) for each in serving(lock.wheels, amd64)}

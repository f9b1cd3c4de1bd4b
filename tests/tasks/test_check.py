"""What is wrong with the locks of a workspace on disk."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from lockyard.errors import LockError, UsageError
from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet
from lockyard.tasks.check import check_fleet
from tests.lock.sound import DEBIAN_ENV
from tests.tasks.reviewed import fleet, locked, lockyard

__all__ = ["fleet"]


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
        *others, _ = locked(fleet).wheels
        write_lock(fleet.root, evolve(locked(fleet), wheels=tuple(others[1:])))
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
        assert lockyard(fleet, "check", "--env", "trial").returncode == 0
        write_lock(fleet.root, evolve(locked(fleet), inputs={}))
        done = lockyard(fleet, "check", "--json")
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

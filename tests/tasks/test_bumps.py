"""A bump moves what it names and what that forces, and not one line more."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import ResolveError, UsageError
from lockyard.events import Silent
from lockyard.lock.file import lock_path
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.lock import Locker, check_moves
from tests.resolve.debian.conftest import paragraph
from tests.tasks.world import changed_lines, index, signer, site, world

__all__ = ["index", "signer", "site", "world"]

SHARED = ("leaf", "shared", "top", "other")


@pytest.fixture
def locked(world: Any) -> Any:
    """A lock of packages that all have newer versions by now."""
    for version in ("1.0", "2.0"):
        world.index.wheel("leaf", version)
        world.index.wheel("shared", version)
        world.index.wheel("top", version, "shared")
        world.index.wheel("other", version, "shared", "leaf")
    world.debs(paragraph("tool", "1"))
    world.env("app", "top==1.0", "other==1.0", "shared==1.0", "leaf==1.0")
    world.lock()
    # From here on the spec lets everything move, and only the lock holds it.
    world.env("app", "top", "other")
    world.lock()
    assert versions(world) == dict.fromkeys(SHARED, "1.0")
    return world


def versions(world: Any, name: str = "app") -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in world.read(name).wheels}


@pytest.mark.parametrize("package", SHARED)
def test_one_package_moves_and_its_lines_alone(locked: Any, package: str) -> None:
    before = locked.text()
    done = locked.lock(packages=frozenset({package}))
    assert [(each.name, each.old, each.new) for each in done.changes] == [(package, "1.0", "2.0")]
    moved = changed_lines(before, locked.text())
    assert sorted(line.split(" = ")[0][1:] for line in moved) == sorted(
        2 * ["version", "file", "sha256"]
    )


def test_a_package_moves_to_the_version_that_is_named(locked: Any) -> None:
    locked.index.wheel("leaf", "1.5")
    locked.lock(packages=frozenset({"leaf==1.5"}))
    assert versions(locked) == dict.fromkeys(SHARED, "1.0") | {"leaf": "1.5"}


@pytest.mark.parametrize("package", ["Leaf", "LEAF==2.0"])
def test_a_package_moves_however_its_name_is_spelt(locked: Any, package: str) -> None:
    moves = Moves(packages=frozenset({package}))
    check_moves(read_fleet(locked.root), ("app",), moves)
    locked.lock(packages=moves.packages)
    assert versions(locked) == dict.fromkeys(SHARED, "1.0") | {"leaf": "2.0"}


def test_a_move_takes_along_what_it_forces(locked: Any) -> None:
    locked.index.wheel("top", "3.0", "shared>=2.0")
    locked.lock(packages=frozenset({"top"}))
    assert versions(locked) == dict.fromkeys(SHARED, "1.0") | {"top": "2.0"}, "other pins stay"
    locked.lock(packages=frozenset({"top==3.0"}))
    assert versions(locked) == {"leaf": "1.0", "other": "1.0", "shared": "2.0", "top": "3.0"}


def test_everything_moves(locked: Any) -> None:
    locked.lock(everything=True)
    assert versions(locked) == dict.fromkeys(SHARED, "2.0")


def test_a_requirement_more_adds_what_it_needs_alone(locked: Any) -> None:
    locked.index.wheel("new", "1.0", "newer")
    locked.index.wheel("newer", "1.0", "leaf")
    locked.env("app", "top", "other", "new")
    locked.lock()
    assert versions(locked) == dict.fromkeys((*SHARED, "new", "newer"), "1.0")


def test_as_of_a_day(locked: Any) -> None:
    locked.index.wheel("leaf", "9.0", **{"upload-time": "2025-05-05T00:00:00Z"})
    locked.lock(everything=True, as_of=datetime(2025, 5, 5, tzinfo=UTC))
    assert versions(locked)["leaf"] == "2.0"
    locked.lock(everything=True, as_of=datetime(2025, 5, 6, tzinfo=UTC))
    assert versions(locked)["leaf"] == "9.0"


def test_as_of_a_day_before_the_pins(locked: Any) -> None:
    locked.index.wheel("leaf", "9.0", **{"upload-time": "2025-05-05T00:00:00Z"})
    locked.lock(packages=frozenset({"leaf"}))
    assert versions(locked)["leaf"] == "9.0"
    locked.lock(as_of=datetime(2025, 1, 1, tzinfo=UTC))
    assert versions(locked) == dict.fromkeys(SHARED, "1.0") | {"leaf": "2.0"}, "other pins stay"


def test_a_version_that_isnt_there_leaves_the_lock(locked: Any) -> None:
    before = locked.text()
    with pytest.raises(ResolveError):
        locked.lock(packages=frozenset({"leaf==7.7"}))
    assert locked.text() == before


def test_a_debian_package_moves_alone(world: Any) -> None:
    tools = [paragraph("tool", version, Depends="part") for version in ("1", "2")]
    parts = [paragraph("part", version) for version in ("1", "2")]
    world.debs(tools[0], parts[0])
    world.env("app", **{"requirements.debian": '["tool"]'})
    world.lock()
    world.debs(*tools, *parts)
    assert not world.lock(refresh=True).changed, "what is pinned stays while it is there"
    before = world.text()
    done = world.lock(packages=frozenset({"tool"}))
    assert [(each.name, each.old, each.new) for each in done.changes] == [("tool", "1", "2")]
    keys = {line.split(" = ")[0][1:] for line in changed_lines(before, world.text())}
    assert keys == {"version", "file", "path", "sha256"}


def test_a_debian_package_moves_to_the_version_that_is_named(world: Any) -> None:
    world.debs(paragraph("tool", "1"))
    world.env("app", **{"requirements.debian": '["tool"]'})
    world.lock()
    before = world.text()
    world.debs(*(paragraph("tool", version) for version in ("1", "2", "3")))
    world.lock(packages=frozenset({"tool==2"}))
    moved = changed_lines(before, world.text())
    assert '+version = "2"' in moved
    assert not any("required-by" in line or "upgrade" in line for line in moved)


def test_a_debian_move_stays_in_the_variants_that_have_the_package(world: Any) -> None:
    world.debs(paragraph("tool", "1"))
    world.env("app", variants='{ cpu = {}, cuda12 = { debian = ["tool"] } }')
    world.lock()
    world.debs(*(paragraph("tool", version) for version in ("1", "2", "3")))
    world.lock(packages=frozenset({"tool==2"}))
    (tool,) = (deb for deb in world.read().debs if deb.name == "tool")
    assert (tool.version, tool.targets) == ("2", ("cuda12-linux-amd64",))
    world.env("app")
    world.lock(packages=frozenset({"tool==3"}))
    assert "tool" not in {deb.name for deb in world.read().debs}, "nobody asks for it any more"


def test_a_debian_version_that_isnt_there_leaves_the_lock(world: Any) -> None:
    world.debs(paragraph("tool", "1"))
    world.env("app", **{"requirements.debian": '["tool"]'})
    world.lock()
    before = world.text()
    with pytest.raises(ResolveError, match="tool can't move to 9"):
        world.lock(packages=frozenset({"tool==9"}))
    assert world.text() == before


def test_a_lock_that_fits_asks_no_source(locked: Any) -> None:
    locked.index.status = 503
    locked.index.requests.clear()
    assert not locked.lock().changed
    assert locked.index.requests == []


def test_asking_again_changes_nothing(locked: Any) -> None:
    before = locked.text()
    assert not locked.lock(refresh=True).changed
    assert locked.text() == before
    assert locked.index.requests


def test_a_fleet_wide_move_passes_over_locks_without_the_package(locked: Any) -> None:
    locked.env("bystander", "leaf==1.0")
    locked.lock("bystander")
    before = locked.text("bystander")
    locked.index.requests.clear()
    locked.lock("bystander", packages=frozenset({"top"}))
    assert locked.text("bystander") == before
    assert locked.index.requests == []


def test_a_package_that_no_lock_has(locked: Any) -> None:
    fleet = read_fleet(locked.root)
    check_moves(fleet, ("app",), Moves(packages=frozenset({"leaf"})))
    with pytest.raises(UsageError, match="'laef'") as caught:
        check_moves(fleet, ("app",), Moves(packages=frozenset({"laef"})))
    assert "did you mean 'leaf'?" in caught.value.solution


def test_two_branches_that_bump_two_packages_merge(locked: Any) -> None:
    git(locked.root, "init", "--quiet", "--initial-branch", "main")
    commit(locked.root, "lock")
    for package in ("leaf", "top"):
        git(locked.root, "checkout", "--quiet", "-b", package, "main")
        locked.lock(packages=frozenset({package}))
        commit(locked.root, f"bump {package}")
    git(locked.root, "merge", "--quiet", "-m", "merge", "leaf")
    assert versions(locked) == dict.fromkeys(SHARED, "1.0") | {"leaf": "2.0", "top": "2.0"}
    assert not locked.lock(refresh=True).changed
    assert (locked.root / lock_path("app")).is_file()


def git(root: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=a", "-c", "user.email=a@example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", message)


@pytest.mark.parametrize("jobs", [1, 3])
def test_envs_side_by_side_get_the_locks_that_they_get_alone(world: Any, jobs: int) -> None:
    world.index.wheel("leaf", "1.0")
    world.index.wheel("top", "1.0", "leaf")
    world.env("app", "top")
    world.env("broken", "gone")
    world.env("plain", "leaf")
    world.derived("child", "app", "leaf")
    alone = {}
    for name in ("app", "child", "plain"):
        world.lock(name)
        alone[name] = world.text(name)
    world.index.requests.clear()
    locker = Locker(
        fleet=read_fleet(world.root),
        store=Store.open(world.root.parent / "store"),
        environ=world.environ,
        now=datetime(2026, 8, 1, tzinfo=UTC),
        reporter=Silent(),
        refresh=True,
        jobs=jobs,
    )
    done, failed = locker.lock_all(("app", "broken", "child", "plain"))
    assert [each.env for each in done] == ["app", "child", "plain"]
    assert list(failed) == ["broken"]
    assert {name: world.text(name) for name in alone} == alone
    pages = [each for each in world.index.requests if "/simple/" in each]
    assert len(pages) == len(set(pages)), "all see the same index"

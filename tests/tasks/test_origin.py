from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks import origin
from lockyard.tasks.origin import Origins
from tests.tasks.conftest import lock_of, wheel


def of(root: Path, env: str = "trial") -> str:
    fleet = read_fleet(root)
    return Origins(fleet).of(fleet.env(env))


@pytest.fixture
def root(fleet: Fleet) -> Path:
    write_lock(fleet.root, lock_of(fleet, wheel("alpha", "1.0")))
    (fleet.root / "envs/laid").write_text("one")
    (fleet.root / "envs/more.toml").write_text(
        'title = "More"\nextends = "trial"\n'
        'files = {"/srv/laid" = {from = "laid", mode = "0644", owner = "root"}}\n'
    )
    (fleet.root / "locks/more.lock.toml").write_text("")
    return fleet.root


def test_it_stays_while_nothing_changes(root: Path) -> None:
    assert len(of(root)) == 64
    assert of(root) == of(root)
    assert of(root) != of(root, "more")


@pytest.mark.parametrize(
    ("file", "envs"),
    [
        ("WORKSPACE.toml", {"trial", "more"}),
        ("images/inference/recipe.toml", {"trial", "more"}),
        ("envs/trial.toml", {"trial", "more"}),
        ("locks/trial.lock.toml", {"trial", "more"}),
        ("envs/more.toml", {"more"}),
        ("locks/more.lock.toml", {"more"}),
        ("envs/laid", {"more"}),
    ],
)
def test_whatever_decides_an_image_changes_it(root: Path, file: str, envs: set[str]) -> None:
    before = {env: of(root, env) for env in ("trial", "more")}
    (root / file).write_text((root / file).read_text() + "#\n")
    assert {env for env in before if of(root, env) != before[env]} == envs


def test_what_the_recipe_lays_changes_it(root: Path) -> None:
    # A link to a folder, which several recipes may share.
    shared, recipe = root / "shared", root / "images/inference/recipe.toml"
    shared.mkdir()
    (shared / "start").write_text("one")
    (root / "images/inference/files").symlink_to(shared)
    laid = '[files]\n"/start" = { from = "files/start", mode = "0755", owner = "root" }\n'
    recipe.write_text(recipe.read_text() + laid)
    before = of(root)
    (shared / "start").write_text("two")
    assert of(root) != before


def test_the_recipe_of_what_compiles_changes_it(root: Path) -> None:
    folder = root / "images/tools"
    shutil.copytree(root / "images/inference", folder)
    trial = root / "envs/trial.toml"
    (root / "envs/compilers.toml").write_text(
        trial.read_text().replace("title", 'recipe = "tools"\ntitle', 1)
    )
    trial.write_text(trial.read_text() + '[sdists.fast]\nbuilder = "compilers"\n')
    (root / "locks/compilers.lock.toml").write_text("")
    before = of(root)
    with (folder / "recipe.toml").open("a") as stream:
        stream.write("#\n")
    assert of(root) != before


def test_the_program_s_own_code_changes_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = of(root)
    monkeypatch.setattr(origin, "_program", lambda: b"another")
    assert of(root) != before


def test_what_cannot_be_read_has_none(root: Path) -> None:
    (root / "locks/trial.lock.toml").unlink()
    assert of(root) == ""

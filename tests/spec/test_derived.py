"""Envs that extend others: what they have of them, and what they may not ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.errors import SpecError
from lockyard.spec.model import Env, Requirements
from lockyard.spec.reader import read_fleet

Faults = Callable[[Callable[[], object]], list[str]]

PARENT = """\
title = "Parent"
base = "debian12"
stem = "trunk"
as-of.pypi = "2026-01-01"
platforms = ["linux/amd64", "linux/arm64"]
variants = { cpu = {}, cuda12 = { pypi = ["cupy"] } }
requirements.pypi = ["numpy"]
environment = { A = "parent", B = "parent" }
owners = { "/opt/venv/a" = "numpy" }
[sdists.wrapt]
"""
CHILD = """\
title = "Child"
extends = "trial"
"""


@pytest.fixture
def child(root: Path) -> Callable[..., Env]:
    """Return a function that reads the env ``child`` of a text, which extends ``trial``."""
    (root / "envs/trial.toml").write_text(PARENT)

    def read(text: str = "") -> Env:
        (root / "envs/child.toml").write_text(CHILD + text)
        return read_fleet(root).env("child")

    return read


def test_what_is_the_parents_and_what_is_its_own(child: Callable[..., Env], root: Path) -> None:
    env = child('requirements.pypi = ["lightgbm"]\nenvironment = { B = "own", C = "own" }\n')
    parent = read_fleet(root).env("trial")
    assert env.parent == parent
    assert (env.name, env.title, env.stem) == ("child", "Child", "")
    assert (env.base, env.recipe, env.platforms) == (parent.base, parent.recipe, parent.platforms)
    assert env.requirements == Requirements(pypi=("lightgbm",))  # type: ignore[arg-type]
    assert env.variants == {"cpu": Requirements(), "cuda12": Requirements()}
    assert env.environment == {"A": "parent", "B": "own", "C": "own"}
    assert (env.as_of, env.sdists, env.owners) == (parent.as_of, parent.sdists, parent.owners)


def test_its_commands_come_after_the_parents(child: Callable[..., Env], root: Path) -> None:
    assert child('run = ["two"]\n').run == ("two",)
    (root / "envs/trial.toml").write_text('run = ["one"]\n' + PARENT)
    env = read_fleet(root).env("child")
    assert env.run == ("one", "two")


def test_what_runs_scripts_hands_that_down(child: Callable[..., Env], root: Path) -> None:
    assert not child().run_scripts
    assert child("run-scripts = true\n").run_scripts
    (root / "envs/grandchild.toml").write_text('title = "G"\nextends = "child"\n')
    assert read_fleet(root).env("grandchild").run_scripts


def test_its_own_word_stands_over_the_parents(child: Callable[..., Env]) -> None:
    env = child('as-of.pypi = "2026-02-01"\nowners = { "/opt/venv/a" = "x" }\nsdists.PyYAML = {}\n')
    assert env.as_of == {"pypi": "2026-02-01"}
    assert env.owners == {"/opt/venv/a": "x"}
    assert sorted(env.sdists) == ["pyyaml", "wrapt"]


def test_it_may_have_some_of_the_parents_targets(child: Callable[..., Env]) -> None:
    env = child('platforms = ["linux/arm64"]\nvariants.cuda12.pypi = ["more"]\n')
    assert env.platforms == ("linux/arm64",)
    assert env.variants == {"cuda12": Requirements(pypi=("more",))}  # type: ignore[arg-type]


def test_files_stand_beside_its_own_file(child: Callable[..., Env], root: Path) -> None:
    (root / "envs/child").mkdir()
    (root / "envs/child/main.py").write_bytes(b"main\n")
    env = child('[files]\n"/srv/main.py" = { from = "child/main.py", owner = "user" }\n')
    assert env.contents == {"child/main.py": b"main\n"}
    assert env.files["/srv/main.py"].owner == "user"  # type: ignore[index]


def test_a_chain_of_envs(child: Callable[..., Env], root: Path) -> None:
    child('[directories]\n"/srv" = "user"\n')
    (root / "envs/last.toml").write_text('title = "Last"\nextends = "child"\n')
    env = read_fleet(root).env("last")
    assert env.parent is not None
    assert env.parent.parent == read_fleet(root).env("trial")
    assert env.directories == {}
    assert env.parent.directories == {"/srv": "user"}
    assert env.base == "debian12"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('base = "debian12"\n', "base: it is that of the env that this one extends (leave it out)"),
        ('recipe = "x"\n', "recipe: it is that of the env that this one extends (leave it out)"),
        (
            "variants.cuda13 = {}\n",
            "variants: the env that this one extends has no variant 'cuda13' "
            "(did you mean 'cuda12'?)",
        ),
        (
            '[files]\n"/srv/a" = { from = "child/a" }\n',
            'files."/srv/a".from: child/a: No such file or directory',
        ),
        (
            '[files]\n"/srv/a" = { from = "../a" }\n',
            'files."/srv/a".from: \'../a\' leaves its folder (write it as "files/start")',
        ),
        ("parent = 1\n", "parent: there is no such key"),
    ],
)
def test_faults(child: Callable[..., Env], faults_of: Faults, text: str, fault: str) -> None:
    (found,) = faults_of(lambda: child(text))
    assert found.startswith(f"envs/child.toml: {fault}")


def test_an_env_that_extends_none_runs_no_scripts(root: Path, faults_of: Faults) -> None:
    (root / "envs/trial.toml").write_text("run-scripts = true\n" + PARENT)
    assert (
        "run-scripts: there is no such key" in faults_of(lambda: read_fleet(root).env("trial"))[0]
    )


def test_all_faults_are_told_at_once(child: Callable[..., Env], faults_of: Faults) -> None:
    assert len(faults_of(lambda: child('base = "a"\nrecipe = "b"\nstem = 1\n'))) == 3


def test_a_platform_that_the_parent_lacks(
    child: Callable[..., Env], root: Path, faults_of: Faults
) -> None:
    (root / "envs/trial.toml").write_text('title = "T"\nbase = "debian12"\n')
    (found,) = faults_of(lambda: child('platforms = ["linux/arm64"]\n'))
    assert "the env that this one extends has no platform 'linux/arm64'" in found


def test_a_parent_that_is_not_there(root: Path, faults_of: Faults) -> None:
    (root / "envs/child.toml").write_text('title = "C"\nextends = "trail"\n')
    assert faults_of(lambda: read_fleet(root).env("child")) == [
        "envs/child.toml: extends: there is no env 'trail' (did you mean 'trial'?)"
    ]
    (root / "envs/child.toml").write_text('title = "C"\nextends = 1\n')
    (found,) = faults_of(lambda: read_fleet(root).env("child"))
    assert "extends: 1 isn't a text" in found


def test_a_parent_that_cant_be_read_says_so_of_its_own_file(
    child: Callable[..., Env], root: Path
) -> None:
    child()
    (root / "envs/trial.toml").write_text('title = "T"\n')
    with pytest.raises(SpecError) as caught:
        read_fleet(root).env("child")
    assert [str(each) for each in caught.value.faults] == [
        "envs/trial.toml: base: this key is missing"
    ]


def test_envs_that_go_round(root: Path, faults_of: Faults) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "b"), ("self", "self")):
        (root / f"envs/{name}.toml").write_text(f'title = "T"\nextends = "{parent}"\n')
    fleet = read_fleet(root)
    assert faults_of(lambda: fleet.env("a")) == [
        "envs/c.toml: extends: it goes round: b -> c -> b (extend another env)"
    ]
    assert faults_of(lambda: fleet.env("self")) == [
        "envs/self.toml: extends: it goes round: self -> self (extend another env)"
    ]


def test_an_env_that_extends_none_lays_no_files(root: Path, faults_of: Faults) -> None:
    (root / "envs/trial.toml").write_text('title = "T"\nbase = "debian12"\n[files]\n')
    (found,) = faults_of(lambda: read_fleet(root).env("trial"))
    assert found.startswith("envs/trial.toml: files: there is no such key")
    assert "parent" not in found
    assert "directories" not in found

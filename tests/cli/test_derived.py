"""Envs that extend others, through the program and on the real sources."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lockyard.errors import LockError, ResolveError, SpecError, UsageError
from tests.cli.conftest import CLOSED, Yard

PARENT = 'title = "Parent"\nbase = "debian12"\nrequirements.pypi = ["idna==3.7"]\n'
# Its name comes before its parent's.
CHILD = """\
title = "Child"
extends = "parent"
requirements.pypi = ["six"]
[files]
"/srv/said.txt" = { from = "child/said.txt", mode = "0640", owner = "user" }
"""


def layers(live: Yard, env: str) -> list[Any]:
    (folder,) = (live.root / "dist").glob(f"{env}-*")
    held: list[Any] = json.loads((folder / "lockyard.json").read_text())["layers"]["linux/amd64"]
    return held


@pytest.mark.network
@pytest.mark.xdist_group("live")
def test_from_the_spec_to_the_image(live: Yard) -> None:
    workspace = live.root / "WORKSPACE.toml"
    buildable = workspace.read_text().replace('["python3.11"]', '["python3.11", "usr-is-merged"]')
    workspace.write_text(buildable)
    live.write_spec("parent", PARENT)
    live.write_spec("child", CHILD)
    (live.root / "envs/child").mkdir()
    (live.root / "envs/child/said.txt").write_text("said\n")
    done = live.run("lock", "--all", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["env"] for each in json.loads(done.stdout)] == ["parent", "child"]
    assert live.run("check").returncode == 0

    built = live.run("build", "--all")
    assert built.returncode == 0, built.stderr
    below, above = layers(live, "parent"), layers(live, "child")
    assert above[: len(below)] == below
    titles = [each["title"].split()[0] for each in above[len(below) :]]
    assert titles == ["six", "files"]

    message = live.refused(UsageError.status, "lock", "child", "--upgrade-package", "idna")
    assert "invoke lock parent --upgrade-package idna, then invoke lock child" in message
    live.write_spec("child", CHILD.replace('"six"', '"six", "idna>=3.8"'))
    message = live.refused(ResolveError.status, "lock", "child")
    assert "parent parent asks for idna==3.7; env asks for idna>=3.8" in message

    live.write_spec("child", CHILD)
    live.write_spec("parent", PARENT.replace("3.7", "3.8"))
    assert live.run("lock", "parent").returncode == 0
    message = live.refused(
        LockError.status, "build", "child", PIP_INDEX_URL=CLOSED, LOCKYARD_DEBIAN_MIRROR=CLOSED
    )
    assert "the parent parent changed since it was made" in message
    assert "run: invoke lock child" in message
    assert live.run("lock", "child").returncode == 0
    assert live.run("build", "child").returncode == 0


def test_an_env_without_its_parent(yard: Yard) -> None:
    yard.write_spec("child", CHILD)
    message = yard.refused(SpecError.status, "lock", "child")
    assert "envs/child.toml: extends: there is no env 'parent'" in message
    yard.write_spec("parent", PARENT)
    (yard.root / "envs/child").mkdir()
    (yard.root / "envs/child/said.txt").write_text("said\n")
    message = yard.refused(LockError.status, "lock", "child")
    assert "locks/parent.lock.toml: there is no lock yet\nrun: invoke lock parent" in message
    assert yard.run("list").stdout.count("missing") == 2

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.lock.inputs import inputs
from lockyard.lock.model import Lock, Target, Wheel
from lockyard.spec.reader import Fleet, read_fleet

WORKSPACE = """\
format = 1
names = { registry = "registry.example", repository = "team", environment-prefix = "Team-" }

[sources]
pypi = { kind = "pypi" }
debian = { kind = "debian", keys = ["B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"] }

[bases.debian12]
source = "debian"
suite = "bookworm"
components = ["main"]
packages = ["python3.11"]
python = "3.11"
interpreter = "/usr/bin/python3.11"
prefix = "/opt/venv"
pypi = "pypi"
"""
RECIPE = """\
title = "Server"
suffix = "inference"
user = { name = "somebody", uid = 1000, gid = 1000, home = "/home/somebody" }
config = { workdir = "/home/somebody", command = ["start"] }
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A workspace whose one env has two variants."""
    files = {
        "WORKSPACE.toml": WORKSPACE,
        "images/inference/recipe.toml": RECIPE,
        "envs/trial.toml": 'title = "Trial"\nbase = "debian12"\nvariants = {cpu={}, cuda12={}}\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return read_fleet(tmp_path)


def wheel(name: str, version: str, digit: str = "0") -> Wheel:
    return Wheel(
        name=name,
        version=version,
        file=f"{name}-{version}-py3-none-any.whl",
        sha256=digit * 64,
        size=1000,
        source="pypi",
        required_by=("env",),
    )


def lock_of(fleet: Fleet, *wheels: Wheel) -> Lock:
    """Return a lock of the env as it is described now."""
    env = fleet.env("trial")
    return Lock(
        env="trial",
        inputs=inputs(fleet.workspace, env, fleet.recipe(env.recipe)),
        targets=tuple(
            Target(
                name=f"{variant}-linux-amd64",
                variant=variant,
                platform="linux/amd64",
                base="debian12",
                python="3.11.2",
                glibc="2.36",
            )
            for variant in env.variants
        ),
        wheels=wheels,
    )

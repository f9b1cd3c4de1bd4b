from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lockyard.errors import Fault, SpecError

WORKSPACE = """\
format = 1

[names]
registry = "registry.example"
repository = "team"
environment-prefix = "Team-"

[sources.pypi]
kind = "pypi"

[sources.debian]
kind = "debian"
keys = ["B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"]

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
ENV = 'title = "Trial"\nbase = "debian12"\n'
RECIPE = """\
title = "Inference server"
suffix = "inference"

[user]
name = "somebody"
uid = 1000
gid = 1000
home = "/home/somebody"

[files]
"/usr/local/bin/start" = { from = "start", mode = "0755" }

[directories]
"/home/somebody" = "user"

[config]
workdir = "/home/somebody"
command = ["/usr/local/bin/start"]
"""
FILES: Mapping[str, str] = {
    "WORKSPACE.toml": WORKSPACE,
    "envs/trial.toml": ENV,
    "images/inference/recipe.toml": RECIPE,
    "images/inference/start": "#!/bin/sh\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sound workspace with one env and one recipe."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(scope="session")
def faults_of() -> Callable[[Callable[[], object]], list[str]]:
    """Return the faults that reading raises, as people see them."""

    def run(read: Callable[[], object]) -> list[str]:
        with pytest.raises(SpecError) as caught:
            read()
        faults: tuple[Fault, ...] = caught.value.faults
        return [str(fault) for fault in faults]

    return run

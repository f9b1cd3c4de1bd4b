"""An env that extends one of the fleet's, in a real engine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from docker.models.containers import Container

from lockyard.events import Silent
from lockyard.ship.archive import write_archive
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.build import Builder
from lockyard.tasks.check import check_fleet
from lockyard.tasks.lock import Locker
from tests.conftest import ROOT

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("sklearn-1.9")]

PARENT = "sklearn-1.9"
COWSAY = "6.1"
MAIN = "import cowsay, sklearn\nprint(cowsay.__name__, sklearn.__name__)\n"
SPECS = {
    "wheels": f"""\
title = "A wheel and a file more"
extends = "{PARENT}"
platforms = ["linux/amd64"]
requirements.pypi = ["cowsay=={COWSAY}"]
[files]
"/var/azureml-app/main.py" = {{ from = "wheels/main.py", owner = "user" }}
""",
    "debs": 'title = "A program more"\nextends = "wheels"\nrequirements.debian = ["jq"]\n',
}

Run = Callable[..., AbstractContextManager[Container]]
Load = Callable[[Path], str]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The workspace, with an env more that extends another, and one that extends that."""
    root = tmp_path_factory.mktemp("derived")
    for folder in ("envs", "images", "locks"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "WORKSPACE.toml", root)
    for name, text in SPECS.items():
        (root / f"envs/{name}.toml").write_text(text)
    (root / "envs/wheels").mkdir()
    (root / "envs/wheels/main.py").write_text(MAIN)
    return read_fleet(root)


@pytest.fixture(scope="module")
def locked(fleet: Fleet, builder: Builder) -> Builder:
    locker = Locker(
        fleet=fleet,
        store=builder.store,
        environ=os.environ,
        now=datetime.now(UTC),
        reporter=Silent(),
    )
    for name in SPECS:
        locker.lock(name)
        assert check_fleet(fleet, name).findings == ()
    return evolve(builder, fleet=fleet)


def built(builder: Builder, env: str) -> tuple[Path, list[Any]]:
    """Build an env; return its image as an archive, and its layers for amd64."""
    (image,) = builder.build(env)
    ledger = json.loads((Path(image.folder) / "lockyard.json").read_text())
    archive = builder.output / f"{image.image}.tar"
    write_archive(Path(image.folder), archive)
    return archive, ledger["layers"]["linux/amd64"]


def printed(run: Run, image: str, *command: str) -> str:
    with run(image, list(command)) as container:
        status = container.wait()["StatusCode"]
        told = container.logs().decode()
    assert status == 0, told
    return told


def test_a_wheel_and_a_file_over_the_parents_layers(locked: Builder, load: Load, run: Run) -> None:
    _, below = built(locked, PARENT)
    archive, layers = built(locked, "wheels")
    assert layers[: len(below)] == below
    assert [each["title"] for each in layers[len(below) :]] == [
        f"cowsay {COWSAY}",
        "files of wheels",
    ]
    image = load(archive)
    assert printed(run, image, "python3", "main.py") == "cowsay sklearn\n"
    # The folder above the file is the user's still, as the recipe has it.
    assert printed(run, image, "stat", "-c", "%u %a %n", ".", "main.py", "/var") == (
        "1000 755 .\n1000 644 main.py\n0 755 /var\n"
    )


def test_debian_packages_over_the_parents(locked: Builder, load: Load, run: Run) -> None:
    _, below = built(locked, "wheels")
    archive, layers = built(locked, "debs")
    assert layers[: len(below)] == below
    image = load(archive)
    assert printed(run, image, "sh", "-c", "echo '[1, 2]' | jq '.[1]'") == "2\n"
    listed = printed(run, image, "dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n")
    assert {line.split()[1] for line in listed.splitlines()} > {"jq", "libjq1", "libonig5", "dpkg"}
    assert {line.split()[0] for line in listed.splitlines()} == {"ii"}
    assert printed(run, image, "dpkg", "--audit") == ""
    assert printed(run, image, "dpkg", "--verify") == ""
    assert printed(run, image, "id", "-un") == "dockeruser\n"
    assert printed(run, image, "python3", "main.py") == "cowsay sklearn\n"

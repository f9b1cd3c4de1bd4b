"""Images that an engine's BuildKit makes: the same each time, and the same as our own builder's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import docker
import pytest
from attrs import evolve

from lockyard.docker.engine import checked_engine
from lockyard.events import Silent
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder, Built
from lockyard.tasks.dockerfile import DockerfileWriter
from lockyard.tasks.method import ByEngine, Embedded
from tests.docker.agreement import disagreement, said
from tests.docker.trees import config_of
from tests.engine.containers import running
from tests.fleet.images import loaded, serve

ROOT = Path(__file__).resolve().parents[2]
ENV = "minimal-py311"

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("docker-builder")]


@pytest.fixture(scope="module")
def by_engine(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """A builder that has the engine run every step."""
    fleet = read_fleet(ROOT)
    return Builder(
        fleet=fleet,
        store=Store.default(os.environ),
        output=tmp_path_factory.mktemp("by-engine"),
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
        method=ByEngine(fleet=fleet, engine=checked_engine(), cache=False),
    )


@pytest.fixture(scope="module")
def built(by_engine: Builder) -> Built:
    (built,) = by_engine.build(ENV)
    return built


def test_built_once(by_engine: Builder, built: Built) -> None:
    assert built.state == "built"
    (again,) = by_engine.build(ENV)
    assert (again.state, again.digests) == ("unchanged", built.digests)


def test_the_other_builder_builds_it_anew(by_engine: Builder, built: Built) -> None:
    (would,) = evolve(by_engine, method=Embedded()).build(ENV, dry_run=True)
    assert would.state == "would build"
    assert would.why == ("it was built by another builder: docker",)


def test_built_twice_without_cache(by_engine: Builder, built: Built, tmp_path: Path) -> None:
    (again,) = evolve(by_engine, output=tmp_path).build(ENV)
    assert (again.state, again.digests) == ("built", built.digests)


def test_bake_without_lockyard_gives_the_same(
    by_engine: Builder, built: Built, tmp_path: Path
) -> None:
    DockerfileWriter(
        fleet=by_engine.fleet,
        store=by_engine.store,
        output=tmp_path / "written",
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
    ).write_all([ENV])
    folder = shutil.copytree(tmp_path / "written", tmp_path / "elsewhere")
    subprocess.run(
        ["docker", "buildx", "bake", "linux-amd64"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=300,
    )
    with tarfile.open(folder / f"{built.image}-linux-amd64.tar") as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        (entry,) = json.load(index)["manifests"]
    assert entry["digest"] == built.digests["linux/amd64"]


def test_both_builders_agree(builder: Builder, built: Built) -> None:
    (own,) = builder.build(ENV)
    assert disagreement(Path(own.folder), Path(built.folder), "/opt/venv") == ""


def test_both_builders_say_the_same(builder: Builder, built: Built) -> None:
    (own,) = builder.build(ENV)
    one, other = Path(own.folder), Path(built.folder)
    assert config_of(one)["created"] == config_of(other)["created"]
    assert said(one) == said(other)


def test_it_runs(engine: docker.DockerClient, built: Built) -> None:
    command = ["python", "-c", "import os, ssl, flask, cryptography; print(os.getuid())"]
    with loaded(engine, built) as tag:
        with running(engine, tag, command) as container:
            assert container.wait(timeout=60)["StatusCode"] == 0, container.logs()
            assert container.logs().strip() == b"1000"
        serve(engine, tag)

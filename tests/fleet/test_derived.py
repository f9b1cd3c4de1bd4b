"""An env that extends one of the first generation: conda packages, a wheel and a file of its own.

On the stand-in for that generation's sources.
"""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from lockyard.errors import ResolveError
from lockyard.lock.file import read_lock
from lockyard.spec.reader import read_fleet
from lockyard.tasks.build import Built
from lockyard.tasks.check import check_fleet
from lockyard.tasks.plan import plan_env
from tests.engine.conftest import engine
from tests.engine.containers import ask, running
from tests.fleet.images import loaded
from tests.fleet.standin.workspace import StandIn

__all__ = ["engine"]

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]

PARENT, NAME = "minimal", "derived"
SPEC = """\
title = "Derived"
extends = "minimal"
requirements.conda = ["zlib"]
requirements.pypi = ["cowsay"]
[files]
"/var/azureml-app/main.py" = { from = "derived/main.py", owner = "user" }
"""
MAIN = """\
SAID = "here"
def init():
    pass
def run(data):
    return SAID
"""
CODE = """\
import os, cowsay, azureml_inference_server_http, runpy
assert os.path.exists("/opt/conda/conda-meta/zlib-1.2.13-hd590300_5.json")
print(cowsay.__name__, os.stat("/var/azureml-app").st_uid, runpy.run_path("main.py")["SAID"])
"""


@pytest.fixture
def derived(standin: StandIn) -> Iterator[StandIn]:
    """The stand-in with an env more, which is taken away again."""
    spec, file = (standin.root / "envs" / name for name in (f"{NAME}.toml", f"{NAME}/main.py"))
    file.parent.mkdir()
    spec.write_text(SPEC)
    file.write_text(MAIN)
    standin.lock(PARENT)
    yield standin
    for path in (spec, file, standin.root / f"locks/{NAME}.lock.toml"):
        path.unlink(missing_ok=True)
    file.parent.rmdir()


def build(standin: StandIn) -> Built:
    (built,) = standin.builder().build(NAME)
    return built


def test_conda_packages_are_added_to_those_of_the_parent(
    derived: StandIn, engine: docker.DockerClient
) -> None:
    lock, parent = derived.lock(NAME), read_lock(derived.root, PARENT)
    assert parent is not None
    assert lock.images == parent.images
    added = {each.file for each in lock.artifacts} - {each.file for each in parent.artifacts}
    assert sorted(name.partition("-")[0] for name in added) == ["cowsay", "zlib"]
    assert check_fleet(read_fleet(derived.root), NAME).findings == ()
    (below,), (above,) = plan_env(derived.fleet, PARENT), plan_env(derived.fleet, NAME)
    assert above.layers[: len(below.layers)] == below.layers
    assert len(above.layers) == len(below.layers) + 3
    with loaded(engine, build(derived)) as image:
        with running(engine, image, ["python3", "-c", CODE]) as container:
            status = container.wait()["StatusCode"]
            told = container.logs().decode()
        assert (status, told.splitlines()[-1]) == (0, "cowsay 1000 here"), told
        with running(engine, image) as container:
            assert ask(container, "POST", "/score", {}) == (200, "here")


def test_a_conflict_with_a_conda_package_of_the_parent(derived: StandIn) -> None:
    spec = derived.root / f"envs/{NAME}.toml"
    spec.write_text(SPEC.replace('["zlib"]', '["libzlib >=1.3"]'))
    with pytest.raises(ResolveError) as caught:
        derived.lock(NAME)
    assert "env asks for libzlib >=1.3" in caught.value.reason
    assert "parent minimal asks for libzlib ==1.2.13 hd590300_5" in caught.value.reason
    assert "invoke lock minimal" in caught.value.solution

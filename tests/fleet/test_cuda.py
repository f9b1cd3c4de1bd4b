"""Images for a GPU: what they tell the container toolkit, and how they run where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from lockyard.plan.image import ImagePlan
from lockyard.spec.reader import Fleet
from lockyard.tasks.build import Built
from lockyard.tasks.plan import plan_env
from tests.engine.conftest import engine
from tests.engine.containers import ask, running
from tests.fleet.images import loaded
from tests.fleet.standin.workspace import StandIn

__all__ = ["engine"]

LABEL = "com.nvidia.cuda.version"
VERSIONS = {
    "pytorch-2.15-debian12-py311-cuda13.2-gpu-inference": "13.2",
    "tensorflow-2.21-debian12-py311-cuda12.5-gpu-inference": "12.5",
    "tensorflow-2.4-ubuntu18.04-py37-cuda11.0.3-gpu-inference": "11.0.3",
}
needs = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


def says(config: Mapping[str, Any], version: str) -> None:
    """Check the variables and labels of an image for a GPU; see NVIDIA's container toolkit."""
    variables = dict(each.split("=", 1) for each in config["Env"])
    assert "LD_LIBRARY_PATH" not in variables
    assert variables["CUDA_VERSION"] == config["Labels"][LABEL] == version
    assert variables["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert variables["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    least = ".".join(version.split(".")[:2])
    assert variables["NVIDIA_REQUIRE_CUDA"] == f"cuda>={least}"


@pytest.fixture(scope="module")
def plans(fleet: Fleet) -> Mapping[str, ImagePlan]:
    """The plans of all committed locks for this machine's processor, by image."""
    every = [plan for env in fleet.env_names() for plan in plan_env(fleet, env)]
    return {each.names.image: each for each in every if each.target.platform == "linux/amd64"}


@pytest.mark.parametrize("image", VERSIONS)
def test_an_image_for_a_gpu_says_so(plans: Mapping[str, ImagePlan], image: str) -> None:
    says(plans[image].config, VERSIONS[image])


def test_no_other_image_does(plans: Mapping[str, ImagePlan]) -> None:
    others = [plan for plan in plans.values() if plan.target.variant == "cpu"]
    assert len(others) > 10
    for plan in others:
        assert LABEL not in plan.config["Labels"], plan.names
        words = ("NVIDIA_", "CUDA_", "LD_LIBRARY_PATH", "SERVER_LIBRARY_PATH")
        assert not [each for each in plan.config["Env"] if each.startswith(words)], plan.names


@pytest.fixture(scope="module", params=[pytest.param("", marks=needs)])
def built(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The smallest env, in a variant with CUDA from conda."""
    apart = standin.apart(tmp_path_factory.mktemp("cuda") / "workspace")
    with (apart.root / "envs/minimal.toml").open("a") as spec:
        spec.write(
            '[variants."cuda11.0.3"]\nconda = ["cudatoolkit 11.0.3.*", "cudnn 8.0.5.39.*"]\n'
        )
    apart.lock("minimal")
    (image,) = apart.builder().build("minimal")
    return image


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient, built: Built) -> Iterator[str]:
    with loaded(engine, built) as tag:
        yield tag


def test_what_is_built_says_so(engine: docker.DockerClient, image: str, built: Built) -> None:
    assert built.image == "minimal-ubuntu18.04-py37-cuda11.0.3-gpu-inference"
    says(engine.images.get(image).attrs["Config"], "11.0.3")


def test_its_server_alone_has_the_libraries(engine: docker.DockerClient, image: str) -> None:
    with running(engine, image) as container:
        assert ask(container, "GET", "/") == (200, "Healthy")
        server, other = variables(container, "1"), variables(container, "self")
        assert server["LD_LIBRARY_PATH"] == "/opt/conda/lib"
        assert "LD_LIBRARY_PATH" not in other
        assert server["NVIDIA_VISIBLE_DEVICES"] == other["NVIDIA_VISIBLE_DEVICES"] == "all"
        found = output_of(container, "ls", "/opt/conda/lib").split()
        assert {"libcudart.so.11.0", "libcudnn.so.8"} <= {*found}


def variables(container: Container, process: str) -> dict[str, str]:
    """Return the environment of a process of a container."""
    lines = output_of(container, "cat", f"/proc/{process}/environ").split("\0")
    return dict(line.split("=", 1) for line in lines if line)


def output_of(container: Container, *command: str) -> str:
    """Return what a command in a container prints."""
    status, output = container.exec_run([*command])
    assert isinstance(output, bytes)
    assert status == 0, output
    return output.decode()

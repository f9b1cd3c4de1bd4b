"""The names that users know, from envs that would have them."""

from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.spec.checks import (
    BaseName,
    DebianSourceName,
    ImagePath,
    PypiSourceName,
    PythonVersion,
    UserId,
)
from lockyard.spec.model import DebianBase, Env, ImageConfig, NameParts, Recipe, User, Workspace
from lockyard.spec.names import names, target_name

UBUNTU = DebianBase(
    source=DebianSourceName("debian"),
    suite="bionic",
    components=("main",),
    packages=(),
    python=PythonVersion("3.7"),
    interpreter=ImagePath("/usr/bin/python3.7"),
    prefix=ImagePath("/opt/venv"),
    pypi=PypiSourceName("pypi"),
)
WORKSPACE = Workspace(
    format=1,
    names=NameParts(
        registry="mcr.microsoft.com", repository="azureml", environment_prefix="AzureML-"
    ),
    sources={},
    bases={"ubuntu18.04": UBUNTU},
)
RECIPE = Recipe(
    name="inference",
    title="Inference server",
    suffix="inference",
    user=User(name="user", uid=UserId(1000), gid=UserId(1000), home=ImagePath("/home/user")),
    config=ImageConfig(workdir=ImagePath("/"), command=("start",)),
)


@pytest.mark.parametrize(
    ("env", "variant", "image"),
    [
        ("tensorflow-1.15", "cpu", "tensorflow-1.15-ubuntu18.04-py37-cpu-inference"),
        ("tensorflow-2.4", "cpu", "tensorflow-2.4-ubuntu18.04-py37-cpu-inference"),
        (
            "tensorflow-2.4",
            "cuda11.0.3",
            "tensorflow-2.4-ubuntu18.04-py37-cuda11.0.3-gpu-inference",
        ),
        ("pytorch-1.6", "cpu", "pytorch-1.6-ubuntu18.04-py37-cpu-inference"),
        ("pytorch-1.7", "cpu", "pytorch-1.7-ubuntu18.04-py37-cpu-inference"),
        ("sklearn-0.24.1", "cpu", "sklearn-0.24.1-ubuntu18.04-py37-cpu-inference"),
        ("onnxruntime-1.6", "cpu", "onnxruntime-1.6-ubuntu18.04-py37-cpu-inference"),
        ("xgboost-0.9", "cpu", "xgboost-0.9-ubuntu18.04-py37-cpu-inference"),
        ("minimal", "cpu", "minimal-ubuntu18.04-py37-cpu-inference"),
    ],
)
def test_published_names(env: str, variant: str, image: str) -> None:
    spec = Env(name=env, title="Framework", base=BaseName("ubuntu18.04"))
    found = names(WORKSPACE, spec, RECIPE, variant)
    assert found.image == image
    assert found.repository == f"mcr.microsoft.com/azureml/{image}"
    assert found.environment == f"AzureML-{image}"


def test_python_of_two_digits() -> None:
    base = evolve(UBUNTU, python=PythonVersion("3.11"))
    workspace = evolve(WORKSPACE, bases={"debian12": base})
    spec = Env(name="minimal", title="None", base=BaseName("debian12"))
    assert names(workspace, spec, RECIPE, "cpu").image == "minimal-debian12-py311-cpu-inference"


def test_target_names() -> None:
    assert target_name("cpu", "linux/amd64") == "cpu-linux-amd64"
    assert target_name("cuda11.0.3", "linux/arm64") == "cuda11.0.3-linux-arm64"

"""Conda's environment file of a lock."""

from __future__ import annotations

from attrs import evolve

from lockyard.azureml.conda import conda_dependencies
from lockyard.lock.model import CondaPackage, Lock, Target, Wheel
from lockyard.spec.model import CondaSource, Source
from lockyard.spec.names import target_name

TARGET = Target(
    name=target_name("cpu", "linux/amd64"),
    variant="cpu",
    platform="linux/amd64",
    base="trial",
    python="3.7.12",
    glibc="2.27",
)
SOURCES: dict[str, Source] = {
    "forge": CondaSource(kind="conda", channel="https://conda.anaconda.org/conda-forge/"),
    "own": CondaSource(
        kind="conda", channel="https://conda.example/own", mirror="https://mirror.example/own"
    ),
}


def package(name: str, version: str, source: str = "forge") -> CondaPackage:
    return CondaPackage(
        name=name,
        version=version,
        file=f"{name}-{version}-0.conda",
        sha256="0" * 64,
        size=1,
        source=source,
        required_by=("env",),
        build="0",
        build_number=0,
        subdir="linux-64",
        md5="0" * 32,
    )


def wheel(name: str, version: str) -> Wheel:
    return Wheel(
        name=name,
        version=version,
        file=f"{name}-{version}-py3-none-any.whl",
        sha256="0" * 64,
        size=1,
        source="pypi",
        required_by=("env",),
    )


def test_everything_is_pinned_and_in_order() -> None:
    lock = Lock(
        env="trial",
        inputs={},
        targets=(TARGET,),
        conda=(
            package("xz", "5.2"),
            package("python", "3.7.12"),
            package("cudnn", "8.0.5.39", "own"),
            evolve(package("elsewhere", "1"), targets=("cpu-linux-arm64",)),
        ),
        wheels=(wheel("torch", "1.7.1+cpu"), wheel("numpy", "1.20.1")),
    )
    assert conda_dependencies(lock, TARGET, SOURCES, "trial-image") == {
        "name": "trial-image",
        # The channels' own addresses, and no mirror's.
        "channels": ["conda-forge", "https://conda.example/own"],
        "dependencies": [
            "python=3.7.12",
            "cudnn=8.0.5.39",
            "xz=5.2",
            {"pip": ["numpy==1.20.1", "torch==1.7.1+cpu"]},
        ],
    }


def test_without_conda_python_is_the_base_s() -> None:
    lock = Lock(env="trial", inputs={}, targets=(TARGET,))
    made = conda_dependencies(lock, TARGET, SOURCES, "trial-image")
    assert made == {"name": "trial-image", "channels": [], "dependencies": ["python=3.7.12"]}

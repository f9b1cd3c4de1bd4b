"""A lock whose parts are of one CUDA, and each way in which they might not be."""

from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.lock.check_cuda import check_cuda
from lockyard.lock.file import read_lock
from lockyard.lock.model import Artifact, CondaPackage, Deb, Wheel
from tests.conftest import ROOT
from tests.lock.sound import Sound, conda, deb, on_debian, wheel, with_conda


@pytest.fixture(scope="module")
def debian() -> Sound:
    return on_debian()


@pytest.fixture(scope="module")
def channel() -> Sound:
    """CUDA 10.1 and cuDNN 8.0.5 of conda, in variant cuda10.1."""
    return with_conda()


def cuda(sound: Sound, variant: str, *artifacts: Artifact, tag: str = "") -> list[str]:
    """Return what is found once a lock's targets are of a variant, and have packages more."""
    lock = sound.lock
    lock = evolve(
        lock,
        targets=tuple(evolve(each, variant=variant) for each in lock.targets),
        debs=(*lock.debs, *(each for each in artifacts if isinstance(each, Deb))),
        conda=(*lock.conda, *(each for each in artifacts if isinstance(each, CondaPackage))),
        wheels=(*lock.wheels, *(each for each in artifacts if isinstance(each, Wheel))),
        images=tuple(evolve(each, image="nvidia/cuda", tag=tag) for each in lock.images if tag),
    )
    findings = check_cuda(evolve(sound, lock=lock).subject)
    return sorted({f"{each.package}: {each.reason}" for each in findings})


def package(name: str, version: str = "1.0", asker: str = "torch") -> Wheel:
    return wheel(name, asker, version=version)


ONE_CUDA = [
    ("cuda12.5", package("nvidia-cuda-runtime-cu12", "12.5.82")),
    ("cuda12.5", package("nvidia-cufft-cu12", "11.2.3.61")),
    ("cuda12", package("nvidia-cuda-runtime-cu12", "12.9.79")),
    ("cuda13.2", package("nvidia-cuda-runtime", "13.2.86")),
    ("cuda13.2", package("nvidia-cusparse", "12.7.10.12")),
    ("cuda13.2", package("cuda-toolkit", "13.2.2")),
    # Minor releases run with each other's libraries, and bindings are for a major version.
    ("cuda13.2", package("cuda-bindings", "13.5.0")),
    ("cuda13.2", package("nvidia-cuda-cccl", "13.3.5.0.6")),
    ("cuda13.2", package("cuda-pathfinder", "1.9.0")),
    ("cuda12.5", package("cupy-cuda12x", "13.6.0")),
    ("cuda12.5", package("torch", "2.5.1+cu124")),
    ("cuda10.2", package("torch", "1.7.1")),
    ("cuda12.5", conda("cuda-version", "12.5", "env")),
    ("cuda12.5", conda("cuda-cudart_linux-64", "12.5.82", "env")),
    ("cuda11.8", deb("libcudart11.0", "11.8.89~11.8.0-3", "amd64", "env")),
]


@pytest.mark.parametrize(("variant", "given"), ONE_CUDA)
def test_what_is_of_the_variants_cuda(debian: Sound, variant: str, given: Artifact) -> None:
    assert cuda(debian, variant, given) == []


ANOTHER_CUDA = [
    ("cuda12.5", package("nvidia-cuda-runtime-cu12", "12.9.79"), "12.9.79 is of CUDA 12.9"),
    ("cuda12.5", package("nvidia-cudnn-cu13", "9.26"), "9.26 is of CUDA 13"),
    ("cuda12.5", package("nvidia-nccl-cu11", "2.21"), "2.21 is of CUDA 11"),
    ("cuda12.5", package("nvidia-cuda-runtime", "13.2.86"), "13.2.86 is of CUDA 13.2"),
    ("cuda13.2.1", package("cuda-toolkit", "13.2.2"), "13.2.2 is of CUDA 13.2.2"),
    ("cuda12.5", package("cuda-bindings", "13.5.0"), "13.5.0 is of CUDA 13"),
    ("cuda12.5", package("cupy-cuda11x", "13.6.0"), "13.6.0 is of CUDA 11"),
    ("cuda12.5", package("jax-cuda13-plugin", "0.9"), "0.9 is of CUDA 13"),
    ("cuda12.5", package("torch", "2.5.1+cu118"), "2.5.1+cu118 is of CUDA 11"),
    ("cuda12.5", package("torch-scatter", "2.1.2+pt24cu118"), "2.1.2+pt24cu118 is of CUDA 11"),
    ("cuda12.5", conda("cudatoolkit", "11.0.3", "env"), "11.0.3 is of CUDA 11.0.3"),
    ("cuda12.5", conda("cuda-version", "12.4", "env"), "12.4 is of CUDA 12.4"),
    ("cuda12.5", conda("cuda-nvcc-tools", "11.8.89", "env"), "11.8.89 is of CUDA 11"),
    ("cuda12.5", deb("cuda-cudart-12-4", "12.4.127-1", "amd64", "env"), "12.4.127-1 is of CUDA"),
    ("cuda12.5", deb("libcudart11.0", "11.8.89~11.8.0-3", "amd64", "env"), "11.8.89~11.8.0-3 is"),
    ("cuda12.5", deb("libcudnn9-cuda-13", "9.26-1", "amd64", "env"), "9.26-1 is of CUDA 13"),
    ("cuda12.5", deb("libcudnn8", "8.6.0.163-1+cuda11.8", "amd64", "env"), "8.6.0.163-1+cuda11.8"),
]


@pytest.mark.parametrize(("variant", "given", "told"), ANOTHER_CUDA)
def test_what_is_of_another_cuda(debian: Sound, variant: str, given: Artifact, told: str) -> None:
    (found,) = cuda(debian, variant, given)
    assert found.startswith(f"{given.name}: {told}")
    assert found.endswith(f", and the variant is {variant}")


def test_two_sides_of_different_cuda_are_both_named(channel: Sound) -> None:
    wheels = (
        package("nvidia-cublas-cu12", "12.5.3.2"),
        package("nvidia-cuda-runtime-cu12", "12.5.82"),
        # It is told of CUDA alone: the wrong cuDNN comes with it.
        package("nvidia-cudnn-cu12", "9.28.0.42"),
    )
    assert cuda(channel, "cuda10.1", *wheels) == [
        "nvidia-cuda-runtime-cu12: 12.5.82 is of CUDA 12.5, and cudatoolkit 10.1.243 of "
        "CUDA 10.1.243, as cuda10.1 says"
    ]


def test_two_sides_of_one_major_version_are_of_one_release(channel: Sound) -> None:
    other = package("nvidia-cuda-runtime-cu10", "10.2.89")
    assert cuda(channel, "cuda10", other) == [
        "nvidia-cuda-runtime-cu10: 10.2.89 is of CUDA 10.2, and cudatoolkit 10.1.243 of "
        "CUDA 10.1.243, as cuda10 says"
    ]


def test_a_base_of_another_cuda(channel: Sound) -> None:
    assert cuda(channel, "cuda10.1", tag="10.1-base-ubuntu18.04") == []
    assert cuda(channel, "cuda10.1", tag="11.0.3-base-ubuntu18.04") == [
        "nvidia/cuda: 11.0.3-base-ubuntu18.04 is of CUDA 11.0.3, and cudatoolkit 10.1.243 of "
        "CUDA 10.1.243, as cuda10.1 says"
    ]


def test_two_cudnn_of_different_major_versions(channel: Sound) -> None:
    assert cuda(channel, "cuda10.1", package("nvidia-cudnn-cu10", "8.9.1")) == []
    assert cuda(channel, "cuda10.1", package("nvidia-cudnn-cu10", "7.6.5")) == [
        "nvidia-cudnn-cu10: pypi gives cuDNN 7.6.5, and channel gives cudnn 8.0.5"
    ]


CUDA_IN_CPU = [
    (package("nvidia-nccl-cu12", "2.30", "xgboost"), "xgboost requires it, which is of CUDA 12"),
    (package("nvidia-cublas", "13.4.1", "env"), "env requires it, which is of CUDA"),
    (package("torch", "2.5.1+cu118", "env"), "env requires it, which is of CUDA 11"),
    (conda("cudnn", "8.0.5", "env"), "env requires it, which is of CUDA"),
    (conda("cudatoolkit", "11.0.3", "env"), "env requires it, which is of CUDA 11.0.3"),
]


@pytest.mark.parametrize(("given", "told"), CUDA_IN_CPU)
def test_cpu_has_no_cuda(debian: Sound, given: Artifact, told: str) -> None:
    assert cuda(debian, "cpu", given) == [f"{given.name}: {told}, and the variant is cpu"]


def test_who_brought_cuda_in_is_named_once(debian: Sound) -> None:
    parts = (
        package("nvidia-cublas", "13.4.1.3", "cuda-toolkit"),
        package("cuda-toolkit", "13.2.2", "torch"),
        package("nvidia-cuda-runtime", "13.2.86", "cuda-toolkit"),
        package("torch", "2.15.0", "env"),
    )
    assert cuda(debian, "cpu", *parts) == [
        "cuda-toolkit: torch requires it, which is of CUDA 13.2.2, and the variant is cpu"
    ]


def test_cpu_on_a_base_with_cuda(channel: Sound) -> None:
    bare = evolve(channel, lock=evolve(channel.lock, conda=()))
    assert cuda(bare, "cpu", tag="ubuntu18.04") == []
    assert cuda(bare, "cpu", tag="10.1-base-ubuntu18.04") == [
        "nvidia/cuda: the base is of CUDA 10.1, and the variant is cpu"
    ]


@pytest.mark.parametrize(
    "name", ["numpy", "nvidia-ml-py", "cuda-pathfinder", "xgboost-cpu", "circus", "nvidia-dali"]
)
def test_what_is_not_of_cuda(debian: Sound, name: str) -> None:
    assert cuda(debian, "cpu", package(name, "12.5")) == []


def test_what_serves_another_target_does_not_count(debian: Sound) -> None:
    runtime = package("nvidia-cuda-runtime-cu12", "12.5.82")
    assert cuda(debian, "cpu", evolve(runtime, targets=("cuda12.5-linux-amd64",))) == []


@pytest.mark.parametrize(
    ("env", "variant", "most"),
    [("pytorch-2.15", "cuda13.2", 12), ("tensorflow-2.21", "cuda12.5", 12)],
)
def test_the_fleets_own_variants_are_of_the_cuda_in_their_name(
    env: str, variant: str, most: int
) -> None:
    lock = read_lock(ROOT, env)
    assert lock is not None
    sound = evolve(on_debian(), lock=lock)
    assert list(check_cuda(sound.subject)) == []
    major = int(variant.removeprefix("cuda").partition(".")[0])
    other = f"cuda{major - 1}.0"
    renamed = evolve(
        lock,
        targets=tuple(
            evolve(each, variant=other) for each in lock.targets if each.variant == variant
        ),
    )
    (found,) = check_cuda(evolve(sound, lock=renamed).subject)
    assert other in found.reason
    assert sum("cu" in each.name for each in lock.wheels) >= most

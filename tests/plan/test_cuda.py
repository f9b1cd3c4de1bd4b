from __future__ import annotations

import pytest

from lockyard.plan.cuda import cuda_environment, cuda_labels, library_path
from lockyard.plan.prefix import Prefix
from tests.build.makers import PREFIX

CONDA = Prefix(
    path="/opt/conda", interpreter="/opt/conda/bin/python3.7", python="3.7.12", virtual=False
)


def test_a_variant_without_cuda_says_nothing() -> None:
    assert cuda_environment("cpu", PREFIX) == {}
    assert cuda_labels("cpu") == {}


@pytest.mark.parametrize(
    ("variant", "required"),
    [
        ("cuda11.0.3", "cuda>=11.0"),
        ("cuda12.5", "cuda>=12.5"),
        ("cuda12", "cuda>=12.0"),
    ],
)
def test_what_the_container_toolkit_reads(variant: str, required: str) -> None:
    environment = cuda_environment(variant, PREFIX)
    version = variant.removeprefix("cuda")
    assert environment == {
        "CUDA_VERSION": version,
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        "NVIDIA_REQUIRE_CUDA": required,
        "NVIDIA_VISIBLE_DEVICES": "all",
        "SERVER_LIBRARY_PATH": library_path(PREFIX),
    }
    assert cuda_labels(variant) == {"com.nvidia.cuda.version": version}


def test_libraries_are_where_wheels_and_conda_put_them() -> None:
    assert library_path(PREFIX) == "/opt/venv/lib/python3.11/site-packages/nvidia/*/lib"
    assert library_path(CONDA) == (
        "/opt/conda/lib:/opt/conda/lib/python3.7/site-packages/nvidia/*/lib"
    )

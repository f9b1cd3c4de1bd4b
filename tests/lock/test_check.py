"""A lock that satisfies its spec, and a test for each way in which it might not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.model import Sdist
from lockyard.spec.model import Env
from tests.lock.sound import CONDA_ENV, DEBIAN_ENV, Sound, conda, on_debian, read, wheel, with_conda


@pytest.fixture(scope="module")
def debian() -> Sound:
    return on_debian()


@pytest.fixture(scope="module")
def channel() -> Sound:
    return with_conda()


def test_a_sound_lock_has_no_finding(debian: Sound, channel: Sound) -> None:
    assert debian.found() == []
    assert channel.found() == []


def test_each_changed_input_is_named(debian: Sound) -> None:
    inputs = {**debian.lock.inputs, "env": "0" * 64, "recipe": "0" * 64}
    assert debian.found(inputs=inputs) == ["made from another env, recipe"]


def test_what_is_wrong_in_one_target_alone_says_which(debian: Sound) -> None:
    others = debian.lock.wheels
    assert debian.found(wheels=others[1:]) == [
        "env requires numpy>=1.20, which isn't locked (cpu-linux-amd64)"
    ]
    assert debian.found(wheels=others[2:]) == ["env requires numpy>=1.20, which isn't locked"]


@pytest.mark.parametrize(
    ("name", "changes", "finding"),
    [
        (
            "numpy",
            {"version": "1.19", "file": "numpy-1.19-py3-none-any.whl"},
            "numpy: env requires numpy>=1.20, and 1.19 is locked",
        ),
        ("numpy", {"version": "1.22"}, "numpy: numpy-1.21-cp311-cp311-manylinux_2_17"),
        ("numpy", {"required_by": ("server",)}, "numpy: env requires it, and the lock doesn't"),
        (
            "server",
            {"file": "server-1.21-cp312-cp312-linux_x86_64.whl"},
            "server: server-1.21-cp312-cp312-linux_x86_64.whl doesn't load on Python 3.11.2",
        ),
        (
            "server",
            {"file": "server-1.21-cp311-cp311-manylinux_2_36_aarch64.whl"},
            "server (cpu-linux-amd64): server-1.21-cp311-cp311-manylinux_2_36_aarch64.whl doesn't",
        ),
        ("server", {"file": "no-wheel.whl"}, "server: no-wheel.whl isn't its wheel"),
        ("werkzeug", {"required_by": ("gone",)}, "werkzeug: required by gone, which isn't"),
        ("werkzeug", {"required_by": ("werkzeug",)}, "werkzeug: nothing in the spec leads to it"),
        ("werkzeug", {"source": "elsewhere"}, "the workspace has no source 'elsewhere'"),
        ("werkzeug", {"source": "debian"}, "source 'debian' is of kind debian, and the lock"),
        ("werkzeug", {"targets": ("gpu-linux-amd64",)}, "werkzeug: it serves gpu-linux-amd64"),
        ("libc6", {"architecture": "riscv64"}, "libc6: it is for riscv64"),
        ("libc6", {"path": "pool/other_1_amd64.deb"}, "libc6: its file is of another package"),
        ("libc6", {"version": "2.28-10"}, "libc6: its target has glibc 2.36, and the packages"),
        (
            "python3.11",
            {"version": "3.11.1-1"},
            "python3.11: base debian12 requires python3.11 (>= 3.11.2), and 3.11.1-1 is locked",
        ),
        ("python3.11", {"version": "3.11.3-1"}, "python3.11: its target has Python 3.11.2, and"),
    ],
)
def test_a_wrong_package_is_found(
    debian: Sound, name: str, changes: Mapping[str, Any], finding: str
) -> None:
    found = debian.found(**debian.with_artifact(name, **changes))
    assert any(each.startswith(finding) for each in found), found


def test_markers_are_evaluated_for_the_target_and_not_for_this_machine(channel: Sound) -> None:
    # The recipe's server is for Python 3.8 and up, and this target has 3.7.
    assert not any(each.name == "server" for each in channel.lock.wheels)
    assert channel.found() == []


def test_who_asks_in_another_target_alone_is_no_fault(debian: Sound) -> None:
    numpy, _, *shared = debian.lock.wheels
    blas = wheel("blas", "numpy", required_by=("accelerate", "numpy"))
    accelerate = wheel("accelerate", "env", targets=numpy.targets)
    given = (*debian.lock.wheels[:2], *shared, accelerate, blas)
    assert debian.found(wheels=given) == []


def test_what_nothing_leads_to_in_one_target_is_found_there(debian: Sound) -> None:
    numpy, *others = debian.lock.wheels
    accelerate = wheel("accelerate", "env", targets=numpy.targets)
    given = (numpy, *others, accelerate, wheel("blas", "accelerate"))
    assert debian.found(wheels=given) == ["blas (cpu-linux-arm64): nothing in the spec leads to it"]


def test_one_package_locked_twice_for_a_target_is_found(debian: Sound) -> None:
    twice = (*debian.lock.wheels, wheel("server", "recipe bare", "py2.py3-none-any"))
    assert debian.found(wheels=twice) == ["server: locked 2 times for one target"]


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"python": "3.10.1"}, "target cpu-linux-amd64 has Python 3.10.1, and the base is for"),
        ({"python": "3.11"}, "target cpu-linux-amd64 has Python 3.11, and the base is for 3.11"),
        ({"base": "other"}, "target cpu-linux-amd64 stands on other, not on debian12"),
        ({"name": "gpu"}, "the spec's target cpu-linux-amd64 isn't locked"),
        ({"platform": "linux/arm64"}, "target cpu-linux-amd64 is of another variant or platform"),
    ],
)
def test_a_wrong_target_is_found(debian: Sound, changes: Mapping[str, Any], finding: str) -> None:
    first, *others = debian.lock.targets
    found = debian.found(targets=(evolve(first, **changes), *others))
    assert any(each.startswith(finding) for each in found), found


def test_a_requirement_of_a_variant_counts_in_it_alone(debian: Sound) -> None:
    text = f'{DEBIAN_ENV}\nvariants.cpu.pypi = ["torch"]'
    asking = evolve(debian, env=evolve(read(text, Env), name="trial"))
    assert asking.found() == [
        "env requires torch, which isn't locked",
        "made from another env",
    ]


@pytest.mark.parametrize(
    "text",
    ["required by https://index.example/simple", "/home/someone/wheels", "file:///tmp/x", "~/x"],
)
def test_an_address_or_a_path_is_found_wherever_it_hides(debian: Sound, text: str) -> None:
    sdist = Sdist(file="x.tar.gz", sha256="0" * 64, size=1, tools=(f"tool @ {text}",))
    for changes in ({"sdist": sdist}, {"required_by": ("server", text)}):
        found = debian.found(**debian.with_artifact("werkzeug", **changes))
        assert "werkzeug: an address or a machine's path is recorded; locks name sources only" in (
            found
        )


def test_a_package_of_both_sides_is_told_even_if_it_is_pip(channel: Sound) -> None:
    both = (*channel.lock.wheels, wheel("pip", "env"))
    assert channel.found(wheels=both) == [
        "pip: it comes from channel (22.0) and from pypi (1.21), and one would overwrite the other"
    ]


def test_what_conda_installs_meets_a_requirement_of_pip(channel: Sound) -> None:
    packages = (*channel.lock.conda, conda("numpy", "1.21", "env"))
    assert channel.found(conda=packages, wheels=()) == []


@pytest.mark.parametrize(
    ("name", "changes", "finding"),
    [
        ("cudnn", {"depends": ("cudatoolkit 10.2.*",)}, "cudnn: it depends on cudatoolkit 10.2.*"),
        ("cudnn", {"depends": ("libgone",)}, "cudnn: it depends on libgone, which isn't met"),
        ("cudnn", {"depends": ("__cuda >=11",)}, "cudnn: it depends on __cuda >=11, which"),
        ("cudnn", {"depends": ("__glibc >=2.28",)}, "cudnn: it depends on __glibc >=2.28, which"),
        ("cudnn", {"depends": ("!! [",)}, "cudnn: it depends on !! [, which isn't met"),
        ("cudnn", {"subdir": "linux-aarch64"}, "cudnn: it is for linux-aarch64"),
        ("cudnn", {"build": "h2_0"}, "cudnn: cudnn-8.0.5-h1_0.conda isn't its file"),
        ("python", {"constrains": ("cudnn >=9",)}, "python: it allows only cudnn >=9 beside it"),
        ("python", {"version": "3.7.11"}, "python: its target has Python 3.7.12, and 3.7.11"),
        ("python", {"version": "3.8.1"}, "base image requires python 3.7.*, which isn't met"),
        ("cudatoolkit", {"version": "10.2"}, "env requires cudatoolkit 10.1.*, which isn't met"),
    ],
)
def test_a_wrong_conda_package_is_found(
    channel: Sound, name: str, changes: Mapping[str, Any], finding: str
) -> None:
    found = channel.found(**channel.with_artifact(name, **changes))
    assert any(each.startswith(finding) for each in found), found


@pytest.mark.parametrize("text", ["__archspec 1 x86_64", "__linux", "__unix", "python", "pip >=9"])
def test_what_the_target_has_is_met(channel: Sound, text: str) -> None:
    assert channel.found(**channel.with_artifact("cudnn", depends=(text,))) == []


def test_a_constraint_on_what_is_not_there_does_not_count(channel: Sound) -> None:
    assert channel.found(**channel.with_artifact("cudnn", constrains=("absent >=3",))) == []


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"tag": "20.04"}, "its base image is library/trial:20.04, not library/trial:18.04"),
        ({"manifest": "b" * 64}, "its base image for linux/amd64 has another digest"),
        ({"platform": "linux/arm64"}, "the base image for linux/amd64 isn't locked"),
        ({"image": "registry.example/library/trial"}, "image linux/amd64: an address or a"),
    ],
)
def test_a_wrong_base_image_is_found(
    channel: Sound, changes: Mapping[str, Any], finding: str
) -> None:
    (image,) = channel.lock.images
    found = channel.found(images=(evolve(image, **changes),))
    assert any(each.startswith(finding) for each in found), found


def test_packages_of_the_wrong_base_are_found(debian: Sound, channel: Sound) -> None:
    assert "it holds conda packages, and its base has no prefix" in debian.found(
        conda=channel.lock.conda
    )
    assert "it holds a base image that no target stands on" in debian.found(
        images=channel.lock.images
    )
    debs = tuple(evolve(each, targets=()) for each in debian.lock.debs[:1])
    assert "it holds Debian packages, and its base is a registry's image" in channel.found(
        debs=debs
    )


def test_a_variant_without_cuda_has_no_virtual_package_of_it(channel: Sound) -> None:
    env = evolve(read(CONDA_ENV.replace("cuda10.1", "cpu"), Env), name="trial")
    (target,) = channel.lock.targets
    cpu = evolve(target, name="cpu-linux-amd64", variant="cpu")
    assert "cudnn: it depends on __cuda, which isn't met" in evolve(channel, env=env).found(
        targets=(cpu,)
    )

from __future__ import annotations

import sys

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import sys_tags
from pip._internal.utils.compatibility_tags import get_supported

from lockyard.errors import SpecError
from lockyard.resolve.pypi.target import PythonTarget


def test_markers_name_every_variable_of_pep_508() -> None:
    target = PythonTarget("3.7.16", "2.27", "x86_64")
    assert set(target.markers) == set(default_environment())
    assert Marker("python_version < '3.8'").evaluate(dict(target.markers))
    assert Marker("python_full_version == '3.7.16'").evaluate(dict(target.markers))


def test_platforms_go_from_the_glibc_down_with_their_old_names() -> None:
    platforms = PythonTarget("3.7.16", "2.18", "x86_64").platforms
    assert platforms[:5] == (
        "linux_x86_64",
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
    )
    assert platforms[-2:] == ("manylinux_2_5_x86_64", "manylinux1_x86_64")


def test_aarch64_ends_at_glibc_2_17() -> None:
    assert PythonTarget("3.11.2", "2.18", "aarch64").platforms == (
        "linux_aarch64",
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    )


@pytest.mark.parametrize(
    ("python", "first"),
    [("3.7.16", "cp37-cp37m-"), ("3.8.0", "cp38-cp38-"), ("3.11.2", "cp311-cp311-")],
)
def test_first_tag_is_the_pythons_own(python: str, first: str) -> None:
    assert str(PythonTarget(python, "2.17", "x86_64").tags[0]).startswith(first)


def test_tags_are_those_of_pip_for_the_same_target() -> None:
    target = PythonTarget("3.7.16", "2.27", "x86_64")
    pip = get_supported("37", list(target.platforms), "cp", ["cp37m"])
    assert {str(tag) for tag in target.tags} == {str(tag) for tag in pip}


@pytest.mark.skipif(sys.platform != "linux", reason="compares with this Linux")
def test_tags_are_those_of_this_python_in_their_order() -> None:
    import platform

    glibc = platform.libc_ver()
    if glibc[0] != "glibc" or platform.machine() not in {"x86_64", "aarch64"}:
        pytest.skip("compares with this glibc")
    target = PythonTarget(platform.python_version(), glibc[1], platform.machine())
    here = [str(tag) for tag in sys_tags() if "musllinux" not in tag.platform]
    assert [str(tag) for tag in target.tags] == here


@pytest.mark.parametrize(
    "wrong",
    [("3.11", "2.36", "x86_64"), ("3.11.2", "glibc", "x86_64"), ("3.11.2", "2.36", "riscv64")],
)
def test_refuses_what_is_no_target(wrong: tuple[str, str, str]) -> None:
    with pytest.raises(SpecError, match="of a target"):
        PythonTarget(*wrong)

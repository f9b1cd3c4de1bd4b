"""A model admits nothing that those who read it can't take."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from debian.debian_support import NativeVersion
from hypothesis import given
from hypothesis import strategies as st

from lockyard.lock.model import BaseImage, CondaPackage, is_file_name

CONDA = CondaPackage(
    name="python",
    version="3.7.16",
    build="h7a1cb2a_0_cpython",
    build_number=0,
    subdir="linux-64",
    file="python-3.7.16-h7a1cb2a_0_cpython.conda",
    md5="0" * 32,
    sha256="1" * 64,
    size=5,
    source="conda-forge",
    required_by=("env",),
    depends=("__glibc >=2.17", "numpy[version='>=1']", "_libgcc_mutex 0.1 main"),
)
IMAGE = BaseImage(
    image="library/base",
    tag="18.04",
    source="hub",
    platform="linux/amd64",
    manifest="2" * 64,
)


@given(st.text("019aZ.+~:_!-", min_size=1, max_size=8))
def test_debian_versions_can_be_compared(make: Any, version: str) -> None:
    try:
        deb = evolve(make.deb("bash"), version=version)
    except ValueError:
        return
    assert NativeVersion(deb.version) == NativeVersion(version)


@pytest.mark.parametrize("version", ["1_2", "1!2", "a:1", "1:"])
def test_what_is_no_debian_version(make: Any, version: str) -> None:
    with pytest.raises(ValueError, match=r"version .* isn't a version"):
        evolve(make.deb("bash"), version=version)


@pytest.mark.parametrize("version", ["1.0-1", "2.36-9+deb12u10", "1:2.3~rc1-4+b1", "20230311"])
def test_debian_versions(make: Any, version: str) -> None:
    assert evolve(make.deb("bash"), version=version).version == version


@pytest.mark.parametrize(
    "changes",
    [
        {"build": ""},
        {"build": "../x"},
        {"build": "a\n"},
        {"depends": ("",)},
        {"depends": (" ",)},
        {"depends": ("python", "a\nb")},
        {"constrains": ("",)},
    ],
    ids=repr,
)
def test_hostile_conda_package(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} .* isn't a"):
        evolve(CONDA, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": ""},
        {"tag": "../18.04"},
        {"source": "https://host"},
        {"platform": "linux"},
        {"platform": ""},
    ],
    ids=repr,
)
def test_hostile_image(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} .* isn't a"):
        evolve(IMAGE, **changes)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", ".a", "a\0", "a\n", "é", "a@b"])
def test_what_is_no_file_name(name: str) -> None:
    assert not is_file_name(name)


def test_file_names() -> None:
    assert is_file_name("libc6_2.36-9+deb12u10_amd64.deb")
    assert is_file_name("ruamel.yaml-0.17.21-1-cp37-none-any.whl")

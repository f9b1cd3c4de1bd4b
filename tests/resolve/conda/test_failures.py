from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import FetchError, IntegrityError, ResolveError, SpecError
from lockyard.resolve.conda.resolver import CondaRequirement

Resolve = Callable[..., Any]
Make = Callable[..., Path]


def test_cuda_that_doesn_t_fit(resolve: Resolve) -> None:
    with pytest.raises(ResolveError, match="no set of packages") as error:
        resolve("cudatoolkit 11.0.3.*", cuda="10.2")
    text = str(error.value)
    assert "env asks for cudatoolkit 11.0.3.*" in text
    assert "__cuda >=11" in text
    assert error.value.solution == "the variant's CUDA is 10.2: ask for what fits it"


def test_a_variant_without_cuda(resolve: Resolve, make_channel: Make) -> None:
    channel = make_channel({"torch 2.0": {"depends": ["__cuda >=11.8"]}})
    assert len(resolve("torch", mirror=channel, cuda="11.8")) == 1
    with pytest.raises(ResolveError, match=r"__cuda >=11\.8") as error:
        resolve("torch", mirror=channel)
    assert error.value.solution == "the variant's CUDA is none: ask for what fits it"


def test_a_glibc_that_is_too_old(resolve: Resolve) -> None:
    with pytest.raises(ResolveError, match=r"__glibc >=2\.17") as error:
        resolve("cudatoolkit", glibc="2.12")
    assert "the base's glibc is 2.12" in error.value.solution


def test_requirements_that_contradict_each_other(resolve: Resolve) -> None:
    with pytest.raises(ResolveError) as error:
        resolve("sqlite 3.44.*", CondaRequirement("libsqlite 3.45.*", "recipe inference"))
    assert "recipe inference asks for libsqlite 3.45.*; env asks for sqlite" in error.value.reason
    assert error.value.solution == "loosen one of these requirements"
    assert "Traceback" not in str(error.value)


def test_an_unknown_package_and_its_neighbours(resolve: Resolve) -> None:
    with pytest.raises(ResolveError, match="no package pytohn; it has python: env asks for"):
        resolve("pytohn 3.7.*")


def test_an_unknown_version_and_its_neighbours(resolve: Resolve) -> None:
    with pytest.raises(ResolveError, match=r"no openssl <3, but 3\.3\.0, 3\.2\.1: env asks for"):
        resolve("openssl <3")
    with pytest.raises(ResolveError, match=r"no openssl ==4, but .*: the upgrade asks for"):
        resolve("python", upgrade=("openssl==4",))


def test_a_date_before_everything(resolve: Resolve) -> None:
    with pytest.raises(ResolveError, match="cutoff date") as error:
        resolve("xz", exclude_newer=datetime(2001, 1, 1, tzinfo=UTC))
    assert error.value.solution.startswith("take a later date than 2001-01-01")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-e x",
        "Python",
        "python>=3.7",
        "python[version='3.7.*']",
        "other::python",
        "https://x.invalid/python-3.7.conda",
        "python 3.7 # [win]",
        "python 3.7.* a b",
        "python >=>3",
        "python 3.7",  # rattler: is it ==3.7, or 3.7.*?
        "python\n3.7.*",
        "__cuda >=11",
    ],
)
def test_what_isn_t_a_requirement(resolve: Resolve, text: str) -> None:
    with pytest.raises(SpecError) as error:
        resolve(CondaRequirement(text, "recipe inference"))
    assert error.value.where == "recipe inference"
    assert "is no " in error.value.reason


@pytest.mark.parametrize("text", ["xz>=5", "xz 5", "xz==5 6 7", "xz[a]", ""])
def test_what_isn_t_an_upgrade(resolve: Resolve, text: str) -> None:
    with pytest.raises(SpecError) as error:
        resolve("xz", upgrade=(text,))
    assert error.value.where == "upgrade"


def test_an_upgrade_of_another_source_is_let_be(resolve: Resolve) -> None:
    assert resolve("xz", upgrade=("Flask==3.0", "numpy")) == resolve("xz")
    with pytest.raises(ResolveError, match="no package pytohn"):
        resolve("pytohn", upgrade=("flask==3.0",))


def test_a_record_without_sha256_is_refused(resolve: Resolve, make_channel: Make) -> None:
    channel = make_channel({"app 1.0": {"depends": ["lib"]}, "lib 2.0": {"sha256": None}})
    with pytest.raises(IntegrityError, match=r"no sha256 of lib-2\.0-0\.conda"):
        resolve("app", mirror=channel)


def test_a_channel_that_keeps_its_files_elsewhere(resolve: Resolve, make_channel: Make) -> None:
    channel = make_channel({"app 1.0": {}}, info={"base_url": "https://other.invalid/x"})
    with pytest.raises(IntegrityError, match="outside of its own folders"):
        resolve("app", mirror=channel)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"packages": 3}',
        b'{"packages.conda": {"app-1-0.conda": {"name": "app"}}}',
    ],
)
def test_records_that_are_nonsense(resolve: Resolve, make_channel: Make, data: bytes) -> None:
    channel = make_channel({})
    (channel / "linux-64" / "repodata.json").write_bytes(data)
    with pytest.raises(IntegrityError, match="records can't be read"):
        resolve("app", mirror=channel)


def test_a_server_of_nonsense(
    resolve: Resolve, make_channel: Make, serve: Callable[[Path], Any]
) -> None:
    channel = make_channel({})
    (channel / "linux-64" / "repodata.json").write_bytes(b"{")
    with pytest.raises((FetchError, IntegrityError), match="source conda-forge"):
        resolve("app", mirror=serve(channel).url)


def test_no_channel_there(resolve: Resolve, tmp_path: Path, serve: Callable[[Path], Any]) -> None:
    (tmp_path / "empty").mkdir()
    for mirror in (tmp_path / "empty", serve(tmp_path / "empty").url):
        with pytest.raises(FetchError, match="no channel"):
            resolve("xz", mirror=mirror)
    with pytest.raises(FetchError, match="isn't of the form"):
        resolve("xz", mirror="ftp://conda.example.invalid")

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import FetchError, IntegrityError, ResolveError, SpecError
from lockyard.resolve.pypi.resolver import Requirement
from lockyard.resolve.pypi.target import PythonTarget

PY37 = PythonTarget("3.7.16", "2.27", "x86_64")


def test_conflict_says_who_asks_for_what(index: Any, resolve: Any) -> None:
    index.wheel("app", "2.1", "lib>=1.22")
    index.wheel("lib", "1.19")
    index.wheel("lib", "1.23")
    with pytest.raises(ResolveError) as error:
        resolve("lib<1.20", Requirement("app", "recipe inference"))
    assert "env asks for lib<1.20" in error.value.reason
    assert "app 2.1 requires lib>=1.22" in error.value.reason


def test_conflict_of_two_requirements_tells_them_apart(index: Any, resolve: Any) -> None:
    index.wheel("lib", "1.19")
    index.wheel("lib", "1.23")
    with pytest.raises(ResolveError) as error:
        resolve("lib<1.20", Requirement("lib>1.20", "recipe inference"))
    assert "env asks for lib<1.20" in error.value.reason
    assert "recipe inference asks for lib>1.20" in error.value.reason


def test_conflict_with_an_upgrade(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", "lib>=2")
    index.wheel("lib", "1.0")
    index.wheel("lib", "2.0")
    with pytest.raises(ResolveError, match=r"the upgrade requires lib==1\.0"):
        resolve("app", upgrade=frozenset({"lib==1.0"}))


def test_unknown_package(index: Any, resolve: Any) -> None:
    with pytest.raises(ResolveError, match="the index has no package nowhere: env asks for"):
        resolve("nowhere")


def test_unknown_dependency_names_its_parent(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", "nowhere")
    with pytest.raises(ResolveError, match=r"no package nowhere: app 1\.0 requires nowhere"):
        resolve("app")


def test_only_source_distributions(index: Any, resolve: Any) -> None:
    index.add("app-1.0.tar.gz", b"never looked at")
    with pytest.raises(ResolveError, match="app has only source distributions, and no wheel for"):
        resolve("app")
    assert not index.fetched(".tar.gz")


def test_only_wheels_for_others(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", tags="cp39-cp39-win_amd64")
    index.wheel("app", "1.0", tags="cp39-cp39-manylinux_2_28_x86_64")
    with pytest.raises(ResolveError) as error:
        resolve("app")
    assert "no wheel for Python 3.11.2, glibc 2.36, x86_64" in error.value.reason
    assert "those of 1.0 are for cp39-cp39-manylinux_2_28_x86_64:" in error.value.reason


def test_only_for_another_python(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", requires_python=">=3.9")
    with pytest.raises(ResolveError, match=r"app needs Python >=3\.9, and not 3\.7\.16"):
        resolve("app", target=PY37)


def test_no_such_version(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    with pytest.raises(ResolveError, match="no release matches app>=2"):
        resolve("app>=2")


def test_everything_yanked(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", yanked=True)
    with pytest.raises(ResolveError, match="withdrawn"):
        resolve("app")


def test_everything_too_late(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    with pytest.raises(ResolveError, match="was uploaded before 2020"):
        resolve("app", cutoff=datetime(2020, 1, 1, tzinfo=UTC))


def test_cutoff_needs_upload_times(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", upload_time=None)
    with pytest.raises(FetchError, match=r"app: .* uploaded, which a cut-off date needs"):
        resolve("app", cutoff=datetime(2030, 1, 1, tzinfo=UTC))
    assert resolve("app")[0].uploaded == ""


@pytest.mark.parametrize(
    ("entry", "reason"), [({"hashes": {}}, "no sha256"), ({"size": None}, "no size")]
)
def test_index_without_hash_or_size(
    entry: dict[str, object], reason: str, index: Any, resolve: Any
) -> None:
    index.wheel("app", "1.0", **entry)
    with pytest.raises(FetchError, match=f"app: the index gives {reason}"):
        resolve("app")


@pytest.mark.parametrize(
    "entry",
    [
        {"size": 0},
        {"upload_time": "0001-01-01T00:00:00+14:00"},
        {"upload_time": "9999-12-31T23:59:59-14:00"},
        {"tags": "1@x-py3-none-any"},
    ],
    ids=repr,
)
def test_what_no_lock_can_hold(entry: dict[str, object], index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", **entry)
    with pytest.raises(IntegrityError, match="can't be locked") as error:
        resolve("app")
    assert error.value.where == "source pypi, package app"


def test_cutoff_without_time_zone(index: Any, resolve: Any) -> None:
    with pytest.raises(SpecError, match="no time zone"):
        resolve("app", cutoff=datetime(2030, 1, 1))


def test_certificates_that_are_not_there(index: Any, resolve: Any) -> None:
    with pytest.raises(FetchError, match="no certificates at nowhere"):
        resolve("app", cert="nowhere")


def test_malformed_page(index: Any, resolve: Any) -> None:
    index.pages["app"] = b"{"
    with pytest.raises(FetchError, match="app: the index's page is malformed"):
        resolve("app")


def test_page_cannot_lead_to_files_of_this_machine(
    index: Any, resolve: Any, tmp_path: Path
) -> None:
    index.wheel("app", "1.0", url=f"file://{tmp_path}/app-1.0-py3-none-any.whl")
    with pytest.raises(FetchError, match="app: the index lists no such file"):
        resolve("app")


def test_dependency_cannot_bring_its_own_address(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", "evil @ https://host.invalid/evil-1.0.tar.gz")
    with pytest.raises(ResolveError, match="app: it requires evil from an address of its own"):
        resolve("app")


def test_html_page(index: Any, resolve: Any) -> None:
    index.pages["app"] = b"<!doctype html>"
    index.content_type = "text/html"
    with pytest.raises(FetchError, match="no JSON pages"):
        resolve("app")


@pytest.mark.parametrize("status", [401, 403])
def test_index_that_refuses(status: int, index: Any, resolve: Any) -> None:
    index.status = status
    with pytest.raises(FetchError, match=f"HTTP status {status}"):
        resolve("app")


def test_errors_hide_the_address(index: Any, resolve: Any) -> None:
    index.status = 403
    index.url = index.url.replace("http://", "http://user:secret@")
    with pytest.raises(FetchError) as error:
        resolve("app")
    assert "secret" not in str(error.value)
    assert "127.0.0.1" not in str(error.value)


def test_unreachable_index(index: Any, resolve: Any) -> None:
    index.url = "https://index.invalid/simple/"
    with pytest.raises(FetchError, match="source pypi: "):
        resolve("app")


@pytest.mark.parametrize(
    "url", ["http://index.invalid/simple/", "file:///srv/simple/", "/srv/simple", "--help"]
)
def test_index_that_cannot_be_trusted(url: str, index: Any, resolve: Any) -> None:
    index.url = url
    with pytest.raises(FetchError, match="https"):
        resolve("app")


def test_wheel_that_is_not_what_the_index_says(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0")
    index.ranges = False
    index.files["app-1.0-py3-none-any.whl"] += b"more"
    with pytest.raises(IntegrityError, match=r"app: app-1\.0-py3-none-any\.whl isn't what"):
        resolve("app")


@pytest.mark.parametrize("ranges", [True, False])
def test_wheel_that_is_no_wheel(ranges: bool, index: Any, resolve: Any) -> None:
    index.ranges = ranges
    index.add("app-1.0-py3-none-any.whl", b"nothing of the kind" * 99)
    with pytest.raises(ResolveError, match=r"app: app-1\.0-py3-none-any\.whl is no wheel"):
        resolve("app")

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from attrs import evolve

from lockyard.errors import FetchError
from lockyard.fetch.locate import Locator
from lockyard.lock.model import Deb, Wheel
from lockyard.sources.http import with_credentials

FILE = "joblib-1.3.2-py3-none-any.whl"
WHEEL = Wheel(
    name="joblib",
    version="1.3.2",
    file=FILE,
    sha256="0" * 64,
    size=1,
    source="pypi",
    required_by=("env",),
)
PAGE = "/simple/joblib/"
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def index(site: Any, session: requests.Session) -> Locator:
    return Locator(session, {"pypi": lambda: f"{site.url}/simple/"})


def serve(site: Any, kind: str, data: bytes) -> None:
    site.files[PAGE], site.types[PAGE] = data, kind


def json_page(url: str) -> bytes:
    files = [{"filename": FILE, "url": url, "hashes": {"sha256": "0" * 64}}]
    page = {"meta": {"api-version": "1.1"}, "name": "joblib", "files": files, "versions": []}
    return json.dumps(page).encode()


@pytest.mark.parametrize("url", [f"../../files/{FILE}", f"/files/{FILE}"])
@pytest.mark.parametrize("kind", [JSON, "text/html; charset=utf-8"])
def test_a_wheel_is_where_its_page_says(index: Locator, site: Any, kind: str, url: str) -> None:
    html = f'<!DOCTYPE html><a href="{url}#sha256={"0" * 64}">{FILE}</a>'.encode()
    serve(site, kind, json_page(url) if kind == JSON else html)
    assert index(WHEEL) == f"{site.url}/files/{FILE}"


def test_a_page_is_fetched_once(index: Locator, site: Any) -> None:
    serve(site, JSON, json_page("/f.whl"))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(index, [WHEEL] * 20)) == {f"{site.url}/f.whl"}
    assert len(site.requests) == 1


def test_a_wheel_that_is_not_listed_is_an_error(index: Locator, site: Any) -> None:
    serve(site, JSON, json_page("/f.whl"))
    with pytest.raises(FetchError, match="doesn't list") as caught:
        index(evolve(WHEEL, file="joblib-9-py3-none-any.whl"))
    assert caught.value.where == "joblib-9-py3-none-any.whl (source pypi)"


def test_a_project_that_is_not_there_is_an_error(index: Locator) -> None:
    with pytest.raises(FetchError, match="404") as caught:
        index(WHEEL)
    assert caught.value.where == "the index page of joblib (source pypi)"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (JSON, b"<html>"),
        (JSON, b"[]"),
        (JSON, b'{"files": 1}'),
        (JSON, b'{"meta": {"api-version": "2.0"}, "name": "joblib", "files": []}'),
        (JSON, b"[" * 100_000),
        ("image/png", b"\x89PNG"),
        ("no type", b""),
    ],
)
def test_another_answer_is_no_page(index: Locator, site: Any, kind: str, data: bytes) -> None:
    serve(site, kind, data)
    with pytest.raises(FetchError, match="no page of a package index"):
        index(WHEEL)


def test_a_page_without_end_is_cut_off(
    index: Locator, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockyard.fetch.locate.PAGE_LIMIT", 1_000)
    serve(site, JSON, json_page("/" + "x" * 1_000))
    with pytest.raises(FetchError, match="no page of a package index"):
        index(WHEEL)


def test_addresses_are_asked_for_once_and_when_needed(
    session: requests.Session, deb: Callable[..., Deb]
) -> None:
    asked = []

    def mirror() -> str:
        asked.append("debian")
        return "http://mirror.example/debian/"

    locator = Locator(session, {"debian": mirror})
    assert asked == []
    path = "pool/main/g/g++/g++_1%3a2~rc1+b1_amd64.deb"
    artifact = evolve(deb("a", b"a"), path=path)
    quoted = "pool/main/g/g%2B%2B/g%2B%2B_1%253a2~rc1%2Bb1_amd64.deb"
    for _ in range(2):
        assert locator(artifact) == f"http://mirror.example/debian/{quoted}"
    assert asked == ["debian"]


@pytest.mark.parametrize("name", ["g++_1~rc1+b1_amd64.deb", "a_1%3a2!3_all.deb"])
def test_every_name_comes_through_to_the_server(
    locate: Locator, session: requests.Session, deb: Callable[..., Deb], site: Any, name: str
) -> None:
    session.get(locate(evolve(deb("a", b"a"), path=f"pool/{name}")))
    assert [unquote(path) for path, _ in site.requests] == [f"/debian/pool/{name}"]


def test_an_unknown_source_is_an_error(session: requests.Session) -> None:
    with pytest.raises(FetchError, match="no source of this name"):
        Locator(session, {})(WHEEL)


@pytest.mark.parametrize(
    ("url", "given"),
    [
        ("https://a.example/f", "https://me:pw@a.example/f"),
        ("https://b.example/f", "https://b.example/f"),
        ("http://a.example/f", "http://a.example/f"),
        ("https://me:pw@a.example/f", "https://me:pw@a.example/f"),
    ],
)
def test_a_password_goes_to_its_own_server_only(url: str, given: str) -> None:
    assert with_credentials(url, "https://me:pw@a.example/simple") == given
    assert with_credentials(url, "https://a.example/simple") == url

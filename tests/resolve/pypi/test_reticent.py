from __future__ import annotations

import io
from pathlib import Path

import pytest
from pip._internal.network.session import PipSession
from pip._vendor.cachecontrol import CacheControlAdapter
from pip._vendor.requests import Request, Session
from pip._vendor.urllib3 import HTTPResponse

from lockyard.resolve.pypi.refusal import Refusal
from lockyard.resolve.pypi.reticent import keep_no_credentials

HEADERS = {"ETag": "1", "Vary": "Authorization, Accept", "Cache-Control": "max-age=600"}


@pytest.mark.parametrize("careful", [False, True])
def test_what_is_cached_names_nobody(tmp_path: Path, careful: bool) -> None:
    session = PipSession(cache=str(tmp_path))
    if careful:
        keep_no_credentials(session)
    adapter = session.adapters["https://"]
    assert isinstance(adapter, CacheControlAdapter)
    request = Request(
        "GET",
        "https://index.example/simple/app/",
        headers={"Authorization": "Basic c2VjcmV0", "Cookie": "secret", "Accept": "json"},
    ).prepare()
    response = HTTPResponse(io.BytesIO(b"{}"), HEADERS, status=200, preload_content=False)
    adapter.controller.cache_response(request, response, b"{}")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"json" in kept
    assert (b"c2VjcmV0" in kept) is not careful
    assert request.headers["Authorization"] == "Basic c2VjcmV0"


def test_another_pip_is_refused() -> None:
    with pytest.raises(Refusal, match="cache is another one"):
        keep_no_credentials(Session())

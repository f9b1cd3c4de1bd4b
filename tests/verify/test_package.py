from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import IO

import pytest

from lockyard.verify.package import package_of
from tests.build.makers import member, tarred

FILES = {
    "opt/venv/lib/python3.11/site-packages/a_b-1.0.dist-info/RECORD": (
        b'a_b/__init__.py,sha256=x,1\n"a_b/with, comma",,\n../../../bin/tool,,\n'
    ),
    "opt/conda/conda-meta/openssl-3.0.1-h1_0.json": b'{"files": ["lib/libssl.so"]}',
    "opt/conda/conda-meta/broken-1-0.json": b"{",
    "var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib\n/lib/libc.so.6\n",
    "var/lib/dpkg/info/tzdata.list": b"/usr/share/zoneinfo\n",
}
CASES = {
    "opt/venv/lib/python3.11/site-packages/a_b/__init__.py": "a_b 1.0",
    "opt/venv/lib/python3.11/site-packages/a_b/with, comma": "a_b 1.0",
    "opt/venv/bin/tool": "a_b 1.0",
    "opt/venv/lib/python3.11/site-packages/a_b-1.0.dist-info/METADATA": "a_b 1.0",
    "opt/conda/lib/libssl.so": "openssl 3.0.1",
    "opt/conda/conda-meta/openssl-3.0.1-h1_0.json": "openssl 3.0.1",
    "lib/libc.so.6": "libc6",
    "usr/share/zoneinfo": "tzdata",
    "var/lib/dpkg/info/libc6:amd64.md5sums": "libc6",
    "etc/hostname": "",
}


def archive(files: dict[str, bytes]) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    data = tarred(member(path, content) for path, content in files.items())
    return lambda: closing(io.BytesIO(data))


@pytest.mark.parametrize("path", CASES)
def test_packages_say_what_is_theirs(path: str) -> None:
    assert package_of(path, [archive(FILES)]) == CASES[path]


def test_no_layer_is_read_after_the_one_that_knows() -> None:
    def never() -> AbstractContextManager[IO[bytes]]:
        raise AssertionError

    assert package_of("lib/libc.so.6", [archive({}), archive(FILES), never]) == "libc6"

"""What sdists say of themselves, where they are compiled elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from lockyard.errors import BuildError
from lockyard.resolve.sdist.build import SdistBuilder

from .conftest import PYPROJECT, make_tar, record

SAYS = """\
Metadata-Version: {version}
Name: App
Version: 1.0
Requires-Dist: lib
"""
BACKEND = """\
import os, tiny
def build_wheel(out, settings=None, metadata=None):
    raise ValueError("nothing is built here")
def prepare_metadata_for_build_wheel(out, settings=None):
    os.mkdir(os.path.join(out, "app-1.0.dist-info"))
    with open(os.path.join(out, "app-1.0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\nRequires-Dist: made\\n")
        file.write("Summary: " + os.environ.get("WORD", "") + "\\n")
    return "app-1.0.dist-info"
"""


def sdist(says: str = "", backend: str = BACKEND.replace("{name}", "app")) -> bytes:
    files = {"app-1.0/pyproject.toml": PYPROJECT, "app-1.0/backend.py": backend}
    return make_tar({**files, **({"app-1.0/PKG-INFO": says} if says else {})})


@pytest.fixture
def told(builder: SdistBuilder, index: Any) -> Any:
    """Return a function that gives the metadata of an sdist of the index."""

    def told(content: bytes, **environment: str) -> str:
        index.add("app-1.0.tar.gz", content)
        return builder.metadata(record(content, **environment)).path.read_text()

    return told


def test_takes_what_no_build_may_change(told: Any) -> None:
    says = SAYS.format(version="2.2") + "Dynamic: Summary\n"
    assert told(sdist(says, backend="raise ValueError")) == says


@pytest.mark.parametrize(
    "says",
    [
        SAYS.format(version="2.1"),
        SAYS.format(version="none"),
        SAYS.format(version="2.2") + "Dynamic: Requires-Dist\n",
        "",
    ],
)
def test_asks_the_backend_for_what_may_change(told: Any, says: str) -> None:
    text = told(sdist(says), WORD="given", CC="mine", PATH="/elsewhere")
    assert "Requires-Dist: made\nSummary: given\n" in text


def test_is_asked_once(told: Any, index: Any) -> None:
    content = sdist()
    first = told(content)
    index.requests.clear()
    assert told(content) == first
    assert index.requests == []


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (BACKEND.replace("{name}", "other"), "it says that it is other 1.0"),
        (BACKEND.replace("os.mkdir", "raise ValueError"), "its metadata can't be made"),
        (BACKEND.replace("prepare_metadata", "other"), "makes no metadata without a build"),
        (BACKEND.replace('return "app', 'return "lib'), "makes no metadata without a build"),
    ],
)
def test_refuses_what_says_nothing_of_use(told: Any, backend: str, reason: str) -> None:
    with pytest.raises(BuildError, match=reason) as caught:
        told(sdist(backend=backend))
    assert caught.value.where == "app-1.0.tar.gz"

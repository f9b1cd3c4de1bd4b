"""Source distributions whose build backend is a few lines of a test."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockyard.lock.model import Sdist
from lockyard.resolve.sdist.build import SdistBuilder
from lockyard.resolve.sdist.index import Index
from tests.resolve.pypi.conftest import index

__all__ = ["index"]

TOOLS = ("tiny==1.0",)
PYPROJECT = """\
[build-system]
requires = ["tiny>=1"]
build-backend = "backend"
backend-path = ["."]
"""
# What backends are made with: the one tool of these tests.
TINY = """\
import os, random, zipfile

def wheel(out, file, requires=(), purelib="true", **texts):
    name, version = file.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    metadata += "".join(f"Requires-Dist: {each}\\n" for each in requires)
    files = [(f"{name}/{key}.txt", text) for key, text in texts.items()]
    files += [(f"{info}/METADATA", metadata), (f"{info}/RECORD", "nonsense")]
    files += [(f"{info}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: {purelib}\\n")]
    random.shuffle(files)
    with zipfile.ZipFile(os.path.join(out, file), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files:
            archive.writestr(path, text)
    return file
"""
GOOD = 'return tiny.wheel(out, "app-1.0-py3-none-any.whl", word="hello")'


def tool_wheel() -> bytes:
    """Make the wheel of the tool."""
    info = "tiny-1.0.dist-info"
    files = {
        "tiny.py": TINY,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as wheel:
        record = f"{info}/RECORD,,\n"
        for path, text in files.items():
            wheel.writestr(path, text)
            record += f"{path},sha256={_hash(text)},{len(text)}\n"
        wheel.writestr(f"{info}/RECORD", record)
    return data.getvalue()


def _hash(text: str) -> str:
    import base64

    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def make_sdist(body: str = GOOD, needs: str = "[]", pyproject: str = PYPROJECT) -> bytes:
    """Make an sdist whose backend builds a wheel into ``out`` by some lines."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    backend = f"import os, tiny\ndef build_wheel(out, settings=None, metadata=None):\n{lines}"
    backend += f"def get_requires_for_build_wheel(settings=None):\n    return {needs}\n"
    return make_tar({"app-1.0/pyproject.toml": pyproject, "app-1.0/backend.py": backend})


def make_tar(files: dict[str, str | tarfile.TarInfo]) -> bytes:
    """Make a .tar.gz of texts, and of members as they are."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, each in files.items():
            info = each if isinstance(each, tarfile.TarInfo) else tarfile.TarInfo(name)
            content = each.encode() if isinstance(each, str) else b""
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(data.getvalue(), mtime=0)


def record(content: bytes, **environment: str) -> Sdist:
    """Describe an sdist as a lock does."""
    return Sdist(
        file="app-1.0.tar.gz",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        tools=TOOLS,
        environment=environment,
    )


@pytest.fixture
def builder(index: Any, tmp_path: Path) -> SdistBuilder:
    """A builder with the tool's wheel on its index."""
    index.add("tiny-1.0-py3-none-any.whl", tool_wheel())
    return SdistBuilder(index=Index(address=index.url, source="pypi"), cache=tmp_path / "cache")


@pytest.fixture
def built(builder: SdistBuilder) -> Callable[..., dict[str, str]]:
    """Return a function that builds an sdist, and gives the texts of its package."""

    def build(body: str, **environment: str) -> dict[str, str]:
        content = make_sdist(body)
        kept = builder.build(record(content, **environment), content)
        with zipfile.ZipFile(kept.path) as wheel:
            names = [name for name in wheel.namelist() if name.startswith("app/")]
            return {name[4:-4]: wheel.read(name).decode() for name in names}

    return build

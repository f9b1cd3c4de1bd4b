from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.errors import IntegrityError
from lockyard.resolve.sdist.cache import FileCache

KEY = "ab" * 32


def test_gives_back_what_it_keeps(tmp_path: Path) -> None:
    cache = FileCache(tmp_path)
    assert cache.get(KEY) is None
    kept = cache.put(KEY, "app-1.0-py3-none-any.whl", b"wheel")
    assert (cache.get(KEY), kept.path.read_bytes()) == (kept, b"wheel")


def test_believes_nothing_that_is_damaged(tmp_path: Path) -> None:
    cache = FileCache(tmp_path)
    cache.put(KEY, "app-1.0-py3-none-any.whl", b"wheel").path.write_bytes(b"whale")
    assert cache.get(KEY) is None


@pytest.mark.parametrize("file", ["", "..", "../evil.whl", "/evil.whl", "a-1/../../../evil.whl"])
def test_writes_nowhere_else(tmp_path: Path, file: str) -> None:
    with pytest.raises(IntegrityError, match="no name for a file"):
        FileCache(tmp_path / "cache").put(KEY, file, b"")
    assert not list(tmp_path.rglob("*"))

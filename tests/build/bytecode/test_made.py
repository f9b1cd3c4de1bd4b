from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lockyard.build.bytecode import made as module
from lockyard.build.bytecode.made import Made


def test_what_is_kept(tmp_path: Path) -> None:
    made = Made(tmp_path)
    assert made.get(b"one") is None
    one, other = made.put(b"one", b"bytes"), made.put(b"other", b"")
    assert made.get(b"one") == one
    assert (one.size, one.sha256) == (5, hashlib.sha256(b"bytes").hexdigest())
    assert one.open().read() == b"bytes"
    assert (other.size, other.open().read()) == (0, b"")
    assert list(tmp_path.iterdir()) == []


def test_what_grows_too_large_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    made = Made(tmp_path)
    one = made.put(b"one", b"bytes")
    made.put(b"other", b"more")
    assert made.get(b"one") is None
    assert made.get(b"other") is not None
    assert one.open().read() == b"bytes"

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.resolve.pypi.memory import Memory

SHA = "ab" * 32


def test_gives_back_what_it_was_given(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "new")
    assert memory.get(SHA) is None
    memory.put(SHA, b"Name: app\n\nbody\n")
    assert memory.get(SHA) == b"Name: app\n\nbody\n"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [SHA]


@pytest.mark.parametrize("damage", [b"", b"x", b"Name: app\n", b"0" * 64 + b"\nName: app\n"])
def test_forgets_what_is_damaged(damage: bytes, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.put(SHA, b"Name: app\n")
    (tmp_path / SHA[:2] / SHA).write_bytes(damage)
    assert memory.get(SHA) is None


def test_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file")
    memory.put(SHA, b"Name: app\n")
    assert memory.get(SHA) is None

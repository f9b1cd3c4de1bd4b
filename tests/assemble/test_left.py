from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from lockyard.assemble.left import prefix_of, sweep_left

DAY = 86_400


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that has its name already, beside what others left and what isn't theirs."""
    (tmp_path / "it.tar").touch()
    for name in (".it.tar.mine", ".it0tar.abcd_123", "it.tar.abcd_123", "tmpabcd_123"):
        (tmp_path / name).touch()
    return tmp_path / "it.tar"


def test_a_file_and_a_folder_and_a_link_that_were_left_go(target: Path) -> None:
    before = set(target.parent.iterdir())
    tempfile.mkstemp(dir=target.parent, prefix=prefix_of(target))
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix_of(target)))
    (made / "inside").touch()
    made.with_name(f"{made.name}.old").mkdir()
    target.with_name(".it.tar.abcd_124").symlink_to(target.parent, target_is_directory=True)
    sweep_left(target, time.time() + DAY - 60)
    assert len(set(target.parent.iterdir())) == len(before) + 4
    sweep_left(target, time.time() + DAY + 60)
    assert set(target.parent.iterdir()) == before

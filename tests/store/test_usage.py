"""Each party is a process of its own, as in life."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lockyard.errors import StoreError
from lockyard.store.usage import FILE, alone, hold

_HOLD = """
import os, subprocess, sys
from pathlib import Path
from lockyard.store.usage import hold
hold(Path(sys.argv[1]))
"""
_ALONE = f"""{_HOLD}
from lockyard.store.usage import alone
with alone(Path(sys.argv[1]), wait=False):
    pass
"""
_SECONDS = 30


@contextmanager
def held(root: Path, then: str = "") -> Iterator[subprocess.Popen[str]]:
    """Have another process use a store until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{_HOLD}{then}\nprint('held', flush=True)\nsys.stdin.read()", root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def wanted_alone(root: Path) -> str:
    """Return what another process says that wants a store for itself."""
    return subprocess.run(
        [sys.executable, "-c", _ALONE, root],
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    ).stderr


def test_one_alone_keeps_nobody_out_of_an_unused_store(tmp_path: Path) -> None:
    with alone(tmp_path / "store", wait=False):
        assert (tmp_path / "store" / FILE).stat().st_size == 0


def test_a_user_keeps_out_who_wants_it_alone(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(StoreError, match="using it"), alone(tmp_path, wait=False):
        pytest.fail("it isn't alone")


def test_users_are_not_in_one_anothers_way(tmp_path: Path) -> None:
    with held(tmp_path), held(tmp_path):
        hold(tmp_path)
        hold(tmp_path)


def test_own_use_is_not_in_the_way(tmp_path: Path) -> None:
    hold(tmp_path)
    with alone(tmp_path, wait=False):
        pass


def test_a_user_that_is_killed_uses_it_no_longer(tmp_path: Path) -> None:
    with held(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(_SECONDS)
        with alone(tmp_path, wait=False):
            pass


def test_a_program_that_a_user_started_does_not_use_it(tmp_path: Path) -> None:
    then = (
        "child = subprocess.Popen(['sleep', '30'], stdout=2)\n"
        "Path(sys.argv[1], 'pid').write_text(str(child.pid))"
    )
    with held(tmp_path, then) as process:
        process.kill()
        process.wait(_SECONDS)
        with alone(tmp_path, wait=False):
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)  # it was alive until now


def test_waiting_ends_with_the_last_user(tmp_path: Path) -> None:
    with held(tmp_path) as process:
        timer = threading.Timer(0.2, process.kill)
        timer.start()
        with alone(tmp_path, wait=True):
            assert process.wait(_SECONDS) == -signal.SIGKILL


def test_a_user_waits_while_somebody_is_alone(tmp_path: Path) -> None:
    with alone(tmp_path, wait=False):
        process = subprocess.Popen([sys.executable, "-c", _HOLD, tmp_path])
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    # Afterwards this process is a user like others.
    assert process.wait(_SECONDS) == 0


def test_after_a_refusal_it_is_still_used(tmp_path: Path) -> None:
    hold(tmp_path)
    with held(tmp_path), pytest.raises(StoreError), alone(tmp_path, wait=False):
        pass
    assert "StoreError" in wanted_alone(tmp_path)


def test_a_store_that_was_removed_is_used_anew(tmp_path: Path) -> None:
    root = tmp_path / "store"
    hold(root)
    shutil.rmtree(root)
    hold(root)
    assert "StoreError" in wanted_alone(root)


def test_a_store_that_cannot_be_used_is_told_by_who_needs_it_alone(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.touch()
    hold(root)
    with pytest.raises(StoreError, match="can't be used"), alone(root, wait=False):
        pass


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError), alone(tmp_path / "store", wait=False):
        pass
    assert not (tmp_path / "elsewhere").exists()

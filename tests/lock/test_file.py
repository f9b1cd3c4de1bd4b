from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import LockError, StoreError
from lockyard.lock.file import lock_path, read_lock, write_lock
from lockyard.lock.text import encode_lock


def test_missing(tmp_path: Path) -> None:
    assert read_lock(tmp_path, "trial") is None


def test_written_and_read(tmp_path: Path, make: Any) -> None:
    lock = make.lock()
    assert write_lock(tmp_path, lock)
    assert read_lock(tmp_path, "trial") == lock
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["trial.lock.toml"]


def test_written_again_only_where_it_differs(tmp_path: Path, make: Any) -> None:
    write_lock(tmp_path, make.lock())
    path = tmp_path / lock_path("trial")
    before = path.stat()
    assert not write_lock(tmp_path, make.lock())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write_lock(tmp_path, make.lock(wheels=()))


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_readable_whatever_the_umask(tmp_path: Path, make: Any, mask: int) -> None:
    (tmp_path / "locks").mkdir()
    old = os.umask(mask)
    try:
        write_lock(tmp_path, make.lock())
    finally:
        os.umask(old)
    assert (tmp_path / lock_path("trial")).stat().st_mode & 0o777 == 0o644


def test_under_another_name(tmp_path: Path, make: Any) -> None:
    write_lock(tmp_path, make.lock())
    (tmp_path / lock_path("trial")).rename(tmp_path / lock_path("other"))
    with pytest.raises(LockError, match="it is the lock of 'trial'"):
        read_lock(tmp_path, "other")


def test_unreadable(tmp_path: Path) -> None:
    path = tmp_path / lock_path("trial")
    path.parent.mkdir()
    path.write_bytes(b"\xff")
    with pytest.raises(LockError, match="byte 0 isn't UTF-8"):
        read_lock(tmp_path, "trial")
    path.unlink()
    path.mkdir()
    with pytest.raises(LockError, match="Is a directory") as caught:
        read_lock(tmp_path, "trial")
    assert str(tmp_path) not in str(caught.value)


def test_folder_that_is_a_file(tmp_path: Path, make: Any) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(StoreError, match="the lock can't be written") as caught:
        write_lock(tmp_path, make.lock())
    assert caught.value.where == "locks/trial.lock.toml"


_LIMITED = """
import pickle, resource, signal, sys
from pathlib import Path
from lockyard.errors import StoreError
from lockyard.lock.file import write_lock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    write_lock(Path(sys.argv[1]), pickle.loads(sys.stdin.buffer.read()))
except StoreError as error:
    print(error)
    sys.exit(error.status)
"""


def test_no_room_leaves_the_old_lock(tmp_path: Path, make: Any) -> None:
    import pickle

    write_lock(tmp_path, make.lock(wheels=()))
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path)],
        input=pickle.dumps(make.lock()),
        capture_output=True,
        timeout=30,
        check=False,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C"},
    )
    assert (done.returncode, done.stderr) == (StoreError.status, b"")
    assert b"the old lock is untouched" in done.stdout
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["trial.lock.toml"]
    assert read_lock(tmp_path, "trial") == make.lock(wheels=())


_KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from lockyard.lock.file import write_lock
lock = pickle.loads(sys.stdin.buffer.read())
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_lock(Path(sys.argv[1]), lock)
"""


def test_a_kill_leaves_the_old_lock(tmp_path: Path, make: Any) -> None:
    import pickle

    write_lock(tmp_path, make.lock(wheels=()))
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        input=pickle.dumps(make.lock()),
        timeout=30,
        check=False,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C"},
    )
    assert done.returncode == -signal.SIGKILL
    text = (tmp_path / lock_path("trial")).read_text()
    assert text == encode_lock(make.lock(wheels=()))

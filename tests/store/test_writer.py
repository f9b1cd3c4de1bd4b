from __future__ import annotations

import hashlib
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError, StoreError
from lockyard.store.store import Store

DATA = b"layer"
DIGEST = hashlib.sha256(DATA).hexdigest()


def write(store: Store, *data: bytes, sha256: str | None = None, size: int | None = None) -> Path:
    with store.writer("blob") as writer:
        for chunk in data:
            writer.write(chunk)
        return writer.commit(sha256=sha256, size=size)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture(params=[0o000, 0o077, 0o027])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_the_umask_does_not_show(store: Store) -> None:
    with store.writer("blob") as writer:
        writer.write(DATA)
        path = writer.commit()
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_nothing_is_visible_before_the_commit(store: Store) -> None:
    with store.writer("blob") as writer:
        assert writer.write(DATA) == writer.size == writer.tell() == len(DATA)
        assert writer.sha256 == DIGEST
        assert store.blob(DIGEST) is None
        writer.commit(sha256=DIGEST, size=len(DATA))
        assert store.blob(DIGEST) is not None


def test_without_a_commit_nothing_remains(store: Store) -> None:
    with store.writer("blob") as writer:
        writer.write(DATA)
    assert files(store.root) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_after_an_exception_nothing_remains(store: Store, error: type[BaseException]) -> None:
    def fail() -> None:
        with store.writer("blob") as writer:
            writer.write(DATA)
            raise error

    with pytest.raises(error):
        fail()
    assert files(store.root) == []


@pytest.mark.parametrize(("sha256", "size"), [("0" * 64, None), (None, 4)])
def test_what_is_not_as_expected_is_refused(
    store: Store, sha256: str | None, size: int | None
) -> None:
    with pytest.raises(IntegrityError):
        write(store, DATA, sha256=sha256, size=size)
    assert files(store.root) == []


def test_many_may_write_the_same(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: write(store, DATA), range(32)))) == 1
    assert files(store.root) == [f"blobs/sha256/{DIGEST[:2]}/{DIGEST}"]


def test_a_full_disk_is_an_error_with_advice(small_disk: Path | None, tmp_path: Path) -> None:
    store = Store((small_disk or tmp_path) / "store")
    before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    if small_disk is None:
        # No file system of our own: a limit on the size of files refuses alike (EFBIG).
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[0][1]))
    try:
        with pytest.raises(StoreError, match="no room") as caught:
            write(store, *[bytes(50_000)] * 40)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before[0])
        signal.signal(signal.SIGXFSZ, before[1])
    assert "Free space" in caught.value.solution
    assert files(store.root) == []


def test_a_kill_leaves_nothing_that_is_believed(store: Store) -> None:
    program = (
        "import os, pathlib, signal, sys\n"
        "from lockyard.store.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1])).writer('blob') as writer:\n"
        "    writer.write(b'layer')\n"
        "    writer.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program, str(store.root)], check=False, timeout=30
    )
    assert child.returncode == -signal.SIGKILL
    assert store.blob(DIGEST) is None
    assert [name.split("/")[0] for name in files(store.root)] == ["tmp"]
    Store.open(store.root, now=lambda: 1e12)
    assert files(store.root) == ["lock"]

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lockyard.resolve import children
from lockyard.resolve.threads import side_by_side


def test_results_come_in_the_items_order() -> None:
    second_done = threading.Event()

    def act(number: int) -> int:
        if number == 0:
            assert second_done.wait(10)
        second_done.set()
        return number * 2

    assert side_by_side(act, range(4), 2) == [0, 2, 4, 6]


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_error_is_raised_whichever_comes_first(jobs: int) -> None:
    later_failed = threading.Event()

    def act(number: int) -> None:
        if number == 0:
            later_failed.wait(10 if jobs > 1 else 0)
        later_failed.set()
        raise ValueError(str(number))

    with pytest.raises(ValueError, match="0"):
        side_by_side(act, range(3), jobs)


def test_no_more_than_jobs_at_once() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def act(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    side_by_side(act, range(9), 3)
    assert most <= 3


def test_an_interrupt_ends_children_and_begins_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    code = "import os, sys, time; print(os.getpid(), file=open('pid', 'w')); time.sleep(60)"

    def act(number: int) -> int:
        begun.append(number)
        (folder := tmp_path / str(number)).mkdir()
        return children.run([sys.executable, "-c", code], cwd=folder, env={}, limit=60).returncode

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if timeout is None:
            while len(list(tmp_path.glob("*/pid"))) < 2:
                time.sleep(0.01)
            raise KeyboardInterrupt
        time.sleep(timeout)

    monkeypatch.setattr(threading.Thread, "join", join)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(act, range(5), 2)
    assert time.monotonic() - started < 30
    assert sorted(begun) == [0, 1]
    for number in range(2):
        pid = (tmp_path / str(number) / "pid").read_text().strip()
        assert not Path(f"/proc/{pid}").exists()


def test_a_child_that_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, file=open('pid', 'w'))\nchild.wait()"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        children.run([sys.executable, "-c", code], cwd=tmp_path, env={}, limit=3)
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while stat.exists() and stat.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stat.exists() or stat.read_text().split()[2] == "Z"

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockyard.verify.child import _Shuffled

NAMES = [f"{number:03}" for number in range(60)]
PROGRAM = """
import random, sys
from lockyard.verify.child import shuffle_listings
shuffle_listings(random.Random(int(sys.argv[1])))
import os, pathlib
here = pathlib.Path.cwd()
lists = (os.listdir(), [p.name for p in here.iterdir()], [p.name for p in here.glob("*")],
         next(os.walk("."))[2])
with os.scandir() as found:
    print(*(",".join(each) for each in (*lists, [e.name for e in found])))
"""


def listed(seed: int, folder: Path) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [each.split(",") for each in done.stdout.split()]


def test_listings_are_whole_and_in_an_order_of_the_seed(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).touch()
    first = listed(1, tmp_path)
    assert len(first) == 5
    for names in first:
        assert names != NAMES
        assert sorted(names) == NAMES
    assert listed(1, tmp_path) == first != listed(2, tmp_path)


def test_work_is_taken_up_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Shuffled, "chance", random.Random(1))  # noqa: S311
    begin, order = threading.Event(), list[int]()

    def work(number: int) -> int:
        begin.wait(10)
        order.append(number)
        return number * 2

    with _Shuffled(1) as pool:
        assert isinstance(pool, ThreadPoolExecutor)
        futures = [pool.submit(work, number) for number in range(30)]
        begin.set()
        assert [future.result(10) for future in futures] == [2 * each for each in range(30)]
    assert order != sorted(order) == list(range(30))


def test_what_work_raises_is_its_result() -> None:
    with _Shuffled(2) as pool, pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(10)


def test_the_child_is_the_console_program(tmp_path: Path) -> None:
    told = tmp_path / "seen"
    settings = f'{{"nice": 0, "processors": [0], "order": 1, "told": "{told}"}}'
    done = subprocess.run(
        [sys.executable, "-m", "lockyard.verify.child", settings, "list", "--json"],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "WORKSPACE.toml" in done.stderr
    assert '"locale": "C"' in told.read_text()

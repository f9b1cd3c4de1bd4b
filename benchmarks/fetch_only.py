"""Fetch wheels of the benchmark's env that are named in a file by their sha256, and no more."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.fetching import ENV, ROOT
from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.supply import Supply

if __name__ == "__main__":
    lock = read_lock(ROOT, ENV)
    wanted = set(Path(sys.argv[1]).read_text().split())
    Supply(
        workspace=read_fleet(ROOT).workspace,
        store=Store.default(os.environ),
        environ=os.environ,
        reporter=Silent(),
    ).provide([each for each in (lock.wheels if lock else ()) if each.sha256 in wanted])

"""Fetch an env's wheels into an empty folder, against pip."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from attrs import evolve

from benchmarks.contest import OURS, Bench, Way
from benchmarks.measure import Sample, timed
from lockyard.export.requirements import pinned
from lockyard.lock.file import read_lock

ENV = "sklearn-1.9"
PLATFORM = "linux/amd64"
ROOT = Path(__file__).resolve().parents[1]


def fetching(bench: Bench) -> None:
    """Fetch the wheels of an env from the index, each with its hash verified, without a cache.

    uv has no command that downloads and doesn't install.
    """
    lock = read_lock(ROOT, ENV)
    if lock is None:
        raise SystemExit(f"{ENV} has no lock")
    (target,) = (each for each in lock.targets if each.platform == PLATFORM)
    wheels = [each for each in lock.wheels if each.serves(target.name)]
    folder = bench.folder / "fetching"
    folder.mkdir()
    (folder / "requirements.txt").write_text(pinned([evolve(each, targets=()) for each in wheels]))
    (folder / "names.txt").write_text("\n".join(each.sha256 for each in wheels))
    ways = {
        OURS: Way(prepare=partial(_clear, folder), run=partial(_fetch, folder)),
        "pip download": Way(prepare=partial(_clear, folder), run=partial(_download, folder)),
    }
    bench.contest("fetch", f"{len(wheels)} wheels of {ENV}", ways)
    bench.fact(f"fetch/{ENV}/bytes", sum(each.size for each in wheels))
    shutil.rmtree(folder)


def _clear(folder: Path) -> None:
    for name in ("store", "wheels"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _fetch(folder: Path) -> Sample:
    program: list[str | Path] = [
        sys.executable,
        "-m",
        "benchmarks.fetch_only",
        folder / "names.txt",
    ]
    return timed(program, cwd=ROOT, environ={"LOCKYARD_STORE": str(folder / "store")})


def _download(folder: Path) -> Sample:
    command: list[str | Path] = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"),
        *("--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"),
        *("--python-version", "3.11", "--platform", "manylinux_2_36_x86_64"),
        *(x for n in range(36, 4, -1) for x in ("--platform", f"manylinux_2_{n}_x86_64")),
        *("--platform", "manylinux2014_x86_64", "--platform", "manylinux2010_x86_64"),
        *("--platform", "manylinux1_x86_64", "--platform", "linux_x86_64"),
        *("--requirement", str(folder / "requirements.txt")),
        *("--dest", str(folder / "wheels")),
    ]
    return timed(command)

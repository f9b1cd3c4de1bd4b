"""Fleets that grow: their tasks where nothing has changed, and ``docker buildx bake``."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.contest import OURS, Bench, Way
from benchmarks.fleets import MODELS, make_fleet
from benchmarks.measure import Sample, engine_process, timed
from benchmarks.peers import prune
from benchmarks.stage import PROGRAM, link_artifacts
from lockyard.docker.bake import FILE
from lockyard.docker.engine import BUILDER, BUILDX

# What the task needs whatever it does: invoke, and what reads specs.
_IMPORTS = "import lockyard.cli.namespace, lockyard.spec.reader"
SIZES = (10, 100, 1000)
TASKS = {
    "check": ("check",),
    "list": ("list",),
    "build --all --dry-run": ("build", "--all", "--dry-run"),
    "build --all": ("build", "--all"),
}


def growth(bench: Bench) -> None:
    """Run the tasks of fleets of 10, 100 and 1,000 envs whose images are there."""
    for size in SIZES:
        folder = bench.folder / f"fleet-{size}"
        _built(folder, size)
        for title, arguments in TASKS.items():
            run = Way(run=partial(_run, folder, *arguments))
            bench.contest(f"fleet, {title}", f"{size} envs", {OURS: run})
        shutil.rmtree(folder)


def noop(bench: Bench) -> None:
    """Build images again of which nothing has changed, against bake with its cache."""
    folder = bench.folder / "noop"
    size = len(MODELS)
    _built(folder, size)
    ways = {
        OURS: Way(run=lambda: _run(folder, "build", "--all")),
        "python, which only starts": Way(run=partial(timed, [sys.executable, "-c", "pass"])),
        "python, which imports": Way(run=partial(timed, [sys.executable, "-c", _IMPORTS])),
    }
    if engine := engine_process():
        contexts = folder / "contexts"
        _run(folder, "dockerfile", "--all", "--output", str(contexts))
        bake = partial(
            timed,
            [*BUILDX, "bake", *BUILDER, "--file", FILE],
            cwd=contexts,
            # Newer ones ask whether a bake file may read folders; older ones know no option for it.
            environ={"BUILDX_BAKE_ENTITLEMENTS_FS": "0"},
            engine=engine,
        )
        bake()
        ways["docker buildx bake"] = Way(run=bake)
    bench.contest("no-op build", f"{size} images", ways)
    prune()
    shutil.rmtree(folder)


def _built(folder: Path, size: int) -> None:
    folder.mkdir(parents=True)
    make_fleet(folder / "workspace", size)
    link_artifacts(folder / "workspace", folder / "store")
    _run(folder, "build", "--all")


def _run(folder: Path, *arguments: str) -> Sample:
    environ = {"LOCKYARD_STORE": str(folder / "store")}
    return timed([PROGRAM, *arguments], cwd=folder / "workspace", environ=environ)

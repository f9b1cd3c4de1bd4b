"""Synthetic fleets of real packages: as many envs as are asked for, each with a lock that holds.

Their locks are those of the current generation's small envs, under other names and for one
platform: about 50 wheels and 100 Debian packages each. Their images share all layers but differ
in their names, so building a thousand of them costs hardly more disk than building four.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from attrs import evolve

from lockyard.lock.file import read_lock, write_lock
from lockyard.lock.inputs import inputs
from lockyard.lock.model import Artifact, Lock
from lockyard.spec.reader import read_fleet

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("minimal-py311", "sklearn-1.9", "xgboost-3.2", "onnxruntime-1.31")
PLATFORM = "linux/amd64"
A = TypeVar("A", bound=Artifact)


def make_fleet(folder: Path, count: int) -> None:
    """Write a workspace of ``count`` envs into a new folder."""
    models = {f"trial{number:04}-1.0": MODELS[number % len(MODELS)] for number in range(count)}
    make_workspace(folder, models, PLATFORM)


def make_workspace(folder: Path, models: Mapping[str, str], platform: str) -> None:
    """Write a workspace into a new folder: envs for one platform, by the names of their models."""
    shutil.copytree(ROOT / "images", folder / "images")
    shutil.copy(ROOT / "WORKSPACE.toml", folder)
    (folder / "envs").mkdir()
    for name, model in models.items():
        text = (ROOT / f"envs/{model}.toml").read_text()
        kept = [line for line in text.splitlines() if not line.startswith(("platforms", "stem"))]
        (folder / f"envs/{name}.toml").write_text(
            "\n".join([f'platforms = ["{platform}"]', *kept, ""])
        )
    fleet = read_fleet(folder)
    locks = {model: read_lock(ROOT, model) for model in set(models.values())}
    for name, model in models.items():
        lock = locks[model]
        if lock is None:
            raise SystemExit(f"{model} has no lock")
        env = fleet.env(name)
        found = inputs(fleet.workspace, env, fleet.recipe(env.recipe))
        write_lock(folder, evolve(_of_platform(lock, platform), env=name, inputs=found))


def _of_platform(lock: Lock, platform: str) -> Lock:
    """Return a lock without all that is for other platforms than one alone."""
    (target,) = (each for each in lock.targets if each.platform == platform)

    def serving(artifacts: tuple[A, ...]) -> tuple[A, ...]:
        return tuple(evolve(a, targets=()) for a in artifacts if a.serves(target.name))

    return evolve(lock, targets=(target,), debs=serving(lock.debs), wheels=serving(lock.wheels))

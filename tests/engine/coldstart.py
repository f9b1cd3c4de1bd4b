"""How long an image takes until it answers, with and without bytecode.

``python -m tests.engine.coldstart [--runs N] [ENV]`` builds the image of an env for this machine's
platform twice: as it is, and with ``bytecode = false`` in its recipe. It starts them in turns, each
time in a new container with the network off, and prints the medians: seconds until the server says
``Healthy``, and the CPU seconds that it took until then. It needs a Docker engine.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, cast

import docker
from attrs import frozen

from lockyard.events import Silent
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder
from tests.engine.containers import ask, running
from tests.fleet.images import loaded
from tests.fleet.locked import ROOT


@frozen
class Start:
    """One start: seconds until it answered, and CPU seconds."""

    seconds: float
    cpu: float


def main(arguments: Sequence[str]) -> int:
    """Measure an env's image, and print a line for each of its two forms."""
    rest = [*arguments]
    runs = int(rest.pop(rest.index("--runs") + 1)) if "--runs" in rest else 5
    env = next((each for each in rest if not each.startswith("-")), "sklearn-1.9")
    starts: dict[str, list[Start]] = {}
    with ExitStack() as stack:
        engine = stack.enter_context(closing(docker.from_env(timeout=600)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        images = {
            name: _image(engine, workspace, env, folder / f"dist-{name}", stack)
            for name, workspace in _workspaces(folder).items()
        }
        for _ in range(runs):
            for name, image in images.items():
                starts.setdefault(name, []).append(_start(engine, image))
    for name, found in starts.items():
        seconds = statistics.median(each.seconds for each in found)
        cpu = statistics.median(each.cpu for each in found)
        spread = " ".join(f"{each.seconds:.2f}" for each in found)
        sys.stdout.write(f"{env} {name}: {seconds:.2f} s, {cpu:.2f} s of CPU ({spread})\n")
    return 0


def _workspaces(folder: Path) -> Mapping[str, Path]:
    """Return this workspace, and one whose recipes have no bytecode."""
    without = folder / "without"
    without.mkdir()
    shutil.copy(ROOT / "WORKSPACE.toml", without)
    for name in ("envs", "images", "locks"):
        shutil.copytree(ROOT / name, without / name)
    for recipe in without.glob("images/*/recipe.toml"):
        text = recipe.read_text(encoding="utf-8")
        recipe.write_text(text.replace("bytecode = true", "bytecode = false"), encoding="utf-8")
    return {"with bytecode": ROOT, "without": without}


def _image(
    engine: docker.DockerClient, workspace: Path, env: str, output: Path, stack: ExitStack
) -> str:
    builder = Builder(
        fleet=read_fleet(workspace),
        store=Store.default(os.environ),
        output=output,
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
    )
    return stack.enter_context(loaded(engine, builder.build(env)[0]))


def _start(engine: docker.DockerClient, image: str) -> Start:
    started = time.monotonic()
    with running(engine, image) as container:
        assert ask(container, "GET", "/") == (200, "Healthy")
        seconds = time.monotonic() - started
        told = cast("dict[str, Any]", container.stats(stream=False))
    return Start(seconds, told["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

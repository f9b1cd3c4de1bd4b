"""The whole fleet by a Docker engine: compared with the embedded builder's images, and run.

``python -m tests.fleet.builders [--twice] [ENV…]`` builds those envs, or all of both
generations, by both builders. It compares the two trees of files and the two configs, loads the
engine's image, has it compute and serve with the network off, and prints a line of each image.
With ``--twice``, the engine builds each again without its cache, and the digest has to be the
same. It needs a Docker engine, Debian's docker-registry, Python 3.7, and for the images with
CUDA some 40 GB of disk, most of it the engine's; it gives up the engine's build cache.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import docker
import pytest
from attrs import evolve
from docker.errors import DockerException

from lockyard.docker.engine import checked_engine
from lockyard.errors import LockyardError
from lockyard.events import Silent
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder
from lockyard.tasks.method import ByEngine
from tests.docker.agreement import disagreement, said
from tests.engine.models import framework_of, scored
from tests.fleet.images import compute, loaded, serve
from tests.fleet.locked import ROOT, first_generation
from tests.fleet.standin.workspace import StandIn, standing_in

# A label that FROM hands on; see docs/howto/docker-builder.md.
_HANDED_ON = "org.opencontainers.image.ref.name"


def main(arguments: Sequence[str]) -> int:
    """Try envs, and print a line of each image; return how many envs failed."""
    twice = "--twice" in arguments
    first = first_generation()
    envs = [each for each in arguments if each != "--twice"] or read_fleet(ROOT).env_names()
    failed = 0
    with ExitStack() as stack:
        engine = stack.enter_context(closing(docker.from_env(timeout=1200)))
        standin = None
        if {*envs} & {*first}:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            standin = stack.enter_context(standing_in(Path(folder)))
        for env in envs:
            try:
                with _emptied(), tempfile.TemporaryDirectory() as output:
                    builder = _builder(Path(output) / "own", standin if env in first else None, env)
                    for line in _tried(engine, builder, env, Path(output), twice=twice):
                        _say(line)
            except (LockyardError, AssertionError, DockerException, pytest.fail.Exception) as error:
                failed += 1
                _say(f"{env}: failed: {error}")
    return failed


def _builder(output: Path, standin: StandIn | None, env: str) -> Builder:
    if standin is not None:
        standin.lock(env)
        return evolve(standin.builder(), output=output)
    return Builder(
        fleet=read_fleet(ROOT),
        store=Store.default(os.environ),
        output=output,
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
    )


def _tried(
    engine: docker.DockerClient, builder: Builder, env: str, output: Path, *, twice: bool
) -> Iterator[str]:
    """Build an env both ways; give a line of what came of each image."""
    method = ByEngine(fleet=builder.fleet, engine=checked_engine(), cache=False)
    by_engine = evolve(builder, output=output / "engine", method=method)
    started = time.monotonic()
    others = by_engine.build(env)
    took = time.monotonic() - started
    own = {each.image: each for each in builder.build(env)}
    first = env in first_generation()
    prefix = "/opt/conda" if first else "/opt/venv"

    for other in others:
        one, two = Path(own[other.image].folder), Path(other.folder)
        difference = disagreement(one, two, prefix)
        assert not difference, f"{other.image} differs: {difference}"
        told = said(two)
        told["Labels"].pop(_HANDED_ON, None)
        assert told == said(one), other.image
        with loaded(engine, other) as image:
            serve(engine, image)
            if first:
                compute(engine, image, env)
            else:
                scored(engine, image, framework_of(env))
        yield f"{other.image:55} {other.size / 1e6:7.1f} MB  agrees, runs and serves"
    yield f"{env:55} built by the engine in {took:.1f} s"
    if twice:
        again = evolve(by_engine, output=output / "again").build(env)
        assert [each.digests for each in again] == [each.digests for each in others]
        yield f"{env:55} the same digest again"


@contextmanager
def _emptied() -> Iterator[None]:
    """Give the engine's build cache up at the end: with CUDA it has tens of gigabytes."""
    try:
        yield
    finally:
        subprocess.run(
            ["docker", "builder", "prune", "--all", "--force"],
            check=False,
            stdout=subprocess.DEVNULL,
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))

"""Builds of an image, its artifacts fetched: with no layer at hand, and after a bump of click."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import zlib
from functools import partial
from itertools import count
from pathlib import Path

from attrs import frozen

from benchmarks.contest import OURS, Bench, Way, say
from benchmarks.fleets import ROOT
from benchmarks.measure import engine_process
from benchmarks.peers import Docker, buildah, clear_buildah, prune, write_plain
from benchmarks.stage import Stage, staged, version

SMALL, LARGE = "sklearn-1.9", "pytorch-2.15"
# The gigabytes of the CUDA libraries are copied several times by each of the others.
_ALL_PEERS = (SMALL,)
_SAME = "docker, same Dockerfile"
_GIVEN = "lockyard, given what that Dockerfile is"
_OLD = "click==8.1.8"


def cold(name: str, bench: Bench) -> None:
    """Build an image of which nothing is built, against BuildKit without its cache and others."""
    stage = staged(name, bench.folder / "cold")
    ways = {OURS: Way(prepare=stage.forget, run=stage.build)}
    scratch = stage.folder / "buildah"
    if engine_process():
        docker = Docker(stage=stage)
        stage.forget()
        docker.write()
        given = stage.snapshot()
        ways[_GIVEN] = Way(prepare=partial(stage.forget, but=given), run=stage.build)
        ways[_SAME] = Way(run=partial(docker.build, cache=False), aim=10)
        if name in _ALL_PEERS:
            plain = write_plain(docker)
            ways["docker, pip install"] = Way(run=partial(docker.build_plain, plain))
            if version("buildah", "--version"):
                ways["buildah, pip install"] = Way(
                    prepare=partial(clear_buildah, scratch),
                    run=partial(buildah, plain, scratch),
                )
    bench.contest("cold build", name, ways)
    _compare(bench, name)
    _profile(bench, stage)
    _facts(bench, stage)
    prune()
    shutil.rmtree(stage.folder)


def bump(name: str, bench: Bench) -> None:
    """Build an image again after click has moved, against BuildKit with its cache."""
    stage = staged(name, bench.folder / "bump")
    bumped = Bump.of(stage)
    ways = {OURS: Way(prepare=bumped.reset, run=stage.build)}
    if engine_process():
        docker, numbers = Docker(stage=stage), count()
        bumped.lock(bumped.old)
        docker.write()
        docker.build(cache=True)
        bumped.lock(bumped.new)
        docker.write()

        def touch() -> None:
            docker.touch(next(numbers))

        ways[_SAME] = Way(prepare=touch, run=partial(docker.build, cache=True), aim=20)
    bench.contest("bump", name, ways)
    bumped.reset()
    held = blobs(stage)
    stage.build()
    written = {blob: size for blob, size in blobs(stage).items() if blob not in held}
    bench.fact(f"bump/{name}/blobs written", len(written))
    bench.fact(f"bump/{name}/bytes written", sum(written.values()))
    bench.fact(f"bump/{name}/bytes in all", sum(blobs(stage).values()))
    prune()
    shutil.rmtree(stage.folder)


@frozen(kw_only=True)
class Bump:
    """An env's lock with an ``old`` click and with a ``new`` one; the old image is built."""

    stage: Stage
    old: bytes
    new: bytes
    built: frozenset[Path]

    @classmethod
    def of(cls, stage: Stage) -> Bump:
        """Make the lock of before, by the index, and build it."""
        path = _lock(stage)
        new = path.read_bytes()
        stage.lockyard("lock", stage.name, "--upgrade-package", _OLD)
        old = path.read_bytes()
        stage.forget()
        stage.build()
        return cls(stage=stage, old=old, new=new, built=frozenset(stage.snapshot()))

    def lock(self, data: bytes) -> None:
        """Lay a lock."""
        _lock(self.stage).write_bytes(data)

    def reset(self) -> None:
        """Have the image of before, nothing of the one after, and the lock of that."""
        self.lock(self.old)
        self.stage.go_back(self.built)
        self.stage.build()
        self.lock(self.new)


def _profile(bench: Bench, stage: Stage) -> None:
    """Say where the processors' time of a build goes."""
    stage.forget()
    target = stage.folder / "profile.json"
    stage.run(sys.executable, ROOT / "benchmarks/profile_only.py", target, *stage.building)
    for part, seconds in sorted(json.loads(target.read_bytes()).items(), key=lambda x: -x[1]):
        bench.fact(f"cold build/{stage.name}/processor seconds, {part}", round(seconds, 2))


def _compare(bench: Bench, name: str) -> None:
    """Say how much faster Lockyard is where it begins with the very layers that Docker is given.

    A written-out Dockerfile comes with archives of all layers that aren't wheels.
    """
    medians = {
        each.tool: each.median()
        for each in bench.series
        if (each.case, each.subject) == ("cold build", name)
    }
    if {_GIVEN, _SAME} <= medians.keys():
        ratio = medians[_SAME] / medians[_GIVEN]
        bench.fact(f"cold build/{name}/faster where both are given the base", ratio)


def _lock(stage: Stage) -> Path:
    return stage.workspace / f"locks/{stage.name}.lock.toml"


def blobs(stage: Stage) -> dict[str, int]:
    """Return the sizes in bytes of an image's blobs."""
    return {path.name: path.stat().st_size for path in (stage.image / "blobs/sha256").iterdir()}


def _facts(bench: Bench, stage: Stage) -> None:
    """Say how large an image is, and how large its layers would be by zlib."""
    bench.fact(f"cold build/{stage.name}/bytes", sum(blobs(stage).values()))
    ours = theirs = unpacked = 0
    for path, size in _layers(stage.image):
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        with gzip.open(path) as stream:
            while chunk := stream.read(1 << 20):
                unpacked += len(chunk)
                theirs += len(packer.compress(chunk))
        theirs += len(packer.flush())
        ours += size
        if unpacked > 1 << 30:
            say("the rest isn't compressed again")
            break
    bench.fact(f"cold build/{stage.name}/size against zlib 6", ours / theirs)


def _layers(layout: Path) -> list[tuple[Path, int]]:
    blobs = layout / "blobs/sha256"
    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_bytes())
    return [(blobs / layer["digest"][7:], layer["size"]) for layer in manifest["layers"]]

"""Builds of an image, its artifacts fetched: with no layer at hand, and after a bump of click."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from itertools import count
from pathlib import Path

from benchmarks.contest import OURS, Bench, Way, say
from benchmarks.measure import engine_process
from benchmarks.peers import Docker, buildah, clear_buildah, prune, write_plain
from benchmarks.stage import Stage, staged, version

ENVS = ("sklearn-1.9",)
# The gigabytes of the CUDA libraries are copied several times by each of the others.
_ALL_PEERS = ("sklearn-1.9",)
_OLD = "click==8.1.8"


def cold(bench: Bench) -> None:
    """Build an image of which nothing is built, against BuildKit without its cache and others."""
    for name in ENVS:
        stage = staged(name, bench.folder / "cold")
        ways = {OURS: Way(prepare=stage.forget, run=stage.build)}
        scratch = stage.folder / "buildah"
        if engine_process():
            docker = Docker(stage=stage)
            docker.write()
            ways["docker, same Dockerfile"] = Way(run=lambda d=docker: d.build(cache=False), aim=10)
            if name in _ALL_PEERS:
                plain = write_plain(docker)
                ways["docker, pip install"] = Way(run=lambda d=docker, p=plain: d.build_plain(p))
                if version("buildah", "--version"):
                    ways["buildah, pip install"] = Way(
                        prepare=lambda s=scratch: clear_buildah(s),
                        run=lambda p=plain, s=scratch: buildah(p, s),
                    )
        bench.contest("cold build", name, ways)
        _facts(bench, stage)
        prune()
        shutil.rmtree(stage.folder)


def bump(bench: Bench) -> None:
    """Build an image again after click has moved, against BuildKit with its cache."""
    for name in ENVS:
        stage = staged(name, bench.folder / "bump")
        lock = stage.workspace / f"locks/{name}.lock.toml"
        new = lock.read_bytes()
        stage.lockyard("lock", name, "--upgrade-package", _OLD)
        old = lock.read_bytes()
        stage.forget()
        stage.build()
        before = stage.snapshot()
        blobs = _blobs(stage)

        def reset(stage: Stage = stage, before: set[Path] = before) -> None:
            lock.write_bytes(old)
            stage.go_back(before)
            stage.build()
            lock.write_bytes(new)

        ways = {OURS: Way(prepare=reset, run=stage.build)}
        if engine_process():
            docker = Docker(stage=stage)
            lock.write_bytes(old)
            docker.write()
            docker.build(cache=True)
            lock.write_bytes(new)
            docker.write()
            numbers = count()
            ways["docker, same Dockerfile"] = Way(
                prepare=lambda d=docker: d.touch(next(numbers)),
                run=lambda d=docker: d.build(cache=True),
                aim=20,
            )
        bench.contest("bump", name, ways)
        reset()
        stage.build()
        written = {name: size for name, size in _blobs(stage).items() if name not in blobs}
        bench.fact(f"bump/{name}/blobs written", len(written))
        bench.fact(f"bump/{name}/bytes written", sum(written.values()))
        bench.fact(f"bump/{name}/bytes in all", sum(_blobs(stage).values()))
        prune()
        shutil.rmtree(stage.folder)


def _blobs(stage: Stage) -> dict[str, int]:
    """Return the sizes in bytes of an image's blobs."""
    return {path.name: path.stat().st_size for path in (stage.image / "blobs/sha256").iterdir()}


def _facts(bench: Bench, stage: Stage) -> None:
    """Say how large an image is, and how large its layers would be by zlib."""
    bench.fact(f"cold build/{stage.name}/bytes", sum(_blobs(stage).values()))
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

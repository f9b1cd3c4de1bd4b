"""Push an image after a bump of click to a registry of this machine that has the one before."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from attrs import define, field

from benchmarks.builds import Bump
from benchmarks.contest import OURS, Bench, Way
from benchmarks.measure import Sample, engine_process, free_port, timed
from benchmarks.peers import Docker, prune
from benchmarks.stage import Stage, staged
from tests.registries import Counter, counting

ENV = "sklearn-1.9"
_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


def pushing(bench: Bench) -> None:
    """Push by Lockyard, and what Docker has built by skopeo; count what the registry receives."""
    stage = staged(ENV, bench.folder / "pushing")
    pushes = _Pushes(stage=stage, bump=Bump.of(stage))
    ways = {OURS: Way(prepare=pushes.begin, run=pushes.push)}
    if engine_process():
        pushes.build_by_docker()
        ways["docker's image by skopeo"] = Way(prepare=pushes.begin_copy, run=pushes.copy)
    with ExitStack() as pushes.stack:
        bench.contest("push of a bump", ENV, ways)
    for tool, received in pushes.received.items():
        bench.fact(f"push of a bump/{ENV}/bytes received/{tool}", received)
    prune()
    shutil.rmtree(stage.folder)


@define(kw_only=True)
class _Pushes:
    """Pushes to registries, each new and with the image of before."""

    stage: Stage
    bump: Bump
    received: dict[str, int] = field(factory=dict)
    stack: ExitStack = field(factory=ExitStack)
    counter: Counter | None = None

    def build_by_docker(self) -> None:
        docker = Docker(stage=self.stage)
        for name, lock in (("old", self.bump.old), ("new", self.bump.new)):
            self.bump.lock(lock)
            docker.write()
            docker.build(cache=True)
            (self.stage.folder / "image.tar").rename(self._archive(name))

    def begin(self) -> None:
        self.bump.reset()
        self._open()
        self.bump.lock(self.bump.old)
        self._push()
        self.bump.lock(self.bump.new)
        self.stage.build()
        self._at().received = 0

    def push(self) -> Sample:
        sample = self._push()
        self.received[OURS] = self._at().received
        return sample

    def begin_copy(self) -> None:
        self._open()
        self._copy("old")
        self._at().received = 0

    def copy(self) -> Sample:
        sample = self._copy("new")
        self.received["docker's image by skopeo"] = self._at().received
        return sample

    def _push(self) -> Sample:
        host = ("--registry", self._at().host)
        return self.stage.lockyard("push", ENV, *host, "--output", self.stage.output)

    def _copy(self, name: str) -> Sample:
        target = f"docker://{self._at().host}/benchmark:{name}"
        source = f"oci-archive:{self._archive(name)}"
        return timed(["skopeo", "copy", "--dest-tls-verify=false", source, target])

    def _archive(self, name: str) -> Path:
        return self.stage.folder / f"{name}.tar"

    def _at(self) -> Counter:
        assert self.counter is not None  # noqa: S101 - opened before anything is pushed
        return self.counter

    def _open(self) -> None:
        self.stack.close()
        host = self.stack.enter_context(_registry(self.stage.folder / "registry"))
        self.counter = self.stack.enter_context(counting(host))


@contextmanager
def _registry(folder: Path) -> Iterator[str]:
    """Give the host of a new registry (Debian's docker-registry)."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    port = free_port()
    (folder / "config.yml").write_text(_CONFIG.format(root=folder / "data", port=port))
    process = subprocess.Popen(
        ["docker-registry", "serve", folder / "config.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                urlopen(f"http://127.0.0.1:{port}/v2/").close()
                break
            except URLError:
                time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)

"""Other builders of the same image: BuildKit by the written-out Dockerfile or a plain, buildah."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from attrs import field, frozen

from benchmarks.measure import Sample, engine_process, timed
from benchmarks.stage import Stage
from lockyard.docker.engine import BUILDER, BUILDX

_EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
# As most teams have it: a base, the list of what is wanted, pip. Here the base is a file and the
# wheels are in a folder, so that no network is measured.
_PLAIN = """\
FROM scratch AS base
ADD base.tar.gz /
FROM base
COPY wheels /wheels
COPY requirements.txt /
RUN {python} /wheels/{pip}/pip install --no-index --find-links /wheels --no-cache-dir \\
  --prefix /opt/venv -r /requirements.txt
"""


@frozen(kw_only=True)
class Docker:
    """Builds by the engine of the environment."""

    stage: Stage
    engine: int = field(factory=engine_process)

    @property
    def context(self) -> Path:
        """Return the folder of the written-out Dockerfile."""
        (found,) = (self.stage.folder / "docker").glob("*/*/Dockerfile")
        return found.parent

    def write(self) -> None:
        """Write the Dockerfile of what is locked, and all that it needs."""
        shutil.rmtree(self.stage.folder / "docker", ignore_errors=True)
        output = self.stage.folder / "docker"
        self.stage.lockyard("dockerfile", self.stage.name, "--output", output)

    def build(self, *, cache: bool) -> Sample:
        """Build the written-out Dockerfile to an OCI archive with rewritten timestamps."""
        archive = self.stage.folder / "image.tar"
        archive.unlink(missing_ok=True)
        return self._run(
            *("--network", "none", "--provenance", "false"),
            *("--output", f"type=oci,dest={archive},rewrite-timestamp=true"),
            *(() if cache else ("--no-cache",)),
            context=self.context,
        )

    def build_plain(self, context: Path) -> Sample:
        """Build a plain Dockerfile to an OCI archive, whatever its times."""
        archive = self.stage.folder / "plain.tar"
        archive.unlink(missing_ok=True)
        output = f"type=oci,dest={archive}"
        return self._run("--network", "none", "--no-cache", "--output", output, context=context)

    def touch(self, number: int) -> None:
        """Make a change of the list of wheels that means nothing, so that its step isn't cached.

        A bump changes this file too; it can't be made twice, since the second is in the cache.
        """
        path, sums = self.context / "requirements.txt", self.context / "SHA256SUMS"
        old = hashlib.sha256(path.read_bytes()).hexdigest()
        with path.open("a") as file:
            file.write(f"# {number} {os.getpid()}\n")
        new = hashlib.sha256(path.read_bytes()).hexdigest()
        sums.write_text(sums.read_text().replace(old, new))

    def _run(self, *arguments: str, context: Path) -> Sample:
        command: list[str | Path] = [
            *BUILDX,
            "build",
            *BUILDER,
            "--progress",
            "plain",
            *arguments,
            context,
        ]
        return timed(command, environ=_EPOCH, engine=self.engine)


def prune() -> None:
    """Empty the engine's cache of builds, which the large images fill."""
    if not engine_process():
        return
    subprocess.run(
        [*BUILDX, "prune", *BUILDER, "--force", "--all"],
        capture_output=True,
        timeout=600,
        check=False,
    )


def write_plain(docker: Docker) -> Path:
    """Write a plain Dockerfile of the same wheels, and return its folder."""
    source, folder = docker.context, docker.stage.folder / "plain"
    folder.mkdir()
    for name in ("wheels", "requirements.txt", "layers/base.tar.gz"):
        _copy(source / name, folder / Path(name).name)
    pip = next(path.name for path in (folder / "wheels").glob("pip-[0-9]*.whl"))
    (folder / "Dockerfile").write_text(_PLAIN.format(python="/usr/bin/python3.11", pip=pip))
    return folder


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def buildah(folder: Path, scratch: Path) -> Sample:
    """Build a plain Dockerfile by buildah to an OCI archive, without layers of its own."""
    storage = ("--root", str(scratch / "root"), "--runroot", str(scratch / "run"))
    program = ("buildah", *storage, "--storage-driver", "vfs")
    archive = scratch / "image.tar"
    archive.unlink(missing_ok=True)
    built = timed(
        [
            *(*program, "build", "--isolation", "chroot", "--no-cache"),
            *("--layers=false", "--tag", "benchmark", folder),
        ]
    )
    # It wants a file of logins, and to a file nobody logs in.
    logins = scratch / "logins.json"
    logins.write_text("{}")
    push = ("push", "--authfile", logins, "benchmark", f"oci-archive:{archive}")
    pushed = timed([*program, *push])
    return Sample(
        seconds=built.seconds + pushed.seconds,
        cpu=built.cpu + pushed.cpu,
        memory=max(built.memory, pushed.memory),
    )


def clear_buildah(scratch: Path) -> None:
    """Remove what buildah keeps."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)

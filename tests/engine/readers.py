"""Images in the hands of readers that aren't ours, and what those see of them.

buildah, umoci and Docker, its images kept in containerd's store and in its own classic one. What
skopeo copies it doesn't unpack; see ``test_readers``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import docker
import pytest
from attrs import evolve, frozen
from docker.errors import DockerException

from lockyard.events import Silent
from lockyard.ship.archive import write_archive
from lockyard.tasks.build import Builder, Built
from lockyard.tasks.push import Pusher
from tests.resolve.image.conftest import running

RECIPE = Path(__file__).resolve().parents[2] / "images/inference/files"
_NOTE = "user.rootlesscontainers"
START, MAIN = "/usr/local/bin/start-inference", "/var/azureml-app/main.py"


@frozen
class File:
    """A file that a reader unpacked."""

    mode: int
    owner: int
    data: bytes


@frozen(kw_only=True)
class Seen:
    """What a reader says of an image, and files that it has."""

    user: str
    command: list[str]
    environment: list[str]
    files: Mapping[str, File]


# Of the recipe, which every image has.
FILES = {
    START: File(0o755, 0, (RECIPE / "start_inference.py").read_bytes()),
    MAIN: File(0o644, 1000, (RECIPE / "main.py").read_bytes()),
}


@frozen(kw_only=True)
class Shipped:
    """An image in each of the forms in which it leaves us, and a folder for what becomes of it."""

    layout: Path
    archive: Path
    pushed: str
    scratch: Path

    def reference(self, form: str) -> str:
        """Return what skopeo and its like call a form."""
        return {
            "layout": f"oci:{self.layout}:latest",
            "archive": f"oci-archive:{self.archive}",
            "pushed": f"docker://{self.pushed}:latest",
        }[form]


@contextmanager
def shipping(builder: Builder, built: Built, scratch: Path) -> Iterator[Shipped]:
    """Give a built image in all forms, pushed to a registry of this machine."""
    archive, layout = scratch / f"{built.image}.tar", Path(built.folder)
    write_archive(layout, archive)
    (scratch / "registry").mkdir()
    with running(scratch / "registry") as address:
        pusher = Pusher(
            fleet=builder.fleet,
            output=layout.parent,
            host=address,
            environ=builder.environ,
            reporter=Silent(),
            day=datetime.now(UTC).date(),
        )
        names = [each.repository for each in pusher.push(built.env)]
        (pushed,) = [name for name in names if name.endswith(f"/{built.image}")]
        yield Shipped(layout=layout, archive=archive, pushed=pushed, scratch=scratch)
    # Each reader has unpacked all of it.
    shutil.rmtree(scratch)


def buildah(shipped: Shipped, form: str) -> Seen:
    """Have buildah pull an image into a store of its own, and mount it."""
    root, reference = shipped.scratch / f"buildah-{form}", shipped.reference(form)
    options = ["--root", str(root / "root"), "--runroot", str(root / "run")]

    def call(*arguments: str) -> str:
        return told("buildah", *options, "--storage-driver=overlay", *arguments)

    image = call("pull", "--quiet", "--tls-verify=false", reference).strip()
    try:
        config = json.loads(call("inspect", "--type=image", image))["OCIv1"]["config"]
        container = call("from", "--pull-never", image).strip()
        mounted = Path(call("mount", container).strip())
        return _seen(config, {path: _file(mounted / path[1:]) for path in FILES})
    finally:
        call("rm", "--all")


def umoci(shipped: Shipped, form: str) -> Seen:
    """Have umoci unpack a layout as one who isn't root.

    It takes no layout of several platforms, so that skopeo chooses this machine's first.
    """
    layout = shipped.scratch / f"umoci-{form}"
    reference = shipped.reference(form)
    told("skopeo", "--insecure-policy", "copy", "--quiet", reference, f"oci:{layout}:latest")
    bundle = Path(f"{layout}-bundle")
    told("umoci", "unpack", "--rootless", "--image", f"{layout}:latest", str(bundle))
    process = json.loads((bundle / "config.json").read_text())["process"]
    config = {
        "User": f"{process['user'].get('uid', 0)}:{process['user'].get('gid', 0)}",
        "Cmd": process["args"],
        "Env": process["env"],
    }
    files = {path: bundle / "rootfs" / path[1:] for path in FILES}
    return _seen(
        config, {path: evolve(_file(each), owner=_noted(each)) for path, each in files.items()}
    )


def containerd(shipped: Shipped, form: str) -> Seen:
    """Have the engine of the environment take an image, which keeps images in containerd."""
    client = docker.from_env(timeout=120)
    assert "containerd.snapshotter" in str(client.info()["DriverStatus"])
    return _docker(client, shipped, form)


def classic(shipped: Shipped, form: str) -> Seen:
    """Have a Docker engine of its own take an image, which keeps images as Docker long did."""
    with _classic_engine() as client:
        assert client.info()["Driver"] == "overlay2"
        return _docker(client, shipped, form)


# Each of them with the forms that it takes.
READERS: list[tuple[Callable[[Shipped, str], Seen], str]] = [
    *((buildah, form) for form in ("layout", "archive", "pushed")),
    (umoci, "layout"),
    *((engine, form) for engine in (containerd, classic) for form in ("archive", "pushed")),
]


def told(*command: str) -> str:
    """Run a reader's program, and return what it said."""
    # buildah wants a whole configuration of Docker's, or none.
    environ = {name: value for name, value in os.environ.items() if name != "DOCKER_CONFIG"}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def _docker(client: docker.DockerClient, shipped: Shipped, form: str) -> Seen:
    if form == "pushed":
        image = client.images.pull(shipped.pushed, "latest")
    else:
        with shipped.archive.open("rb") as file:
            (image,) = client.images.load(file)
    container = client.containers.create(image, ["unused"], network_mode="none")
    try:
        files = {}
        for path in FILES:
            stream, _ = container.get_archive(path)
            with tarfile.open(fileobj=BytesIO(b"".join(stream))) as archive:
                (member,) = archive.getmembers()
                content = archive.extractfile(member)
                assert content is not None
                files[path] = File(member.mode & 0o7777, member.uid, content.read())
        return _seen(image.attrs["Config"], files)
    finally:
        container.remove(force=True)
        if form == "pushed":
            client.images.remove(f"{shipped.pushed}:latest")


@contextmanager
def _classic_engine() -> Iterator[docker.DockerClient]:
    """Start the program of the engine at hand once more, with data of its own and no network."""
    program = Path(shutil.which("docker") or "/").parents[1] / "sbin/dockerd"
    if not program.exists() or os.geteuid() != 0:
        pytest.skip("no Docker engine can be started: see tools/docker-engine")
    # Not below pytest's folders: the name of a socket has at most 107 bytes (unix(7)).
    with tempfile.TemporaryDirectory(prefix="classic-") as name, ExitStack() as stack:
        folder = Path(name)
        command: list[str | Path] = [program, "--host", f"unix://{folder}/s", "--bridge=none"]
        command += ["--userland-proxy=false", "--iptables=false", "--ip6tables=false"]
        for own in ("data-root", "exec-root", "pidfile"):
            command += [f"--{own}", folder / own]
        log = stack.enter_context((folder / "log").open("w+"))
        # Where it fails, it leaves a folder mounted over itself.
        unmount = ["umount", "--lazy", str(folder / "data-root")]
        stack.callback(lambda: subprocess.run(unmount, capture_output=True, check=False))
        process = subprocess.Popen([*command, "--config-file", os.devnull], stdout=log, stderr=log)
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        yield stack.enter_context(closing(_answering(f"unix://{folder}/s", folder / "log")))


def _answering(address: str, log: Path) -> docker.DockerClient:
    for _ in range(300):
        with suppress(DockerException):
            return docker.DockerClient(address, timeout=120)
        time.sleep(0.1)
    pytest.fail(log.read_text()[-2000:])


def _seen(config: Mapping[str, Any], files: Mapping[str, File]) -> Seen:
    return Seen(
        user=config["User"],
        command=config["Cmd"],
        environment=sorted(config["Env"]),
        files=files,
    )


def _noted(path: Path) -> int:
    """Return the owner that umoci noted, which gives no file away (rootlesscontainers.proto)."""
    noted = os.getxattr(path, _NOTE) if _NOTE in os.listxattr(path) else b""
    return {b"": 0, b"\x08\xe8\x07\x10\xe8\x07": 1000}[noted]


def _file(path: Path) -> File:
    stat = path.stat()
    return File(stat.st_mode & 0o7777, stat.st_uid, path.read_bytes())

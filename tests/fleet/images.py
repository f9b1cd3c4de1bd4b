"""The first generation's images: locked and built on the stand-in's sources, and put to work.

``python -m tests.fleet.images [ENV…]`` does so with those envs, or with all of them, and prints
what came of each image. It needs a Docker engine, Debian's docker-registry, Python 3.7, and for
all nine images some gigabytes in the store and twice as many on the engine's disk.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container

from lockyard.errors import LockyardError
from lockyard.ship.engine import load_image
from lockyard.tasks.build import Built
from tests.engine.containers import SAMPLES, ask, running
from tests.fleet.locked import first_generation
from tests.fleet.standin.workspace import standing_in

_RUN = Path(__file__).with_name("run")
# What is put to work in each framework's images, one program after the other.
_PROGRAMS = {
    "minimal": [_RUN / "compute_minimal.py"],
    "onnxruntime-1.6": [SAMPLES / "train_onnxruntime.py", _RUN / "compute_onnxruntime.py"],
    "pytorch-1.6": [_RUN / "compute_pytorch.py"],
    "pytorch-1.7": [_RUN / "compute_pytorch.py"],
    "sklearn-0.24.1": [_RUN / "compute_sklearn.py"],
    "tensorflow-1.15": [_RUN / "compute_tensorflow1.py"],
    "tensorflow-2.4": [_RUN / "compute_tensorflow2.py"],
    "xgboost-0.9": [_RUN / "compute_sklearn.py", _RUN / "compute_xgboost.py"],
}


def program(env: str) -> str:
    """Return the text of what an env's images compute, and of what it takes for granted."""
    texts = [path.read_text() for path in (_RUN / "place.py", *_PROGRAMS[env])]
    return "\n".join(texts).replace("from __future__ import annotations\n", "")


@contextmanager
def loaded(engine: docker.DockerClient, built: Built) -> Iterator[str]:
    """Load an image into the engine; give a name of it, and take it out again at the end.

    The name is this call's own: another process may have the engine load an image by the same
    tag, which is then no longer this one's.
    """
    (tag,) = load_image(Path(built.folder))
    image = engine.images.get(tag)
    own = f"lockyard.invalid/trial:{uuid.uuid4().hex}"
    image.tag(own)
    try:
        yield own
    finally:
        with suppress(ImageNotFound):
            if engine.images.get(tag).id == image.id:
                engine.images.remove(tag)
        engine.images.remove(own)


def compute(engine: docker.DockerClient, image: str, env: str) -> str:
    """Have an image compute what its env is for; return the last line that it prints."""
    with running(engine, image, ["python3", "-c", program(env)]) as container:
        status = container.wait()["StatusCode"]
        told = container.logs(stderr=False).decode()
        assert status == 0, container.logs().decode()
    return told.splitlines()[-1]


def serve(engine: docker.DockerClient, image: str) -> None:
    """Have an image serve as it comes, and stop it."""
    with running(engine, image) as container:
        assert ask(container, "GET", "/") == (200, "Healthy")
        status, answer = ask(container, "POST", "/score", {})
        assert (status, "No model is deployed" in str(answer)) == (200, True)
        container.stop(timeout=10)
        assert container.wait()["StatusCode"] in {0, 143}, _log(container)


def _log(container: Container) -> str:
    return container.logs().decode()


def main(envs: Sequence[str]) -> int:
    """Try envs' images, and print a line of each; return how many envs failed."""
    failed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        standing_in(Path(folder)) as standin,
        closing(docker.from_env(timeout=600)) as engine,
    ):
        for env in envs:
            started = time.monotonic()
            try:
                standin.lock(env)
                _say(env, f"locked in {time.monotonic() - started:.1f} s")
                for built in standin.builder().build(env):
                    _say(built.image, _tried(engine, built))
            except (LockyardError, AssertionError, DockerException, pytest.fail.Exception) as error:
                failed += 1
                _say(env, f"failed: {error}")
    return failed


def _tried(engine: docker.DockerClient, built: Built) -> str:
    started = time.monotonic()
    with loaded(engine, built) as image:
        ready = time.monotonic()
        told = compute(engine, image, built.env)
        serve(engine, image)
    done = time.monotonic()
    times = (built.seconds, ready - started, done - ready)
    seconds = " ".join(f"{each:6.1f}" for each in times)
    return f"{built.size / 1e6:7.1f} MB {seconds} s (build, load, run)  {told}"


def _say(name: str, text: str) -> None:
    sys.stdout.write(f"{name:55} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:] or first_generation())))

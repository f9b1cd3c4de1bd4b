"""An image whose containers show the runtime contract: ours, and what tries it out laid over it."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import docker

from tests.build.makers import wheel_content, zipped
from tests.engine.containers import SERVING

REPOSITORY = Path(__file__).parents[2]
ROOT = "/var/azureml-app"
# What AZUREML_EXTRA_CONDA_YAML runs, where an image carries one: an environment that sees the
# image's packages if its file says so.
_CONDA = f"""\
#!/bin/sh
echo "conda $*"
[ "$1 $2 $3 $4 $6" = "env create --quiet --file --prefix" ] || exit 2
python3 -m venv --without-pip "$7"
grep -q server "$5" || exit 0
packages="$(echo "$7"/lib/python*/site-packages)"
python3 -c 'import site; print(*site.getsitepackages(), sep="\\n")' > "$packages/image.pth"
cp {ROOT}/code/conda.py "$packages/extra.py"
"""


def derived_files() -> dict[str, bytes]:
    """Return what is laid over the image, by paths below the app root."""
    texts = {
        "code/score.py": (SERVING / "score_runtime.py").read_text(),
        "code/lib/extra.py": 'FROM = "lib"\n',
        "code/conda.py": 'FROM = "conda"\n',
        "code/env.yml": "dependencies: [server]\n",
        "code/alone.yml": "dependencies: []\n",
        "code/more.txt": "--no-index\n--find-links wheels\nextra\nflask\n",
        "code/broken.txt": "--no-index\nabsent-package\n",
        # An address that is for documentation alone (RFC 5737): pip tries it again and again.
        "code/slow.txt": "--index-url https://192.0.2.1/\nabsent-package\n",
        "models/model.txt": "a model",
        "code/other/model.txt": "another model",
        "conda": _CONDA,
    }
    files = {path: text.encode() for path, text in texts.items()}
    return {**files, "code/wheels/extra-1.0-py3-none-any.whl": _wheel()}


def _wheel() -> bytes:
    return zipped(wheel_content("extra", "1.0", {"extra.py": b'FROM = "pip"\n'}))


def shown(base: str) -> str:
    """Return the Dockerfile that the docs show for a base, with a wheel that tests make."""
    page = (REPOSITORY / "docs/howto/dockerfile.md").read_text("utf-8")
    _, _, section = page.partition(f"\n## {base}\n")
    found = re.search(r"^```dockerfile\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found, base
    return found[1].replace("lightgbm==4.6.0", "extra==1.0")


@contextmanager
def named(engine: docker.DockerClient, image: str) -> Iterator[str]:
    """Give an image's id a name: BuildKit looks for an id in a registry."""
    name = f"lockyard.invalid/below:{uuid4().hex}"
    engine.images.get(image).tag(name)
    try:
        yield name
    finally:
        engine.images.remove(name)


@contextmanager
def extended(
    engine: docker.DockerClient, image: str, dockerfile: str, *options: str
) -> Iterator[str]:
    """Build the docs' Dockerfile upon an image of the engine; give its name."""
    files = {
        "wheels/extra-1.0-py3-none-any.whl": _wheel(),
        "code/score.py": (SERVING / "score_extended.py").read_bytes(),
        "model/model.txt": b"a model",
    }
    text = re.sub(r"^FROM .*$", f"FROM {image}", dockerfile, count=1, flags=re.MULTILINE)
    # Where a mirror may be one of this machine.
    with derived(engine, text, files, *options, network="host") as name:
        yield name


@contextmanager
def derived(
    engine: docker.DockerClient,
    dockerfile: str,
    files: Mapping[str, bytes],
    *options: str,
    network: str = "none",
) -> Iterator[str]:
    """Build an image of a Dockerfile and a context; give its name, and remove it at the end.

    An engine's own bridge isn't asked for: another engine, one without any, takes it away.
    """
    name = f"lockyard.invalid/derived:{uuid4().hex}"
    done = subprocess.run(
        [
            *("docker", "build", "--progress", "plain", "--network", network, "--tag", name),
            *(*options, "-"),
        ],
        input=context({"Dockerfile": dockerfile.encode(), **files}),
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    try:
        yield name
    finally:
        engine.images.remove(name, force=True)


def context(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of files that anyone may read and run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()

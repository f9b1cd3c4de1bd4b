"""Specs with locks that satisfy them, for tests to spoil: one on Debian, one with conda."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import tomli
from attrs import evolve, frozen

from lockyard.lock.check import check_lock
from lockyard.lock.file import lock_path
from lockyard.lock.finding import Subject
from lockyard.lock.inputs import inputs
from lockyard.lock.model import Artifact, BaseImage, CondaPackage, Deb, Lock, Target, Wheel
from lockyard.spec.model import Env, Recipe, Workspace
from lockyard.spec.structure import converter, structure
from lockyard.tasks.check import python_facts

T = TypeVar("T")

WORKSPACE = """
format = 1
[names]
registry = "registry.example"
repository = "team"
environment-prefix = "Team-"
[sources.pypi]
kind = "pypi"
[sources.debian]
kind = "debian"
keys = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
[sources.channel]
kind = "conda"
channel = "https://conda.example/channel"
[sources.registry]
kind = "registry"
registry = "registry.example"
[bases.debian12]
kind = "debian"
source = "debian"
suite = "bookworm"
components = ["main"]
packages = ["python3.11 (>= 3.11.2)", "libc6"]
python = "3.11"
interpreter = "/usr/bin/python3.11"
prefix = "/opt/venv"
pypi = "pypi"
[bases.image]
kind = "image"
source = "registry"
image = "library/trial"
tag = "18.04"
glibc = "2.27"
python = "3.7"
interpreter = "/opt/conda/bin/python3.7"
prefix = "/opt/conda"
conda = "channel"
pypi = "pypi"
manifests."linux/amd64" = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
"""
RECIPE = """
title = "Nothing"
suffix = "bare"
requirements.pypi = ["server>=1,<2; python_version >= '3.8'"]
[user]
name = "user"
uid = 1000
gid = 1000
home = "/home/user"
[config]
workdir = "/home/user"
command = ["true"]
"""
DEBIAN_ENV = """
title = "On Debian"
base = "debian12"
recipe = "bare"
platforms = ["linux/amd64", "linux/arm64"]
requirements.pypi = ["numpy>=1.20"]
"""
CONDA_ENV = """
title = "With conda"
base = "image"
recipe = "bare"
requirements.pypi = ["numpy"]
variants."cuda10.1".conda = ["cudatoolkit 10.1.*"]
"""


def read(text: str, model: type[T]) -> T:
    """Read a spec's text; none of these has a fault."""
    read = structure(converter({}), tomli.loads(text), model, "spec")
    assert not isinstance(read, list), read
    return read


@frozen(kw_only=True)
class Sound:
    """A spec and the lock that satisfies it."""

    workspace: Workspace
    env: Env
    recipe: Recipe
    lock: Lock

    @property
    def subject(self) -> Subject:
        facts = {target.name: python_facts(target) for target in self.lock.targets}
        return Subject(
            file=lock_path(self.env.name),
            lock=self.lock,
            workspace=self.workspace,
            env=self.env,
            recipe=self.recipe,
            pythons={name: each for name, each in facts.items() if each is not None},
        )

    def found(self, **changes: Any) -> list[str]:
        """Return what a check finds once the lock is changed, without file and remedy."""
        lock = evolve(self.lock, **changes)
        findings = check_lock(lock, self.workspace, self.env, self.recipe, python_facts)
        assert all(each.lock == "locks/trial.lock.toml" and each.solution for each in findings)
        head = len("locks/trial.lock.toml: ")
        return [str(each)[head:].removesuffix(f" ({each.solution})") for each in findings]

    def with_artifact(self, name: str, **changes: Any) -> Any:
        """Return the lock's kind of artifacts that a name is of, that one changed."""
        for kind in ("debs", "conda", "wheels"):
            held: tuple[Artifact, ...] = getattr(self.lock, kind)
            if any(each.name == name for each in held):
                return {
                    kind: tuple(
                        evolve(each, **changes) if each.name == name else each for each in held
                    )
                }
        raise AssertionError(name)


def _given(name: str, version: str, file: str, source: str, asker: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "file": file,
        "sha256": hashlib.sha256(file.encode()).hexdigest(),
        "size": 1000,
        "source": source,
        "required_by": (asker,),
    }


def wheel(name: str, asker: str, tags: str = "py3-none-any", **changes: Any) -> Wheel:
    file = f"{name}-1.21-{tags}.whl"
    return Wheel(**(_given(name, "1.21", file, "pypi", asker) | changes))


def deb(name: str, version: str, architecture: str, asker: str, **changes: Any) -> Deb:
    file = f"{name}_{version}_{architecture}.deb"
    given = {"architecture": architecture, "path": f"pool/{file}"}
    return Deb(**(_given(name, version, file, "debian", asker) | given | changes))


def conda(name: str, version: str, asker: str, **changes: Any) -> CondaPackage:
    file = f"{name}-{version}-h1_0.conda"
    given = {"build": "h1_0", "build_number": 0, "subdir": "linux-64", "md5": "c" * 32}
    return CondaPackage(**(_given(name, version, file, "channel", asker) | given | changes))


def _target(variant: str, platform: str, base: str, python: str, glibc: str) -> Target:
    return Target(
        name=f"{variant}-{platform.replace('/', '-')}",
        variant=variant,
        platform=platform,
        base=base,
        python=python,
        glibc=glibc,
    )


def on_debian() -> Sound:
    """Return an env of two platforms: numpy for each of them, and a server for both."""
    amd64, arm64 = "cpu-linux-amd64", "cpu-linux-arm64"
    debs = [
        deb(name, version, architecture, "base debian12", targets=(target,))
        for target, architecture in ((amd64, "amd64"), (arm64, "arm64"))
        for name, version in (("libc6", "2.36-9"), ("python3.11", "3.11.2-6"))
    ]
    lock = Lock(
        env="trial",
        inputs={},
        targets=tuple(
            _target("cpu", platform, "debian12", "3.11.2", "2.36")
            for platform in ("linux/amd64", "linux/arm64")
        ),
        debs=tuple(debs),
        wheels=(
            wheel("numpy", "env", "cp311-cp311-manylinux_2_17_x86_64", targets=(amd64,)),
            wheel("numpy", "env", "cp311-cp311-manylinux_2_17_aarch64", targets=(arm64,)),
            wheel("server", "recipe bare"),
            wheel("werkzeug", "server"),
        ),
    )
    return _fresh(DEBIAN_ENV, lock)


def with_conda() -> Sound:
    """Return an env with CUDA on a registry's image, whose Python is conda's."""
    python = "python >=3.7,<3.8.0a0"
    lock = Lock(
        env="trial",
        inputs={},
        targets=(_target("cuda10.1", "linux/amd64", "image", "3.7.12", "2.27"),),
        images=(
            BaseImage(
                image="library/trial",
                tag="18.04",
                source="registry",
                platform="linux/amd64",
                manifest="a" * 64,
            ),
        ),
        conda=(
            conda("cudatoolkit", "10.1.243", "env", depends=("__glibc >=2.17,<3.0.a0",)),
            conda("cudnn", "8.0.5", "cudatoolkit", depends=("cudatoolkit 10.1.*", "__cuda")),
            conda("pip", "22.0", "python", subdir="noarch", depends=(python,)),
            conda("python", "3.7.12", "base image", depends=("pip",), constrains=("cudnn >=8",)),
        ),
        wheels=(wheel("numpy", "env", "cp37-cp37m-manylinux2014_x86_64"),),
    )
    return _fresh(CONDA_ENV, lock)


def _fresh(env_text: str, lock: Lock) -> Sound:
    workspace, recipe = read(WORKSPACE, Workspace), evolve(read(RECIPE, Recipe), name="bare")
    env = evolve(read(env_text, Env), name="trial")
    fresh = evolve(lock, inputs=inputs(workspace, env, recipe))
    return Sound(workspace=workspace, env=env, recipe=recipe, lock=fresh)

"""How an env's targets become one lock; the resolvers themselves have tests of their own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.errors import FetchError, ResolveError, SpecError
from lockyard.events import Silent
from lockyard.lock.model import Deb, Lock, Wheel
from lockyard.lock.text import decode_lock, encode_lock
from lockyard.resolve import env as resolving
from lockyard.resolve.debian import base as basing
from lockyard.resolve.debian.resolver import Resolution
from lockyard.resolve.env import resolve_env
from lockyard.resolve.request import World
from lockyard.spec.checks import (
    BaseName,
    DebianRequirement,
    DebianSourceName,
    Fingerprint,
    ImagePath,
    Platform,
    PypiRequirement,
    PypiSourceName,
    PythonVersion,
    UserId,
    VariantName,
)
from lockyard.spec.model import (
    DebianBase,
    DebianSource,
    Env,
    ImageConfig,
    NameParts,
    PypiSource,
    Recipe,
    Requirements,
    User,
    Workspace,
)

WORKSPACE = Workspace(
    format=1,
    names=NameParts(registry="r.example", repository="team", environment_prefix="T-"),
    sources={
        "debian": DebianSource(
            kind="debian", keys=(Fingerprint("A" * 40),), mirror="http://mirror.invalid/debian"
        ),
        "pypi": PypiSource(kind="pypi", index="http://index.invalid/simple"),
    },
    bases={
        "debian12": DebianBase(
            source=DebianSourceName("debian"),
            suite="bookworm",
            components=("main",),
            packages=(DebianRequirement("python3.11"),),
            python=PythonVersion("3.11"),
            interpreter=ImagePath("/usr/bin/python3.11"),
            prefix=ImagePath("/opt/venv"),
            pypi=PypiSourceName("pypi"),
        )
    },
)
RECIPE = Recipe(
    name="inference",
    title="Server",
    suffix="inference",
    user=User(name="u", uid=UserId(1000), gid=UserId(1000), home=ImagePath("/home/u")),
    config=ImageConfig(workdir=ImagePath("/home/u"), command=("start",)),
    requirements=Requirements(pypi=(PypiRequirement("gunicorn"),)),
)
ENV = Env(
    name="trial",
    title="Trial",
    base=BaseName("debian12"),
    requirements=Requirements(
        pypi=(PypiRequirement("numpy"),), debian=(DebianRequirement("libgomp1"),)
    ),
    platforms=(Platform("linux/arm64"), Platform("linux/amd64")),
)


def deb(name: str, version: str, architecture: str) -> Deb:
    file = f"{name}_{version}_{architecture}.deb"
    return Deb(
        name=name,
        version=version,
        file=file,
        sha256=hashlib.sha256(file.encode()).hexdigest(),
        size=10,
        source="debian",
        required_by=("base debian12",),
        architecture=architecture,
        path=f"pool/{file}",
    )


def wheel(name: str, platform: str = "any") -> Wheel:
    file = f"{name}-1.0-py3-none-{platform}.whl"
    return Wheel(
        name=name,
        version="1.0",
        file=file,
        sha256=hashlib.sha256(file.encode()).hexdigest(),
        size=10,
        source="pypi",
        required_by=("env",),
    )


class Fakes:
    """Resolvers that note what they were asked, and answer alike for every target."""

    def __init__(self) -> None:
        self.debian: list[dict[str, Any]] = []
        self.pypi: list[dict[str, Any]] = []
        self.packages = {
            "libc6": "2.36-9+deb12u10",
            "libgomp1": "12",
            "python3.11": "3.11.2-6+deb12u6",
        }
        self.failure: Exception | None = None

    def resolve_debian(self, **given: Any) -> Resolution:
        self.debian.append(given)
        debs = [deb(*each, given["architecture"]) for each in self.packages.items()]
        return Resolution(debs=tuple(debs), release_date=given["now"])

    def resolve_pypi(self, **given: Any) -> tuple[Wheel, ...]:
        self.pypi.append(given)
        if self.failure:
            raise self.failure
        return wheel("flask"), wheel("numpy", given["target"].machine)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes()
    monkeypatch.setattr(basing, "resolve_debian", made.resolve_debian)
    monkeypatch.setattr(resolving, "resolve_pypi", made.resolve_pypi)
    return made


def resolve(env: Env = ENV, old: Lock | None = None) -> Lock:
    world = World(
        root=Path(),
        cache=Path("cache"),
        environ={"REQUESTS_CA_BUNDLE": "", "PIP_CERT": "cert.pem"},
        now=datetime(2026, 1, 1, tzinfo=UTC),
        reporter=Silent(),
    )
    return resolve_env(WORKSPACE, env, RECIPE, old, world)


def test_targets_are_what_their_bases_hold(fakes: Fakes) -> None:
    lock = resolve()
    assert [(each.name, each.python, each.glibc) for each in lock.targets] == [
        ("cpu-linux-amd64", "3.11.2", "2.36"),
        ("cpu-linux-arm64", "3.11.2", "2.36"),
    ]
    assert [(given["target"].python, given["target"].machine) for given in fakes.pypi] == [
        ("3.11.2", "x86_64"),
        ("3.11.2", "aarch64"),
    ]


def test_what_targets_share_stands_once(fakes: Fakes) -> None:
    lock = resolve()
    assert [(each.name, each.targets) for each in lock.wheels] == [
        ("flask", ()),
        ("numpy", ("cpu-linux-arm64",)),
        ("numpy", ("cpu-linux-amd64",)),
    ]
    assert decode_lock(encode_lock(lock), "lock") == lock


def test_who_asks_for_what(fakes: Fakes) -> None:
    resolve()
    assert fakes.debian[0]["roots"] == {"base debian12": ("python3.11",), "env": ("libgomp1",)}
    asked = [(each.text, each.origin) for each in fakes.pypi[0]["requirements"]]
    assert asked == [("numpy", "env"), ("gunicorn", "recipe inference")]


def test_a_variant_adds_to_its_own_targets_only(fakes: Fakes) -> None:
    added = Requirements(pypi=(PypiRequirement("cupy"),), debian=(DebianRequirement("libnuma1"),))
    variants = {VariantName("cuda12"): added, VariantName("cpu"): Requirements()}
    fakes.packages["libnuma1"] = "2"
    resolve(evolve(ENV, variants=variants, platforms=ENV.platforms[:1]))
    asked = [[each.text for each in given["requirements"]] for given in fakes.pypi]
    assert asked == [["numpy", "gunicorn"], ["numpy", "cupy", "gunicorn"]]
    assert fakes.debian[1]["roots"]["env"] == ("libgomp1", "libnuma1")


def test_the_old_lock_pins(fakes: Fakes) -> None:
    old = resolve()
    resolve(old=old)
    assert fakes.debian[0]["pinned"] == {}
    assert fakes.debian[-1]["pinned"] == fakes.packages
    assert fakes.pypi[-1]["pinned"] == {"flask": "1.0", "numpy": "1.0"}


def test_a_pin_of_another_target_is_none_of_this(fakes: Fakes) -> None:
    old = resolve()
    only_arm = tuple(each for each in old.wheels if each.targets == ("cpu-linux-arm64",))
    resolve(old=evolve(old, wheels=only_arm))
    assert [given["pinned"] for given in fakes.pypi[-2:]] == [{}, {"numpy": "1.0"}]


def test_sources_as_the_workspace_has_them(fakes: Fakes) -> None:
    lock = resolve()
    assert fakes.debian[0]["mirror"] == "http://mirror.invalid/debian"
    assert fakes.pypi[0]["index"] == "http://index.invalid/simple"
    assert fakes.pypi[0]["cert"] == "cert.pem"
    assert "invalid" not in encode_lock(lock)
    assert "cert" not in encode_lock(lock)


def test_the_order_of_platforms_does_not_show(fakes: Fakes) -> None:
    assert resolve() == resolve(evolve(ENV, platforms=ENV.platforms[::-1]))


@pytest.mark.parametrize("family", [ResolveError, FetchError])
def test_errors_name_the_target(fakes: Fakes, family: type[ResolveError | FetchError]) -> None:
    fakes.failure = family("nothing fits", where="source pypi")
    with pytest.raises(family) as caught:
        resolve()
    assert caught.value.where == "trial (cpu, linux/amd64): source pypi"


@pytest.mark.parametrize("missing", ["python3.11", "libc6"])
def test_base_without_what_wheels_need(fakes: Fakes, missing: str) -> None:
    del fakes.packages[missing]
    with pytest.raises(SpecError, match=f"the base has no package {missing}") as caught:
        resolve()
    assert "WORKSPACE.toml: bases.debian12.packages" in caught.value.where


def test_virtual_packages_are_asked_to_be_named(fakes: Fakes) -> None:
    del fakes.packages["libgomp1"]
    with pytest.raises(SpecError, match="libgomp1 is a virtual package"):
        resolve()

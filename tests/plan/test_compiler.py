from __future__ import annotations

import platform
from collections.abc import Mapping

import pytest
from attrs import evolve

from lockyard.lock.model import CondaPackage, Lock
from lockyard.plan.compiler import Compiler, compiler_of
from lockyard.plan.layer import ChosenLayer, CondaLayer, Layer, WheelLayer, layer_key, tools_of
from tests.build.makers import PREFIX, wheel_artifact
from tests.fleet.locked import held

PYTHON = "/usr/bin/python3.11"
CONDA = "/opt/conda/bin/python3.7"
PACKAGE = CondaPackage(
    name="python",
    version="3.7.16",
    file="python-3.7.16-h7a1cb2a_0.conda",
    sha256="0" * 64,
    size=1,
    source="conda-forge",
    required_by=("env",),
    build="h7a1cb2a_0",
    build_number=0,
    subdir="linux-64",
    md5="0" * 32,
)


def debian(lock: Lock) -> dict[str, Compiler | None]:
    return {each.platform: compiler_of(lock, each, PYTHON, "/opt/venv") for each in lock.targets}


@pytest.fixture
def lock() -> Lock:
    return held("minimal-py311")


def test_debians_python_and_its_libraries(lock: Lock) -> None:
    one, other = debian(lock)["linux/amd64"], debian(lock)["linux/arm64"]
    assert one == other
    assert one is not None
    assert (one.home, one.tag) == ("/usr", "cpython-311")
    assert one.version.startswith("3.11.2-")
    for name, packages in one.packages.items():
        names = {each.name for each in packages}
        assert {"python3.11-minimal", "libpython3.11-minimal", "libc6", "zlib1g"} <= names
        assert len(names) < 15
        architecture = name.partition("/")[2]
        assert {each.file.rpartition("_")[2] for each in packages} <= {
            f"{architecture}.deb",
            "all.deb",
        }


@pytest.mark.parametrize(
    ("machine", "chosen"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("riscv64", "linux/amd64")],
)
def test_the_machine_chooses_among_platforms(
    machine: str, chosen: str, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    compiler = debian(lock)["linux/arm64"]
    assert compiler is not None
    assert compiler.platform == chosen
    assert compiler.tools == compiler.packages[chosen]


def other_version(lock: Lock) -> Lock:
    """Return a lock whose arm64 has another Python."""
    debs = [
        evolve(each, version="3.11.2-6+deb12u1")
        if each.name == "python3.11-minimal" and each.architecture == "arm64"
        else each
        for each in lock.debs
    ]
    return evolve(lock, debs=tuple(debs))


def test_platforms_of_other_versions_are_apart(lock: Lock) -> None:
    found = debian(other_version(lock))
    assert {name: {*each.packages} for name, each in found.items() if each} == {
        "linux/amd64": {"linux/amd64"},
        "linux/arm64": {"linux/arm64"},
    }


def test_condas_python(lock: Lock) -> None:
    with_conda = evolve(lock, debs=(), conda=(PACKAGE,))
    found = compiler_of(with_conda, lock.targets[0], CONDA, "/opt/conda")
    assert found is not None
    assert (found.home, found.tag, found.version) == (
        "/opt/conda",
        "cpython-37",
        "3.7.16-h7a1cb2a_0",
    )
    assert found.tools == (PACKAGE,)


def test_a_lock_without_python(lock: Lock) -> None:
    assert compiler_of(evolve(lock, debs=()), lock.targets[0], PYTHON, "/opt/venv") is None


def keys(compiler: Compiler | None) -> Mapping[str, str]:
    noarch = evolve(PACKAGE, name="tqdm", subdir="noarch")
    conda = CondaLayer(title="", packages=(noarch,), prefix=PREFIX, channel="c", compiler=compiler)
    wheels = WheelLayer(
        title="", wheels=(wheel_artifact("demo"),), prefix=PREFIX, compiler=compiler
    )
    bound = evolve(conda, packages=(PACKAGE,))
    chosen = ChosenLayer(layer=wheels.alone("demo") or wheels, paths=("/a",))
    layers: dict[str, Layer] = {"noarch": conda, "bound": bound, "wheels": wheels, "chosen": chosen}
    for name, layer in layers.items():
        compiled = compiler is not None and name in {"noarch", "wheels"}
        assert tools_of(layer) == (compiler.tools if compiler and compiled else ())
    return {name: layer_key(layer) for name, layer in layers.items()}


def test_what_its_version_changes(lock: Lock) -> None:
    compiler = debian(lock)["linux/amd64"]
    assert compiler is not None
    none, one = keys(None), keys(compiler)
    other = keys(evolve(compiler, version="3.11.2-7"))
    for name in ("noarch", "wheels"):
        assert len({none[name], one[name], other[name]}) == 3
    for name in ("bound", "chosen"):
        assert none[name] == one[name] == other[name]
    assert keys(evolve(compiler, packages={"linux/arm64": compiler.packages["linux/amd64"]})) == one

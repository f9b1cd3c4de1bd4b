"""A bump on a base that is a registry's image: of a conda package, and of the image itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import ResolveError, UsageError
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import read_fleet
from lockyard.tasks.lock import check_moves
from tests.resolve.conda.conftest import make_channel
from tests.resolve.image.conftest import Served, fill, running
from tests.resolve.pypi.conftest import Index, index
from tests.tasks.world import World, changed_lines, lay_out

__all__ = ["index", "make_channel"]

pytestmark = pytest.mark.engine  # Debian's registry comes with the engine

WORKSPACE = """
format = 1
names = {{ registry = "registry.example", repository = "team", environment-prefix = "Team-" }}

[sources]
pypi = {{ kind = "pypi", index = "{index}" }}
hub = {{ kind = "registry", registry = "hub.example" }}

[sources.forge]
kind = "conda"
channel = "https://conda.example.invalid/forge"

[bases.trial]
kind = "image"
source = "hub"
image = "library/base"
tag = "18.04"
glibc = "2.27"
python = "3.7"
interpreter = "/opt/conda/bin/python3.7"
prefix = "/opt/conda"
conda = "forge"
pypi = "pypi"
"""
IMAGE = "library/base"
OLD: dict[str, dict[str, Any]] = {
    "python 3.7.12": {"depends": ["zlib"]},
    "zlib 1.0": {},
    "tool 1.0": {"depends": ["zlib"]},
    "other 1.0": {"depends": ["zlib"]},
}
NEW: dict[str, dict[str, Any]] = {
    "python 3.7.13": {"depends": ["zlib"]},
    "zlib 2.0": {},
    "tool 2.0": {"depends": ["zlib"]},
    "tool 3.0": {"depends": ["zlib >=2.0"]},
    "other 2.0": {"depends": ["zlib"]},
}
PINS = {"python": "3.7.12", "zlib": "1.0", "tool": "1.0", "other": "1.0"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def old(registry: str) -> Served:
    return fill(registry)


@pytest.fixture
def locked(old: Served, index: Index, make_channel: Callable[..., Path], tmp_path: Path) -> World:
    """A lock of conda packages and a wheel that all have newer versions by now."""
    environ = {"LOCKYARD_FORGE_MIRROR": str(make_channel(OLD)), "LOCKYARD_HUB_MIRROR": old.address}
    root = lay_out(tmp_path / "workspace", WORKSPACE.format(index=index.url))
    world = World(root, index, environ=environ)
    index.wheel("leaf", "1.0")
    world.env("app", "leaf", **{"requirements.conda": '["tool", "other"]'})
    world.lock()
    assert pins(world) == PINS
    make_channel(OLD | NEW)
    index.wheel("leaf", "2.0")
    return world


@pytest.fixture
def moved(locked: World, old: Served) -> Served:
    """The image that the tag names by now."""
    return fill(old.address, b"what the tag has moved to")


def pins(world: World) -> dict[str, str]:
    return {package.name: package.version for package in world.read().conda}


def bump(world: World, *packages: str) -> list[str]:
    """Move packages as ``--upgrade-package`` does; return the lines that this changes."""
    before, moves = world.text(), Moves(packages=frozenset(packages))
    check_moves(read_fleet(world.root), ("app",), moves)
    world.lock(packages=moves.packages)
    return changed_lines(before, world.text())


@pytest.mark.parametrize("package", ["zlib", "other"])
def test_a_conda_package_moves_and_its_lines_alone(
    locked: World, moved: Served, package: str
) -> None:
    lines = bump(locked, package)
    assert pins(locked) == PINS | {package: "2.0"}
    assert sorted(line.split(" = ")[0][1:] for line in lines) == sorted(
        2 * ["version", "file", "sha256", "size", "md5"]
    )


def test_a_conda_package_moves_to_the_version_that_is_named(locked: World) -> None:
    lines = bump(locked, "tool==2.0")
    assert pins(locked) == PINS | {"tool": "2.0"}
    assert len(lines) == 10


def test_a_conda_move_takes_along_what_it_forces(locked: World) -> None:
    bump(locked, "tool")
    assert pins(locked) == PINS | {"tool": "3.0", "zlib": "2.0"}, "other pins stay"


def test_python_moves_as_any_other_package(locked: World) -> None:
    lines = bump(locked, "python")
    assert pins(locked) == PINS | {"python": "3.7.13"}
    assert '+python = "3.7.13"' in lines, "the target tells the Python that its wheels are for"


def test_a_conda_version_that_isnt_there_leaves_the_lock(locked: World) -> None:
    before = locked.text()
    with pytest.raises(ResolveError):
        bump(locked, "tool==9.0")
    assert locked.text() == before


def test_a_wheel_moves_and_neither_conda_nor_the_image(locked: World, moved: Served) -> None:
    lines = bump(locked, "leaf")
    assert {line.split(" = ")[0][1:] for line in lines} == {"version", "file", "sha256"}


def test_an_image_stays_when_its_tag_has_moved(locked: World, moved: Served, old: Served) -> None:
    before = locked.text()
    assert not locked.lock(refresh=True).changed, "resolved again, with its pins"
    assert locked.text() == before
    (image,) = locked.read().images
    assert (image.index, image.manifest) == (old.index, old.manifests["linux/amd64"])
    # Nor when something else is asked for.
    locked.env("app", "leaf", **{"requirements.conda": '["tool"]'})
    locked.lock()
    assert locked.read().images == (image,)
    assert pins(locked) == {name: PINS[name] for name in ("python", "tool", "zlib")}


def test_an_image_moves_to_its_tag_and_nothing_else(
    locked: World, moved: Served, old: Served
) -> None:
    before = locked.read()
    lines = bump(locked, IMAGE)
    (image,) = locked.read().images
    assert (image.index, image.manifest) == (moved.index, moved.manifests["linux/amd64"])
    assert f'-index = "{old.index}"' in lines
    after = locked.read()
    assert (after.conda, after.wheels, after.targets, after.inputs) == (
        before.conda, before.wheels, before.targets, before.inputs,
    )  # fmt: skip
    assert len(lines) == len({*lines}) == 2 * len({line[1:].split(" = ")[0] for line in lines})
    assert bump(locked, IMAGE) == []


def test_an_image_that_no_lock_has(locked: World) -> None:
    with pytest.raises(UsageError, match="library/bass") as caught:
        bump(locked, "library/bass")
    assert IMAGE in caught.value.solution


def test_everything_moves(locked: World, moved: Served) -> None:
    locked.lock(everything=True)
    assert pins(locked) == {"python": "3.7.13", "zlib": "2.0", "tool": "3.0", "other": "2.0"}
    assert [image.index for image in locked.read().images] == [moved.index]
    assert [wheel.version for wheel in locked.read().wheels] == ["2.0"]

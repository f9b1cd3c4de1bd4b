"""The stand-in for the sources that the first generation is locked from gives the same locks."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from rattler import Channel, SparseRepoData, install
from rattler.repo_data.sparse import PackageFormatSelection

from tests.fleet.locked import first_generation, held
from tests.fleet.pythons import find_python
from tests.fleet.standin.channel import SCRIPT_RAN, make_channel
from tests.fleet.standin.workspace import StandIn

# What CPython's libraries need of the system and of one another.
_IMPORTS = "bz2, ctypes, curses, decimal, hashlib, lzma, readline, sqlite3, ssl, uuid, zlib"


@pytest.mark.network
@pytest.mark.engine
@pytest.mark.xdist_group("stand-in")
@pytest.mark.parametrize("env", first_generation())
def test_its_locks_have_the_same_packages(env: str, standin: StandIn) -> None:
    lock, real = standin.lock(env), held(env)
    assert lock.wheels == real.wheels
    assert lock.targets == real.targets
    assert lock.debs == real.debs == ()
    # All of them but for the bytes of the packages.
    assert [evolve(each, sha256="0" * 64, md5="0" * 32, size=1) for each in lock.conda] == [
        evolve(each, sha256="0" * 64, md5="0" * 32, size=1) for each in real.conda
    ]
    assert not {each.sha256 for each in lock.conda} & {each.sha256 for each in real.conda}
    (image,), (real_image,) = lock.images, real.images
    assert f"sha256:{image.manifest}" == standin.base.manifest
    assert evolve(image, index=real_image.index, manifest=real_image.manifest) == real_image


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channel")
    make_channel(folder)
    return folder


@pytest.fixture
def prefix() -> Iterator[Path]:
    """A folder with a short name: no longer than the prefix that packages hold a place for."""
    with tempfile.TemporaryDirectory(prefix="") as folder:
        yield Path(folder)


def test_a_channel_is_made_the_same_again(channel: Path, tmp_path: Path) -> None:
    make_channel(tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert len(made) > 20
    assert made == {path.relative_to(channel): path.read_bytes() for path in channel.rglob("*.*")}


def test_its_python_works_where_it_is_installed(
    channel: Path, prefix: Path, tmp_path: Path
) -> None:
    part = SparseRepoData(
        Channel(channel.as_uri()), "linux-64", channel / "linux-64" / "repodata.json"
    )
    every = PackageFormatSelection.BOTH
    records = [
        each for name in part.package_names(every) for each in part.load_records(name, every)
    ]
    asyncio.run(install(records, prefix, cache_dir=tmp_path))
    code = f"import {_IMPORTS}, platform, sys; print(platform.python_version(), sys.prefix)"
    python = str(prefix / "bin" / "python")
    # The prefix is put into libraries without a loss: the version stands at the end of one.
    version = run(find_python("3.7"), "-V").removeprefix("Python ").strip()
    assert run(python, "-I", "-c", code).split() == [version, str(prefix)]
    assert run(str(prefix / "bin" / "pydoc3"), "abs").startswith("Help on built-in function abs")
    assert f"{prefix}/lib/libpython3.7m" in run("ldd", python)
    assert not (prefix / SCRIPT_RAN).exists()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout

"""The fleet, its locks, and what other tools need to take them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockyard.resolve.sdist.build import SdistBuilder
from lockyard.resolve.sdist.index import Index
from lockyard.sources.pypi import certificate, index_url
from lockyard.spec.reader import Fleet, read_fleet
from tests.fleet.locked import ROOT, first_generation, held
from tests.fleet.pythons import Native, Shared, find_python
from tests.fleet.standin.workspace import StandIn, standing_in


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    return read_fleet(ROOT)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Return a function that has a folder made once, for all of the tests' processes."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        folder, made = base / name, base / f"{name}.made"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                make(folder)
                made.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def native(shared: Shared) -> Native:
    """Python 3.7, as the fleet's images have it."""
    python = find_python("3.7")
    return Native(shared("native", lambda folder: Native.make(folder, python)))


@pytest.fixture(scope="session")
def built(shared: Shared) -> Path:
    """A folder with those wheels of the first generation that no index has."""
    return shared("built", _build)


def _build(folder: Path) -> None:
    index = Index(address=index_url(None, os.environ), source="pypi", cert=certificate(os.environ))
    builder = SdistBuilder(index=index, cache=folder / "cache")
    for wheel in [wheel for env in first_generation() for wheel in held(env).wheels]:
        if wheel.sdist is not None:
            kept = builder.wheel(wheel.sdist)
            assert (kept.file, kept.sha256) == (wheel.file, wheel.sha256)
            (folder / wheel.file).write_bytes(kept.path.read_bytes())


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The first generation's workspace, on sources of this machine."""
    with standing_in(tmp_path_factory.mktemp("stand-in")) as made:
        yield made

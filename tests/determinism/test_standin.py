"""So does a lock with a registry's base, conda packages, and a wheel that is built from source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockyard.sources.pypi import certificate, index_url
from lockyard.tasks.supply import is_built
from tests.determinism.rebuilds import Rebuilds, content, contents
from tests.fleet.conftest import standin
from tests.fleet.standin.workspace import StandIn

__all__ = ["standin"]

ENV = "minimal"

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


def test_the_same_digests_under_other_conditions(standin: StandIn, tmp_path: Path) -> None:
    lock = standin.lock(ENV)
    assert lock.images
    assert lock.conda
    assert [wheel.name for wheel in lock.wheels if is_built(wheel)] == ["wrapt"]
    (built,) = standin.builder().build(ENV)
    mirrors = {name: text for name, text in standin.environ.items() if name.endswith("_MIRROR")}
    sources = {**mirrors, "PIP_INDEX_URL": index_url(None, os.environ)}
    if trusted := certificate(os.environ):
        sources["PIP_CERT"] = trusted
    rebuilds = Rebuilds(root=standin.root, env=ENV, store=standin.store, environ=sources)
    found = contents(rebuilds, tmp_path, ["open", "strict"])
    assert found == [content(Path(built.folder))] * 2

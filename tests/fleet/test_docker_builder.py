"""The first generation by a Docker engine: a registry's base, conda packages, Python 3.7."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
from attrs import evolve

from lockyard.docker.engine import checked_engine
from lockyard.tasks.method import ByEngine
from tests.docker.agreement import disagreement, said
from tests.engine.conftest import engine
from tests.fleet.images import compute, loaded
from tests.fleet.standin.workspace import StandIn

__all__ = ["engine"]

ENV = "minimal"
# What an image says of itself in OCI's labels isn't true of those that stand on it; but FROM
# hands labels on, and no instruction takes one away.
_HANDED_ON = "org.opencontainers.image.ref.name"

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


def test_both_builders_agree(engine: docker.DockerClient, standin: StandIn, tmp_path: Path) -> None:
    standin.lock(ENV)
    builder = standin.builder()
    (own,) = builder.build(ENV)
    method = ByEngine(fleet=standin.fleet, engine=checked_engine())
    (built,) = evolve(builder, output=tmp_path, method=method).build(ENV)
    one, other = Path(own.folder), Path(built.folder)
    assert disagreement(one, other, "/opt/conda") == ""
    told = said(other)
    told["Labels"].pop(_HANDED_ON, None)
    assert told == said(one)
    with loaded(engine, built) as image:
        assert compute(engine, image, ENV)

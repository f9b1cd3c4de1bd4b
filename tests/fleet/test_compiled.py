"""A package that is compiled for Python 3.7, in an image that has no compiler."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from lockyard.errors import BuildError
from lockyard.tasks.method import Embedded
from lockyard.tasks.plan import plan_env
from tests.engine.conftest import engine
from tests.fleet.compiled import DEBIAN, conda_trial, debian_trial, run_compiled
from tests.fleet.standin.workspace import StandIn

__all__ = ["engine"]

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


def test_an_extension_is_compiled(
    engine: docker.DockerClient, standin: StandIn, tmp_path: Path
) -> None:
    compilers = debian_trial(tmp_path / "debian", {"compilers": DEBIAN["compilers"]})
    trial = conda_trial(tmp_path / "conda", standin, compilers)
    (plan,) = plan_env(trial.fleet, "compiled")
    with pytest.raises(BuildError, match="wrapt must be compiled"):
        Embedded().suited([plan])
    (built,) = trial.builder(tmp_path / "dist", cache=True).build("compiled")
    path = run_compiled(engine, built, "ubuntu18.04")
    assert path.startswith("/opt/conda/lib/python3.7/site-packages/wrapt/_wrappers.cpython-37m")

"""The Dockerfile that the docs show, on an image whose base is a registry's.

The stand-in for a distribution's image is of Debian packages, too, and has no mirror of its own.
It is given one first, as a distribution's image has.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import docker
import pytest

from lockyard.sources.debian import mirror_url
from tests.engine.conftest import ask, engine
from tests.engine.containers import running
from tests.engine.runtime import derived, extended, shown
from tests.fleet.images import loaded
from tests.fleet.standin.workspace import StandIn

__all__ = ["ask", "engine"]

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]

DISTRIBUTION = """\
FROM {image}
USER root
RUN echo 'deb [signed-by={keys}] {mirror} bookworm main' > /etc/apt/sources.list
USER dockeruser
"""
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_an_apt_and_a_pip_package_on_a_distributions_base(
    standin: StandIn, engine: docker.DockerClient, ask: Callable[..., tuple[int, Any]]
) -> None:
    standin.lock("minimal")
    (built,) = standin.builder().build("minimal")
    mirror = mirror_url(None, os.environ)
    dockerfile = shown("On a distribution's base")
    with (
        loaded(engine, built) as base,
        derived(engine, DISTRIBUTION.format(image=base, keys=KEYS, mirror=mirror), {}) as name,
        extended(engine, name, dockerfile) as image,
        running(engine, image) as container,
    ):
        answer = ask(container, "POST", "/score", {"a": 1})
        assert answer == (200, [1000, "pip", "a model", "1\n"])
        done = container.exec_run(["sh", "-c", "command -v pip; dpkg --audit"])
        assert done.output == b"/opt/conda/bin/pip\n"

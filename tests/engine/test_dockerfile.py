"""The Dockerfile that the docs show, on an image whose base Lockyard made of Debian packages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from lockyard.sources.debian import mirror_url
from tests.engine.containers import running
from tests.engine.runtime import extended, named, shown

pytestmark = [
    pytest.mark.network,
    pytest.mark.engine,
    pytest.mark.xdist_group("minimal-py311"),
]


def test_an_apt_and_a_pip_package_on_a_base_of_debian_packages(
    engine: docker.DockerClient,
    image_archive: Callable[[str], Path],
    load: Callable[[Path], str],
    ask: Callable[..., tuple[int, Any]],
) -> None:
    mirror = f"DEBIAN_MIRROR={mirror_url(None, os.environ)}"
    dockerfile = shown("On a base of Debian packages")
    with (
        named(engine, load(image_archive("minimal-py311"))) as name,
        extended(engine, name, dockerfile, "--build-arg", mirror) as image,
        running(engine, image) as container,
    ):
        answer = ask(container, "POST", "/score", {"a": 1})
        assert answer == (200, [1000, "pip", "a model", "1\n"])
        # Nothing that isn't its packages' is left of apt.
        script = "ls /etc/apt/sources.list.d /var/lib/apt/lists; dpkg --audit"
        done = container.exec_run(["sh", "-c", script])
        assert done.output == b"/etc/apt/sources.list.d:\n\n/var/lib/apt/lists:\n"

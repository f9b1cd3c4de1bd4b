"""Debian packages whose scripts an engine runs, in an image that stands on one of the fleet's."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest
from attrs import evolve

from lockyard.docker.engine import checked_engine
from lockyard.events import Silent
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder
from lockyard.tasks.lock import Locker
from lockyard.tasks.method import ByEngine
from tests.conftest import ROOT
from tests.engine.containers import running
from tests.fleet.images import loaded

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("docker-builder")]

PARENT = "minimal-py311"
# The one makes a user, the other a link that its archive hasn't got.
SPEC = f"""\
title = "Captures packets"
extends = "{PARENT}"
platforms = ["linux/amd64"]
requirements.debian = ["tcpdump", "xz-utils"]
run-scripts = true
[files]
"/etc/default/tcpdump" = {{ from = "own" }}
"""
PROGRAM = """
set -eu
getent passwd tcpdump dockeruser | cut -d: -f1,3
printf x | lzma | unlzma
cat /etc/default/tcpdump
tcpdump --version 2>&1 | head -n 1
dpkg --audit
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    root = tmp_path / "workspace"
    for folder in ("envs", "locks"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "images", root / "images")
    for file in ("WORKSPACE.toml", f"envs/{PARENT}.toml", f"locks/{PARENT}.lock.toml"):
        shutil.copy(ROOT / file, root / file)
    (root / "envs/capture.toml").write_text(SPEC)
    (root / "envs/own").write_text("its own\n")
    return read_fleet(root)


def test_scripts_run_and_leave_the_same_each_time(
    engine: docker.DockerClient, fleet: Fleet, tmp_path: Path
) -> None:
    store = Store.default(os.environ)
    now = datetime.now(UTC)
    Locker(fleet=fleet, store=store, environ=os.environ, now=now, reporter=Silent()).lock("capture")
    builder = Builder(
        fleet=fleet,
        store=store,
        output=tmp_path / "first",
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
        method=ByEngine(fleet=fleet, engine=checked_engine()),
    )
    (built,) = builder.build("capture")
    anew = ByEngine(fleet=fleet, engine=checked_engine(), cache=False)
    (again,) = evolve(builder, output=tmp_path / "again", method=anew).build("capture")
    assert again.digests == built.digests
    with (
        loaded(engine, built) as image,
        running(engine, image, ["sh", "-c", PROGRAM]) as container,
    ):
        status = container.wait(timeout=60)["StatusCode"]
        assert status == 0, container.logs().decode()
        assert container.logs(stderr=False).decode().splitlines() == [
            "tcpdump:101",
            "dockeruser:1000",
            "xits own",
            "tcpdump version 4.99.3",
        ]

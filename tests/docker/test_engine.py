from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockyard.docker.engine import _buildx, check_engine, checked_engine, platforms_of
from lockyard.errors import EngineError

VERSION = {"Version": "26.1.5+dfsg1"}
INFO = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
CLASSIC = {"DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]]}
INSPECTED = """\
Name:   default
Driver: docker

Nodes:
Name:             default
Platforms:        linux/amd64, linux/amd64/v2, linux/arm64*
Labels:
"""


def test_an_engine_that_can_build() -> None:
    check_engine(VERSION, INFO)


@pytest.mark.parametrize(
    ("version", "info", "reason", "solution"),
    [
        ({"Version": "20.10.24"}, INFO, "Docker 20.10.24", "Docker 26 or newer"),
        ({"Version": "25.0.1"}, INFO, "Docker 25.0.1", "Docker 26 or newer"),
        ({}, INFO, "of no known version", "Docker 26 or newer"),
        (VERSION, CLASSIC, "no containerd store", "containerd-snapshotter"),
        (VERSION, {"DriverStatus": None}, "no containerd store", "containerd-snapshotter"),
    ],
)
def test_an_engine_that_cannot(
    version: dict[str, Any], info: dict[str, Any], reason: str, solution: str
) -> None:
    with pytest.raises(EngineError) as caught:
        check_engine(version, info)
    assert reason in caught.value.reason
    assert solution in caught.value.solution


def test_platforms() -> None:
    assert platforms_of(INSPECTED) == {"linux/amd64", "linux/amd64/v2", "linux/arm64"}
    assert platforms_of("Platforms:\n") == frozenset()


def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/socket")
    with pytest.raises(EngineError, match="no Docker engine answers"):
        checked_engine()


def test_no_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="no docker program"):
        _buildx("version")


def test_no_buildx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text(
        "#!/bin/sh\necho \"docker: 'buildx' is not a docker command.\" >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="no buildx that works: docker: 'buildx' is not"):
        _buildx("version")


@pytest.mark.engine
def test_this_engine() -> None:
    engine = checked_engine()
    assert any(platform.startswith("linux/") for platform in engine.platforms)

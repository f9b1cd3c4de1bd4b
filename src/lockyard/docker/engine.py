"""A Docker engine that can build: found out before anything is begun."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from lockyard.errors import EngineError
from lockyard.ship.engine import connected, engine_place

# The first with a BuildKit (0.13) that rewrites the times in layers.
_OLDEST = 26
_SECONDS = 60
# The engine's own BuildKit, whichever other builder the user's buildx has chosen.
BUILDX = ("docker", "--context", "default", "buildx")
BUILDER = ("--builder", "default")


@frozen(kw_only=True)
class Engine:
    """An engine: its ``version``, and the ``platforms`` whose programs it runs."""

    version: str
    platforms: frozenset[str]


def checked_engine() -> Engine:
    """Return the engine that the environment names. Raise EngineError if it can't build.

    It must be new enough, keep images in containerd's store, and have buildx beside it.
    """
    with connected() as client:
        version, info = client.version(), client.info()
    check_engine(version, info)
    _buildx("version")
    return Engine(
        version=str(version["Version"]), platforms=platforms_of(_buildx("inspect", "default"))
    )


def check_engine(version: Mapping[str, Any], info: Mapping[str, Any]) -> None:
    """Judge an engine by what its API says of it. Raise EngineError."""
    told = str(version.get("Version", ""))
    number = re.match(r"\d+", told)
    if number is None or int(number[0]) < _OLDEST:
        raise EngineError(
            f"the engine is Docker {told or 'of no known version'}, whose BuildKit can't give "
            "the same layers twice",
            where=engine_place(),
            solution=f"use Docker {_OLDEST} or newer, or the embedded builder",
        )
    status = info.get("DriverStatus") or ()
    if not any("containerd" in str(value) for _, value in status):
        raise EngineError(
            "the engine keeps its images in no containerd store, and can't write an OCI layout",
            where=engine_place(),
            solution='set {"features": {"containerd-snapshotter": true}} in its daemon.json and '
            "start it again, or use the embedded builder",
        )


def platforms_of(inspected: str) -> frozenset[str]:
    """Return the platforms that ``buildx inspect`` tells of, those that are emulated too."""
    found: set[str] = set()
    for line in re.findall(r"^Platforms:\s*(.*)$", inspected, re.MULTILINE):
        # An asterisk stands at those that the user has set.
        found |= {each.strip().rstrip("*") for each in line.split(",")}
    return frozenset(found - {""})


def _buildx(*arguments: str) -> str:
    """Run buildx and return what it says. Raise EngineError where it isn't there."""
    try:
        done = subprocess.run(
            [*BUILDX, *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise EngineError(
            "there is no docker program",
            where="PATH",
            solution="install Docker's command line client with its buildx plugin",
        ) from None
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"buildx doesn't answer within {_SECONDS} s",
            where=engine_place(),
            solution="look at the engine's log",
        ) from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise EngineError(
            f"docker has no buildx that works: {lines[0] if lines else done.returncode}",
            where="docker buildx",
            solution="install Docker's buildx plugin",
        )
    return done.stdout

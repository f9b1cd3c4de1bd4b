"""Resolve one of the benchmark's sets as Lockyard does, and print what was chosen."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.locking import SETS
from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.sources.pypi import certificate, index_access

BUILD_TOOLS = ("setuptools==68.0.0", "wheel==0.42.0")

if __name__ == "__main__":
    (wanted,) = (each for each in SETS if each.name == sys.argv[1])
    wheels = resolve_pypi(
        requirements=[Requirement(each, "env") for each in wanted.requirements],
        target=PythonTarget(wanted.python, wanted.glibc, "x86_64"),
        pinned={},
        index=index_access(None, os.environ),
        source="pypi",
        cache=Path(sys.argv[2]),
        cert=certificate(os.environ),
        sdists=wanted.sdists,
        build_tools=BUILD_TOOLS,
    )
    print("".join(f"{each.name}=={each.version} {each.sha256}\n" for each in wheels))  # noqa: T201

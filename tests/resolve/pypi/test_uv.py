"""Another resolver, of other authors, comes to the same versions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.sources import pypi

# Both resolve as of this day, so that what is published later changes nothing here.
DAY = datetime(2026, 11, 1, tzinfo=UTC)
SETS = {
    "now": (PythonTarget("3.11.2", "2.36", "x86_64"), ["scikit-learn==1.9.*", "numpy", "pandas"]),
    "now-arm": (PythonTarget("3.11.2", "2.36", "aarch64"), ["onnxruntime==1.31.*", "pandas"]),
    "then": (PythonTarget("3.7.12", "2.17", "x86_64"), ["scikit-learn==0.24.1", "pandas~=1.1.0"]),
}


@pytest.mark.network
@pytest.mark.parametrize("name", SETS)
def test_uv_chooses_the_same_versions(name: str, tmp_path: Path) -> None:
    target, requirements = SETS[name]
    wheels = resolve_pypi(
        requirements=[Requirement(each, "env") for each in requirements],
        target=target,
        pinned={},
        index=pypi.index_url(None, os.environ),
        source="pypi",
        cache=tmp_path / "cache",
        cert=pypi.certificate(os.environ),
        cutoff=DAY,
    )
    assert {wheel.name: wheel.version for wheel in wheels} == _uv(target, requirements, tmp_path)


def _uv(target: PythonTarget, requirements: list[str], folder: Path) -> dict[str, str]:
    (folder / "requirements.in").write_text("\n".join(requirements))
    glibc = target.glibc.replace(".", "_")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("uv")),
            *("pip", "compile", "requirements.in", "--no-config", "--quiet", "--no-header"),
            *("--only-binary", ":all:", "--exclude-newer", DAY.isoformat()),
            *("--python-version", target.python),
            *("--python-platform", f"{target.machine}-manylinux_{glibc}"),
            *("--default-index", pypi.index_url(None, os.environ)),
            *("--cache-dir", str(folder / "uv")),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", done.stdout, re.MULTILINE))

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from pip._internal.models.index import PyPI

from lockyard.lock.model import Wheel
from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget

pytestmark = pytest.mark.network

PY311 = PythonTarget("3.11.2", "2.36", "x86_64")
SKLEARN = ("scikit-learn", "pandas", "azureml-inference-server-http", "pip")


def pip_config(key: str) -> str:
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{key}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    index = os.environ.get("PIP_INDEX_URL") or pip_config("index-url") or PyPI.simple_url
    cert = os.environ.get("PIP_CERT") or pip_config("cert") or None
    return {"index": index, "cert": cert, "cache": tmp_path_factory.mktemp("cache")}


def resolve(
    settings: dict[str, Any],
    *texts: str,
    target: PythonTarget = PY311,
    pinned: dict[str, str] | None = None,
) -> dict[str, Wheel]:
    wheels = resolve_pypi(
        requirements=[Requirement(text, "env") for text in texts],
        target=target,
        pinned=pinned or {},
        source="pypi",
        **settings,
    )
    return {wheel.name: wheel for wheel in wheels}


def test_scikit_learn_is_the_same_again_and_with_pins(
    settings: dict[str, Any],
) -> None:
    first = resolve(settings, *SKLEARN)
    assert {*SKLEARN, "numpy", "scipy", "flask"} <= set(first)
    assert first["numpy"].required_by == ("pandas", "scikit-learn", "scipy")
    assert resolve(settings, *SKLEARN) == first
    pins = {name: wheel.version for name, wheel in first.items()}
    assert resolve(settings, *SKLEARN, pinned=pins) == first


def test_python_3_7_gets_what_its_own_pip_would_choose(settings: dict[str, Any]) -> None:
    target = PythonTarget("3.7.16", "2.27", "x86_64")
    wheels = resolve(settings, "scikit-learn==0.24.1", "pandas~=1.1", "click<8.2", target=target)
    assert wheels["importlib-metadata"].required_by == ("click",)
    assert {"zipp", "typing-extensions"} <= set(wheels)
    assert wheels["numpy"].version == "1.21.6"
    assert wheels["pandas"].version == "1.3.5"
    assert wheels["scipy"].version == "1.7.3"
    assert all("-cp37-cp37m-" in wheels[name].file for name in ("numpy", "pandas", "scipy"))


def test_aarch64_gets_wheels_of_its_own(settings: dict[str, Any]) -> None:
    arm = resolve(settings, "numpy", target=PythonTarget("3.11.2", "2.36", "aarch64"))["numpy"]
    amd = resolve(settings, "numpy")["numpy"]
    assert "aarch64" in arm.file
    assert arm.version == amd.version
    assert arm.sha256 != amd.sha256

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from installer.sources import WheelFile

from lockyard.errors import BuildError
from lockyard.lock.model import Wheel
from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.resolve.sdist.build import SdistBuilder, rebuild
from lockyard.resolve.sdist.index import Index
from lockyard.sources.pypi import certificate, index_url

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("sdists")]

PY37 = PythonTarget("3.7.16", "2.27", "x86_64")
TOOLS = ("setuptools==68.0.0", "wheel==0.42.0")
RULES = {"gast": {}, "termcolor": {}, "wrapt": {"WRAPT_INSTALL_EXTENSIONS": "false"}}
# The bytes that these builds give on every machine, as long as cache.FORMAT stays.
GOLDEN = {
    "gast": "1ab6df64a5dfad0c627492dda9ae808e022cb0e67ced4416876a757e85eb6fe5",
    "termcolor": "11fcb83919051204015d4f7d13c91d01b3f7a650d7ff7f786880ef04b8bc47e9",
    "wrapt": "9e20f0e1a926af61c10dc350d8e2f021d6a17326273a245ac18c32975ecb5b71",
}


def resolve(cache: Path, *texts: str, sdists: dict[str, dict[str, str]]) -> tuple[Wheel, ...]:
    return resolve_pypi(
        requirements=[Requirement(text, "env") for text in texts],
        target=PY37,
        pinned={},
        index=index_url(None, os.environ),
        source="pypi",
        cache=cache,
        cert=certificate(os.environ),
        sdists=sdists,
        build_tools=TOOLS,
    )


def builder(cache: Path, python: str = sys.executable) -> SdistBuilder:
    index = Index(address=index_url(None, os.environ), source="pypi", cert=certificate(os.environ))
    return SdistBuilder(index=index, cache=cache, python=python)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Wheel, ...]:
    cache = tmp_path_factory.mktemp("cache")
    return resolve(cache, "gast==0.2.2", "termcolor==1.1.0", "wrapt==1.12.1", sdists=RULES)


def test_the_fleet_s_sdists_give_the_same_bytes_anywhere(wheels: tuple[Wheel, ...]) -> None:
    assert {wheel.name: wheel.sha256 for wheel in wheels} == GOLDEN
    assert all(wheel.file.endswith("-py3-none-any.whl") for wheel in wheels)


def find_python(version: str) -> str | None:
    """Return a Python on the path, or one that is installed beside this."""
    name = f"python{version}"
    beside = sorted(Path(sys.base_prefix).parent.glob(f"*{version}*/bin/{name}"))
    for python in [*map(str, beside), shutil.which(name)]:
        command = [python or "", "-I", "-c", "import sys, venv; print(sys.executable)"]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_each_python_builds_the_same(
    wheels: tuple[Wheel, ...], tmp_path: Path, version: str
) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    for wheel in wheels:
        assert wheel.sdist
        made = builder(tmp_path, python)
        listed = made.index.file(wheel.name, wheel.sdist.file)
        sdist = tmp_path / "sdist"
        sdist.write_bytes(
            made.index.download(listed, sha256=wheel.sdist.sha256, size=wheel.sdist.size)
        )
        path = rebuild(wheel, sdist, made)
        with WheelFile.open(path) as source:
            source.validate_record(validate_contents=True)
        with zipfile.ZipFile(path) as archive:
            assert not [name for name in archive.namelist() if name.endswith(".so")]


def test_tensorflow_2_4_resolves_with_what_it_needs_built(tmp_path: Path) -> None:
    wheels = resolve(tmp_path, "tensorflow==2.4.1", "protobuf<3.21", sdists=RULES)
    built = {wheel.name: wheel.required_by for wheel in wheels if wheel.sdist}
    assert built == {"termcolor": ("tensorflow",), "wrapt": ("tensorflow",)}


def test_refuses_a_c_extension(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="its build compiles an extension"):
        resolve(tmp_path, "psutil==5.7.1", sdists={"psutil": {}})

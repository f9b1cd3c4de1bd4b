"""The first generation's conda packages, as conda-lock takes them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lockyard.export.channel import package_address
from lockyard.export.conda_lock import conda_lock_text
from lockyard.lock.finding import serving
from lockyard.spec.reader import Fleet
from tests.fleet.locked import first_generation, held
from tests.fleet.pythons import checked, plain_environment


@pytest.mark.parametrize("env", first_generation())
def test_conda_lock_renders_what_is_locked(env: str, fleet: Fleet, tmp_path: Path) -> None:
    lock, sources = held(env), fleet.workspace.sources
    for target in lock.targets:
        (tmp_path / "conda-lock.yml").write_text(conda_lock_text(lock, [target], sources))
        program = str(Path(sys.executable).with_name("conda-lock"))
        command = [program, "render", "--kind=explicit", "--platform=linux-64", "conda-lock.yml"]
        # No source is asked: nobody listens where everything is sent.
        closed = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
        checked(command, plain_environment(**closed), tmp_path)
        lines = (tmp_path / "conda-linux-64.lock").read_text().splitlines()
        rendered = {line for line in lines if line and line[0] not in "#@"}
        packages = serving(lock.conda, target)
        assert packages
        assert rendered == {
            f"{package_address(sources, package)}#{package.md5}" for package in packages
        }

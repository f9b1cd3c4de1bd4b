from __future__ import annotations

import sysconfig

import pytest
from attrs import evolve

from lockyard.plan.prefix import Prefix
from tests.build.makers import PREFIX


@pytest.mark.parametrize("scheme", ["purelib", "platlib", "scripts", "data"])
def test_schemes_are_those_of_a_virtual_environment(scheme: str) -> None:
    python = sysconfig.get_python_version()
    values = {"base": "/opt/venv", "platbase": "/opt/venv"}
    theirs = sysconfig.get_path(scheme, "venv", values)
    assert f"/{evolve(PREFIX, python=f'{python}.1').scheme(scheme, 'demo')}" == theirs


def test_headers_are_apart_for_each_package() -> None:
    assert PREFIX.scheme("headers", "demo") == "opt/venv/include/site/python3.11/demo"


@pytest.mark.parametrize("python", ["3.14.0", "3.14.0rc1", "3.14"])
def test_folders_are_named_by_two_parts_of_the_version(python: str) -> None:
    prefix = Prefix(path="/a/b", interpreter="/usr/bin/python3", python=python)
    assert prefix.site_packages == "a/b/lib/python3.14/site-packages"
    assert prefix.executable == "/a/b/bin/python"

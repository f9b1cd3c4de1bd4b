from __future__ import annotations

import pytest

from lockyard.resolve.pypi.suited import Suited
from lockyard.resolve.pypi.target import PythonTarget

SUITED = Suited(PythonTarget("3.11.2", "2.36", "x86_64"), frozenset({"gast"}))


@pytest.mark.parametrize(
    ("package", "file", "fits"),
    [
        ("app", "app-1.0-py3-none-any.whl", True),
        ("app", "app-1.0-py2.py3-none-any.whl", True),
        ("app", "app-1.0-1-CP311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("app", "app-1.0-cp39-abi3-manylinux_2_36_x86_64.whl", True),
        ("app", "app-1.0-cp311-cp311-manylinux_2_37_x86_64.whl", False),
        ("app", "app-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", False),
        ("app", "app-1.0-cp311-cp311-win_amd64.whl", False),
        ("app", "app-1.0.tar.gz", False),
        ("gast", "gast-0.2.2.tar.gz", True),
        ("app", "odd.whl", True),  # pip says what is wrong with it
    ],
)
def test_what_pip_has_to_look_at(package: str, file: str, fits: bool) -> None:
    assert SUITED(package, file) is fits

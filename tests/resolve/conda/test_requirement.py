from __future__ import annotations

import pytest

from lockyard.lock.virtual import VirtualPackages
from lockyard.resolve.conda.requirement import CondaRequirement, check_form, required_name


@pytest.mark.parametrize(
    "text",
    ["python", "_libgcc_mutex 0.1 conda_forge", "cudnn 8.0.5.39.*", "a.b-c >=1,<2|3.*", "x * *_0"],
)
def test_forms_that_are_taken(text: str) -> None:
    check_form(CondaRequirement(text, "env"))
    assert CondaRequirement(text, "env").name == text.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("cudatoolkit 11.0|11.0.*", "cudatoolkit"),
        ("ca-certificates", "ca-certificates"),
        ("numpy>=1.21", "numpy"),
        ("conda-forge::NumPy[version='>1']", "numpy"),
        ("__glibc >=2.17", "__glibc"),
        ("", ""),
    ],
)
def test_names_of_records_own_specs(spec: str, name: str) -> None:
    assert required_name(spec) == name


def test_virtual_packages_are_the_target_s() -> None:
    assert VirtualPackages(glibc="2.27", cuda="11.0.3").versions("linux-64") == {
        "__archspec": "1 x86_64",
        "__cuda": "11.0.3",
        "__glibc": "2.27",
        "__linux": "4.18",
        "__unix": "0",
    }
    arm = VirtualPackages(glibc="2.31").versions("linux-aarch64")
    assert "__cuda" not in arm
    assert arm["__archspec"] == "1 aarch64"
